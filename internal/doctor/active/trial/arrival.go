package trial

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// An Arrival is what came to an address of ours by way of a browser, each
// parameter where it was.
type Arrival struct {
	To                    *url.URL // without query and fragment
	Query, Fragment, Form url.Values
}

// All are the parameters, wherever they were.
func (a *Arrival) All() url.Values {
	out := url.Values{}
	for _, part := range []url.Values{a.Query, a.Fragment, a.Form} {
		for name, v := range part {
			out[name] = append(out[name], v...)
		}
	}
	return out
}

// relay is the page at our addresses: a browser that was sent a fragment hands
// it over by its form, as it does to the listener of rely login.
const relay = `<!doctype html><title>Thank you</title><form method="post"><input type="hidden" name="fragment" value=""></form>`

// leadsHere reports whether an address is one that is never asked for over the
// network: a name that leads nowhere (RFC 6761 6.4), or the redirect URI of a
// client that the user named.
func (g *gate) leadsHere(u *url.URL) bool {
	return strings.HasSuffix(u.Hostname(), ".invalid") || g.ours != "" && bare(u).String() == g.ours
}

func bare(u *url.URL) *url.URL {
	out := *u
	out.RawQuery, out.ForceQuery, out.Fragment, out.RawFragment = "", false, "", ""
	return &out
}

// arrive keeps what was sent, and thanks.
func (g *gate) arrive(req *http.Request) (*http.Response, error) {
	form := url.Values{}
	if req.Method == http.MethodPost && req.Body != nil {
		body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
		if err != nil {
			return nil, err
		}
		form, _ = url.ParseQuery(string(body)) // what can be read of it
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	fragment, relayed := form["fragment"]
	if relayed && len(form) == 1 && g.came != nil {
		g.came.Fragment, _ = url.ParseQuery(fragment[0])
	} else {
		u := *req.URL
		g.came = &Arrival{To: bare(&u), Query: u.Query(), Form: form}
		if u.Fragment != "" {
			g.came.Fragment, _ = url.ParseQuery(u.EscapedFragment())
		}
	}
	return answer(req, http.StatusOK, "text/html; charset=utf-8", relay), nil
}

// arrived takes what came; nil where nothing did.
func (g *gate) arrived() *Arrival {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.came
	g.came = nil
	return a
}
