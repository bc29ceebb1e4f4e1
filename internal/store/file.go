package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rely/internal/atomicfile"
	"rely/internal/fault"
)

const (
	sessions   = "sessions"
	clients    = "clients"
	locks      = "locks"
	unfinished = "tmp"

	maxSize = 1 << 20
)

// Files is the store of one small file for each profile and kind, plain as
// [File] opens it, or encrypted with a key of the keyring.
type Files struct {
	o     Options
	ring  *ring // nil means plain
	write atomicfile.Writer
}

// File opens the plain store. Its Session is the fast path: it opens and reads
// one file, without lock, keyring or listing. A session that is encrypted gets
// the ID store.encrypted. Errors are Config: no folder, or a relative one.
func File(o Options) (*Files, error) {
	if err := filePossible(o); err != nil {
		return nil, err
	}
	return &Files{o: o, write: atomicfile.Writer{Temp: filepath.Join(o.Dir, unfinished)}}, nil
}

func openFile(o Options) (Store, error) {
	// Spelt out, because a nil *Files in a Store is no nil Store.
	f, err := File(o)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func filePossible(o Options) error {
	why := "there is no state folder"
	switch {
	case o.Dir == "":
	case !filepath.IsAbs(o.Dir):
		why = "the state folder " + o.Dir + " is no absolute path"
	default:
		return nil
	}
	return &fault.Error{Kind: fault.Config, ID: "store.folder", Op: "open the store",
		Hint: "set RELY_HOME to an absolute path, or use --store memory", Err: errors.New(why)}
}

// fileName keeps what a person recognizes of a profile's name, and adds a hash
// of all of it: no name leads out of the folder, and two that differ only in
// case are two files on every file system.
func fileName(profile string) string {
	sum := sha256.Sum256([]byte(profile))
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, profile)
	return name[:min(len(name), 64)] + "-" + hex.EncodeToString(sum[:4])
}

func (f *Files) path(kind, profile string) string {
	return filepath.Join(f.o.Dir, kind, fileName(profile)+".json")
}

// Session implements [Store].
func (f *Files) Session(ctx context.Context, profile string) (*Session, error) {
	path := f.path(sessions, profile)
	text, err := f.read(ctx, profile, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(profile)
	}
	if err != nil {
		return nil, err
	}
	return parseSession(path, profile, text)
}

// PutSession implements [Store]. A file that cannot be read as a session is
// copied aside, with .broken added to its name, before it is replaced.
func (f *Files) PutSession(ctx context.Context, profile string, s *Session) error {
	return f.put(ctx, profile, f.path(sessions, profile), formatSession(profile, s), func(path string, text []byte) error {
		_, err := parseSession(path, profile, text)
		return err
	})
}

// DeleteSession implements [Store].
func (f *Files) DeleteSession(_ context.Context, profile string) error {
	return f.remove(f.path(sessions, profile))
}

// Client implements [Store].
func (f *Files) Client(ctx context.Context, profile string) (*Client, error) {
	path := f.path(clients, profile)
	text, err := f.read(ctx, profile, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseClient(path, profile, text)
}

// PutClient implements [Store]. It treats a broken file as PutSession does.
func (f *Files) PutClient(ctx context.Context, profile string, c *Client) error {
	return f.put(ctx, profile, f.path(clients, profile), formatClient(profile, c), func(path string, text []byte) error {
		_, err := parseClient(path, profile, text)
		return err
	})
}

// DeleteClient implements [Store].
func (f *Files) DeleteClient(_ context.Context, profile string) error {
	return f.remove(f.path(clients, profile))
}

// read gives a file's plain text, however the file is kept.
func (f *Files) read(ctx context.Context, profile, path string) ([]byte, error) {
	// The folder's folder, too: whoever can write there can swap the folder.
	if err := atomicfile.CheckFolder(f.o.Dir); err != nil {
		return nil, err
	}
	data, err := atomicfile.ReadPrivate(path, maxSize)
	if err != nil || !encrypted(data) {
		return data, err
	}
	if f.ring == nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "store.encrypted", Op: "read " + path,
			Hint: "use --store keyring", Err: errors.New("the file is encrypted with a key in the keyring")}
	}
	return f.ring.decrypt(ctx, profile, path, data)
}

// encrypted tells a compact JWE from JSON: its header starts with `{"`.
func encrypted(data []byte) bool { return bytes.HasPrefix(data, []byte("eyJ")) }

func (f *Files) put(ctx context.Context, profile, path string, text []byte, parse func(path string, text []byte) error) error {
	if len(text) > maxSize {
		return &fault.Error{Kind: fault.Config, ID: "file.size", Op: "write " + path,
			Hint: "ask the provider for smaller tokens", Err: errors.New("the tokens take more than 1 MiB")}
	}
	if err := f.folders(filepath.Dir(path)); err != nil {
		return err
	}
	data := text
	if f.ring != nil {
		var err error
		if data, err = f.ring.encrypt(ctx, path, text); err != nil {
			return err
		}
	}
	if err := f.aside(ctx, profile, path, parse); err != nil {
		return err
	}
	return f.write.WritePrivate(path, data)
}

// aside keeps a copy of a file that is about to be replaced though nobody
// could read it. Where the file may not be touched at all, it says so.
func (f *Files) aside(ctx context.Context, profile, path string, parse func(string, []byte) error) error {
	text, err := f.read(ctx, profile, path)
	if err == nil {
		err = parse(path, text)
	}
	var known *fault.Error
	if !errors.As(err, &known) {
		return nil
	}
	switch known.ID {
	case "store.corrupt", "store.future", "store.key", "file.size":
	case "file.kind", "file.owner":
		return err
	default:
		return nil
	}
	broken := path + ".broken"
	_ = os.Remove(broken)
	// A link first: then the file is never missing in between.
	if os.Link(path, broken) == nil {
		return nil
	}
	if err := os.Rename(path, broken); err != nil {
		return &fault.Error{Kind: fault.Config, ID: "file.write", Op: "move " + path + " aside",
			Hint: "move it away by hand", Err: err}
	}
	return nil
}

func (f *Files) remove(path string) error {
	err := atomicfile.CheckFolder(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = atomicfile.Remove(path + ".broken")
	}
	if err != nil {
		return err
	}
	return atomicfile.Remove(path)
}

// folders makes what a write needs.
func (f *Files) folders(dir string) error {
	for _, d := range []string{f.o.Dir, dir, f.write.Temp} {
		if err := atomicfile.Folder(d); err != nil {
			return err
		}
	}
	return nil
}

func missing(profile string) error {
	return &fault.Error{Kind: fault.Login, ID: "store.missing", Op: "read the session",
		Hint: `run "rely login -p ` + profile + `"`, Err: errors.New("nobody is signed in with the profile " + profile)}
}
