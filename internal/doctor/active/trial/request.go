package trial

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/registration"
	"rely/internal/wire"
)

// A Key is one PKCE pair (RFC 7636 4.1, 4.2).
type Key struct{ Verifier, Challenge string }

// NewKey makes a pair that nobody can guess.
func NewKey() Key {
	v := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(v))
	return Key{v, base64.RawURLEncoding.EncodeToString(sum[:])}
}

// Request is a good authorization request.
func (p *Patient) Request(c *registration.Client) url.Values { return p.request(c, NewKey()) }

// request is one whose answer comes to where codes are taken.
func (p *Patient) request(c *registration.Client, k Key) url.Values {
	q := clientOf(c)
	for name, v := range map[string]string{"response_type": "code", "redirect_uri": p.RedirectURI(), "scope": "openid", "state": rand.Text(), "nonce": rand.Text(),
		"code_challenge": k.Challenge, "code_challenge_method": "S256"} {
		q.Set(name, v)
	}
	return q
}

// Authorize sends an authorization request that nobody signs in to.
func (p *Patient) Authorize(ctx context.Context, change func(q url.Values)) (*wire.Answer, url.Values, error) {
	return p.AuthorizeAs(ctx, p.Client, change)
}

// AsBrowser is what a browser asks for. A provider may answer a script, which
// wants JSON, with the address in place of a redirect to it.
func AsBrowser() http.Header { return http.Header{"Accept": {"text/html,*/*;q=0.1"}} }

// AuthorizeAs is Authorize for another client.
func (p *Patient) AuthorizeAs(ctx context.Context, c *registration.Client, change func(q url.Values)) (*wire.Answer, url.Values, error) {
	address, err := p.Endpoint("authorization_endpoint")
	if err != nil {
		return nil, nil, err
	}
	q := p.request(c, NewKey())
	change(q)
	to, err := with(address, q)
	if err != nil {
		return nil, nil, err
	}
	a, err := p.Send(ctx, http.MethodGet, to.String(), nil, AsBrowser())
	return a, q, err
}

// Silent is AuthorizeAs with prompt=none: whoever takes the request says so at
// the redirect URI, and nobody sees a page. Some say it only after redirects of
// their own.
func (p *Patient) Silent(ctx context.Context, c *registration.Client, change func(q url.Values)) (*wire.Answer, url.Values, error) {
	a, q, err := p.AuthorizeAs(ctx, c, func(q url.Values) {
		q.Set("prompt", "none")
		change(q)
	})
	if err == nil {
		a, _, err = p.Along(ctx, a)
	}
	return a, q, err
}

// Along goes with an answer's redirects as long as they stay at the provider,
// as a browser in which nobody signed in: to a page, to what leads away, or to
// a page that is told an error. The cookies are those that were set on the way.
func (p *Patient) Along(ctx context.Context, a *wire.Answer) (*wire.Answer, []*http.Cookie, error) {
	cookies := map[string]*http.Cookie{}
	for range 5 {
		all := keep(cookies, a)
		from, err := url.Parse(a.URL)
		if err != nil {
			return a, all, err
		}
		to, err := from.Parse(a.Header.Get("Location"))
		if err != nil || a.Status/100 != 3 || to.Host != from.Host || p.gate.leadsHere(to) || to.Query().Has("error") {
			return a, all, nil
		}
		header := AsBrowser()
		for _, c := range all {
			header.Add("Cookie", c.Name+"="+c.Value)
		}
		if a, err = p.Send(ctx, http.MethodGet, to.String(), nil, header); err != nil {
			return a, all, err
		}
	}
	return a, keep(cookies, a), nil
}

// keep adds the cookies of an answer, and gives all in the order of their names.
func keep(cookies map[string]*http.Cookie, a *wire.Answer) (all []*http.Cookie) {
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		cookies[c.Name] = c
	}
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		all = append(all, cookies[name])
	}
	return all
}

// GoodSilent is the answer to a good request with prompt=none, sent once.
func (p *Patient) GoodSilent(ctx context.Context) (*wire.Answer, error) {
	if p.silent != nil {
		return p.silent, nil
	}
	a, _, err := p.Silent(ctx, p.Client, func(url.Values) {})
	if err == nil {
		p.silent = a
	}
	return a, err
}

// Knocks reports whether the provider answers good requests with prompt=none
// as it has to. The error says that it does not: then a bad one shows nothing.
func (p *Patient) Knocks(ctx context.Context) error {
	a, err := p.GoodSilent(ctx)
	if err == nil && !Taken(a, p.RedirectURI()) {
		err = errors.New("the provider does not answer prompt=none with login_required, which A19 tells, so that nothing can be seen")
	}
	return err
}

// Taken reports whether a request with prompt=none came so far that somebody
// has to sign in: at the redirect URI to is the error that says so.
func Taken(a *wire.Answer, to string) bool {
	e := Back(a, to)
	return e != nil && strings.HasSuffix(e.Get("error"), "_required")
}

// Back is what an answer sends to the redirect URI, nil where it sends nothing
// there.
func Back(a *wire.Answer, to string) url.Values {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.Status/100 != 3 || !strings.HasPrefix(u.String(), to) {
		return nil
	}
	q := u.Query()
	if f, err := url.ParseQuery(u.Fragment); err == nil {
		for name, v := range f {
			q[name] = v
		}
	}
	return q
}

// Leaves reports whether an answer sends the browser to that host.
func Leaves(a *wire.Answer, hosts ...string) bool {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.Status/100 != 3 {
		return false
	}
	for _, host := range hosts {
		if strings.EqualFold(u.Hostname(), host) {
			return true
		}
	}
	return u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https"
}

// Refused reports whether a request came to an error instead of a sign-in: at
// the redirect URI, as a page with a status that says so, or on the way to a
// page of the provider's own that is told the error.
func (p *Patient) Refused(a *wire.Answer) bool {
	if e := Back(a, p.RedirectURI()); e != nil {
		return e.Get("error") != ""
	}
	if a.Status/100 == 3 {
		u, err := url.Parse(a.Header.Get("Location"))
		return err == nil && u.Query().Has("error")
	}
	return a.Status >= 400
}

// Accepts sends a request that should be refused, and reports whether it brings
// something all the same; came is what it was. A provider may judge a request
// after the sign-in only: then somebody has to sign in, and the error says so
// where nobody does.
func (p *Patient) Accepts(ctx context.Context, c *registration.Client, change func(q url.Values)) (came string, yes bool, err error) {
	a, q, err := p.AuthorizeAs(ctx, c, change)
	if err != nil || p.Dry != nil || p.Refused(a) {
		return "", false, err
	}
	if e := Back(a, p.RedirectURI()); e != nil {
		return Described(a), true, nil
	}
	if p.agent == nil {
		return "", false, fmt.Errorf("the provider asks for a sign-in before it says what it makes of the request (%s), and nobody signs in: add --browser forms --username NAME --password-file FILE", Described(a))
	}
	address, err := p.Endpoint("authorization_endpoint")
	if err == nil {
		p.codes++
		err = p.walk(ctx, address, q)
	}
	if err != nil {
		return "", false, err
	}
	got := p.gate.arrived()
	if got == nil {
		return "", false, errors.New("the sign-in came to no answer at the redirect URI")
	}
	all := got.All()
	for _, name := range []string{"code", "id_token", "access_token"} {
		if all.Get(name) != "" {
			return "after the sign-in comes " + name, true, nil
		}
	}
	return "", false, nil
}

// Odd is a state that shows whether somebody decodes and encodes it.
func Odd() string {
	return strings.Repeat("x", 300) + "+&=% \u00e9/?#" + rand.Text()
}

// clientOf is the parameters that name a client.
func clientOf(c *registration.Client) url.Values { return url.Values{"client_id": {c.ID}} }

// OddNonce is a nonce of 64 characters, such as the conformance suite sends.
func OddNonce() string { return (rand.Text() + "-._~!$*+=&%/?" + rand.Text())[:64] }

// part reads one part of a JWT.
func part(text string, into any) ([]byte, bool) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	return data, err == nil && json.Unmarshal(data, into) == nil
}
