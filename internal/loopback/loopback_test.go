package loopback

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	authority := openAuthority(t, t.TempDir(), time.Now)
	cert, err := authority.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	cases := map[string]struct {
		o    Options
		post bool
	}{
		"http on the IPv4 address":         {o: Options{RedirectURI: "http://127.0.0.1:0/callback"}},
		"https on the IPv4 address":        {o: Options{RedirectURI: "https://127.0.0.1:0/callback"}},
		"https on localhost":               {o: Options{RedirectURI: "https://localhost:0/"}},
		"https on localhost, no path":      {o: Options{RedirectURI: "https://localhost:0"}},
		"https on another address":         {o: Options{RedirectURI: "https://localhost:0/a", Bind: "127.0.0.1:0"}},
		"a path with an escape":            {o: Options{RedirectURI: "http://localhost:0/a%20b/%C3%A9"}},
		"a posted form":                    {o: Options{RedirectURI: "https://127.0.0.1:0/cb", FormPost: true}, post: true},
		"a name that points here by https": {o: Options{RedirectURI: "https://client.example.com:0/cb", AllowHost: true, Certificate: named(t, roots, "client.example.com")}},
	}
	if v6, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "[::1]:0"); err == nil {
		_ = v6.Close()
		cases["https on the IPv6 address"] = struct {
			o    Options
			post bool
		}{o: Options{RedirectURI: "https://[::1]:0/callback"}}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.o.Certificate == nil {
				c.o.Certificate = cert
			}
			l := listen(t, c.o)
			if strings.Contains(l.RedirectURI(), ":0") {
				t.Errorf("got %s, want the real port", l.RedirectURI())
			}
			r := request(t, "GET", l.RedirectURI()+"?"+honest, "")
			if c.post {
				r = request(t, "POST", l.RedirectURI(), honest, "Content-Type", "application/x-www-form-urlencoded", "Origin", "null")
			}
			signIn(t, l, browser(l, roots), r)
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if got := do(browser(l, roots), request(t, "GET", l.RedirectURI(), "")); got.err == nil {
				t.Errorf("got %d after Close, want a closed port", got.status)
			}
		})
	}
}

func TestRegisteredQueryIsNotPartOfTheAnswer(t *testing.T) {
	t.Parallel()
	l := listen(t, Options{RedirectURI: "http://127.0.0.1:0/callback?tenant=a&tenant=b%20c"})
	if !strings.HasSuffix(l.RedirectURI(), "/callback?tenant=a&tenant=b%20c") {
		t.Errorf("got %s, want the query as registered", l.RedirectURI())
	}
	bare := strings.Replace(l.RedirectURI(), "&tenant=b%20c", "", 1)
	wantStatus(t, "half of the query", do(browser(l, nil), request(t, "GET", bare+"&"+honest, "")), http.StatusBadRequest)
	wantStatus(t, "nothing but the query", do(browser(l, nil), request(t, "GET", l.RedirectURI(), "")), http.StatusBadRequest)
	a := signIn(t, l, browser(l, nil), request(t, "GET", l.RedirectURI()+"&"+honest, ""))
	if a.Params.Has("tenant") {
		t.Errorf("got %v, want no tenant", a.Params)
	}
}

func TestRepeatedParametersArePassedOn(t *testing.T) {
	t.Parallel()
	for query, name := range map[string]string{
		"state=sent&state=sent&code=c0de-of-this-sign-in":                          "state",
		"state=sent&code=c0de-of-this-sign-in&code=x":                              "code",
		"state=sent&code=c0de-of-this-sign-in&iss=a&iss=b":                         "iss",
		"state=sent&code=c0de-of-this-sign-in&code=a;b":                            "code",
		"state=sent&code=c0de-of-this-sign-in&code=%zz":                            "code",
		"state=sent&code=c0de-of-this-sign-in&iss&iss=":                            "iss",
		"state=other&state=sent&code=c0de-of-this-sign-in&error=access_denied":     "state",
		"state=sent&error=a&error=b&error_description=x&code=c0de-of-this-sign-in": "error",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			l := listen(t, Options{})
			a := signIn(t, l, browser(l, nil), request(t, "GET", l.RedirectURI()+"?"+query, ""))
			if got := a.Params[name]; len(got) != 2 {
				t.Errorf("got %q for %s, want both", got, name)
			}
		})
	}
}

func TestTheBrowserMayLeave(t *testing.T) {
	t.Parallel()
	l := listen(t, Options{})
	conn, err := net.Dial("tcp", l.to.url.Host)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "GET /callback?"+honest+" HTTP/1.1\r\nHost: "+l.to.url.Host+"\r\n\r\n")
	a, err := l.Answer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	a.Finish(Page{OK: true})
	a.Finish(Page{OK: false}) // the first counts, the second does not wait
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheFlowMayEndFirst(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l, err := Listen(ctx, Options{RedirectURI: "http://127.0.0.1:0/callback", Accept: waited})
	if err != nil {
		t.Fatal(err)
	}
	replies := make(chan reply, 1)
	go func() { replies <- get(t, l, honest) }()
	if _, err := l.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	cancel()
	got := <-replies
	wantStatus(t, "the browser", got, http.StatusGone)
	if !strings.Contains(got.body, "given up") {
		t.Errorf("got page %q, want one that says it was given up", got.body)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	terminated := &fault.Error{Kind: fault.Terminated, ID: "signal.term", Op: "stop"}
	cases := map[string]struct {
		end  func(context.Context, *Listener) context.Context
		kind fault.Kind
	}{
		"out of time": {func(ctx context.Context, _ *Listener) context.Context {
			ctx, cancel := context.WithDeadline(ctx, time.Unix(1, 0))
			cancel()
			return ctx
		}, fault.Unfinished},
		"interrupted": {func(ctx context.Context, _ *Listener) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}, fault.Cancelled},
		"terminated": {func(ctx context.Context, _ *Listener) context.Context {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(terminated)
			return ctx
		}, fault.Terminated},
		"closed": {func(ctx context.Context, l *Listener) context.Context {
			_ = l.Close()
			return ctx
		}, fault.Cancelled},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, Options{})
			if _, err := l.Answer(c.end(t.Context(), l)); !fault.Is(err, c.kind) {
				t.Errorf("got %v, want %v", err, c.kind)
			}
		})
	}
}

func TestPaste(t *testing.T) {
	t.Parallel()
	l := listen(t, Options{RedirectURI: "http://localhost:0/callback?tenant=a"})
	other := strings.Replace(l.RedirectURI(), "localhost", "127.0.0.1", 1)
	for what, text := range map[string]string{
		"nothing":             "",
		"no address":          "c0de-of-this-sign-in",
		"no parameters":       l.RedirectURI(),
		"another host":        other + "&" + honest,
		"another path":        strings.Replace(l.RedirectURI(), "/callback", "/", 1) + "&" + honest,
		"another scheme":      strings.Replace(l.RedirectURI(), "http:", "https:", 1) + "&" + honest,
		"another state":       l.RedirectURI() + "&code=c0de-of-this-sign-in&state=another",
		"no registered query": l.to.base() + "?" + honest,
	} {
		err := l.Paste(text)
		if !fault.Is(err, fault.Usage) || strings.Contains(err.Error(), "c0de") {
			t.Errorf("%s: got %v, want a usage fault without the code", what, err)
		}
	}
	if err := l.Paste("  " + l.RedirectURI() + "&" + honest + "#_=_\r\n"); err != nil {
		t.Fatal(err)
	}
	a, err := l.Answer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Params.Get("iss"); got != "https://op.example" || a.Params.Has("tenant") {
		t.Errorf("got %v, want the parameters of the answer", a.Params)
	}
	a.Finish(Page{OK: true})
	if err := l.Paste(l.RedirectURI() + "&" + honest); !errors.Is(err, errAnswered) {
		t.Errorf("got %v, want %v", err, errAnswered)
	}
}

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	busy := taken.Addr().String()
	cert := named(t, x509.NewCertPool(), "client.example.com")
	cases := map[string]struct {
		o    Options
		id   string
		word string
	}{
		"a fixed port that is taken":           {Options{RedirectURI: "http://" + busy + "/cb"}, "loopback.port-busy", busy},
		"the same on localhost":                {Options{RedirectURI: "http://localhost:" + busy[len("127.0.0.1:"):] + "/cb"}, "loopback.port-busy", busy},
		"a host elsewhere":                     {Options{RedirectURI: "http://client.example.com:0/cb"}, "loopback.redirect-uri", "client.example.com"},
		"a host elsewhere, over http":          {Options{RedirectURI: "http://client.example.com:0/cb", AllowHost: true}, "loopback.redirect-uri", "loopback"},
		"all interfaces":                       {Options{RedirectURI: "http://0.0.0.0:0/cb"}, "loopback.redirect-uri", "0.0.0.0"},
		"a number that some take for loopback": {Options{RedirectURI: "http://2130706433:0/cb"}, "loopback.redirect-uri", "2130706433"},
		"no certificate":                       {Options{RedirectURI: "https://127.0.0.1:0/cb"}, "loopback.certificate", "certificate"},
		"a certificate for another host":       {Options{RedirectURI: "https://127.0.0.1:0/cb", Certificate: cert}, "loopback.certificate", "127.0.0.1"},
		"an unknown scheme":                    {Options{RedirectURI: "app:/callback"}, "loopback.redirect-uri", "scheme"},
		"no scheme":                            {Options{RedirectURI: "127.0.0.1/callback"}, "loopback.redirect-uri", "scheme"},
		"no host":                              {Options{RedirectURI: "http:///callback"}, "loopback.redirect-uri", "host"},
		"a user":                               {Options{RedirectURI: "http://me@127.0.0.1:0/"}, "loopback.redirect-uri", "user"},
		"a fragment":                           {Options{RedirectURI: "http://127.0.0.1:0/#"}, "loopback.redirect-uri", "fragment"},
		"a port too large":                     {Options{RedirectURI: "http://127.0.0.1:70000/"}, "loopback.redirect-uri", "port"},
		"an empty port":                        {Options{RedirectURI: "http://127.0.0.1:/"}, "loopback.redirect-uri", "port"},
		"a control character":                  {Options{RedirectURI: "http://127.0.0.1:0/\x1b"}, "loopback.redirect-uri", "control"},
		"a name to bind":                       {Options{RedirectURI: "http://127.0.0.1:0/", Bind: "client.example.com"}, "loopback.bind-address", "client.example.com"},
		"a bind port too large":                {Options{RedirectURI: "http://127.0.0.1:0/", Bind: "127.0.0.1:70000"}, "loopback.bind-address", "70000"},
		"nothing but a port to bind":           {Options{RedirectURI: "http://127.0.0.1:0/", Bind: ":9000"}, "loopback.bind-address", ":9000"},
		"an address of another machine":        {Options{RedirectURI: "http://127.0.0.1:0/", Bind: "192.0.2.1"}, "loopback.bind", "192.0.2.1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.o.Accept = waited
			l, err := Listen(t.Context(), c.o)
			if l != nil {
				_ = l.Close()
			}
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Config || f.ID != c.id {
				t.Fatalf("got %#v, want %s", err, c.id)
			}
			if !strings.Contains(err.Error(), c.word) || f.Hint == "" {
				t.Errorf("got %q, hint %q, want a word of %q and a hint", err, f.Hint, c.word)
			}
		})
	}
}

func TestForwardedPort(t *testing.T) {
	t.Parallel()
	l := listen(t, Options{RedirectURI: "http://dev.example:8443/cb", Bind: "127.0.0.1:0"})
	if got, want := l.RedirectURI(), "http://dev.example:8443/cb"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Not parallel: it counts what is left of every listener.
func TestNothingIsLeft(t *testing.T) {
	for range 5 {
		l := listen(t, Options{RedirectURI: "http://localhost:0/callback"})
		idle, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(l.to.port))
		if err != nil {
			t.Fatal(err)
		}
		signIn(t, l, browser(l, nil), request(t, "GET", l.RedirectURI()+"?"+honest, ""))
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := idle.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
			t.Errorf("got %v, want a closed connection", err)
		}
		_ = idle.Close()
	}
	for t.Context().Err() == nil {
		var stacks bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		if !strings.Contains(stacks.String(), "net/http.(*Server)") && !strings.Contains(stacks.String(), "loopback.(*Listener)") {
			return
		}
		runtime.Gosched() // the test's own time limit ends this
	}
}
