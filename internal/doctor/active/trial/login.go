package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/registration"
	"rely/internal/useragent"
	"rely/internal/wire"
)

// A Grant is one sign-in and what it brought.
type Grant struct {
	Client   *registration.Client
	State    string     // as it was sent
	Nonce    string     // the same
	Came     *Arrival   // at the redirect URI
	Response url.Values // all parameters of Came
	Key      Key
	Tokens   *wire.Answer
	Access   string
	Refresh  string
	IDToken  string
	Scope    string // as it was sent
	Subject  string // of the ID token, unchecked
	When     time.Time
}

// SignIn has somebody sign in, and gives the code that came to the redirect URI.
// The provider's session is kept, so that mostly nobody is asked again.
func (p *Patient) SignIn(ctx context.Context, c *registration.Client, change func(q url.Values)) (*Grant, error) {
	g, err := p.Arrive(ctx, c, change)
	if err != nil || p.Dry != nil {
		return g, err
	}
	if g.Response.Get("code") == "" {
		no := &Refusal{g.Response.Get("error"), g.Response.Get("error_description")}
		if no.Code == "access_denied" {
			p.denied = no
		}
		return nil, no
	}
	p.see("code", g.Response.Get("code"))
	return g, nil
}

// Arrive has somebody sign in, and gives whatever came to the redirect URI.
func (p *Patient) Arrive(ctx context.Context, c *registration.Client, change func(q url.Values)) (*Grant, error) {
	address, err := p.Endpoint("authorization_endpoint")
	if err != nil {
		return nil, err
	}
	g := &Grant{Client: c, Key: NewKey(), When: p.Now()}
	q := p.request(c, g.Key)
	q.Set("redirect_uri", p.signInURI())
	change(q)
	g.State, g.Nonce, g.Scope = q.Get("state"), q.Get("nonce"), q.Get("scope")
	p.codes++
	if p.Dry != nil {
		g.Came = &Arrival{Query: url.Values{"code": {"CODE"}, "state": {g.State}, "iss": {p.Evidence.Issuer}}}
		g.Response = g.Came.All()
		_, err := p.Get(ctx, address, q)
		return g, err
	}
	if err := p.walk(ctx, address, q); err != nil {
		return nil, err
	}
	if g.Came = p.gate.arrived(); g.Came == nil {
		return nil, errors.New("the sign-in came to no answer at the redirect URI")
	}
	g.Response = g.Came.All()
	return g, nil
}

// walk goes from an authorization request to the redirect URI. A robot that was
// turned away is not sent again: providers lock accounts.
func (p *Patient) walk(ctx context.Context, address string, q url.Values) error {
	if p.turnedAway != nil {
		return p.turnedAway
	}
	p.gate.arrived() // what came before is not the answer
	if p.signedIn && p.Person == nil && p.agent.Name() != "forms" {
		// A browser takes a second to start, and mostly nobody is asked again.
		if _, err := p.Follow(ctx, address, q); err == nil && p.gate.here() {
			return nil
		}
	}
	u, err := with(address, q)
	if err != nil {
		return err
	}
	visit := useragent.Visit{URL: u.String(), RedirectURI: p.signInURI(), Origins: []string{u.Scheme + "://" + u.Host}}
	err = p.agent.Visit(ctx, visit)
	if stopped(err) == "useragent.page" && p.agent.Name() == "chrome" {
		err = p.agent.Visit(ctx, visit) // its scripts were late
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", unwelcome(stopped(err)), err)
		if slices.Contains([]string{"useragent.password-refused", "useragent.code-refused", "useragent.credentials", "useragent.impossible"}, stopped(err)) {
			p.turnedAway = err
		}
		if p.Person != nil {
			p.turnedAway = err // nobody is asked again and again
		}
		return err
	}
	p.signedIn = true
	return nil
}

// with adds parameters to an address.
func with(address string, q url.Values) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	all := u.Query()
	for name, v := range q {
		all[name] = v
	}
	u.RawQuery = all.Encode()
	return u, nil
}

// Follow asks an address as the browser in which somebody signed in, and goes
// along with redirects to the first page, or to an address of ours. Nothing is
// typed or pressed.
func (p *Patient) Follow(ctx context.Context, address string, q url.Values) (*wire.Answer, error) {
	u, err := with(address, q)
	if err != nil {
		return nil, err
	}
	hc := *p.hc
	hc.Base = p.browser
	for range 10 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", "text/html,*/*;q=0.1")
		a, err := hc.Do(ctx, "try "+p.check.ID, req, wire.Document)
		if err != nil {
			return nil, err
		}
		if a.Status/100 != 3 || a.Header.Get("Location") == "" {
			return a, nil
		}
		if u, err = u.Parse(a.Header.Get("Location")); err != nil {
			return nil, fmt.Errorf("a redirect leads to something that is no URL: %w", err)
		}
	}
	return nil, errors.New("no end after 10 redirects")
}

// Silently sends an authorization request in the browser in which somebody
// signed in, and gives what came to the redirect URI at once: nil where the
// provider shows a page instead.
func (p *Patient) Silently(ctx context.Context, c *registration.Client, change func(q url.Values)) (*Grant, *wire.Answer, error) {
	address, err := p.Endpoint("authorization_endpoint")
	if err != nil {
		return nil, nil, err
	}
	g := &Grant{Client: c, Key: NewKey(), When: p.Now()}
	q := p.request(c, g.Key)
	q.Set("redirect_uri", p.signInURI())
	change(q)
	g.State, g.Nonce, g.Scope = q.Get("state"), q.Get("nonce"), q.Get("scope")
	p.gate.arrived()
	a, err := p.Follow(ctx, address, q)
	if err != nil {
		return nil, nil, err
	}
	if g.Came = p.gate.arrived(); g.Came == nil {
		return nil, a, nil
	}
	g.Response = g.Came.All()
	return g, a, nil
}

// Leave walks the pages of a sign-out, and gives what came to an address of
// ours; nil where nothing did.
func (p *Patient) Leave(ctx context.Context, q url.Values) (*Arrival, error) {
	address, err := p.Endpoint("end_session_endpoint")
	if err != nil {
		return nil, err
	}
	p.gate.arrived()
	if p.Dry != nil {
		_, err := p.Get(ctx, address, q)
		return nil, err
	}
	a, err := p.Follow(ctx, address, q)
	if err != nil || p.gate.here() || a.Status >= 400 || len(a.Body) == 0 {
		return p.gate.arrived(), err
	}
	u, err := with(address, q)
	if err != nil {
		return nil, err
	}
	to := q.Get("post_logout_redirect_uri")
	if to == "" {
		to = SignedOut
	}
	// A page that is not understood ends the walk, which is no answer either.
	_ = p.agent.Visit(ctx, useragent.Visit{URL: u.String(), RedirectURI: to, Origins: []string{u.Scheme + "://" + u.Host}, SignOut: true})
	return p.gate.arrived(), ctx.Err()
}

// Repeated is the form that the provider had the browser send to yet another
// address; empty where it did not.
func (p *Patient) Repeated() string { return p.browser.again() }

// Redeem makes a token request with the code; change bends it.
func (p *Patient) Redeem(ctx context.Context, c *registration.Client, g *Grant, change func(form url.Values)) (*wire.Answer, error) {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {g.Response.Get("code")}, "redirect_uri": {p.signInURI()}, "code_verifier": {g.Key.Verifier}}
	change(form)
	return p.Post(ctx, address, form, p.Proof(c, form))
}

// Renew makes a refresh request; change bends it.
func (p *Patient) Renew(ctx context.Context, c *registration.Client, refresh string, change func(form url.Values)) (*wire.Answer, error) {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
	header := p.Proof(c, form)
	change(form)
	return p.Post(ctx, address, form, header)
}

// Proof authenticates the client: with its secret, or by its name.
func (p *Patient) Proof(c *registration.Client, form url.Values) http.Header {
	if c.Secret.Empty() || c == p.Public && p.Client != p.Public {
		form.Set("client_id", c.ID)
		return nil
	}
	if p.Borrowed != nil && p.Borrowed.Post {
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret.Reveal())
		return nil
	}
	return Basic(c, c.Secret.Reveal())
}

// Lasting asks for a refresh token, where the provider has a scope for it (OIDC
// Core 11).
func (p *Patient) Lasting(q url.Values) {
	if scopes, _ := p.Evidence.List("scopes_supported"); slices.Contains(scopes, "offline_access") {
		q.Set("scope", "openid offline_access")
		q.Set("prompt", "consent")
	}
}

// Whole is a good sign-in with its tokens, made once: of the public client, or
// where that brings nothing of the one with a secret.
func (p *Patient) Whole(ctx context.Context) (*Grant, error) {
	if p.good != nil || p.bad != nil {
		return p.good, p.bad
	}
	g, err := p.whole(ctx, p.Public)
	if err != nil && p.turnedAway == nil && p.Client != p.Public {
		p.NoPublic = err
		g, err = p.whole(ctx, p.Client)
	}
	if err == nil || ctx.Err() == nil && p.gate.spent() == nil {
		p.good, p.bad = g, err // it would fail again
	}
	return g, err
}

func (p *Patient) whole(ctx context.Context, c *registration.Client) (*Grant, error) {
	g, err := p.SignIn(ctx, c, func(q url.Values) {
		q.Set("state", Odd())
		q.Set("nonce", OddNonce())
		p.Lasting(q)
	})
	if err == nil {
		err = p.Take(ctx, c, g)
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Take redeems a grant's code, as it should be.
func (p *Patient) Take(ctx context.Context, c *registration.Client, g *Grant) error {
	var err error
	if g.Tokens, err = p.Redeem(ctx, c, g, func(url.Values) {}); err != nil {
		return err
	}
	p.Read(g, g.Tokens)
	// Tokens of a renewal may come again: a provider that is asked twice with one
	// refresh token may repeat its answer, and one that rotates none always does.
	p.see("access token", g.Access)
	p.see("refresh token", g.Refresh)
	if g.Access == "" && p.Dry == nil {
		return fmt.Errorf("a good sign-in brought no tokens: %s", Described(g.Tokens))
	}
	return nil
}

// Read takes the tokens out of an answer.
func (p *Patient) Read(g *Grant, a *wire.Answer) {
	g.Access, _ = Text(a, "access_token")
	g.Refresh, _ = Text(a, "refresh_token")
	g.IDToken, _ = Text(a, "id_token")
	g.Subject = Claims(g.IDToken).Sub
}

// see remembers a value that nobody should be able to guess.
func (p *Patient) see(kind, value string) {
	if value != "" && !slices.Contains(p.Seen[kind], value) {
		p.Seen[kind] = append(p.Seen[kind], value)
	} else if value != "" {
		p.Twice = append(p.Twice, kind)
	}
}

// Said are claims that are read without checking anything.
type Said struct {
	Sub      string
	Iss      string
	Aud      any
	Iat, Exp float64
	AuthTime float64 `json:"auth_time"`
	Nonce    *string
	Typ      string                     `json:"-"` // these three of the header
	Alg      string                     `json:"-"`
	Kid      string                     `json:"-"`
	All      map[string]json.RawMessage `json:"-"`
}

// Claims reads a JWT; the zero value is one that is none.
func Claims(token string) (out Said) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return out
	}
	var head struct{ Typ, Alg, Kid string }
	payload, ok := part(parts[1], &out)
	if _, is := part(parts[0], &head); !ok || !is {
		return Said{}
	}
	_ = json.Unmarshal(payload, &out.All) // it was one already
	out.Typ, out.Alg, out.Kid = head.Typ, head.Alg, head.Kid
	return out
}

// Asking is a good authorization request that is not sent.
func (p *Patient) Asking(c *registration.Client) url.Values { return p.request(c, NewKey()) }
