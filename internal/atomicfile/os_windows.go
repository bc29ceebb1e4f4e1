package atomicfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// The private folders of a Windows user are private by inherited access
// lists; the mode bits that Go shows say nothing about them.
const noModes = true

// NoFollow is the flag of os.OpenFile that refuses a symbolic link at the end
// of the path; 0 where the system has none.
const NoFollow = 0

func openPlain(path string) (*os.File, error) {
	i, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !i.Mode().IsRegular() {
		return nil, errLink
	}
	return os.Open(path)
}

var errLink = errors.New("not a regular file")

func isLink(err error) bool { return errors.Is(err, errLink) }

func ownedByUs(fs.FileInfo) (owner int, ours bool) { return 0, true }

// rename tries for half a second, because Windows refuses to replace a file
// that a reader or a virus scanner has open for a moment.
func rename(from, to string) error {
	const accessDenied, sharingViolation = syscall.Errno(5), syscall.Errno(32)
	var err error
	for range 50 {
		err = os.Rename(from, to)
		if !errors.Is(err, accessDenied) && !errors.Is(err, sharingViolation) {
			return err
		}
		pause, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		<-pause.Done()
		cancel()
	}
	return err
}

func syncFolder(string) error { return nil }

func hold(*os.File) {}

// abandoned is always true: Windows itself refuses to delete a file that its
// writer still has open.
func abandoned(string) bool { return true }
