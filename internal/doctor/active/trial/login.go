package trial

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/registration"
	"rely/internal/useragent"
	"rely/internal/wire"
)

// A Grant is one sign-in and what it brought.
type Grant struct {
	State    string     // as it was sent
	Response url.Values // at the redirect URI
	Key      Key
	Tokens   *wire.Answer
	Access   string
	Refresh  string
	Subject  string // of the ID token, unchecked: rely login checks it
}

// SignIn has somebody sign in, and gives what came to the redirect URI.
func (p *Patient) SignIn(ctx context.Context, c *registration.Client, change func(q url.Values)) (*Grant, error) {
	address, err := p.Endpoint("authorization_endpoint")
	if err != nil {
		return nil, err
	}
	g := &Grant{Key: NewKey()}
	q := Request(c, g.Key)
	change(q)
	g.State = q.Get("state")
	if p.Dry != nil {
		g.Response = url.Values{"code": {"CODE"}, "state": {g.State}, "iss": {p.Evidence.Issuer}}
		_, err := p.Get(ctx, address, q)
		return g, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	all := u.Query()
	for name, v := range q {
		all[name] = v
	}
	u.RawQuery = all.Encode()
	if err := p.agent.Visit(ctx, useragent.Visit{URL: u.String(), RedirectURI: Callback, Origins: []string{u.Scheme + "://" + u.Host}}); err != nil {
		return nil, fmt.Errorf("the sign-in did not succeed: %w", err)
	}
	if g.Response = p.gate.arrived(); g.Response == nil {
		return nil, errors.New("the sign-in came to no answer at the redirect URI")
	}
	if g.Response.Get("code") == "" {
		return nil, fmt.Errorf("the sign-in brought no code: %s", g.Response.Get("error"))
	}
	return g, nil
}

// Redeem makes a token request with the code; change bends it.
func (p *Patient) Redeem(ctx context.Context, c *registration.Client, g *Grant, change func(form url.Values)) (*wire.Answer, error) {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {g.Response.Get("code")}, "redirect_uri": {Callback}, "code_verifier": {g.Key.Verifier}}
	change(form)
	return p.Post(ctx, address, form, p.Proof(c, form))
}

// Proof authenticates the client: with its secret, or by its name.
func (p *Patient) Proof(c *registration.Client, form url.Values) http.Header {
	if c.Secret.Empty() || c == p.Public {
		form.Set("client_id", c.ID)
		return nil
	}
	return Basic(c, c.Secret.Reveal())
}

// Whole is a good sign-in with its tokens, made once.
func (p *Patient) Whole(ctx context.Context) (*Grant, error) {
	if p.good != nil {
		return p.good, nil
	}
	g, err := p.SignIn(ctx, p.Public, func(q url.Values) {
		q.Set("state", Odd())
		if scopes, _ := p.Evidence.List("scopes_supported"); strings.Contains(" "+strings.Join(scopes, " ")+" ", " offline_access ") {
			q.Set("scope", "openid offline_access")
			q.Set("prompt", "consent")
		}
	})
	if err != nil {
		return nil, err
	}
	if g.Tokens, err = p.Redeem(ctx, p.Public, g, func(url.Values) {}); err != nil {
		return nil, err
	}
	g.Access, _ = Text(g.Tokens, "access_token")
	g.Refresh, _ = Text(g.Tokens, "refresh_token")
	id, _ := Text(g.Tokens, "id_token")
	g.Subject = subject(id)
	if g.Access == "" && p.Dry == nil {
		return nil, fmt.Errorf("a good sign-in brought no tokens: %s", Described(g.Tokens))
	}
	p.good = g
	return g, nil
}

// subject reads sub without checking anything.
func subject(token string) string {
	var claims struct {
		Sub string `json:"sub"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Sub
}
