package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"rely/internal/atomicfile"
	"rely/internal/fault"
)

const (
	maxSize = 1 << 20
	suffix  = ".yaml"
)

// Files is the configuration folder: config.yaml with the preferences, and
// profiles/NAME.yaml beside it. The zero value has no folder: no profile
// exists, and nothing can be kept.
//
// Every error of its methods is a [*fault.Error]: Config for files, Usage for
// a name that cannot be one.
type Files struct {
	Dir  string           // the folder; it need not exist yet
	Name string           // name of the preferences file in Dir; "" means config.yaml
	Now  func() time.Time // nil means that List cleans up no unfinished files
}

// Preferences is the path of the preferences file, "" without a folder.
func (f Files) Preferences() string {
	switch {
	case f.Dir == "":
		return ""
	case f.Name == "":
		return filepath.Join(f.Dir, "config.yaml")
	}
	return filepath.Join(f.Dir, f.Name)
}

// Path is the path of a profile's file, whether it exists or not, "" without
// a folder.
func (f Files) Path(name string) string {
	if f.Dir == "" {
		return ""
	}
	return filepath.Join(f.Dir, "profiles", name+suffix)
}

// Exists reports whether there is a file for the profile.
func (f Files) Exists(name string) bool {
	if f.Dir == "" || CheckName(name) != nil {
		return false
	}
	_, err := os.Stat(f.Path(name))
	return err == nil
}

// List gives the names of all profiles, sorted. Files whose names can be no
// profile's are passed over.
func (f Files) List() ([]string, error) {
	if f.Dir == "" {
		return nil, nil
	}
	dir := filepath.Dir(f.Path("x"))
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, cannotRead(dir, err)
	}
	defer func() { _ = d.Close() }()
	found, err := d.Readdirnames(-1)
	if err != nil {
		return nil, cannotRead(dir, err)
	}
	names, left := found[:0], false
	for _, file := range found {
		if name, ok := strings.CutSuffix(file, suffix); ok && CheckName(name) == nil {
			names = append(names, name)
		}
		left = left || atomicfile.Temporary(file)
	}
	if left && f.Now != nil {
		atomicfile.Sweep(dir, f.Now())
	}
	slices.Sort(names)
	return names, nil
}

// Raw gives a profile's file as it is.
func (f Files) Raw(name string) ([]byte, error) {
	data, ok, err := f.profile(name)
	if err == nil && !ok {
		err = f.missing(name)
	}
	return data, err
}

// Current gives the profile that "rely profile use" chose, "" for none.
func (f Files) Current() (string, error) {
	if name, ok := f.Quick(); ok {
		return name, nil
	}
	data, _, err := read(f.Preferences())
	if err != nil {
		return "", err
	}
	d, err := parse(f.Preferences(), data, true)
	if err != nil {
		return "", err
	}
	if e, ok := d.find(current); ok {
		return e.values[0], nil
	}
	return "", nil
}

func (f Files) profile(name string) (data []byte, ok bool, err error) {
	if err := CheckName(name); err != nil {
		return nil, false, err
	}
	return read(f.Path(name))
}

// missing is the error for a profile that was asked for by name.
func (f Files) missing(name string) error {
	err := fmt.Errorf("there is no profile %s", name)
	if f.Dir == "" {
		err = fmt.Errorf("there is no configuration folder, so no profile %s", name)
	}
	return &fault.Error{Kind: fault.Config, ID: "config.missing", Op: "read the profile",
		Hint: `run "rely profile list", or "rely login ISSUER -p ` + name + `" to make it`, Err: err}
}

// read gives a file's content, through a symbolic link if it is one; a file
// that is not there is not ok. One that the whole world may write is refused:
// it would say where a client secret is sent.
func read(path string) (data []byte, ok bool, err error) {
	if path == "" {
		return nil, false, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, cannotRead(path, err)
	}
	defer func() { _ = file.Close() }()
	i, err := file.Stat()
	if err != nil {
		return nil, false, cannotRead(path, err)
	}
	if runtime.GOOS != "windows" && i.Mode().IsRegular() && i.Mode().Perm()&0o002 != 0 {
		return nil, false, refuse(path, 0, "mode", `run "chmod o-w `+path+`"`, fmt.Errorf("mode %04o lets everybody change it", i.Mode().Perm()))
	}
	data, err = io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, false, cannotRead(path, err)
	}
	if len(data) > maxSize {
		return nil, false, refuse(path, 0, "size", "move the file away", errors.New("the file has more than 1 MiB"))
	}
	return data, true, nil
}

func cannotRead(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return refuse(path, 0, "read", "check your rights on it", err)
}

// locked runs change while no other process changes anything in the folder.
func (f Files) locked(op string, change func() error) error {
	if f.Dir == "" {
		return &fault.Error{Kind: fault.Config, ID: "config.folder", Op: op,
			Hint: "set RELY_HOME to a folder of your own", Err: errors.New("there is no configuration folder")}
	}
	if err := os.MkdirAll(filepath.Dir(f.Path("x")), 0o700); err != nil {
		return cannotWrite(op, f.Dir, err)
	}
	// The folder itself is locked, so that no lock file lies among files that
	// people commit. Windows locks no folders.
	l := flock.New(f.Dir, flock.SetFlag(os.O_RDONLY))
	if runtime.GOOS == "windows" {
		l = flock.New(filepath.Join(f.Dir, ".lock"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := l.TryLockContext(ctx, 5*time.Millisecond)
	if ctx.Err() != nil {
		return &fault.Error{Kind: fault.Config, ID: "config.locked", Op: op, Hint: "try again",
			Err: fmt.Errorf("another process is changing %s and did not finish in time", f.Dir)}
	}
	if err == nil {
		defer func() { _ = l.Unlock() }()
	}
	// A file system without locks serves a process alone.
	return change()
}

func cannotWrite(op, path string, err error) error {
	return &fault.Error{Kind: fault.Config, ID: "config.write", Op: op, Hint: "check the space and your rights in " + filepath.Dir(path), Err: err}
}

// write replaces a file, behind its symbolic link if it is one, and keeps its
// mode. A new one has 0644: it holds no secret and is meant to be committed.
func write(path string, data []byte) error {
	perm := fs.FileMode(0o644)
	if _, err := os.Lstat(path); err == nil {
		target, err := filepath.EvalSymlinks(path)
		if err != nil {
			return cannotWrite("write "+path, path, err)
		}
		i, err := os.Stat(target)
		if err != nil {
			return cannotWrite("write "+path, path, err)
		}
		path, perm = target, i.Mode().Perm()
	}
	return atomicfile.Write(path, data, perm)
}
