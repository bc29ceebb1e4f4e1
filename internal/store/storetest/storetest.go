// Package storetest is the contract of a store: what every entry of the table
// must pass. It starts the test binary again as a second process where two are
// needed, and it is for tests alone.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/store"
)

// Open opens the store under test with its files in dir. Run calls it in more
// than one process with the same dir.
type Open func(t *testing.T, dir string) store.Store

// Run checks a store against the contract of [store.Store]: what is put comes
// back, a missing session is [fault.Login], owners and modes, locks, two
// processes at once, and a crash in mid-write. The test that calls it must do
// so with the same name in every run, because Run starts that test again.
func Run(t *testing.T, open Open) {
	if helper(t, open) {
		return
	}
	t.Run("what is put comes back", func(t *testing.T) { roundTrip(t, open) })
	t.Run("what is missing says so", func(t *testing.T) { missing(t, open) })
	t.Run("what is deleted is gone", func(t *testing.T) { deleted(t, open) })
	t.Run("names lead nowhere else", func(t *testing.T) { names(t, open) })
	t.Run("the lock is held by one", func(t *testing.T) { locked(t, open) })
	if !outlives(t, open) {
		return
	}
	t.Run("files are their owner's alone", func(t *testing.T) { ownerOnly(t, open) })
	t.Run("no update of four processes is lost", func(t *testing.T) { together(t, open) })
	t.Run("a crash leaves a whole session", func(t *testing.T) { crash(t, open, 10) })
}

// Crash kills a process in the middle of its writes as many times as rounds
// says, and fails when a session is not whole afterwards: the part of Run that
// is worth a longer run. Nothing else may go on in the test that calls it.
func Crash(t *testing.T, open Open, rounds int) {
	if !helper(t, open) {
		t.Run("a crash leaves a whole session", func(t *testing.T) { crash(t, open, rounds) })
	}
}

// sample is a session in which every field is set, to text made of mark.
func sample(mark string) *store.Session {
	return &store.Session{
		Issuer: "https://op.example/" + mark, ClientID: "client " + mark, Flow: "code",
		Subject: mark, Name: "Al\u00efce \x1b[31m" + mark, Scope: "openid " + mark, TokenType: "bEaReR",
		Access: secret.New("access " + mark), Refresh: secret.New("refresh " + mark), ID: secret.New("id " + mark),
		Expiry: time.Date(2040, 1, 2, 3, 4, 5, 6, time.UTC), Obtained: time.Date(1969, 1, 2, 3, 4, 5, 0, time.UTC),
		Settings: "digest " + mark, RedirectURI: "https://127.0.0.1:8400/callback?<&>", Algs: []string{"ES256", "RS256"},
	}
}

// plain is a session with its secrets in the open, so that two compare.
func plain(s *store.Session) map[string]any {
	m := map[string]any{}
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		value := v.Field(i).Interface()
		if hidden, ok := value.(secret.String); ok {
			value = "revealed: " + hidden.Reveal()
		}
		m[v.Type().Field(i).Name] = value
	}
	return m
}

func roundTrip(t *testing.T, open Open) {
	ctx, s := t.Context(), open(t, t.TempDir())
	for _, mark := range []string{"one", "two"} {
		want := sample(mark)
		if err := s.PutSession(ctx, "work", want); err != nil {
			t.Fatal(err)
		}
		got, err := s.Session(ctx, "work")
		if err != nil {
			t.Fatal(err)
		}
		want.Profile = "work"
		if !reflect.DeepEqual(plain(got), plain(want)) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	absurd := sample("absurd")
	absurd.Expiry = time.Date(292277, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := s.PutSession(ctx, "work", absurd); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Session(ctx, "work"); err != nil || got.Access.Reveal() != "access absurd" {
		t.Errorf("got %v, %v, want tokens that outlive an absurd expiry", got, err)
	}
	client := store.Client{Issuer: "i", ClientID: "c", Secret: secret.New("s"), RegistrationToken: secret.New("r"),
		RegistrationURI: "u", SecretExpires: time.Unix(1<<33, 0).UTC(), Metadata: json.RawMessage(`{"redirect_uris":["https://127.0.0.1:1/cb"]}`), Keys: secret.New("k")}
	if err := s.PutClient(ctx, "work", &client); err != nil {
		t.Fatal(err)
	}
	got, err := s.Client(ctx, "work")
	if err != nil {
		t.Fatal(err)
	}
	if got.Secret.Reveal() != "s" || got.RegistrationToken.Reveal() != "r" || got.Keys.Reveal() != "k" {
		t.Errorf("got other secrets than were put")
	}
	got.Secret, got.RegistrationToken, got.Keys = client.Secret, client.RegistrationToken, client.Keys
	if !reflect.DeepEqual(*got, client) {
		t.Errorf("got %+v, want %+v", *got, client)
	}
}

func missing(t *testing.T, open Open) {
	ctx, s := t.Context(), open(t, filepath.Join(t.TempDir(), "not", "yet"))
	_, err := s.Session(ctx, "work")
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Login || f.Hint != `run "rely login -p work"` {
		t.Errorf("got %#v, want one that sends the person to login", err)
	}
	if c, err := s.Client(ctx, "work"); c != nil || err != nil {
		t.Errorf("got %v, %v, want no client and no error", c, err)
	}
	if err := errors.Join(s.DeleteSession(ctx, "work"), s.DeleteClient(ctx, "work")); err != nil {
		t.Errorf("got %v, want nothing to delete to be no fault", err)
	}
}

func deleted(t *testing.T, open Open) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, dir)
	err := errors.Join(
		s.PutSession(ctx, "work", sample("one")), s.PutClient(ctx, "work", &store.Client{ClientID: "c"}),
		s.PutSession(ctx, "home", sample("two")),
		s.DeleteSession(ctx, "work"), s.DeleteClient(ctx, "work"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(ctx, "work"); !fault.Is(err, fault.Login) {
		t.Errorf("got %v, want no session", err)
	}
	if c, err := s.Client(ctx, "work"); c != nil || err != nil {
		t.Errorf("got %v, %v, want no client", c, err)
	}
	if _, err := s.Session(ctx, "home"); err != nil {
		t.Errorf("got %v, want the other profile's session untouched", err)
	}
	walk(t, dir, func(path string, _ fs.FileInfo) {
		if strings.Contains(path, "work") && !strings.HasSuffix(path, ".lock") {
			t.Errorf("got %s left behind", path)
		}
	})
}

func names(t *testing.T, open Open) {
	ctx, outer := t.Context(), t.TempDir()
	dir := filepath.Join(outer, "state")
	s := open(t, dir)
	all := []string{"a", "A", "a.b", "../../x", "/etc/x", "a/b", "a\\b", "nul\x00", strings.Repeat("n", 10_000), "", "CON", "\u00e4", "..", "."}
	for _, name := range all {
		if err := s.PutSession(ctx, name, sample(name)); err != nil {
			t.Errorf("%.20q: %v", name, err)
		}
	}
	for _, name := range all {
		got, err := s.Session(ctx, name)
		if err != nil || got.Access.Reveal() != "access "+name {
			t.Errorf("%.20q: got %v, %v, want its own session", name, got, err)
		}
	}
	walk(t, outer, func(path string, i fs.FileInfo) {
		if !i.IsDir() && !strings.HasPrefix(path, dir) {
			t.Errorf("got %s outside of %s", path, dir)
		}
	})
}

func locked(t *testing.T, open Open) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, dir)
	unlock, err := s.Lock(ctx, "work")
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Lock(gone, "work"); !fault.Is(err, fault.Cancelled) {
		t.Errorf("got %v, want a wait that ends with its context", err)
	}
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := s.Lock(short, "work"); !fault.Is(err, fault.Config) {
		t.Errorf("got %v, want a wait that ends with its time limit", err)
	}
	other, err := s.Lock(ctx, "home")
	if err != nil {
		t.Fatal(err)
	}
	other()
	unlock()
	unlock() // a second time does nothing
	again, err := s.Lock(ctx, "work")
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// outlives reports whether the store keeps anything between processes.
func outlives(t *testing.T, open Open) bool {
	dir := t.TempDir()
	if err := open(t, dir).PutSession(t.Context(), "work", sample("one")); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, dir).Session(t.Context(), "work")
	return err == nil
}

func walk(t *testing.T, dir string, see func(path string, i fs.FileInfo)) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, i fs.FileInfo, err error) error {
		if err == nil {
			see(path, i)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func checkModes(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	walk(t, dir, func(path string, i fs.FileInfo) {
		want := fs.FileMode(0o600)
		if i.IsDir() {
			want = 0o700
		}
		if got := i.Mode().Perm(); got != want {
			t.Errorf("got %s with mode %04o, want %04o", path, got, want)
		}
	})
}
