package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"rely/internal/fault"
)

// ReadPrivate reads a file that holds secrets: a regular file of at most max
// bytes, owned by this user, with no rights for group and others, reached
// through no symbolic link at the file or at its folder, the folder writable
// by this user alone. Windows knows neither owner nor mode here; its user
// folders are private by inheritance.
//
// Every error is a [*fault.Error] of kind Config that names the file: file.kind,
// file.owner, file.mode, file.size or file.read. One for a file or folder that
// is not there satisfies errors.Is(err, fs.ErrNotExist).
func ReadPrivate(path string, max int) ([]byte, error) {
	op := "read " + path
	if err := CheckFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := openPlain(path)
	if err != nil {
		return nil, cannotRead(op, path, err)
	}
	defer func() { _ = f.Close() }()
	i, err := f.Stat()
	if err != nil {
		return nil, cannotRead(op, path, err)
	}
	if err := checkPrivate(op, path, i); err != nil {
		return nil, err
	}
	if i.Size() > int64(max) {
		return nil, &fault.Error{Kind: fault.Config, ID: "file.size", Op: op,
			Hint: "look into " + path + ", and move it away", Err: fmt.Errorf("the file has %d bytes, and at most %d are allowed", i.Size(), max)}
	}
	data := make([]byte, i.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, cannotRead(op, path, err)
	}
	return data[:n], nil
}

// WritePrivate writes a file that [ReadPrivate] will read: mode 0600, in a
// folder made by [Folder]. It refuses to replace what belongs to another user.
// Errors are those of [Writer.Write], and file.owner.
func (w Writer) WritePrivate(path string, data []byte) error {
	op := "write " + path
	if err := CheckFolder(filepath.Dir(path)); err != nil {
		return err
	}
	if i, err := os.Lstat(path); err == nil {
		if err := checkOwner(op, path, i); err != nil {
			return err
		}
	}
	return w.Write(path, data, 0o600)
}

// Remove deletes the file path for good: when it returns, the disk knows. A
// file that is not there is no fault. Errors are [*fault.Error]s of kind Config,
// ID file.remove.
func Remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return &fault.Error{Kind: fault.Config, ID: "file.remove", Op: "remove " + path,
			Hint: "check your rights in " + filepath.Dir(path), Err: bare(err)}
	}
	return nil
}

// Folder makes the folder path, and those above it where they are missing,
// with mode 0700 whatever the umask, and then checks it as [CheckFolder] does.
// A folder that is there already keeps its mode.
func Folder(path string) error {
	if i, err := os.Lstat(path); err == nil {
		return checkFolder(path, i)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return cannotRead("open "+path, path, err)
	}
	if err := makeFolders(path); err != nil {
		return &fault.Error{Kind: fault.Config, ID: "file.folder", Op: "make the folder " + path,
			Hint: "check your rights there, or set RELY_HOME to a folder of your own", Err: bare(err)}
	}
	return CheckFolder(path)
}

func makeFolders(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeFolders(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // by another process, this instant
	}
	if err != nil {
		return err
	}
	// A umask can only take rights away; ours must not lock us out.
	return os.Chmod(path, 0o700)
}

// CheckFolder refuses a folder that others may write to, that another user
// owns, or that is a symbolic link or no folder at all. Errors are those of
// [ReadPrivate].
func CheckFolder(path string) error {
	i, err := os.Lstat(path)
	if err != nil {
		return cannotRead("open "+path, path, err)
	}
	return checkFolder(path, i)
}

func checkFolder(path string, i fs.FileInfo) error {
	op := "open " + path
	if !i.IsDir() {
		return refuseKind(op, path, i.Mode())
	}
	if err := checkOwner(op, path, i); err != nil {
		return err
	}
	if perm := i.Mode().Perm(); !noModes && perm&0o022 != 0 {
		return &fault.Error{Kind: fault.Config, ID: "file.mode", Op: op, Hint: fmt.Sprintf("run \"chmod 700 %s\"", path),
			Err: fmt.Errorf("mode %04o lets others write in the folder", perm)}
	}
	return nil
}

func checkPrivate(op, path string, i fs.FileInfo) error {
	if !i.Mode().IsRegular() {
		return refuseKind(op, path, i.Mode())
	}
	if err := checkOwner(op, path, i); err != nil {
		return err
	}
	if perm := i.Mode().Perm(); !noModes && perm&0o077 != 0 {
		return &fault.Error{Kind: fault.Config, ID: "file.mode", Op: op, Hint: fmt.Sprintf("run \"chmod 600 %s\"", path),
			Err: fmt.Errorf("mode %04o lets others at the secrets in it", perm)}
	}
	return nil
}

func checkOwner(op, path string, i fs.FileInfo) error {
	if owner, ours := ownedByUs(i); !ours {
		return &fault.Error{Kind: fault.Config, ID: "file.owner", Op: op,
			Hint: "check who made " + path + ", and move it away or change its owner", Err: fmt.Errorf("it belongs to another user (%d)", owner)}
	}
	return nil
}

func refuseKind(op, path string, m fs.FileMode) error {
	what := "no regular file"
	switch {
	case m&fs.ModeSymlink != 0:
		what = "a symbolic link"
	case m.IsDir():
		what = "a folder"
	case m.IsRegular():
		what = "a file, not a folder"
	}
	return &fault.Error{Kind: fault.Config, ID: "file.kind", Op: op, Hint: "move " + path + " away", Err: errors.New("it is " + what)}
}

func cannotRead(op, path string, err error) error {
	if isLink(err) {
		return refuseKind(op, path, fs.ModeSymlink)
	}
	return &fault.Error{Kind: fault.Config, ID: "file.read", Op: op, Hint: "check your rights on " + path, Err: bare(err)}
}
