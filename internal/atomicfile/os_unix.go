//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const noModes = false

// NoFollow is the flag of os.OpenFile that refuses a symbolic link at the end
// of the path; 0 where the system has none.
const NoFollow = syscall.O_NOFOLLOW

// openPlain opens a file for reading: never through a link, and without
// waiting for the other end of a named pipe.
func openPlain(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|NoFollow|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
}

func isLink(err error) bool {
	return errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) // EMLINK: FreeBSD
}

func ownedByUs(i fs.FileInfo) (owner int, ours bool) {
	s, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, false
	}
	return int(s.Uid), int(s.Uid) == os.Geteuid()
}

func rename(from, to string) error { return os.Rename(from, to) }

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	// Some network file systems have no such call.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

func hold(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

func abandoned(path string) bool {
	f, err := openPlain(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
