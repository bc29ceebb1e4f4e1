package trial

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"rely/internal/doctor/active/pace"
	"rely/internal/fault"
)

// A gate lets requests through, one after the other and not too fast, keeps
// what is sent to the redirect URI, and in a dry run sends nothing.
type gate struct {
	base http.RoundTripper
	pace pace.Keeper
	dry  func(line string)
	most int
	ours string // a redirect URI that is not of the doctor's own; empty for none
	free bool   // cleaning up is never refused
	owed int    // requests that are kept back for deleting clients
	full bool   // a request was refused
	// heading is told before the next request of a dry run.
	heading string

	mu    sync.Mutex
	count int
	came  *Arrival // the latest at an address of ours
}

// RoundTrip implements [http.RoundTripper].
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	return g.through(req, g.base, "")
}

// through is RoundTrip over another transport; shows is told in a dry run.
func (g *gate) through(req *http.Request, base http.RoundTripper, shows string) (*http.Response, error) {
	if g.leadsHere(req.URL) {
		return g.arrive(req)
	}
	if err := g.turn(); err != nil {
		return nil, err
	}
	if g.dry != nil {
		return g.pretend(req, shows)
	}
	if err := g.pace.Wait(req); err != nil {
		return nil, err
	}
	return base.RoundTrip(req)
}

// turn counts a request.
func (g *gate) turn() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.count+g.owed >= g.most && !g.free {
		g.full = true
		return g.limit()
	}
	g.count++
	return nil
}

// spent is why no more requests can be made; nil while they can.
func (g *gate) spent() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.count+g.owed < g.most && !g.full {
		return nil
	}
	return g.limit()
}

func (g *gate) limit() error {
	return fmt.Errorf("%s, which is the limit: raise it with --max-requests, or choose checks with --only", fault.Count(g.most, "request was made", "requests were made"))
}

// Sent is how many requests were made.
func (p *Patient) Sent() int {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	return p.gate.count
}

// owe keeps requests back for what has to be deleted.
func (g *gate) owe(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owed += n
}

// pretend tells of a request, and answers as a good provider would where the
// answer leads on.
func (g *gate) pretend(req *http.Request, shows string) (*http.Response, error) {
	line := req.Method + " " + req.URL.String()
	body := ""
	if req.Body != nil {
		all, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		if body = string(all); body != "" {
			line += "\n    " + body
		}
	}
	line += proofsOf(req.Header) + shows
	if g.heading != "" {
		line, g.heading = g.heading+"\n"+line, ""
	}
	g.dry(line)
	if req.Method == http.MethodPost && strings.Contains(req.Header.Get("Content-Type"), "json") {
		return answer(req, http.StatusCreated, "application/json", `{"client_id":"CLIENT-ID","client_secret":"CLIENT-SECRET","registration_access_token":"REGISTRATION-TOKEN","registration_client_uri":"`+req.URL.String()+`/CLIENT-ID"}`), nil
	}
	form, _ := url.ParseQuery(body)
	q := req.URL.Query()
	switch {
	case req.Method == http.MethodDelete:
		return answer(req, http.StatusNoContent, "text/plain", ""), nil
	case form.Get("grant_type") == "client_credentials":
		return answer(req, http.StatusOK, "application/json", `{"access_token":"ACCESS-TOKEN","token_type":"DPoP","expires_in":60}`), nil
	case form.Has("client_assertion"):
		return answer(req, http.StatusBadRequest, "application/json", `{"error":"invalid_grant"}`), nil
	case form.Has("response_type"):
		return answer(req, http.StatusCreated, "application/json", `{"request_uri":"REQUEST-URI","expires_in":60}`), nil
	case q.Get("prompt") == "none":
		a := answer(req, http.StatusFound, "text/plain", "")
		a.Header.Set("Location", q.Get("redirect_uri")+"?error=login_required&state="+url.QueryEscape(q.Get("state")))
		return a, nil
	}
	return answer(req, http.StatusBadRequest, "application/json", `{"error":"invalid_request"}`), nil
}

// proofsOf tells with what a request proves its sender: the scheme, and what
// stands in a DPoP proof.
func proofsOf(h http.Header) string {
	out := ""
	if scheme, _, _ := strings.Cut(h.Get("Authorization"), " "); scheme != "" {
		out += "\n    Authorization: " + scheme + " ..."
	}
	if parts := strings.Split(h.Get("DPoP"), "."); len(parts) == 3 {
		var claims map[string]any
		data, _ := part(parts[1], &claims)
		out += "\n    DPoP: " + string(data)
	}
	return out
}

func answer(req *http.Request, status int, kind, body string) *http.Response {
	return &http.Response{Status: fmt.Sprint(status, " ", http.StatusText(status)), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}
}

// here reports whether something came to an address of ours.
func (g *gate) here() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.came != nil
}
