package cmd

import (
	"bytes"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/app"
	"rely/internal/demoop"
)

// A watch is an embedded provider that notes what it is asked, and over how
// many connections.
type watch struct {
	mu          sync.Mutex
	asked       []string
	connections int
	issuer, ca  string
}

func watched(t *testing.T) *watch {
	t.Helper()
	w := &watch{}
	s := httptest.NewUnstartedServer(nil)
	w.issuer = "https://" + s.Listener.Addr().String()
	op, err := demoop.New(demoop.Options{Issuer: w.issuer, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.EnableHTTP2 = true
	s.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.URL.Path)
		w.mu.Unlock()
		op.ServeHTTP(rw, r)
	})
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			w.mu.Lock()
			w.connections++
			w.mu.Unlock()
		}
	}
	s.StartTLS()
	t.Cleanup(func() { s.Close(); op.Close() })
	w.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(w.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// run runs one command line, and gives what it asked the provider.
func (w *watch) run(t *testing.T, a *app.App, args ...string) (asked []string, connections int) {
	t.Helper()
	var stderr bytes.Buffer
	a.Stdout, a.Stderr = &bytes.Buffer{}, &stderr
	w.mu.Lock()
	w.asked, w.connections = nil, 0
	w.mu.Unlock()
	if code := Main(a, args); code != 0 {
		t.Fatalf("rely %s: exit code %d\n%s", strings.Join(args, " "), code, stderr.String())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked, w.connections
}

// Warm is one request, cold two over one connection, a renewal is one, and
// after the person came back there is one.
func TestRequests(t *testing.T) {
	t.Parallel()
	w := watched(t)
	a := testApp(t, &bytes.Buffer{}, &bytes.Buffer{})
	a.Dirs.Cache = filepath.Join(t.TempDir(), "cache")
	dir := t.TempDir()
	secret, password := filepath.Join(dir, "secret"), filepath.Join(dir, "password")
	for name, text := range map[string]string{secret: "service-secret-0123456789abcdef", password: demoAlice} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	machine := []string{"tokens", "--issuer", w.issuer, "--client-id", "service", "--client-secret-file", secret, "--flow", "client-credentials", "--ca-cert", w.ca}
	const metadata, token, jwks = "/.well-known/openid-configuration", "/token", "/jwks"
	expect := func(what string, args []string, want ...string) {
		t.Helper()
		asked, connections := w.run(t, a, args...)
		if !slices.Equal(asked, want) || connections != 1 {
			t.Errorf("%s: got %v over %d connections, want %v over one", what, asked, connections, want)
		}
	}
	expect("cold", machine, metadata, token)
	expect("warm", machine, token)
	expect("without the cache", append(slices.Clone(machine), "--no-cache"), metadata, token)

	login := []string{"login", w.issuer, "-p", "a", "--client-id", "demo", "--ca-cert", w.ca, "--redirect-uri", "http://127.0.0.1:0/callback",
		"--browser", "forms", "--username", "alice", "--password-file", password}
	asked, _ := w.run(t, a, login...)
	last := 0
	for n, path := range asked {
		if path != token {
			last = n
		}
	}
	if after := asked[last+1:]; !slices.Equal(after, []string{token}) {
		t.Errorf("a sign-in: got %v at the end of %v, want one %s", after, asked, token)
	}
	expect("a renewal after the sign-in", []string{"tokens", "-p", "a", "--force"}, token)
	if err := os.RemoveAll(a.Dirs.Cache); err != nil {
		t.Fatal(err)
	}
	expect("a renewal, cold", []string{"tokens", "-p", "a", "--force"}, metadata, token, jwks)
	expect("a renewal, warm", []string{"tokens", "-p", "a", "--force"}, token)
}
