package cmd

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/app"
	"rely/internal/demoop"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// The browser may be on another machine: the person signs in there, the page
// at the end cannot be reached, and its address is pasted into the terminal.
func TestPastedAddressSignsIn(t *testing.T) {
	t.Parallel()
	signInByPaste(t, func(landed string) string { return landed })
}

// PKCE and the nonce bind a code to the sign-in, so it may come alone.
func TestPastedCodeSignsIn(t *testing.T) {
	t.Parallel()
	text := signInByPaste(t, func(landed string) string {
		u, err := url.Parse(landed)
		if err != nil {
			t.Fatal(err)
		}
		return " " + u.Query().Get("code") + "\r"
	})
	for _, rung := range []string{"response-state", "response-iss"} {
		if !strings.Contains(text, rung) || !strings.Contains(text, "the code was typed at the terminal") {
			t.Errorf("got a ladder that does not say that %s was skipped:\n%s", rung, text)
		}
	}
}

func signInByPaste(t *testing.T, paste func(landed string) string) string {
	t.Helper()
	a, out := pasteApp(t)
	i := &invocation{App: a}
	op, err := i.startOP(t.Context(), "127.0.0.1:0", true, demoop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer op.stop()
	lines := make(chan string)
	a.Line = func(ctx context.Context) (string, error) {
		select {
		case l := <-lines:
			return l, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	done := make(chan int)
	go func() {
		done <- Main(a, []string{"login", op.issuer, "--client-id", "demo", "--browser", "none", "-v"})
	}()
	address := out.waitFor(t, op.issuer+"/authorize?")
	landed := signInElsewhere(t, address)
	for _, wrong := range []string{"hello", strings.Replace(landed, "state=", "state=x", 1), strings.Replace(landed, "/callback", "/other", 1)} {
		lines <- wrong
		out.waitFor(t, "that is not the answer")
	}
	lines <- paste(landed)
	if code := <-done; code != 0 {
		t.Fatalf("exit code %d\n%s", code, out.String())
	}
	if text := out.String(); !strings.Contains(text, "Signed in as alice") || strings.Contains(text, demoAlice) {
		t.Errorf("got\n%s", text)
	}
	return out.String()
}

// signInElsewhere walks the login page as alice and returns the address that
// her browser could not reach.
func signInElsewhere(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	redirect := u.Query().Get("redirect_uri")
	landed := ""
	elsewhere := useragent.Options{Username: "alice", Password: secret.New(demoAlice), Now: time.Now, HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.String(), redirect) {
			landed = r.URL.String()
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	agent, err := useragent.Choose("forms", elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Visit(t.Context(), useragent.Visit{URL: address, RedirectURI: redirect, Origins: []string{u.Scheme + "://" + u.Host}}); err != nil {
		t.Fatal(err)
	}
	return landed
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// pasteApp is a process with a person at its terminal.
func pasteApp(t *testing.T) (*app.App, *screen) {
	out := &screen{more: make(chan bool, 100)}
	a := testApp(t, &bytes.Buffer{}, &bytes.Buffer{})
	a.Stderr, a.Interactive = out, true
	return a, out
}

// A screen is standard error, as somebody reads it while it is written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	read int
	more chan bool
}

// Write implements [io.Writer].
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- true:
	default:
	}
	return s.text.Write(p)
}

// String is everything written so far.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// waitFor returns the rest of the word that begins with start, which comes
// after what was waited for before.
func (s *screen) waitFor(t *testing.T, start string) string {
	t.Helper()
	for {
		text := s.String()[s.read:]
		prompt := strings.HasSuffix(start, ": ") // what is typed stands behind it: no line end comes
		if at := strings.Index(text, start); at >= 0 && (prompt || strings.Contains(text[at:], "\n")) {
			word := strings.Fields(text[at:])[0]
			s.read += at + len(start)
			return word
		}
		select {
		case <-s.more:
		case <-t.Context().Done():
			t.Fatalf("no %q in\n%s", start, s.String())
		}
	}
}
