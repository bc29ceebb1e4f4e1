package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"rely/internal/atomicfile"
	"rely/internal/fault"
)

// Lock implements [Store] between processes: a lock file of its own for each
// profile, which the kernel unlocks when its holder dies. On a file system
// without locks it holds nothing, which is right for a process alone.
func (f *Files) Lock(ctx context.Context, profile string) (func(), error) {
	path := filepath.Join(f.o.Dir, locks, fileName(profile)+".lock")
	if err := f.folders(filepath.Dir(path)); err != nil {
		return nil, err
	}
	// Whoever is about to write cleans up after writers that died.
	if f.o.Now != nil {
		atomicfile.Sweep(f.write.Temp, f.o.Now())
	}
	return f.lock(ctx, path, profile)
}

// Writable implements [Store].
func (f *Files) Writable(profile string) error {
	path := f.path(sessions, profile)
	if err := f.folders(filepath.Dir(path)); err != nil {
		return err
	}
	return f.write.Try(path, 16<<10)
}

func (f *Files) lock(ctx context.Context, path, profile string) (func(), error) {
	limited, cancel := context.WithTimeout(ctx, f.o.lockWait())
	defer cancel()
	l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDONLY|atomicfile.NoFollow), flock.SetPermissions(0o600))
	got, err := l.TryLockContext(limited, 5*time.Millisecond)
	switch {
	case got:
		return sync.OnceFunc(func() { _ = l.Unlock() }), nil
	case limited.Err() != nil:
		return nil, notLocked(ctx, profile, path)
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK):
		return func() {}, nil
	}
	return nil, &fault.Error{Kind: fault.Config, ID: "store.lock", Op: "lock " + path,
		Hint: "move it away, or check your rights in " + filepath.Dir(path), Err: err}
}

func notLocked(ctx context.Context, profile, path string) error {
	op := fmt.Sprintf("wait for the profile %s", profile)
	if errors.Is(ctx.Err(), context.Canceled) {
		return &fault.Error{Kind: fault.Cancelled, ID: "store.cancelled", Op: op, Err: ctx.Err()}
	}
	hint := "try again, or find the process"
	if path != "" {
		hint = "try again, or find the process that has " + path + " open"
	}
	return &fault.Error{Kind: fault.Config, ID: "store.locked", Op: op, Hint: hint,
		Err: errors.New("another process is at work with it and did not finish in time")}
}
