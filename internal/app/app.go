// Package app is what the process offers to commands: streams, clock,
// environment, folders, terminal and HTTP. It is the one place that asks the
// operating system; everything below it is given what it needs.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"rely/internal/fault"
	"rely/internal/secret"
)

// An App is one process as the commands see it. [System] is the real one; a
// test fills in its own.
type App struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(name string) (string, bool)
	Environ        func() []string
	Now            func() time.Time
	Sleep          func(ctx context.Context, d time.Duration) error
	Tick           func(d time.Duration) <-chan time.Time
	Dirs           Dirs

	// Dial opens a connection to a host of the network. The demo and tests give
	// their own, in which a name of the internet is a port of this machine.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Together lets this process have all processors. It is nil in a process that
	// is not one command's, and has them.
	Together func()

	// Interactive reports whether a person sits at both ends: standard input
	// and standard error are terminals.
	Interactive bool
	// Shown reports whether standard output is a terminal: a person reads it as
	// it comes.
	Shown bool
	// Columns is the width of the terminal at standard error; 0 where there is
	// none.
	Columns func() int
	// Prompt asks for a secret on the terminal itself, without echo.
	Prompt func(question string) (secret.String, error)
	// Line is the next line of standard input, for an answer pasted while
	// something else is waited for as well. It ends early when ctx does; the
	// line is then there for the next call.
	Line func(ctx context.Context) (string, error)
}

// Dirs are the folders of contract's "Files". A folder is empty where the
// system names none (no HOME, say): then nothing can be kept there.
type Dirs struct {
	Config string // preferences and profiles
	State  string // sessions, secrets, the local authority
	Cache  string // what providers publish, for as long as they allow
	Temp   string

	Authority string // where the local authority lies; empty is below State
}

// System is the process itself.
func System() *App {
	a := &App{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		LookupEnv: os.LookupEnv, Environ: os.Environ,
		Now: time.Now, Sleep: sleep, Tick: time.After, Prompt: prompt,
		Shown:       term.IsTerminal(int(os.Stdout.Fd())),
		Interactive: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
	}
	a.Columns, a.Dial = columns, (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	a.Dirs, a.Line = dirs(a.Env), lines(os.Stdin)
	return a
}

// Env is a variable's value, empty where it is not set.
func (a *App) Env(name string) string {
	value, _ := a.LookupEnv(name)
	return value
}

// ChildEnv is the environment for a program that rely starts: ours without the
// variables that hold secrets.
func (a *App) ChildEnv(secretNames []string) []string {
	var out []string
	for _, pair := range a.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		keep := true
		for _, s := range secretNames {
			keep = keep && !strings.EqualFold(name, s)
		}
		if keep {
			out = append(out, pair)
		}
	}
	return out
}

func columns() int {
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		return 0
	}
	return width
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dirs finds the folders: all below RELY_HOME where it is set, else where the
// platform keeps configuration and state.
func dirs(env func(string) string) Dirs {
	d := Dirs{Temp: os.TempDir()}
	if home := env("RELY_HOME"); home != "" {
		if abs, err := filepath.Abs(home); err == nil {
			home = abs
		}
		d.Config, d.State, d.Cache = home, filepath.Join(home, "state"), filepath.Join(home, "cache")
		return d
	}
	if config, err := os.UserConfigDir(); err == nil && filepath.IsAbs(config) {
		d.Config = filepath.Join(config, "rely")
	}
	if cache, err := os.UserCacheDir(); err == nil && filepath.IsAbs(cache) {
		d.Cache = filepath.Join(cache, "rely")
	}
	switch runtime.GOOS {
	case "windows":
		if d.Cache != "" {
			d.Cache = filepath.Join(d.Cache, "cache") // the state lies beside it
		}
		if local := env("LOCALAPPDATA"); local != "" {
			d.State = filepath.Join(local, "rely", "state")
		}
	case "darwin":
		if d.Config != "" {
			d.State = filepath.Join(d.Config, "state")
		}
	default:
		if state := env("XDG_STATE_HOME"); filepath.IsAbs(state) {
			d.State = filepath.Join(state, "rely")
		} else if home := env("HOME"); filepath.IsAbs(home) {
			d.State = filepath.Join(home, ".local", "state", "rely")
		}
	}
	return d
}

// AuthorityDir is where the local authority behind the HTTPS listener lies.
func (d Dirs) AuthorityDir() string {
	if d.Authority != "" || d.State == "" {
		return d.Authority
	}
	return filepath.Join(d.State, "authority")
}

// SecretFile reads a secret from a file, or from standard input for "-"; one
// line end behind it does not count.
func (a *App) SecretFile(name, what string) (secret.String, error) {
	in := a.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return secret.String{}, &fault.Error{Kind: fault.Config, ID: "secret.file", Op: "read " + what, Err: plainPath(err), Hint: "check the file's name and mode"}
		}
		defer f.Close()
		in = f
	}
	const most = 64 << 10
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case err != nil:
	case len(data) > most:
		err = fmt.Errorf("it is larger than %d bytes", most)
	case text == "":
		err = errors.New("it is empty")
	default:
		return secret.New(text), nil
	}
	return secret.String{}, &fault.Error{Kind: fault.Config, ID: "secret.file", Op: "read " + what, Err: plainPath(err), Hint: "check what is in it"}
}

// plainPath keeps the path and the reason and drops the system call's name.
func plainPath(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

// prompt asks on the terminal itself, so that neither a pipe at standard input
// nor one at standard error takes part.
func prompt(question string) (secret.String, error) {
	name := "/dev/tty"
	if runtime.GOOS == "windows" {
		name = "CONIN$"
	}
	tty, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return secret.String{}, &fault.Error{Kind: fault.Usage, ID: "secret.no-terminal", Op: "ask for a secret", Err: errors.New("there is no terminal to ask on"),
			Hint: "give it in a file, on standard input or in a variable: see \"rely help environment\""}
	}
	_, _ = io.WriteString(os.Stderr, question)
	text, err := readSilently(int(tty.Fd()))
	_, _ = io.WriteString(os.Stderr, "\n")
	if err != nil {
		return secret.String{}, &fault.Error{Kind: fault.Cancelled, ID: "cancelled", Op: "ask for a secret", Err: err, Hint: "run it again when you are ready"}
	}
	_ = tty.Close()
	defer clear(text)
	return secret.New(string(text)), nil
}

// Transport is the way to the network: proxies as the environment says (never
// for loopback), TLS 1.2 and later, every step bounded. caFile replaces the
// system's authorities; the local authority is trusted besides, for loopback
// hosts alone, which is all that its name constraints allow.
func (a *App) Transport(caFile string) (*Network, error) {
	t := &Network{dial: a.Dial}
	if dir := a.Dirs.AuthorityDir(); dir != "" {
		t.authority, _ = os.ReadFile(filepath.Join(dir, "authority.pem")) // none yet is none
	}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Config, ID: "ca-cert.read", Op: "read the authority's certificate", Err: plainPath(err), Hint: "check --ca-cert"}
		}
		return t, t.trustOnly(pem, caFile)
	}
	return t, nil
}

// readSilently reads a line without echo. A read of a terminal cannot be broken
// off: on Ctrl-C or SIGTERM the echo is put back, and nobody waits for it.
func readSilently(terminal int) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(terminal)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		return l.text, l.err
	case <-stop:
		_ = term.Restore(terminal, before)
		return nil, errors.New("stopped")
	}
}
