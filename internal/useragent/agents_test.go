package useragent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rely/internal/fault"
)

// The test binary is the program that the agents start.
func TestMain(m *testing.M) {
	switch os.Getenv("USERAGENT_TEST") {
	case "":
		os.Exit(m.Run())
	case "print":
		fmt.Println(strings.Join(os.Args[1:], "|"))
		for _, v := range os.Environ() {
			// os/exec adds SYSTEMROOT on Windows; child needs those of Go.
			if !strings.HasPrefix(v, "SYSTEMROOT=") && !strings.HasPrefix(v, "GO") {
				fmt.Fprintln(os.Stderr, v)
			}
		}
	case "note":
		if err := os.WriteFile(os.Getenv("NOTE"), []byte(strings.Join(os.Args[1:], "|")), 0o600); err != nil {
			os.Exit(1)
		}
	case "fail":
		os.Exit(3)
	case "hang":
		fmt.Println("started")
		c := make(chan os.Signal, 1)
		signal.Notify(c)
		<-c
	}
}

// child is the environment of the test binary in one of its roles: it does not
// wait for races at its end, nor complain about coverage.
func child(t *testing.T, role string, more ...string) []string {
	t.Helper()
	return append(more, "USERAGENT_TEST="+role, "GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+t.TempDir())
}

const target = "https://op.example/auth?a=1&b=2"

// self is a command line that runs the test binary.
func self(t *testing.T, args string) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace("'" + path + "' " + args)
}

func TestCommand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ args, want string }{
		"the URL is the last word":      {"-x 'a b'", "-x|a b|" + target},
		"the URL takes the place of %s": {"--url=%s %% %c", "--url=" + target + "|%|:"},
		"nothing is expanded":           {`'$HOME' * ~ ";" "&&"`, "$HOME|*|~|;|&&|" + target},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			a, err := Choose(self(t, tt.args), Options{Stderr: &out, Env: child(t, "print")})
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Visit(t.Context(), Visit{URL: target}); err != nil {
				t.Fatal(err)
			}
			if got, want := out.String(), tt.want+"\nUSERAGENT_TEST=print\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestCommandFails(t *testing.T) {
	t.Parallel()
	a, err := Choose(self(t, ""), Options{Env: child(t, "fail")})
	if err != nil {
		t.Fatal(err)
	}
	f := wantFault(t, a.Visit(t.Context(), Visit{URL: target}), fault.Config, "useragent.command")
	if !strings.Contains(f.Error(), "exit status 3") {
		t.Errorf("got %q, want the exit status in it", f)
	}
	wantFault(t, a.Visit(t.Context(), Visit{URL: "javascript:alert(1)"}), fault.Protocol, "useragent.url")
}

// onWrite calls itself at the first byte.
type onWrite func()

func (f onWrite) Write(p []byte) (int, error) { f(); return len(p), nil }

func TestCommandIsKilledWhenTheSignInIsGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	a, err := Choose(self(t, ""), Options{Stderr: onWrite(cancel), Env: child(t, "hang")})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, a.Visit(ctx, Visit{URL: target}), fault.Cancelled, "useragent.cancelled")
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"none", "forms"} {
		a, err := Choose(name, Options{OS: "linux"})
		if err != nil || a.Name() != name {
			t.Errorf("%s: got %v, %v", name, a, err)
		}
	}
	a, err := Choose("", Options{OS: "linux"})
	if err != nil || a.Name() != "none" || a.Visit(t.Context(), Visit{URL: target}) != nil {
		t.Errorf("without a display: got %v, %v, want none", a, err)
	}
	a, err = Choose("", Options{OS: "darwin"})
	if err != nil || a.Name() != "system" {
		t.Errorf("on a desktop: got %v, %v, want system", a, err)
	}
	_, err = Choose("system", Options{OS: "linux"})
	wantFault(t, err, fault.Config, "useragent.impossible")
	for _, name := range []string{"no-such-program-here", "'open", `open\`, " "} {
		_, err := Choose(name, Options{OS: "linux"})
		f := wantFault(t, err, fault.Usage, "useragent.unknown")
		if !strings.Contains(f.Hint, "system, none, forms") {
			t.Errorf("%s: got hint %q, want the table in it", name, f.Hint)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		line string
		want []string
	}{
		"blanks":                          {" a\tb\n c ", []string{"a", "b", "c"}},
		"quotes group and may be empty":   {`a 'b c'"d e" ''`, []string{"a", "b cd e", ""}},
		"a backslash takes the next":      {`a\ b \\ \'`, []string{"a b", `\`, "'"}},
		"a backslash between quotes":      {`'\a' "\a \" \$"`, []string{`\a`, `\a " $`}},
		"nothing is expanded or replaced": {"$(id) `id` $HOME a;b|c", []string{"$(id)", "`id`", "$HOME", "a;b|c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := words(tt.line, true)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	got, err := words(`"C:\Program Files\b.exe" C:\x`, false)
	if d := cmp.Diff([]string{`C:\Program Files\b.exe`, `C:\x`}, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestSystem(t *testing.T) {
	t.Parallel()
	browser := func(line string) func(string) string {
		return func(name string) string {
			if name == "BROWSER" {
				return line
			}
			return ""
		}
	}
	open := func(string) error { return errors.New("not to be called") }

	t.Run("opens the checked URL", func(t *testing.T) {
		t.Parallel()
		var got string
		a := newSystem(Options{OS: "darwin", Open: func(u string) error { got = u; return nil }})
		if err := a.Visit(t.Context(), Visit{URL: "https://OP.example/auth?q='$(id)'"}); err != nil {
			t.Fatal(err)
		}
		if want := "https://op.example/auth?q=%27%24%28id%29%27"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("starts nothing for another URL", func(t *testing.T) {
		t.Parallel()
		a := newSystem(Options{OS: "darwin", Open: func(string) error { t.Error("started"); return nil }})
		wantFault(t, a.Visit(t.Context(), Visit{URL: "file:///etc/passwd"}), fault.Protocol, "useragent.url")
	})
	t.Run("says that it could not", func(t *testing.T) {
		t.Parallel()
		a := newSystem(Options{OS: "darwin", Open: open})
		wantFault(t, a.Visit(t.Context(), Visit{URL: target}), fault.Config, "useragent.system")
	})
	t.Run("does not wait longer than it may for a browser that stays", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		closed := make(chan struct{})
		t.Cleanup(func() { close(closed) })
		a := newSystem(Options{OS: "darwin", Open: func(string) error { cancel(); <-closed; return nil }})
		if err := a.Visit(ctx, Visit{URL: target}); err != nil {
			t.Errorf("got %v, want nil", err)
		}
	})
	t.Run("takes the first program of BROWSER that works", func(t *testing.T) {
		t.Parallel()
		note := filepath.Join(t.TempDir(), "note")
		sep := ":"
		if runtime.GOOS == "windows" {
			sep = ";"
		}
		o := Options{Open: open, Env: child(t, "note", "NOTE="+note),
			Getenv: browser(strings.Join([]string{"no-such-program-here", "", self(t, "-new '%s' x"), "never"}, sep))}
		if err := newSystem(o).Visit(t.Context(), Visit{URL: target}); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(note)
		if want := "-new|" + target + "|x"; string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
	t.Run("does not go behind BROWSER", func(t *testing.T) {
		t.Parallel()
		a := newSystem(Options{Open: func(string) error { return nil }, Getenv: browser("no-such-program-here")})
		wantFault(t, a.Visit(t.Context(), Visit{URL: target}), fault.Config, "useragent.system")
	})
}

// Not parallel: pkg/browser looks in the process's own PATH.
func TestSystemStartsTheRealOpener(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("xdg-open is a program of Linux")
	}
	dir := t.TempDir()
	script := "#!/bin/sh\necho chatter\necho chatter >&2\nprintf '%s' \"$*\" >" + dir + "/note\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	a := newSystem(Options{OS: "linux"})

	t.Setenv("PATH", dir)
	if err := a.Visit(t.Context(), Visit{URL: target}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "note")); string(got) != target || err != nil {
		t.Fatalf("got %q, %v, want %q", got, err, target)
	}

	// B-06: a program in the current folder is not taken, whatever PATH says.
	if err := os.Remove(filepath.Join(dir, "note")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, path := range []string{".", ""} {
		t.Setenv("PATH", path)
		wantFault(t, a.Visit(t.Context(), Visit{URL: target}), fault.Config, "useragent.system")
		b := newSystem(Options{OS: "linux", Getenv: func(string) string { return "xdg-open" }})
		if err := b.Visit(t.Context(), Visit{URL: target}); path == "." && !errors.Is(err, exec.ErrDot) {
			t.Errorf("PATH=%q: got %v, want ErrDot", path, err)
		}
		if _, err := Choose("xdg-open", Options{OS: "linux"}); err == nil {
			t.Errorf("PATH=%q: got an agent, want none", path)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "note")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want the program in the current folder not run", err)
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		os, env, files string
		want           Surroundings
	}{
		"a Linux desktop":      {"linux", "DISPLAY=:0", "", Surroundings{Display: true}},
		"Wayland":              {"linux", "WAYLAND_DISPLAY=wayland-0", "", Surroundings{Display: true}},
		"a bare terminal":      {"linux", "", "", Surroundings{Why: "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"}},
		"SSH":                  {"linux", "SSH_CONNECTION=x", "", Surroundings{SSH: true, Why: "this is an SSH session without a display"}},
		"SSH with X":           {"linux", "SSH_TTY=x DISPLAY=localhost:10", "", Surroundings{SSH: true, Display: true}},
		"SSH, and an editor":   {"linux", "SSH_TTY=x BROWSER=code", "", Surroundings{SSH: true}},
		"Docker":               {"linux", "", "/.dockerenv", Surroundings{Container: true, Why: "this is a container without a display"}},
		"Podman":               {"linux", "container=podman", "", Surroundings{Container: true, Why: "this is a container without a display"}},
		"WSL":                  {"linux", "", "/proc/version=Linux 5.15-Microsoft-standard-WSL2", Surroundings{WSL: true}},
		"a container on WSL":   {"linux", "", "/proc/version=WSL2-microsoft /.dockerenv", Surroundings{Container: true, Why: "this is a container without a display"}},
		"no WSL":               {"linux", "DISPLAY=:0", "/proc/version=Linux 6.1", Surroundings{Display: true}},
		"a Mac":                {"darwin", "", "", Surroundings{Display: true}},
		"SSH to a Mac":         {"darwin", "SSH_TTY=x", "", Surroundings{SSH: true, Why: "this is an SSH session without a display"}},
		"Windows":              {"windows", "", "", Surroundings{Display: true}},
		"FreeBSD with display": {"freebsd", "DISPLAY=:0", "", Surroundings{Display: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := surrounded(tt.os, tt.env, tt.files)
			if d := cmp.Diff(tt.want, Look(o)); d != "" {
				t.Error(d)
			}
			name, why := Default(o)
			if (name == "system") != (tt.want.Why == "") || why != tt.want.Why {
				t.Errorf("default: got %s, %q", name, why)
			}
		})
	}
	want := [][]string{{"wslview"}, {"rundll32.exe", "url.dll,FileProtocolHandler"}, {"/mnt/c/Windows/System32/rundll32.exe", "url.dll,FileProtocolHandler"}}
	if d := cmp.Diff(want, system{surrounded("linux", "", "/proc/version=microsoft")}.openers()); d != "" {
		t.Error(d)
	}
}

// surrounded makes options from "NAME=value ..." and "/file=text ...".
func surrounded(goos, env, files string) Options {
	lookup := func(list, name string) (string, bool) {
		for _, entry := range strings.Split(list, " ") {
			if n, v, _ := strings.Cut(entry, "="); n == name {
				return v, true
			}
		}
		return "", false
	}
	return Options{OS: goos,
		Getenv: func(name string) string { v, _ := lookup(env, name); return v },
		ReadFile: func(name string) ([]byte, error) {
			_, text, ok := strings.Cut(" "+files, " "+name)
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		}}
}
