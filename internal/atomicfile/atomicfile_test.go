package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rely/internal/fault"
)

func put(t *testing.T, path, text string, perm fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, perm); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var n []string
	for _, e := range entries {
		n = append(n, e.Name())
	}
	return strings.Join(n, " ")
}

func TestWriteReplacesContentAndMode(t *testing.T) {
	t.Parallel()
	p := filepath.Join(t.TempDir(), "f")
	put(t, p, "old", 0o644)
	if err := Write(p, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := text(t, p); got != "new" {
		t.Errorf("got %q, want new", got)
	}
	i, _ := os.Stat(p)
	if got := i.Mode().Perm(); !noModes && got != 0o600 {
		t.Errorf("got mode %04o, want 0600", got)
	}
	if got := names(t, filepath.Dir(p)); got != "f" {
		t.Errorf("got %q beside it, want nothing but f", got)
	}
}

func TestEachFailingStepKeepsAWholeFile(t *testing.T) {
	t.Parallel()
	for step, want := range map[Step]string{Create: "old", Fill: "old", Sync: "old", Rename: "old", SyncFolder: "new content"} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			p := filepath.Join(t.TempDir(), "f")
			put(t, p, "old", 0o600)
			w := Writer{Fault: func(s Step) error {
				if s == step {
					return &fs.PathError{Op: string(s), Path: "x.tmp", Err: syscall.ENOSPC}
				}
				return nil
			}}
			err := w.Write(p, []byte("new content"), 0o600)
			if !errors.Is(err, syscall.ENOSPC) || !fault.Is(err, fault.Config) || !strings.Contains(err.Error(), p) {
				t.Errorf("got %v, want a full disk at %s", err, p)
			}
			if strings.Contains(err.Error(), ".tmp") {
				t.Errorf("got %v, want no word of the temporary file", err)
			}
			if got := text(t, p); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := names(t, filepath.Dir(p)); got != "f" {
				t.Errorf("got %q left behind, want f alone", got)
			}
		})
	}
}

func TestTryTellsAFullDisk(t *testing.T) {
	t.Parallel()
	p := filepath.Join(t.TempDir(), "f")
	if err := (Writer{}).Try(p, 4096); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	for _, step := range []Step{Create, Fill} {
		w := Writer{Fault: func(s Step) error {
			if s == step {
				return syscall.EDQUOT
			}
			return nil
		}}
		if err := w.Try(p, 4096); !errors.Is(err, syscall.EDQUOT) || !strings.Contains(err.Error(), p) {
			t.Errorf("got %v at %s, want an exceeded quota at %s", err, step, p)
		}
	}
	if got := names(t, filepath.Dir(p)); got != "" {
		t.Errorf("got %q left behind, want nothing", got)
	}
}

func TestReadPrivateRefuses(t *testing.T) {
	t.Parallel()
	if noModes {
		t.Skip("no modes, owners or links here")
	}
	stranger := 0
	if os.Geteuid() == 0 {
		stranger = 12345
	}
	cases := map[string]struct {
		make func(t *testing.T, dir string) string
		id   string
		want string
	}{
		"a file that others may read": {func(t *testing.T, dir string) string {
			p := filepath.Join(dir, "f")
			put(t, p, "x", 0o640)
			return p
		}, "file.mode", "0640"},
		"a symbolic link": {func(t *testing.T, dir string) string {
			put(t, filepath.Join(dir, "g"), "x", 0o600)
			p := filepath.Join(dir, "f")
			if err := os.Symlink("g", p); err != nil {
				t.Fatal(err)
			}
			return p
		}, "file.kind", "symbolic link"},
		"a file in a linked folder": {func(t *testing.T, dir string) string {
			if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "real", "f"), "x", 0o600)
			if err := os.Symlink("real", filepath.Join(dir, "linked")); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(dir, "linked", "f")
		}, "file.kind", "symbolic link"},
		"a file in a folder that others write to": {func(t *testing.T, dir string) string {
			p := filepath.Join(dir, "f")
			put(t, p, "x", 0o600)
			if err := os.Chmod(dir, 0o770); err != nil {
				t.Fatal(err)
			}
			return p
		}, "file.mode", "chmod 700"},
		"a named pipe, without waiting": {func(t *testing.T, dir string) string {
			p := filepath.Join(dir, "f")
			if err := mkfifo(p); err != nil {
				t.Fatal(err)
			}
			return p
		}, "file.kind", "no regular file"},
		"a folder": {func(t *testing.T, dir string) string {
			p := filepath.Join(dir, "f")
			if err := os.Mkdir(p, 0o700); err != nil {
				t.Fatal(err)
			}
			return p
		}, "file.kind", "folder"},
		"a huge file": {func(t *testing.T, dir string) string {
			p := filepath.Join(dir, "f")
			put(t, p, strings.Repeat("x", 101), 0o600)
			return p
		}, "file.size", "101 bytes"},
		"another user's file": {func(t *testing.T, dir string) string {
			p := filepath.Join(dir, "f")
			if stranger == 0 {
				return "/usr/bin/env" // only root gives files away
			}
			put(t, p, "x", 0o600)
			if err := os.Chown(p, stranger, -1); err != nil {
				t.Fatal(err)
			}
			return p
		}, "file.owner", fmt.Sprintf("another user (%d)", stranger)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := c.make(t, private(t))
			_, err := ReadPrivate(p, 100)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Config || f.ID != c.id {
				t.Fatalf("got %#v, want %s", err, c.id)
			}
			if whole := f.Error() + " " + f.Hint; !strings.Contains(whole, c.want) || !strings.Contains(whole, filepath.Dir(p)) {
				t.Errorf("got %q, want a word of %q and of the path", whole, c.want)
			}
		})
	}
}

func private(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "private")
	if err := Folder(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPrivateRoundTrip(t *testing.T) {
	t.Parallel()
	p := filepath.Join(private(t), "deep", "er", "f")
	if err := Folder(filepath.Dir(p)); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPrivate(p, 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want no such file", err)
	}
	if err := (Writer{}).WritePrivate(p, []byte("text")); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPrivate(p, 100)
	if err != nil || string(got) != "text" {
		t.Errorf("got %q, %v, want text", got, err)
	}
	if i, _ := os.Stat(filepath.Dir(p)); !noModes && i.Mode().Perm() != 0o700 {
		t.Errorf("got folder mode %v, want 0700", i.Mode())
	}
}

func TestWriteRefusesALink(t *testing.T) {
	t.Parallel()
	dir := private(t)
	put(t, filepath.Join(dir, "g"), "old", 0o600)
	p := filepath.Join(dir, "f")
	if err := os.Symlink("g", p); err != nil {
		t.Skip("no symbolic links here")
	}
	if err := Write(p, []byte("new"), 0o600); !fault.Is(err, fault.Config) {
		t.Errorf("got %v, want a refusal", err)
	}
	if got := text(t, filepath.Join(dir, "g")); got != "old" {
		t.Errorf("got %q through the link, want old", got)
	}
}

func TestSweepTakesOnlyTheDead(t *testing.T) {
	t.Parallel()
	dir := private(t)
	dead, alive, other := ".f.0011223344556677.tmp", ".f.8899aabbccddeeff.tmp", ".notes.tmp"
	for _, n := range []string{dead, alive, other} {
		put(t, filepath.Join(dir, n), "half", 0o600)
	}
	f, err := os.Open(filepath.Join(dir, alive))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	hold(f)
	now := time.Now()
	Sweep(dir, now)
	if got, want := names(t, dir), dead+" "+alive+" "+other; got != want {
		t.Errorf("got %q at once, want %q", got, want)
	}
	Sweep(dir, now.Add(time.Minute))
	if got, want := names(t, dir), alive+" "+other; got != want {
		t.Errorf("got %q a minute on, want %q", got, want)
	}
	if noModes {
		return // an open file stays on Windows
	}
	Sweep(dir, now.Add(2*time.Hour))
	if got, want := names(t, dir), other; got != want {
		t.Errorf("got %q two hours on, want %q", got, want)
	}
}
