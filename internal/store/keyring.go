package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	oskeyring "github.com/zalando/go-keyring"

	"rely/internal/atomicfile"
	"rely/internal/fault"
	"rely/internal/jose"
)

// A Keyring holds the 32-byte key of the encrypted files. Get's error for a
// key that is not there is that of github.com/zalando/go-keyring.
type Keyring interface {
	Get(service, user string) (string, error)
	Set(service, user, password string) error
}

// The key's place in the keyring. Keyrings limit an entry to some 2,500 bytes,
// so the tokens themselves lie in files.
const (
	keyService = "rely"
	keyUser    = "store-key"
)

// osKeyring is the operating system's.
type osKeyring struct{}

func (osKeyring) Get(service, user string) (string, error) { return oskeyring.Get(service, user) }
func (osKeyring) Set(service, user, password string) error {
	return oskeyring.Set(service, user, password)
}

func openKeyring(o Options) (Store, error) {
	if err := keyringPossible(o); err != nil {
		return nil, err
	}
	f, err := File(o)
	if err != nil {
		return nil, err
	}
	f.ring = &ring{o: o, os: o.Keyring}
	if f.ring.os == nil {
		f.ring.os = osKeyring{}
	}
	return f, nil
}

// keyringPossible never starts a program: without a session bus the library
// below would run dbus-launch, and it looks for the bus in these two places.
func keyringPossible(o Options) error {
	if err := filePossible(o); err != nil {
		return err
	}
	if o.Keyring != nil || runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return nil
	}
	if bus := o.env("DBUS_SESSION_BUS_ADDRESS"); bus != "" && bus != "autolaunch:" {
		return nil
	}
	run := "/run/user/" + strconv.Itoa(os.Getuid())
	if filepath.Clean(o.env("XDG_RUNTIME_DIR")) == run {
		if _, err := os.Stat(run + "/bus"); err == nil {
			return nil
		}
	}
	return &fault.Error{Kind: fault.Config, ID: "store.keyring", Op: "open the keyring",
		Hint: "use --store file", Err: errors.New("there is no D-Bus session, so no keyring")}
}

// presentKeyring opens the keyring store if a keyring answers, be it with a
// refusal, and nil where there is none.
func presentKeyring(o Options) Store {
	s, err := openKeyring(o)
	if err != nil {
		return nil
	}
	f := s.(*Files)
	_, err = f.ring.key(context.Background())
	if absent(err) {
		return nil
	}
	return f
}

// absent reports whether err says that there is no keyring at all, as against
// one that is locked, slow or refuses.
func absent(err error) bool {
	var dial *net.OpError
	switch {
	case err == nil:
		return false
	case errors.Is(err, oskeyring.ErrUnsupportedPlatform), errors.As(err, &dial), errors.Is(err, fs.ErrNotExist):
		return true
	}
	text := err.Error()
	for _, words := range []string{"not provided by any .service files", "ServiceUnknown", "NameHasNoOwner"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// A ring asks the keyring for the key once, and remembers what came of it: a
// keyring that hangs costs its time limit once, not at every file.
type ring struct {
	o  Options
	os Keyring

	mu    sync.Mutex
	found []byte
	err   error
}

// key gives the key; errNoKey means that the keyring works and has none.
func (r *ring) key(ctx context.Context) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found != nil || r.err != nil {
		return r.found, r.err
	}
	key, err := r.ask(ctx)
	if ctx.Err() == nil {
		r.found, r.err = key, err
	}
	return key, err
}

const errNoKey fault.Cause = "the keyring has no key for it"

func (r *ring) ask(ctx context.Context) ([]byte, error) {
	var text string
	err := r.limited(ctx, func() (err error) {
		text, err = r.os.Get(keyService, keyUser)
		return err
	})
	if errors.Is(err, oskeyring.ErrNotFound) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, unusable(err)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, &fault.Error{Kind: fault.Config, ID: "store.keyring", Op: "read the key in the keyring",
			Hint: "delete the entry rely, " + keyUser + " of the keyring, and sign in again", Err: errors.New("it is no 32-byte key in base64")}
	}
	return key, nil
}

// make puts a new key into the keyring, once for all processes.
func (r *ring) make(ctx context.Context, f *Files) ([]byte, error) {
	path := filepath.Join(r.o.Dir, locks, "keyring.lock")
	if err := atomicfile.Folder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	unlock, err := f.lock(ctx, path, "keyring")
	if err != nil {
		return nil, err
	}
	defer unlock()
	key, err := r.ask(ctx)
	if !errors.Is(err, errNoKey) {
		return r.keep(key, err)
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(key)
	if err := r.limited(ctx, func() error { return r.os.Set(keyService, keyUser, text) }); err != nil {
		return nil, unusable(err)
	}
	// What the keyring says counts: another state folder's process, with
	// another lock, may have been first or last.
	key, err = r.ask(ctx)
	if errors.Is(err, errNoKey) {
		err = unusable(err)
	}
	return r.keep(key, err)
}

func (r *ring) keep(key []byte, err error) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found, r.err = key, err
	return key, err
}

// limited calls f, and leaves it behind when it has not returned in time.
func (r *ring) limited(ctx context.Context, f func() error) error {
	limited, cancel := context.WithTimeout(ctx, r.o.keyringWait())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-limited.Done():
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.New("the keyring did not answer in time; it may be locked")
	}
}

func unusable(err error) error {
	if errors.Is(err, context.Canceled) {
		return &fault.Error{Kind: fault.Cancelled, ID: "store.cancelled", Op: "ask the keyring", Err: err}
	}
	return &fault.Error{Kind: fault.Config, ID: "store.keyring", Op: "ask the keyring",
		Hint: "unlock the keyring, or use --store file", Err: err}
}

func (r *ring) encrypt(ctx context.Context, path string, text []byte) ([]byte, error) {
	key, err := r.key(ctx)
	if errors.Is(err, errNoKey) {
		key, err = r.make(ctx, &Files{o: r.o})
	}
	if err != nil {
		return nil, err
	}
	jwe, err := jose.Encrypt(key, text)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "store.encrypt", Op: "encrypt " + path, Err: err}
	}
	return jwe, nil
}

func (r *ring) decrypt(ctx context.Context, profile, path string, jwe []byte) ([]byte, error) {
	key, err := r.key(ctx)
	if err != nil && !errors.Is(err, errNoKey) {
		return nil, err
	}
	var text []byte
	if err == nil {
		text, err = jose.Decrypt(key, jwe)
	}
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "store.key", Op: "decrypt " + path,
			Hint: again(profile), Err: err}
	}
	return text, nil
}
