package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	oskeyring "github.com/zalando/go-keyring"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/store/storetest"
)

// fixedKeyring has a key already; every process sees the same.
type fixedKeyring struct{}

func (fixedKeyring) Get(string, string) (string, error) {
	return base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")), nil
}
func (fixedKeyring) Set(string, string, string) error { return errors.New("there is one") }

func TestEveryStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	for _, e := range store.All() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T, dir string) store.Store {
				s, err := e.Open(store.Options{Dir: dir, Keyring: fixedKeyring{}, Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				return s
			})
		})
	}
}

func open(t *testing.T, name string, o store.Options) store.Store {
	t.Helper()
	s, got, err := store.Choose(name, o)
	if err != nil {
		t.Fatal(err)
	}
	if got != name && name != "" {
		t.Fatalf("got the store %s, want %s", got, name)
	}
	return s
}

// sessionFile gives the one file that holds the session of the profile work.
func sessionFile(t *testing.T, dir string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "sessions", "work-????????.json"))
	if err != nil || len(all) != 1 {
		t.Fatalf("got %v, %v, want one session file", all, err)
	}
	return all[0]
}

var session = &store.Session{Issuer: "https://op.example", Access: secret.New("the-access-token"), Refresh: secret.New("r")}

func TestBrokenFilesAreRefusedAndKept(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text string
		id   string
		want string
	}{
		"an empty file":            {"", "store.corrupt", "empty"},
		"half a file":              {`{"schema":"session/1","profile":"wo`, "store.corrupt", "unexpected end"},
		"a file of NULs":           {strings.Repeat("\x00", 300), "store.corrupt", "byte 1"},
		"garbage":                  {"hello", "store.corrupt", "invalid character"},
		"two values":               {`{"schema":"session/1","profile":"work"}{}`, "store.corrupt", "byte 40"},
		"an array":                 {`[]`, "store.corrupt", "array"},
		"null":                     {`null`, "store.corrupt", "no session file"},
		"a wrong type":             {`{"schema":"session/1","profile":"work","expiry":7}`, "store.corrupt", "Time"},
		"another kind":             {`{"schema":"client/1","profile":"work"}`, "store.corrupt", "no session file"},
		"another profile's file":   {`{"schema":"session/1","profile":"home"}`, "store.corrupt", `"home"`},
		"a later schema":           {`{"schema":"session/2","profile":"work"}`, "store.future", "session/2"},
		"a huge file":              {strings.Repeat("x", 1<<20+1), "file.size", "1048577"},
		"a JWE of somebody's else": {"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA", "store.key", "decrypt"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "state")
			s := open(t, "keyring", store.Options{Dir: dir, Keyring: fixedKeyring{}})
			if err := s.PutSession(t.Context(), "work", session); err != nil {
				t.Fatal(err)
			}
			p := sessionFile(t, dir)
			if err := os.WriteFile(p, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := s.Session(t.Context(), "work")
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Config || f.ID != c.id {
				t.Fatalf("got %#v, want %s", err, c.id)
			}
			if !strings.Contains(err.Error(), p) || !strings.Contains(err.Error(), c.want) || f.Hint == "" {
				t.Errorf("got %v, want the file's name and %q", err, c.want)
			}
			if got, _ := os.ReadFile(p); string(got) != c.text {
				t.Errorf("got the file changed by a refusal")
			}
			if err := s.PutSession(t.Context(), "work", session); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(p + ".broken"); string(got) != c.text {
				t.Errorf("got %.40q aside, want what could not be read", got)
			}
			if _, err := s.Session(t.Context(), "work"); err != nil {
				t.Errorf("got %v after a new login, want a session", err)
			}
			if err := s.DeleteSession(t.Context(), "work"); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(p + ".broken"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want no secrets left after logout", err)
			}
		})
	}
}

func TestUntrustworthyFilesAreRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() < 0 {
		t.Skip("no modes here")
	}
	cases := map[string]struct {
		spoil   func(dir, path string) error
		id      string
		rewrite bool // a login may replace it
	}{
		"a file that the world may read": {func(_, p string) error { return os.Chmod(p, 0o604) }, "file.mode", true},
		"a folder that others write to":  {func(dir, _ string) error { return os.Chmod(filepath.Join(dir, "sessions"), 0o720) }, "file.mode", false},
		"a state folder that others write to": {func(dir, _ string) error {
			return os.Chmod(dir, 0o777)
		}, "file.mode", false},
		"a link in the file's place": {func(dir, p string) error {
			return errors.Join(os.Rename(p, filepath.Join(dir, "moved")), os.Symlink(filepath.Join(dir, "moved"), p))
		}, "file.kind", false},
		"a link in the folder's place": {func(dir, _ string) error {
			from := filepath.Join(dir, "sessions")
			return errors.Join(os.Rename(from, from+"-moved"), os.Symlink(from+"-moved", from))
		}, "file.kind", false},
		"a folder in the file's place": {func(_, p string) error {
			return errors.Join(os.Remove(p), os.Mkdir(p, 0o700))
		}, "file.kind", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "state")
			s := open(t, "file", store.Options{Dir: dir})
			if err := s.PutSession(t.Context(), "work", session); err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(dir, sessionFile(t, dir)); err != nil {
				t.Fatal(err)
			}
			_, err := s.Session(t.Context(), "work")
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Config || f.ID != c.id || !strings.Contains(f.Op, dir) {
				t.Errorf("got %#v, want %s", err, c.id)
			}
			if err := s.PutSession(t.Context(), "work", session); (err == nil) != c.rewrite {
				t.Errorf("got %v for a write, want success to be %v", err, c.rewrite)
			}
		})
	}
}

func TestPlainAndEncryptedMeet(t *testing.T) {
	t.Parallel()
	o := store.Options{Dir: filepath.Join(t.TempDir(), "state"), Keyring: fixedKeyring{}}
	ctx, keyring, file := t.Context(), open(t, "keyring", o), open(t, "file", o)

	if err := file.PutSession(ctx, "work", session); err != nil {
		t.Fatal(err)
	}
	if got, err := keyring.Session(ctx, "work"); err != nil || got.Access.Reveal() != "the-access-token" {
		t.Errorf("got %v, %v, want the plain session read by the keyring store", got, err)
	}
	if err := keyring.PutSession(ctx, "work", session); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(sessionFile(t, o.Dir)); !strings.HasPrefix(string(text), "eyJ") || strings.Contains(string(text), "the-access") {
		t.Errorf("got %.60q, want a JWE", text)
	}
	_, err := file.Session(ctx, "work")
	var f *fault.Error
	if !errors.As(err, &f) || f.ID != "store.encrypted" || !strings.Contains(f.Hint, "--store keyring") {
		t.Errorf("got %#v, want the way to the keyring", err)
	}
}

func TestAFreshKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	ring := &memoryKeyring{}
	o := store.Options{Dir: filepath.Join(t.TempDir(), "state"), Keyring: ring}
	for _, profile := range []string{"a", "b"} {
		if err := open(t, "", o).PutSession(t.Context(), profile, session); err != nil {
			t.Fatal(err)
		}
	}
	for _, profile := range []string{"a", "b"} {
		if _, err := open(t, "keyring", o).Session(t.Context(), profile); err != nil {
			t.Error(err)
		}
	}
	if ring.sets != 1 {
		t.Errorf("got %d keys made, want 1", ring.sets)
	}
	ring.text = ""
	if _, err := open(t, "keyring", o).Session(t.Context(), "a"); !fault.Is(err, fault.Config) || !strings.Contains(err.Error(), "no key") {
		t.Errorf("got %v, want a word of the lost key", err)
	}
}

type memoryKeyring struct {
	text string
	sets int
}

func (m *memoryKeyring) Get(string, string) (string, error) {
	if m.text == "" {
		return "", oskeyring.ErrNotFound
	}
	return m.text, nil
}

func (m *memoryKeyring) Set(_, _, text string) error {
	m.text = text
	m.sets++
	return nil
}

// funcKeyring answers as a function says.
type funcKeyring func() error

func (f funcKeyring) Get(string, string) (string, error) { return "", f() }
func (f funcKeyring) Set(string, string, string) error   { return f() }

func TestChooseTakesAKeyringOnlyIfThereIsOne(t *testing.T) {
	t.Parallel()
	hang := make(chan error)
	t.Cleanup(func() { close(hang) })
	cases := map[string]struct {
		keyring store.Keyring
		want    string
		fails   bool
	}{
		"none on this system": {funcKeyring(func() error { return oskeyring.ErrUnsupportedPlatform }), "file", false},
		"no service on D-Bus": {funcKeyring(func() error {
			return errors.New("The name org.freedesktop.secrets was not provided by any .service files")
		}), "file", false},
		"no D-Bus at all":        {nil, "file", false},
		"one without our key":    {&memoryKeyring{}, "keyring", false},
		"one that is locked":     {funcKeyring(func() error { return errors.New("prompt dismissed") }), "keyring", true},
		"one that never answers": {funcKeyring(func() error { return <-hang }), "keyring", true},
		"one with a wrong key":   {&memoryKeyring{text: "c2hvcnQ="}, "keyring", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := store.Options{Dir: filepath.Join(t.TempDir(), "state"), Keyring: c.keyring}
			if name == "one that never answers" {
				o.KeyringWait = 5 * time.Millisecond
			}
			s, got, err := store.Choose("", o)
			if err != nil || got != c.want {
				t.Fatalf("got %s, %v, want %s", got, err, c.want)
			}
			err = s.PutSession(t.Context(), "work", session)
			var f *fault.Error
			if errors.As(err, &f) != c.fails || c.fails && (f.ID != "store.keyring" || f.Hint == "") {
				t.Errorf("got %#v, want failure to be %v", err, c.fails)
			}
			if files, _ := filepath.Glob(filepath.Join(o.Dir, "sessions", "*")); c.fails && len(files) != 0 {
				t.Errorf("got %v, want nothing kept in plain text", files)
			}
		})
	}
}

func TestNoFolderNoFile(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"no folder": "", "a relative one": "state"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, which := range []string{"", "file", "keyring"} {
				_, _, err := store.Choose(which, store.Options{Dir: dir})
				var f *fault.Error
				if !errors.As(err, &f) || f.Kind != fault.Config || !strings.Contains(f.Hint, "--store memory") {
					t.Errorf("%q: got %#v, want a hint at memory", which, err)
				}
			}
			if _, got, err := store.Choose("memory", store.Options{Dir: dir}); err != nil || got != "memory" {
				t.Errorf("got %s, %v, want memory", got, err)
			}
		})
	}
	if _, _, err := store.Choose("cloud", store.Options{}); !fault.Is(err, fault.Usage) {
		t.Errorf("got %v, want an unknown name to be misuse", err)
	}
}

func TestKeyringIsNotTriedWithoutABus(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the keyring needs no D-Bus here")
	}
	// The socket is there, but not where the library looks for it: it would
	// start dbus-launch.
	run := t.TempDir()
	if err := os.WriteFile(filepath.Join(run, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := store.Options{Dir: t.TempDir(), Env: func(name string) string {
		return map[string]string{"XDG_RUNTIME_DIR": run, "DBUS_SESSION_BUS_ADDRESS": "autolaunch:"}[name]
	}}
	_, _, err := store.Choose("keyring", o)
	var f *fault.Error
	if !errors.As(err, &f) || f.ID != "store.keyring" || f.Hint != "use --store file" {
		t.Errorf("got %#v, want no keyring without a bus", err)
	}
	if _, got, err := store.Choose("", o); got != "file" || err != nil {
		t.Errorf("got %s, %v, want file", got, err)
	}
}

func TestLockSaysWhoWaitedForWhat(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"file", "memory"} {
		s := open(t, name, store.Options{Dir: filepath.Join(t.TempDir(), "state"), LockWait: time.Millisecond})
		unlock, err := s.Lock(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Lock(context.Background(), "work")
		var f *fault.Error
		if !errors.As(err, &f) || f.ID != "store.locked" || !strings.Contains(f.Op, "work") {
			t.Errorf("%s: got %#v, want a bounded wait", name, err)
		}
		unlock()
	}
}

func BenchmarkSession(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "state")
	f, err := store.File(store.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	s := *session
	s.Access, s.ID = secret.New(strings.Repeat("a", 1500)), secret.New(strings.Repeat("i", 1500))
	if err := f.PutSession(b.Context(), "work", &s); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Session(b.Context(), "work"); err != nil {
			b.Fatal(err)
		}
	}
}
