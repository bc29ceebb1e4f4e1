package cmd

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rely/internal/demoop"
	"rely/internal/flows"
)

// A life is what a flow is run with.
type life struct {
	made   bool     // with a client of its own, which has a key
	client string   // else the provider's client of that name; web where it is empty
	given  string   // a token of an earlier sign-in that it redeems, in token.txt: access or refresh
	yes    []string // what it takes to work
	no     []string // and what the person or the provider says no to
	wait   []string // and what it waits with, in place of yes
	says   string   // what it says while it waits for a person; where it says nothing, it waits for the token endpoint
}

const (
	webSecret     = "web-secret-0123456789abcdef"
	serviceSecret = "service-secret-0123456789abcdef"
)

// lives has an entry for each flow.
func lives() map[string]life {
	alice := []string{"--browser", "forms", "--username", "alice", "--password-file", "alice.pw"}
	page := life{yes: alice, no: []string{"--browser", "person --refuse"}, wait: []string{"--browser", "none"}, says: "/authorize?"}
	return map[string]life{
		"code": page, "implicit": page, "hybrid": page,
		"device":             {yes: alice, no: []string{"--browser", "person --deny"}, wait: []string{"--browser", "none"}, says: "/device"},
		"client-credentials": {client: "service", yes: []string{"--scope", "api:read"}, no: []string{"--client-secret-file", "wrong.pw"}},
		"refresh":            {given: "refresh", yes: []string{"--refresh-token-file", "token.txt"}, no: []string{"--refresh-token-file", "wrong.pw"}},
		"token-exchange":     {given: "access", yes: []string{"--subject-token-file", "token.txt"}, no: []string{"--subject-token-file", "wrong.pw"}},
		"jwt-bearer":         {made: true, yes: []string{"--scope", "openid", "--claim", "sub=alice"}, no: []string{"--claim", "aud=https://elsewhere.example"}},
		"ciba": {yes: []string{"--login-hint", "alice"}, no: []string{"--login-hint", "alice", "--binding-message", "deny"},
			wait: []string{"--login-hint", "alice", "--binding-message", "wait"}, says: "waiting for alice"},
		"password": {yes: []string{"--username", "alice", "--password-file", "alice.pw"}, no: []string{"--username", "alice", "--password-file", "wrong.pw"}},
	}
}

// Every flow, with every response type: it works; it is refused; Ctrl-C ends it.
// What was there before stays, and no output, log or temporary file holds
// anything secret.
func TestEveryFlowHasALife(t *testing.T) {
	t.Parallel()
	for _, f := range flows.All() {
		kinds := f.Types
		if len(kinds) == 0 {
			kinds = []string{""}
		}
		for _, kind := range kinds {
			t.Run(strings.TrimSpace(f.Name+" "+kind), func(t *testing.T) {
				t.Parallel()
				of, known := lives()[f.Name]
				if !known {
					t.Fatal("a flow without a life: say in lives what it is run with")
				}
				live(t, f.Name, kind, of)
			})
		}
	}
}

func live(t *testing.T, flow, kind string, of life) {
	p := gated(t)
	l := newLiver(t, p)
	client := cmp.Or(of.client, "web")
	args := []string{"login", p.issuer, "-p", "life", "--flow", flow, "--client-id", client, "--client-secret-file", client + ".secret", "--client-auth", "client_secret_basic"}
	if of.made {
		l.run(0, "register", p.issuer, "-p", "life", "--flow", flow, "--generate-key", "auth", "--scope", "openid")
		args = []string{"login", "-p", "life"}
	}
	if kind != "" {
		args = append(args, "--response-type", kind)
	}
	if of.given != "" {
		l.run(0, "login", p.issuer, "-p", "before", "--client-id", "web", "--client-secret-file", "web.secret", "--browser", "forms", "--username", "alice", "--password-file", "alice.pw")
		token := l.run(0, map[string][]string{"access": {"tokens", "-p", "before"}, "refresh": {"tokens", "-p", "before", "--refresh"}}[of.given]...)
		l.file("token.txt", token.stdout)
		l.said = nil // that was asked for
	}
	with := func(more []string) []string { return append(slices.Clone(args), more...) }

	l.run(0, with(of.yes)...)
	kept := l.session()
	if kept == "" {
		t.Fatal("got no session, want one")
	}
	l.run(5, with(of.no)...)
	if of.wait == nil {
		of.wait = of.yes
		p.hold()
	}
	if runtime.GOOS != "windows" { // nobody can send Ctrl-C to one process alone there
		l.interrupted(of.says, with(of.wait)...)
	}
	if l.session() != kept {
		t.Error("what said no, or was stopped, changed the session that was there")
	}
	l.tellTale()
}

// A liver is a person with a home of their own, and all that rely told them.
type liver struct {
	t    *testing.T
	p    *gate
	dir  string
	said []ending
}

// An ending is how a run of rely came to its end.
type ending struct {
	args           []string
	stdout, stderr string
}

func newLiver(t *testing.T, p *gate) *liver {
	l := &liver{t: t, p: p, dir: t.TempDir()}
	for name, text := range map[string]string{"alice.pw": demoAlice, "wrong.pw": "not-the-password", "web.secret": webSecret, "service.secret": serviceSecret} {
		l.file(name, text)
	}
	if err := os.Mkdir(filepath.Join(l.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *liver) file(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(strings.TrimSuffix(text, "\n")+"\n"), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// command is rely, saying all that it can say where it is to sign in.
func (l *liver) command(ctx context.Context, args []string) *exec.Cmd {
	l.t.Helper()
	if args[0] == "login" {
		args = append(slices.Clone(args), "-v", "--trace", "--curl", "--har", "life.har", "-o", "json")
	}
	program, err := exec.LookPath("rely")
	if err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = l.dir
	cmd.Env = append(os.Environ(), "RELY_HOME="+filepath.Join(l.dir, "home"), "HOME="+l.dir, "RELY_STORE=file", "TMPDIR="+filepath.Join(l.dir, "tmp"), "TMP="+filepath.Join(l.dir, "tmp"),
		"GITHUB_ACTIONS=", "GITLAB_CI=", "DISPLAY=", "WAYLAND_DISPLAY=", "HTTPS_PROXY=", "https_proxy=", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// run wants this exit code.
func (l *liver) run(code int, args ...string) ending {
	l.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := l.command(l.t.Context(), args)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return l.ended(code, cmd.Run(), args, stdout.String(), stderr.String())
}

func (l *liver) ended(code int, err error, args []string, stdout, stderr string) ending {
	l.t.Helper()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = shellCode(exit.ProcessState)
	} else if err != nil {
		l.t.Fatal(err)
	}
	if got != code {
		l.t.Fatalf("rely %s: got exit code %d, want %d\n%s", strings.Join(args, " "), got, code, stderr)
	}
	e := ending{args, stdout, stderr}
	l.said = append(l.said, e)
	return e
}

// shellCode is an exit code as shells give it, also of what a signal ended.
func shellCode(p *os.ProcessState) int {
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return p.ExitCode()
}

// interrupted presses Ctrl-C as soon as rely waits for a person, by what it
// says, or for the token endpoint.
func (l *liver) interrupted(says string, args ...string) {
	l.t.Helper()
	ctx, stop := context.WithTimeout(l.t.Context(), 5*time.Minute)
	defer stop()
	var stdout bytes.Buffer
	stderr := &screen{more: make(chan bool, 1000)}
	cmd := l.command(ctx, args)
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	if says != "" {
		stderr.waitFor(l.t, says)
	} else {
		select {
		case <-l.p.waiting:
		case <-ctx.Done():
			l.t.Fatalf("the token endpoint was not asked\n%s", stderr.String())
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		l.t.Fatal(err)
	}
	l.ended(130, cmd.Wait(), args, stdout.String(), stderr.String())
}

// session is what the store keeps of the profile.
func (l *liver) session() string {
	l.t.Helper()
	found, err := filepath.Glob(filepath.Join(l.dir, "home", "state", "sessions", "life-*.json"))
	if err != nil || len(found) > 1 {
		l.t.Fatalf("got %d sessions of one profile: %v", len(found), err)
	}
	if len(found) == 0 {
		return ""
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		l.t.Fatal(err)
	}
	return string(data)
}

// tellTale looks for secrets in all that was said, and for what is left behind.
func (l *liver) tellTale() {
	l.t.Helper()
	har, err := os.ReadFile(filepath.Join(l.dir, "life.har"))
	if err != nil {
		l.t.Error(err)
	}
	l.said = append(l.said, ending{args: []string{"--har"}, stdout: string(har)})
	secrets := l.p.secrets()
	if len(secrets) == 0 {
		l.t.Error("got no secret on the way, want some to look for")
	}
	for _, e := range l.said {
		for _, s := range append(secrets, demoAlice, webSecret, serviceSecret, "not-the-password") {
			if text := e.stdout + e.stderr; strings.Contains(text, s) {
				l.t.Errorf("rely %s: the output holds a secret (%.6s...):\n%s", strings.Join(e.args, " "), s, text)
			}
		}
	}
	if left, err := os.ReadDir(filepath.Join(l.dir, "tmp")); err != nil || len(left) != 0 {
		l.t.Errorf("got %d temporary files at the end (%v), want none", len(left), err)
	}
}

// A gate is the embedded provider behind somebody who looks at all that comes
// and goes, and who can keep the token endpoint from answering.
type gate struct {
	issuer  string
	handler http.Handler
	waiting chan bool

	mu   sync.Mutex
	held bool
	seen []string
}

func gated(t *testing.T) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := demoop.New(demoop.Options{Issuer: "http://" + l.Addr().String(), Now: time.Now, Tick: time.After, Legacy: true, DeviceInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{issuer: "http://" + l.Addr().String(), handler: s, waiting: make(chan bool, 10)}
	server := &http.Server{Handler: g}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { s.Close(); _ = server.Close() })
	return g
}

// hold lets the token endpoint answer nobody any more.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = true
}

// ServeHTTP implements [http.Handler].
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sent, _ := url.ParseQuery(string(body))
	g.note(r.URL.Query(), sent)
	g.mu.Lock()
	held := g.held && r.URL.Path == "/token"
	g.mu.Unlock()
	if held {
		g.waiting <- true
		<-r.Context().Done()
		return
	}
	answer := httptest.NewRecorder()
	g.handler.ServeHTTP(answer, r)
	var members map[string]any
	if json.Unmarshal(answer.Body.Bytes(), &members) == nil {
		back := url.Values{}
		for name, value := range members {
			if text, ok := value.(string); ok {
				back.Set(name, text)
			}
		}
		g.note(back)
	}
	if to, err := url.Parse(answer.Header().Get("Location")); err == nil {
		fragment, _ := url.ParseQuery(to.EscapedFragment())
		g.note(to.Query(), fragment)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// note keeps what nobody may say.
func (g *gate) note(forms ...url.Values) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, form := range forms {
		for _, name := range []string{"client_secret", "client_assertion", "assertion", "access_token", "refresh_token", "id_token", "subject_token", "password", "code", "code_verifier", "state", "nonce",
			"device_code", "auth_req_id", "registration_access_token"} {
			if value := form.Get(name); len(value) >= 8 && !slices.Contains(g.seen, value) {
				g.seen = append(g.seen, value)
			}
		}
	}
}

func (g *gate) secrets() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.seen)
}
