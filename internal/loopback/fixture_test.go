package loopback

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

const honest = "code=c0de-of-this-sign-in&state=sent&iss=https%3A%2F%2Fop.example"

// waited accepts answers whose state is the one that was sent.
func waited(v url.Values) error {
	for _, s := range v["state"] {
		if s == "sent" {
			return nil
		}
	}
	return errors.New("state is not the one that was sent")
}

func listen(t *testing.T, o Options) *Listener {
	t.Helper()
	if o.RedirectURI == "" {
		o.RedirectURI = "http://127.0.0.1:0/callback"
	}
	if o.Accept == nil {
		o.Accept = waited
	}
	l, err := Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func browser(l *Listener, roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		// Every name means this machine, as it does in an attack by DNS.
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, _, _ := net.SplitHostPort(addr); net.ParseIP(host) == nil && host != "localhost" {
				addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(l.to.port))
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}}
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func do(c *http.Client, r *http.Request) reply {
	resp, err := c.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body), err}
}

func request(t *testing.T, method, uri, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, uri, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func get(t *testing.T, l *Listener, query string) reply {
	t.Helper()
	return do(browser(l, nil), request(t, "GET", l.RedirectURI()+"?"+query, ""))
}

func wantStatus(t *testing.T, what string, got reply, want int) {
	t.Helper()
	if got.err != nil || got.status != want {
		t.Errorf("%s: got %d %v, want %d", what, got.status, got.err, want)
	}
}

// signIn walks the honest way from the redirect to the page.
func signIn(t *testing.T, l *Listener, c *http.Client, r *http.Request) *Answer {
	t.Helper()
	replies := make(chan reply, 1)
	go func() { replies <- do(c, r) }()
	a, err := l.Answer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Params.Get("code"); got != "c0de-of-this-sign-in" {
		t.Errorf("got code %q, want the one of this sign-in", got)
	}
	a.Finish(Page{OK: true, Text: "You are alice."})
	got := <-replies
	wantStatus(t, "the real answer", got, http.StatusOK)
	if !strings.Contains(got.body, "You are alice.") || strings.Contains(got.body, "c0de") {
		t.Errorf("got page %q, want one that names alice and no code", got.body)
	}
	return a
}
