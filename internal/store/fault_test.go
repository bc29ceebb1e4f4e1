package store

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rely/internal/atomicfile"
	"rely/internal/fault"
	"rely/internal/secret"
)

func TestAFullDiskKeepsTheOldSession(t *testing.T) {
	t.Parallel()
	for _, step := range []atomicfile.Step{atomicfile.Create, atomicfile.Fill, atomicfile.Sync, atomicfile.Rename} {
		for _, cause := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EDQUOT, syscall.EROFS} {
			t.Run(string(step)+" "+cause.Error(), func(t *testing.T) {
				t.Parallel()
				f, err := File(Options{Dir: filepath.Join(t.TempDir(), "state")})
				if err != nil {
					t.Fatal(err)
				}
				if err := f.PutSession(t.Context(), "work", &Session{Access: secret.New("old")}); err != nil {
					t.Fatal(err)
				}
				f.write.Fault = func(s atomicfile.Step) error {
					if s == step {
						return cause
					}
					return nil
				}
				err = f.PutSession(t.Context(), "work", &Session{Access: secret.New("new")})
				if !errors.Is(err, cause) || !fault.Is(err, fault.Config) || !strings.Contains(err.Error(), f.path(sessions, "work")) {
					t.Errorf("got %v, want %v with the file's name", err, cause)
				}
				got, err := f.Session(t.Context(), "work")
				if err != nil || got.Access.Reveal() != "old" {
					t.Errorf("got %v, %v, want the old session", got, err)
				}
				if step == atomicfile.Create || step == atomicfile.Fill {
					if err := f.Writable("work"); !errors.Is(err, cause) {
						t.Errorf("got %v, want %v before anything is spent", err, cause)
					}
				}
			})
		}
	}
}
