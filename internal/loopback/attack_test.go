package loopback

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

const form = "application/x-www-form-urlencoded"

// raw sends text and leaves the connection open until the test ends.
func raw(t *testing.T, l *Listener, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.to.url.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// attacks is what anyone on the machine, or a page in the browser, may try
// before the real answer arrives.
func attacks() map[string]func(*testing.T, *Listener) {
	return map[string]func(*testing.T, *Listener){
		"a name that points here": func(t *testing.T, l *Listener) {
			for _, host := range []string{"evil.example", "evil.example:" + l.to.url.Port(), "localhost:" + l.to.url.Port(), "127.0.0.1", "127.0.0.1:1", "[::1]:" + l.to.url.Port()} {
				r := request(t, "GET", l.RedirectURI()+"?"+honest, "")
				r.Host = host
				got := do(browser(l, nil), r)
				wantStatus(t, host, got, http.StatusMisdirectedRequest)
				if got.body != "" {
					t.Errorf("%s: got body %q, want none", host, got.body)
				}
			}
		},
		"no name at all": func(t *testing.T, l *Listener) {
			c := raw(t, l, "GET /callback?"+honest+" HTTP/1.0\r\n\r\n")
			if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.0 421") {
				t.Errorf("got %q, want 421", got)
			}
		},
		"another state": func(t *testing.T, l *Listener) {
			for _, query := range []string{
				"code=evil&state=guess", "code=evil", "code=evil&state=", "code=evil&state=SENT", "code=evil&State=sent",
				"error=access_denied", "error=server_error&state=x", "state=%ff", "=", "state;sent", "code=evil&state=sent%00",
			} {
				wantStatus(t, query, get(t, l, query), http.StatusBadRequest)
			}
		},
		"nothing to say": func(t *testing.T, l *Listener) {
			wantStatus(t, "no parameters", get(t, l, ""), http.StatusBadRequest)
			wantStatus(t, "only separators", get(t, l, "&&"), http.StatusBadRequest)
		},
		"a look ahead": func(t *testing.T, l *Listener) {
			r := request(t, "GET", l.RedirectURI()+"?"+honest, "", "Sec-Purpose", "prefetch;prerender")
			wantStatus(t, "prerender", do(browser(l, nil), r), http.StatusServiceUnavailable)
		},
		"other paths": func(t *testing.T, l *Listener) {
			at := "http://" + l.to.url.Host
			for path, want := range map[string]int{
				"/favicon.ico": http.StatusNoContent, "/": http.StatusNotFound, "/callback/": http.StatusNotFound,
				"/Callback": http.StatusNotFound, "/callback/../callback": http.StatusNotFound,
			} {
				wantStatus(t, path, do(browser(l, nil), request(t, "GET", at+path+"?"+honest, "")), want)
			}
		},
		"odd methods": func(t *testing.T, l *Listener) {
			for _, method := range []string{"HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "FROB"} {
				got := do(browser(l, nil), request(t, method, l.RedirectURI()+"?"+honest, ""))
				wantStatus(t, method, got, http.StatusMethodNotAllowed)
				if got.header.Get("Allow") == "" || got.header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s: got %v, want Allow and no CORS", method, got.header)
				}
			}
		},
		"a page of another origin posts": func(t *testing.T, l *Listener) {
			for _, origin := range []string{"https://evil.example", "http://127.0.0.1:1", "https://op.example.evil.example", ""} {
				got := do(browser(l, nil), request(t, "POST", l.RedirectURI(), honest, "Content-Type", form, "Origin", origin))
				wantStatus(t, origin, got, http.StatusForbidden)
			}
		},
		"a post that is no form": func(t *testing.T, l *Listener) {
			for _, kind := range []string{"text/plain", "application/json", "multipart/form-data; boundary=x", ""} {
				got := do(browser(l, nil), request(t, "POST", l.RedirectURI(), honest, "Content-Type", kind))
				wantStatus(t, kind, got, http.StatusUnsupportedMediaType)
			}
		},
		"a form with another state": func(t *testing.T, l *Listener) {
			got := do(browser(l, nil), request(t, "POST", l.RedirectURI()+"?"+honest, "code=evil&state=guess", "Content-Type", form))
			wantStatus(t, "guess", got, http.StatusBadRequest)
		},
		"10 MiB of body": func(t *testing.T, l *Listener) {
			huge := honest + "&x=" + strings.Repeat("x", 10<<20)
			for _, method := range []string{"POST", "GET"} {
				// The answer comes before the body is through, so the client
				// may see either the answer or a broken connection.
				got := do(browser(l, nil), request(t, method, l.RedirectURI()+"?"+honest, huge, "Content-Type", form))
				if got.err == nil && got.status != http.StatusRequestEntityTooLarge {
					t.Errorf("got %d for %s, want 413", got.status, method)
				}
			}
		},
		"2 MB of header": func(t *testing.T, l *Listener) {
			got := do(browser(l, nil), request(t, "GET", l.RedirectURI()+"?"+honest, "", "X-Long", strings.Repeat("x", 2<<20)))
			if got.err == nil && got.status != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("got %d, want 431", got.status)
			}
		},
		"1,000 requests at once": func(t *testing.T, l *Listener) {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					c := browser(l, nil)
					for i := range 125 {
						if got := do(c, request(t, "GET", l.RedirectURI()+fmt.Sprintf("?code=x&state=guess-%d", i), "")); got.status != http.StatusBadRequest {
							t.Errorf("got %d %v, want 400", got.status, got.err)
						}
					}
				})
			}
			all.Wait()
		},
		"300 connections that say nothing": func(t *testing.T, l *Listener) {
			for range 300 {
				raw(t, l, "")
			}
		},
		"more connections than are kept": func(t *testing.T, l *Listener) {
			first := raw(t, l, "")
			for range maxSilent + 20 {
				raw(t, l, "")
			}
			// The oldest goes; a time limit would show here as the test's own.
			if n, err := first.Read(make([]byte, 1)); err == nil {
				t.Errorf("got %d bytes, want a closed connection", n)
			}
		},
		"300 requests that never end": func(t *testing.T, l *Listener) {
			for range 150 {
				raw(t, l, "GET /callback?code=x&st")
				raw(t, l, "POST /callback HTTP/1.1\r\nHost: "+l.to.url.Host+"\r\nContent-Type: "+form+"\r\nContent-Length: 500\r\n\r\ncode=")
			}
		},
		"noise": func(t *testing.T, l *Listener) {
			for _, noise := range []string{"\x16\x03\x01\x02\x00", "\r\n\r\n", "GET\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n"} {
				raw(t, l, noise)
			}
		},
	}
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	for name, attack := range attacks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, Options{FormPost: true, Origins: []string{"https://op.example"}})
			attack(t, l)
			select {
			case a := <-l.answers:
				t.Fatalf("got the answer %v, want none", a.Params)
			default:
			}
			signIn(t, l, browser(l, nil), request(t, "POST", l.RedirectURI(), honest, "Content-Type", form+"; charset=UTF-8", "Origin", "https://op.example"))
			wantStatus(t, "a second answer", get(t, l, honest), http.StatusConflict)
			wantStatus(t, "a second form", do(browser(l, nil), request(t, "POST", l.RedirectURI(), honest, "Content-Type", form)), http.StatusConflict)
		})
	}
}

func TestPostIsRefusedUnasked(t *testing.T) {
	t.Parallel()
	l := listen(t, Options{})
	wantStatus(t, "a form", do(browser(l, nil), request(t, "POST", l.RedirectURI(), honest, "Content-Type", form)), http.StatusMethodNotAllowed)
}

func TestAttacksOnTLS(t *testing.T) {
	t.Parallel()
	cert, err := openAuthority(t, t.TempDir(), clock).Certificate()
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t, Options{RedirectURI: "https://127.0.0.1:0/callback", Certificate: cert})
	c := browser(l, nil)
	trust := &tls.Config{InsecureSkipVerify: true}
	c.Transport.(*http.Transport).TLSClientConfig = trust
	for range 100 {
		raw(t, l, "")                     // a preconnect
		raw(t, l, "\x16\x03\x01\x02\x00") // half a hello
	}
	quiet, err := tls.Dial("tcp", l.to.url.Host, trust)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = quiet.Close() })
	old := trust.Clone()
	old.MaxVersion = tls.VersionTLS11
	if c, err := tls.Dial("tcp", l.to.url.Host, old); err == nil {
		_ = c.Close()
		t.Error("got a connection over TLS 1.1, want none")
	}
	if got := do(browser(l, nil), request(t, "GET", "http://"+l.to.url.Host+"/callback?"+honest, "")); got.status != http.StatusBadRequest {
		t.Errorf("got %d for plain http, want 400", got.status)
	}
	signIn(t, l, c, request(t, "GET", l.RedirectURI()+"?"+honest, ""))
}
