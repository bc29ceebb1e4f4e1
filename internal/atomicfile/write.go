// Package atomicfile writes small files whole or not at all, and reads files
// that nobody else may have had a hand in. It follows no symbolic link, and it
// neither repairs nor deletes a file that it refuses to read.
package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rely/internal/fault"
)

// A Step is one of the things that can go wrong in a write.
type Step string

// The steps of a write, in their order.
const (
	Create     Step = "create"
	Fill       Step = "write"
	Sync       Step = "sync"
	Rename     Step = "rename"
	SyncFolder Step = "sync folder"
)

// A Writer replaces files in one step: whoever reads the file meanwhile, or
// after a crash at any instant, finds the old content or the new one, whole.
// The zero value is ready for use.
type Writer struct {
	// Temp is the folder for the unfinished file, on the same file system as
	// the target. Empty means the target's own folder.
	Temp string
	// Loose does not wait for the disk, for what can be had again: after a crash
	// the file may be empty.
	Loose bool
	// Fault is asked before each step, and what it returns is taken for that
	// step's own error. Tests use it for full disks; nil means no fault.
	Fault func(Step) error
}

// Write is [Writer.Write] of the zero Writer.
func Write(path string, data []byte, perm fs.FileMode) error {
	return Writer{}.Write(path, data, perm)
}

// Write replaces path with a file of exactly this content and mode, whatever
// the umask, and returns once both are on the disk. The folder must exist. A
// path that is there and is no regular file (a symbolic link, say) is refused.
//
// Every error is a [*fault.Error] of kind Config that names path: file.kind or
// file.write. The old file is whole after each of them; only when the folder
// could not be synced is the new one in its place already.
func (w Writer) Write(path string, data []byte, perm fs.FileMode) error {
	if i, err := os.Lstat(path); err == nil && !i.Mode().IsRegular() {
		return refuseKind("write "+path, path, i.Mode())
	}
	if err := w.replace(path, data, perm); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

func cannotWrite(path string, err error) error {
	return &fault.Error{Kind: fault.Config, ID: "file.write", Op: "write " + path,
		Hint: "check the space and your rights in " + filepath.Dir(path), Err: bare(err)}
}

func (w Writer) replace(path string, data []byte, perm fs.FileMode) (err error) {
	temp, err := w.tempName(path)
	if err != nil {
		return err
	}
	if err := w.fault(Create); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	err = w.fill(f, data, perm)
	// Closed before the rename, because Windows renames no open file.
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := w.fault(Rename); err != nil {
		return err
	}
	if err := rename(temp, path); err != nil {
		return err
	}
	if err := w.fault(SyncFolder); err != nil || w.Loose {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func (w Writer) fill(f *os.File, data []byte, perm fs.FileMode) error {
	// Tells [Sweep] that the writer lives. Without lock support age decides.
	hold(f)
	if err := w.fault(Fill); err != nil {
		// A full disk leaves half a file; so does a test's.
		_, _ = f.Write(data[:len(data)/2])
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(perm); err != nil && !noModes {
		return err
	}
	if err := w.fault(Sync); err != nil || w.Loose {
		return err
	}
	return f.Sync()
}

// Try finds out whether a file of size bytes could be written at path now,
// without touching path: a folder without rights and a full disk are told.
// Errors are those of [Writer.Write].
func (w Writer) Try(path string, size int) error {
	temp, err := w.tempName(path)
	if err == nil {
		err = w.try(temp, size)
		_ = os.Remove(temp)
	}
	if err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

func (w Writer) try(temp string, size int) error {
	if err := w.fault(Create); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = w.fault(Fill)
	if err == nil {
		_, err = f.Write(make([]byte, size))
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func (w Writer) fault(s Step) error {
	if w.Fault == nil {
		return nil
	}
	return w.Fault(s)
}

func (w Writer) tempName(path string) (string, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	dir := w.Temp
	if dir == "" {
		dir = filepath.Dir(path)
	}
	return filepath.Join(dir, "."+filepath.Base(path)+"."+hex.EncodeToString(random[:])+".tmp"), nil
}

// Temporary reports whether name is one that a [Writer] gives to its
// unfinished files.
func Temporary(name string) bool {
	rest, tmp := strings.CutSuffix(name, ".tmp")
	if !tmp || !strings.HasPrefix(rest, ".") {
		return false
	}
	dot := strings.LastIndexByte(rest, '.')
	random, err := hex.DecodeString(rest[dot+1:])
	return err == nil && len(random) == 8 && dot > 0
}

// Sweep removes the unfinished files that dead writers left in dir. A writer
// is dead when its file is older than an hour, or when the kernel has given up
// its lock and the file is older than ten seconds (a living writer takes the
// lock at once). What cannot be removed stays for the next time.
func Sweep(dir string, now time.Time) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer func() { _ = d.Close() }()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		if Temporary(name) {
			sweep(filepath.Join(dir, name), now)
		}
	}
}

func sweep(path string, now time.Time) {
	i, err := os.Lstat(path)
	if err != nil || !i.Mode().IsRegular() {
		return
	}
	age := now.Sub(i.ModTime())
	if age > time.Hour || age > 30*time.Second && abandoned(path) {
		_ = os.Remove(path)
	}
}

// bare takes the temporary file's name out of a system error: the target's
// name, which the person knows, stands in the sentence around it.
func bare(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	case errors.As(err, &l):
		return fmt.Errorf("%s: %w", l.Op, l.Err)
	}
	return err
}
