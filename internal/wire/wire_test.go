package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
)

// clientOf is a client whose sleep takes no time and is written down.
func clientOf(t *testing.T, slept *[]time.Duration) *Client {
	t.Helper()
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	return &Client{Base: base, Timeout: 5 * time.Second, Now: time.Now, Sleep: func(_ context.Context, d time.Duration) error {
		*slept = append(*slept, d)
		return nil
	}}
}

func TestGetTriesAgain(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status int
		after  string
		tries  int
		waits  []time.Duration
	}{
		"503 without a word":       {503, "", 3, []time.Duration{500 * time.Millisecond, 500 * time.Millisecond}},
		"429 for two seconds":      {429, "2", 3, []time.Duration{2 * time.Second, 2 * time.Second}},
		"longer than the cap":      {429, "31", 1, nil},
		"more digits than fit":     {429, "99999999999999999999", 1, nil},
		"a date that has passed":   {503, "Mon, 02 Jan 2006 15:04:05 GMT", 3, []time.Duration{0, 0}},
		"a word that means naught": {503, "soon", 3, []time.Duration{500 * time.Millisecond, 500 * time.Millisecond}},
		"404 is an answer":         {404, "1", 1, nil},
		"a redirect is an answer":  {302, "", 1, nil},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			tries := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tries++
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				w.WriteHeader(c.status)
			}))
			defer s.Close()
			var slept []time.Duration
			a, err := clientOf(t, &slept).Get(t.Context(), "look", s.URL, "application/json", Document)
			if err != nil || a.Status != c.status || tries != c.tries || len(slept) != len(c.waits) {
				t.Fatalf("got %v, %v after %d tries and waits %v; want %d tries and waits %v", a, err, tries, slept, c.tries, c.waits)
			}
			for i := range slept {
				if slept[i] != c.waits[i] {
					t.Errorf("wait %d was %s, want %s", i, slept[i], c.waits[i])
				}
			}
		})
	}
}

func TestLimitsHoldForTheUnpackedBody(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte("a"), 1<<20))
	_ = z.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	defer s.Close()
	var slept []time.Duration
	for limit, want := range map[int64]bool{1<<20 - 1: false, 1 << 20: true} {
		_, err := clientOf(t, &slept).Get(t.Context(), "look", s.URL, "*/*", limit)
		if (err == nil) != want || !want && !fault.Is(err, fault.Protocol) {
			t.Errorf("1 MiB against a limit of %d: got %v", limit, err)
		}
	}
}

func TestTheTimeLimitCoversTheBody(t *testing.T) {
	t.Parallel()
	stop := make(chan bool)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-stop
	}))
	defer s.Close()
	defer close(stop)
	var slept []time.Duration
	c := clientOf(t, &slept)
	c.Timeout = 50 * time.Millisecond
	_, err := c.Get(t.Context(), "look", s.URL, "*/*", Document)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Network || f.ID != "wire.timeout" {
		t.Fatalf("got %v, want a time-out", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(ctx, "look", s.URL, "*/*", Document); !fault.Is(err, fault.Cancelled) {
		t.Errorf("after Ctrl-C: got %v, want cancelled", err)
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		address, issuer string
		ok              bool
	}{
		"https":                           {"https://op.example/token", "https://op.example", true},
		"with a query":                    {"https://op.example/authorize?tenant=x", "https://op.example", true},
		"http on loopback, as the issuer": {"http://127.0.0.1:1/token", "http://127.0.0.1:1", true},
		"http on loopback, https issuer":  {"http://127.0.0.1:1/token", "https://op.example", false},
		"http elsewhere":                  {"http://op.example/token", "http://127.0.0.1:1", false},
		"javascript":                      {"javascript:alert(1)", "https://op.example", false},
		"an option":                       {"-oProxyCommand=x", "https://op.example", false},
		"a user part":                     {"https://op.example@evil.example/", "https://op.example", false},
		"a fragment":                      {"https://op.example/a#b", "https://op.example", false},
		"an empty fragment":               {"https://op.example/a#", "https://op.example", false},
		"a line end":                      {"https://op.example/a\r\nX: y", "https://op.example", false},
		"a space":                         {"https://op.example/a b", "https://op.example", false},
		"other script in the host":        {"https://\u043ep.example/", "https://op.example", false},
		"relative":                        {"/token", "https://op.example", false},
	} {
		if _, err := Endpoint("token_endpoint", c.address, c.issuer); (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Protocol) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "[::1]": true, "localhost": true, "LOCALHOST": true, "::ffff:127.0.0.1": true,
		"localhost.evil.example": false, "0.0.0.0": false, "10.0.0.1": false, "": false, "127.0.0.1.nip.example": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("%q: got %t, want %t", host, got, want)
		}
	}
}

func TestUnexpectedNamesARedirect(t *testing.T) {
	t.Parallel()
	a := &Answer{Status: 307, Header: http.Header{"Location": {"https://evil.example/token?code=secret"}}, URL: "https://op.example/token"}
	err := a.Unexpected("redeem")
	if !fault.Is(err, fault.Protocol) || !strings.Contains(err.Error(), "https://evil.example/token") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// Control characters are refused; what is merely outside the letter of the
// specification is not.
func TestRefusalCheck(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		r    Refusal
		fine bool
	}{
		"plain":                        {Refusal{"invalid_grant", "the code is too old", "https://op.example/errors#1"}, true},
		"nothing said":                 {Refusal{}, true},
		"letters of any language":      {Refusal{"invalid_grant", "Der Schl\u00fcssel fehlt: \u9375\u304c\u3042\u308a\u307e\u305b\u3093", ""}, true},
		"quotes and backslashes":       {Refusal{"invalid_grant", `the code "x\y" is unknown`, ""}, true},
		"lines, as Microsoft has them": {Refusal{"invalid_grant", "AADSTS70000: too old.\r\n\tTrace ID: 1", ""}, true},
		"an escape sequence":           {Refusal{"invalid_grant", "no\x1b[2J", ""}, false},
		"a C1 control":                 {Refusal{"invalid_grant", "no\u009b2J", ""}, false},
		"a line break in the code":     {Refusal{"invalid\ngrant", "", ""}, false},
		"DEL in the address":           {Refusal{"invalid_grant", "", "https://op.example/\x7f"}, false},
	} {
		if err := c.r.Check(); (err == nil) != c.fine {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// A late is a transport whose answers end when nobody waits for them any more,
// as if they were whole.
type late struct{}

func (late) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.MultiReader(strings.NewReader("{"), readerFunc(func() { <-r.Context().Done() }))
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(body)}, nil
}

type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func TestAnEndThatComesTooLateIsNone(t *testing.T) {
	t.Parallel()
	var slept []time.Duration
	c := clientOf(t, &slept)
	c.Base, c.Timeout = late{}, 20*time.Millisecond
	var f *fault.Error
	if _, err := c.Get(t.Context(), "look", "https://op.example/", "*/*", Document); !errors.As(err, &f) || f.ID != "wire.timeout" {
		t.Errorf("got %v, want a time-out", err)
	}
}

// A liar is a transport whose answers have five bytes, and say that they have
// another number.
type liar int64

func (l liar) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(l), Body: io.NopCloser(strings.NewReader("{\"a\":"))}, nil
}

func TestAWrongLengthDoesNoHarm(t *testing.T) {
	t.Parallel()
	var slept []time.Duration
	c := clientOf(t, &slept)
	for _, said := range []int64{-1, 0, 1, 4, 5, 6, Document, 1 << 62} {
		c.Base = liar(said)
		if a, err := c.Get(t.Context(), "look", "https://op.example/", "*/*", Document); err != nil || string(a.Body) != "{\"a\":" {
			t.Errorf("%d: got %v, %v", said, a, err)
		}
		if _, err := c.Get(t.Context(), "look", "https://op.example/", "*/*", 4); !fault.Is(err, fault.Protocol) {
			t.Errorf("%d, four allowed: got %v, want it refused", said, err)
		}
	}
}
