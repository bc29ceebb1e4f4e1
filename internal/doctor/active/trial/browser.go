package trial

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"sync"

	"rely/internal/doctor/active/pace"
	"rely/internal/wire"
)

// A browser is the transport of whoever signs in. It keeps the provider's
// cookies from one visit to the next, so that one sign-in is enough for all.
type browser struct {
	gate *gate

	mu       sync.Mutex
	jar      *cookiejar.Jar
	repeated string // a form was to be sent again elsewhere: what was seen
}

func newBrowser(g *gate) (*browser, error) {
	jar, err := cookiejar.New(nil)
	return &browser{gate: g, jar: jar}, err
}

// RoundTrip implements [http.RoundTripper]. What a page loads besides itself
// (scripts and their like) is neither counted nor slowed down.
func (b *browser) RoundTrip(req *http.Request) (*http.Response, error) {
	if b.gate.leadsHere(req.URL) {
		return b.gate.arrive(req)
	}
	out := req.Clone(req.Context())
	b.lend(out)
	over := http.RoundTripper(b.gate)
	if pace.Besides(req) && b.gate.dry == nil {
		over = b.gate.base
	}
	resp, err := over.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jar.SetCookies(secured(req.URL), resp.Cookies())
	if s := resp.StatusCode; req.Method == http.MethodPost && (s == http.StatusTemporaryRedirect || s == http.StatusPermanentRedirect) {
		b.repeated = fmt.Sprintf("POST %s is answered %d", req.URL.Path, s)
	}
	return resp, nil
}

// lend adds the cookies that the agent has not itself: it may be another one at
// each visit.
func (b *browser) lend(req *http.Request) {
	own := req.Cookies()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.jar.Cookies(secured(req.URL)) {
		if !slices.ContainsFunc(own, func(o *http.Cookie) bool { return o.Name == c.Name }) {
			req.AddCookie(c)
		}
	}
}

// secured lets Secure cookies go over plain http on loopback, as browsers do
// (Secure Contexts 3.1).
func secured(u *url.URL) *url.URL {
	out := *u
	if u.Scheme == "http" && wire.Loopback(u.Hostname()) {
		out.Scheme = "https"
	}
	return &out
}

// again is what [browser.repeated] saw, empty where it saw nothing.
func (b *browser) again() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.repeated
}
