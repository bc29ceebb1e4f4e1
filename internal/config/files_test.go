package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rely/internal/fault"
)

func TestLifeOfAProfile(t *testing.T) {
	t.Parallel()
	f := folder(t, nil)
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	step(f.Set("work", []Change{{"issuer", []string{"https://op.example"}}, {"param", []string{"a=b"}}}))
	if i, err := os.Stat(f.Path("work")); err != nil || i.Mode().Perm() != 0o644 {
		t.Errorf("got %v, %v, want mode 0644", i, err)
	}
	step(f.Use("work"))
	step(f.Copy("work", "copy.B"))
	step(f.Rename("work", "Work"))
	if got, err := f.Current(); got != "Work" || err != nil {
		t.Errorf("got current %s, %v, want Work", got, err)
	}
	got, err := f.List()
	if diff := cmp.Diff([]string{"Work", "copy.B"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	refused := map[string]error{
		"config.exists":  f.Set("wORK", []Change{{"scope", []string{"a"}}}),
		"config.name":    f.Copy("Work", "con.x"),
		"config.missing": f.Use("nobody"),
		"config.unknown": f.Set("Work", []Change{{"scpoe", []string{"a"}}}),
		"config.secret":  f.Set("Work", []Change{{"client_secret", []string{"a"}}}),
		"config.value":   f.Set("Work", []Change{{"min_ttl", []string{"a"}}}),
		"config.folder":  Files{}.Set("Work", []Change{{"scope", []string{"a"}}}),
	}
	for id, err := range refused {
		var why *fault.Error
		if !errors.As(err, &why) || why.ID != id {
			t.Errorf("got %v, want %s", err, id)
		}
	}
	if err := f.Rename("copy.B", "Work"); !fault.Is(err, fault.Config) {
		t.Errorf("got %v, want no profile overwritten", err)
	}
	step(f.Unset("Work", "issuer", "scope"))
	if got := text(t, f.Path("Work")); got != "param:\n  - a=b\n" {
		t.Errorf("got %q, want the parameter alone", got)
	}
	step(f.Delete("Work"))
	if got, err := f.Current(); got != "" || err != nil {
		t.Errorf("got current %s, %v, want none", got, err)
	}
	if err := f.Delete("Work"); !fault.Is(err, fault.Config) {
		t.Errorf("got %v, want a word of the missing profile", err)
	}
}

func TestLinksAndModesSurviveAWrite(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"dotfiles/work.yaml": "# mine\nscope: a\n"})
	target := filepath.Join(f.Dir, "dotfiles", "work.yaml")
	if err := os.Chmod(target, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(f.Dir, "profiles"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../dotfiles/work.yaml", f.Path("work")); err != nil {
		t.Skip("no symbolic links here")
	}
	if err := f.Set("work", []Change{{"scope", []string{"b"}}}); err != nil {
		t.Fatal(err)
	}
	if got := text(t, target); got != "# mine\nscope: b\n" {
		t.Errorf("got %q behind the link, want the change", got)
	}
	if i, err := os.Lstat(f.Path("work")); err != nil || i.Mode()&os.ModeSymlink == 0 {
		t.Errorf("got %v, %v, want the link kept", i, err)
	}
	if i, _ := os.Stat(target); i.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, want 0600 kept", i.Mode())
	}
	if err := os.Chmod(target, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load("work", nil, environment(nil)); !fault.Is(err, fault.Config) {
		t.Errorf("got %v, want a file that everybody may write refused", err)
	}
}

func TestNoChangeIsLost(t *testing.T) {
	t.Parallel()
	f := folder(t, nil)
	keys := []string{"scope", "client_id", "listen", "browser", "username", "store", "output", "ca_cert"}
	var all sync.WaitGroup
	for _, k := range keys {
		all.Go(func() {
			if err := f.Set("work", []Change{{k, []string{k}}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	v, err := f.Load("work", nil, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if v.String(k) != k {
			t.Errorf("got %q for %s, want it kept", v.String(k), k)
		}
	}
}

func TestDigestTellsChangesThatMatter(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"config.yaml": "current_profile: a\nscope: x\n", "profiles/a.yaml": "flow: code\n", "profiles/b.yaml": "flow: code\n"})
	before := f.Digest("a")
	if err := errors.Join(f.Use("b"), f.Set("b", []Change{{"flow", []string{"device"}}})); err != nil {
		t.Fatal(err)
	}
	if got := f.Digest("a"); got != before {
		t.Error("got another digest after another profile's change")
	}
	if err := f.Set("a", []Change{{"flow", []string{"device"}}}); err != nil {
		t.Fatal(err)
	}
	after := f.Digest("a")
	if after == before {
		t.Error("got the same digest after a change")
	}
	if err := os.WriteFile(f.Preferences(), []byte("current_profile: a\nscope: y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if f.Digest("a") == after {
		t.Error("got the same digest after a change of the defaults")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"a": true, "Work.2": true, "a_b-c": true, "0": true, "com": true, "com10": true, strings.Repeat("a", 64): true,
		"": false, ".a": false, "-a": false, "a/b": false, "a b": false, "\u00e4": false, strings.Repeat("a", 65): false,
		"NUL": false, "con.yaml": false, "COM1": false, "a\x00": false} {
		if got := CheckName(name) == nil; got != ok {
			t.Errorf("%q: got %v, want %v", name, got, ok)
		}
	}
	for issuer, want := range map[string]string{
		"https://op.example":                               "op.example",
		"https://OP.example/":                              "op.example",
		"https://op.example/realms/My Realm":               "op.example-realms-My-Realm",
		"https://login.microsoftonline.com/contoso/v2.0":   "login.microsoftonline.com-contoso-v2.0",
		"https://127.0.0.1:8443":                           "127.0.0.1-8443",
		"https://[::1]:8443":                               "1-8443",
		"https://con":                                      "op-con",
		"nonsense":                                         "default",
		"https://x.example/" + strings.Repeat("long/", 40): "x.example-long-long-long-long-long-long-long-long-long-long-long",
	} {
		if got := ProfileNameFor(issuer); got != want || CheckName(got) != nil {
			t.Errorf("%s: got %s, want %s", issuer, got, want)
		}
	}
}

func BenchmarkProfiles(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		f := Files{Dir: b.TempDir()}
		if err := os.Mkdir(filepath.Join(f.Dir, "profiles"), 0o700); err != nil {
			b.Fatal(err)
		}
		for i := range n {
			text := fmt.Sprintf("issuer: https://op%d.example\nclient_id: c%d\nscope: openid\n", i, i)
			if err := os.WriteFile(f.Path(fmt.Sprintf("p%d", i)), []byte(text), 0o644); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("Load of %d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Load("p0", nil, environment(nil)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("Use of %d", n), func(b *testing.B) {
			for b.Loop() {
				if err := f.Use("p0"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("Quick and Digest of %d", n), func(b *testing.B) {
			for b.Loop() {
				_, _ = f.Quick()
				_ = f.Digest("p0")
			}
		})
		b.Run(fmt.Sprintf("List of %d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := f.List(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
