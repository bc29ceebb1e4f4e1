package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"rely/internal/atomicfile"
	"rely/internal/fault"
)

// A Change gives a key another value, or none: without Values it is removed.
type Change struct {
	Name   string
	Values []string // one text, or the entries of a [List]
}

// Set makes changes to a profile, and makes the profile if it does not exist.
// Untouched lines stay as they are to the byte, comments stay, new keys come
// last. A file that cannot be read is not changed.
func (f Files) Set(name string, changes []Change) error {
	if err := CheckName(name); err != nil {
		return err
	}
	for _, c := range changes {
		if err := c.check(); err != nil {
			return err
		}
	}
	return f.locked("write the profile "+name, func() error {
		data, ok, err := f.profile(name)
		if err == nil && !ok {
			err = f.free(name, "")
		}
		if err != nil {
			return err
		}
		return change(f.Path(name), data, ok, false, changes)
	})
}

// Unset removes keys from a profile. A key that is not there is no fault.
func (f Files) Unset(name string, keys ...string) error {
	if _, err := f.Raw(name); err != nil {
		return err
	}
	var changes []Change
	for _, k := range keys {
		changes = append(changes, Change{Name: k})
	}
	return f.Set(name, changes)
}

// check refuses a key that has no place in a profile, and a value of the wrong
// shape.
func (c Change) check() error {
	s, err := known("", &yaml.Node{Value: c.Name})
	var why *fault.Error
	if errors.As(err, &why) {
		return &fault.Error{Kind: fault.Usage, ID: why.ID, Op: "set " + c.Name, Hint: why.Hint, Err: why.Err}
	}
	if len(c.Values) == 0 {
		return nil
	}
	if err := s.check(c.Values); err != nil {
		return &fault.Error{Kind: fault.Usage, ID: "config.value", Op: "set " + c.Name, Hint: "correct the value", Err: err}
	}
	return nil
}

func change(path string, data []byte, exists, preferences bool, changes []Change) error {
	after, err := edit(path, data, preferences, changes)
	if err != nil || exists && string(after) == string(data) {
		return err
	}
	return write(path, after)
}

// Use makes an existing profile the current one.
func (f Files) Use(name string) error {
	if _, err := f.Raw(name); err != nil {
		return err
	}
	return f.locked("write "+f.Preferences(), func() error { return f.use([]string{name}) })
}

func (f Files) use(values []string) error {
	data, ok, err := read(f.Preferences())
	if err != nil || !ok && len(values) == 0 {
		return err
	}
	return change(f.Preferences(), data, ok, true, []Change{{current, values}})
}

// Rename gives a profile another name; if it is the current one, it stays so.
func (f Files) Rename(from, to string) error {
	return f.move(from, to, func() error {
		if err := os.Rename(f.Path(from), f.Path(to)); err != nil {
			return cannotWrite("rename the profile "+from, f.Path(from), err)
		}
		if now, err := f.Current(); err != nil || now != from {
			return err
		}
		return f.use([]string{to})
	})
}

// Copy makes a new profile with the content of another.
func (f Files) Copy(from, to string) error {
	return f.move(from, to, func() error {
		data, err := f.Raw(from)
		if err != nil {
			return err
		}
		return write(f.Path(to), data)
	})
}

func (f Files) move(from, to string, do func() error) error {
	if err := CheckName(to); err != nil {
		return err
	}
	if _, err := f.Raw(from); err != nil {
		return err
	}
	return f.locked("make the profile "+to, func() error {
		// A new spelling of the same name is free on Windows and macOS, too.
		old := from
		if from == to {
			old = ""
		}
		if err := f.free(to, old); err != nil {
			return err
		}
		return do()
	})
}

// Delete removes a profile's file. One that is the current profile is so no
// longer; one that does not exist is an error, because it was probably misspelt.
func (f Files) Delete(name string) error {
	if !f.Exists(name) {
		if err := CheckName(name); err != nil {
			return err
		}
		return f.missing(name)
	}
	return f.locked("delete the profile "+name, func() error {
		if err := atomicfile.Remove(f.Path(name)); err != nil {
			return err
		}
		if now, err := f.Current(); err != nil || now != name {
			return err
		}
		return f.use(nil)
	})
}

// free refuses the name of an existing profile, but for except, and one that
// differs from it only in case: on half of all systems they are one file.
func (f Files) free(name, except string) error {
	names, err := f.List()
	if err != nil {
		return err
	}
	for _, n := range names {
		if n != except && strings.EqualFold(n, name) {
			return &fault.Error{Kind: fault.Config, ID: "config.exists", Op: "make the profile " + name,
				Hint: `choose another name, or run "rely profile delete ` + n + `"`, Err: fmt.Errorf("there is a profile %s", n)}
		}
	}
	// A dangling link has no profile behind it, and is in the way all the same.
	if i, err := os.Lstat(f.Path(name)); err == nil && i.Mode()&fs.ModeSymlink != 0 {
		return cannotWrite("make the profile "+name, filepath.Dir(f.Path(name)), errors.New(f.Path(name)+" is a symbolic link to nothing"))
	}
	return nil
}
