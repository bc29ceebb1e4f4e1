package loopback

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// tokens is an answer as it stands in a fragment.
const tokens = "access_token=s3cret-of-this-sign-in&token_type=Bearer&" + honest

// handed loads the page that hands the fragment over, and gives its password.
func handed(t *testing.T, l *Listener, want int) string {
	t.Helper()
	got := do(browser(l, nil), request(t, "GET", l.RedirectURI(), ""))
	wantStatus(t, "the page", got, want)
	pass := regexp.MustCompile(`name="pass" value="([^"]+)"`).FindStringSubmatch(got.body)
	if pass == nil {
		t.Fatalf("got %s, want a form", got.body)
	}
	for name, want := range map[string]string{
		"Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(relayScript) +
			"; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
	} {
		if got := got.header.Get(name); got != want {
			t.Errorf("got %s: %s, want %s", name, got, want)
		}
	}
	if !strings.Contains(got.body, "<script>"+relayScript+"</script>") || strings.Contains(got.body, "://") {
		t.Errorf("got %s, want the hashed script, and no address of anything", got.body)
	}
	// The address bar is clean before anything else happens.
	if !strings.HasPrefix(relayScript, `var f=location.hash.slice(1);history.replaceState(`) {
		t.Errorf("got %s, want the address cleaned first", relayScript)
	}
	return pass[1]
}

func relay(t *testing.T, l *Listener, pass, fragment string, header ...string) *http.Request {
	t.Helper()
	body := url.Values{"pass": {pass}, "fragment": {fragment}}.Encode()
	u, _ := url.Parse(l.RedirectURI())
	own := []string{"Content-Type", form, "Origin", u.Scheme + "://" + u.Host, "Sec-Fetch-Site", "same-origin"}
	return request(t, "POST", l.RedirectURI(), body, append(own, header...)...)
}

func TestFragmentIsHandedOver(t *testing.T) {
	t.Parallel()
	for what, asked := range map[string]bool{"asked for": true, "in the wrong place": false} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := listen(t, Options{RedirectURI: "http://127.0.0.1:0/callback?tenant=a", Fragment: asked})
			status := http.StatusBadRequest
			if asked {
				status = http.StatusOK
			}
			pass := handed(t, l, status)
			a := signIn(t, l, browser(l, nil), relay(t, l, pass, tokens))
			if a.Way != Fragment || a.Params.Get("access_token") != "s3cret-of-this-sign-in" || a.Params.Has("pass") || a.Params.Has("tenant") {
				t.Errorf("got %s by %s, want the fragment's parameters", a.Params, a.Way)
			}
			wantStatus(t, "a second answer", do(browser(l, nil), relay(t, l, pass, tokens)), http.StatusConflict)
		})
	}
}

// Whoever posts a fragment and is not our own page is turned away, and the
// honest answer still counts.
func TestRelayAttacks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		change func(l *Listener, pass string) *http.Request
	}{
		"a foreign origin": {http.StatusMethodNotAllowed, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens, "Origin", "https://evil.example")
		}},
		"an opaque origin": {http.StatusMethodNotAllowed, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens, "Origin", "null")
		}},
		"another port": {http.StatusMethodNotAllowed, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens, "Origin", "http://127.0.0.1:1")
		}},
		"another scheme": {http.StatusMethodNotAllowed, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens, "Origin", "https://"+l.to.url.Host)
		}},
		"another name of the host": {http.StatusMethodNotAllowed, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens, "Origin", "http://localhost:"+l.to.url.Port())
		}},
		"another site, says the browser": {http.StatusMethodNotAllowed, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens, "Sec-Fetch-Site", "cross-site")
		}},
		"the same site only": {http.StatusMethodNotAllowed, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens, "Sec-Fetch-Site", "same-site")
		}},
		"no origin": {http.StatusMethodNotAllowed, func(l *Listener, pass string) *http.Request {
			r := relay(t, l, pass, tokens)
			r.Header.Del("Origin")
			return r
		}},
		"a name that points here": {http.StatusMisdirectedRequest, func(l *Listener, pass string) *http.Request {
			r := relay(t, l, pass, tokens)
			r.Host = "evil.example:" + l.to.url.Port()
			return r
		}},
		"a guessed password": {http.StatusForbidden, func(l *Listener, _ string) *http.Request {
			return relay(t, l, strings.Repeat("A", 26), tokens)
		}},
		"the answer without the form": {http.StatusForbidden, func(l *Listener, _ string) *http.Request {
			r := relay(t, l, "", "")
			return request(t, "POST", l.RedirectURI(), tokens, "Content-Type", form, "Origin", r.Header.Get("Origin"))
		}},
		"something beside the fragment": {http.StatusForbidden, func(l *Listener, pass string) *http.Request {
			r := relay(t, l, pass, tokens)
			body := url.Values{"pass": {pass}, "fragment": {tokens}, "code": {"evil"}}.Encode()
			return request(t, "POST", l.RedirectURI(), body, "Content-Type", form, "Origin", r.Header.Get("Origin"))
		}},
		"JSON": {http.StatusUnsupportedMediaType, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens, "Content-Type", "application/json")
		}},
		"another state": {http.StatusBadRequest, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, "access_token=evil&state=guess")
		}},
		"no state": {http.StatusBadRequest, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, "access_token=evil")
		}},
		"10 MiB": {http.StatusRequestEntityTooLarge, func(l *Listener, pass string) *http.Request {
			return relay(t, l, pass, tokens+"&x="+strings.Repeat("x", 10<<20))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, Options{Fragment: true})
			pass := handed(t, l, http.StatusOK)
			got := do(browser(l, nil), c.change(l, pass))
			if got.err == nil || c.status != http.StatusRequestEntityTooLarge { // the connection may break first
				wantStatus(t, name, got, c.status)
			}
			if strings.Contains(got.body, "s3cret") || strings.Contains(got.body, pass) {
				t.Errorf("got %s, want nothing of what was sent", got.body)
			}
			signIn(t, l, browser(l, nil), relay(t, l, pass, tokens))
		})
	}
}

func TestRelayFlood(t *testing.T) {
	t.Parallel()
	l := listen(t, Options{Fragment: true})
	pass := handed(t, l, http.StatusOK)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c := browser(l, nil)
			for i := range 60 {
				if got := do(c, relay(t, l, pass, fmt.Sprintf("access_token=x&state=guess-%d", i))); got.status != http.StatusBadRequest {
					t.Errorf("got %d %v, want 400", got.status, got.err)
				}
			}
		})
	}
	all.Wait()
	signIn(t, l, browser(l, nil), relay(t, l, pass, tokens))
}

func TestPasteOfAFragment(t *testing.T) {
	t.Parallel()
	l := listen(t, Options{Fragment: true})
	for what, text := range map[string]string{
		"another state": l.RedirectURI() + "#access_token=s3cret&state=another",
		"no parameters": l.RedirectURI() + "#",
	} {
		if err := l.Paste(text); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want an error without the token", what, err)
		}
	}
	if err := l.Paste(l.RedirectURI() + "#" + tokens + "\n"); err != nil {
		t.Fatal(err)
	}
	a, err := l.Answer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.Finish(Page{OK: true})
	if a.Way != Fragment || a.Params.Get("access_token") != "s3cret-of-this-sign-in" {
		t.Errorf("got %v by %s, want the fragment's parameters", a.Params, a.Way)
	}
}
