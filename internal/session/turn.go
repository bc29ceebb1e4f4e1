package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"rely/internal/atomicfile"
	"rely/internal/fault"
)

// A Holder is the process whose sign-in a profile's person is asked for.
type Holder struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
	Asked string    `json:"asked"` // digest of what it asks for, see [Keeper.Asks]
}

// Turn takes the profile's one sign-in by a person, so that no two processes
// open a browser for the same thing. Where another process has it, waiting is
// told of that one, and Turn goes on when it is done, gave up or died; other is
// then that process, else nil. The profile's store is not locked meanwhile.
// dir is the state folder; where there is none, everybody has a turn.
//
// Errors are Unfinished (login.elsewhere) after patience, Cancelled when ctx
// ends, and those of package atomicfile.
func Turn(ctx context.Context, dir, profile string, mine Holder, patience time.Duration, waiting func(Holder)) (done func(), other *Holder, err error) {
	if dir == "" {
		return func() {}, nil, nil
	}
	dir = filepath.Join(dir, "logins")
	if err := atomicfile.Folder(dir); err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256([]byte(profile))
	base := filepath.Join(dir, hex.EncodeToString(sum[:8]))
	lock := flock.New(base+".lock", flock.SetFlag(os.O_CREATE|os.O_RDONLY|atomicfile.NoFollow), flock.SetPermissions(0o600))
	got, err := lock.TryLock()
	if err == nil && !got {
		other = holder(base + ".json")
		waiting(*other)
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		got, err = lock.TryLockContext(limited, 50*time.Millisecond)
		if !got && limited.Err() != nil {
			return nil, other, elsewhere(ctx, *other, patience)
		}
	}
	if err != nil || !got {
		return func() {}, other, nil // a file system without locks: as if alone
	}
	if text, err := json.Marshal(mine); err == nil {
		_ = atomicfile.Writer{}.WritePrivate(base+".json", text) // it only serves to name this process
	}
	return sync.OnceFunc(func() { _ = lock.Unlock() }), other, nil
}

// holder is who has the turn, as far as it said.
func holder(path string) *Holder {
	var h Holder
	if text, err := atomicfile.ReadPrivate(path, 4<<10); err == nil {
		_ = json.Unmarshal(text, &h)
	}
	return &h
}

func elsewhere(ctx context.Context, other Holder, patience time.Duration) error {
	const op = "wait for another sign-in"
	if errors.Is(ctx.Err(), context.Canceled) {
		return &fault.Error{Kind: fault.Cancelled, ID: "login.cancelled", Op: op, Err: errors.New("stopped"), Hint: "run \"rely login\" again when you are ready"}
	}
	return &fault.Error{Kind: fault.Unfinished, ID: "login.elsewhere", Op: op, Err: fmt.Errorf("process %d did not finish it within %s", other.PID, patience),
		Hint: "finish that one in the browser, or end the process and run \"rely login\" again"}
}

// Asks is a digest of what a sign-in asks the provider for: two with the same
// one would leave the same session behind.
func (k *Keeper) Asks() string {
	h := sha256.New()
	for _, name := range []string{"issuer", "client_id", "flow", "response_type", "response_mode", "scope", "redirect_uri", "store", "prompt", "max_age", "acr_values", "login_hint", "id_token_hint", "id_token_hint_file",
		"authorization_details", "par", "request_object"} {
		fmt.Fprintf(h, "%s=%q\n", name, k.Settings.String(name))
	}
	fmt.Fprintf(h, "%q %q %q ", k.Settings.List("claims"), k.Settings.List("resource"), k.Settings.List("audience"))
	fmt.Fprintf(h, "%q %q", k.Settings.List("param"), k.Settings.List("token_param"))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
