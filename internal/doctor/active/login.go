package active

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

// A grant is one sign-in and what it brought.
type grant struct {
	state    string
	response url.Values
	key      key
	tokens   *wire.Answer
	access   string
	refresh  string
	subject  string // of the ID token, unchecked: rely login checks it
}

// signIn has somebody sign in, and gives what came to the redirect URI.
func (p *patient) signIn(ctx context.Context, c *registration.Client, change func(q url.Values)) (*grant, error) {
	address, err := p.endpoint("authorization_endpoint")
	if err != nil {
		return nil, err
	}
	g := &grant{key: newKey()}
	q := request(c, g.key)
	change(q)
	g.state = q.Get("state")
	if p.Dry != nil {
		g.response = url.Values{"code": {"CODE"}, "state": {g.state}, "iss": {p.evidence.Issuer}}
		_, err := p.get(ctx, address, q)
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
	if err := p.agent.Visit(ctx, useragent.Visit{URL: u.String(), RedirectURI: callback, Origins: []string{u.Scheme + "://" + u.Host}}); err != nil {
		return nil, fmt.Errorf("the sign-in did not succeed: %w", err)
	}
	if g.response = p.gate.arrived(); g.response == nil {
		return nil, errors.New("the sign-in came to no answer at the redirect URI")
	}
	if g.response.Get("code") == "" {
		return nil, fmt.Errorf("the sign-in brought no code: %s", g.response.Get("error"))
	}
	return g, nil
}

// redeem makes a token request with the code; change bends it.
func (p *patient) redeem(ctx context.Context, c *registration.Client, g *grant, change func(form url.Values)) (*wire.Answer, error) {
	address, err := p.endpoint("token_endpoint")
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {g.response.Get("code")}, "redirect_uri": {callback}, "code_verifier": {g.key.verifier}}
	change(form)
	return p.post(ctx, address, form, p.proof(c, form))
}

// proof authenticates the client: with its secret, or by its name.
func (p *patient) proof(c *registration.Client, form url.Values) http.Header {
	if c.Secret.Empty() || c == p.public {
		form.Set("client_id", c.ID)
		return nil
	}
	return basic(c, c.Secret.Reveal())
}

// whole is a good sign-in with its tokens, made once.
func (p *patient) whole(ctx context.Context) (*grant, error) {
	if p.good != nil {
		return p.good, nil
	}
	g, err := p.signIn(ctx, p.public, func(q url.Values) {
		q.Set("state", odd())
		if scopes, _ := p.evidence.List("scopes_supported"); strings.Contains(" "+strings.Join(scopes, " ")+" ", " offline_access ") {
			q.Set("scope", "openid offline_access")
			q.Set("prompt", "consent")
		}
	})
	if err != nil {
		return nil, err
	}
	if g.tokens, err = p.redeem(ctx, p.public, g, func(url.Values) {}); err != nil {
		return nil, err
	}
	g.access, _ = p.text(g.tokens, "access_token")
	g.refresh, _ = p.text(g.tokens, "refresh_token")
	id, _ := p.text(g.tokens, "id_token")
	g.subject = subject(id)
	if g.access == "" && p.Dry == nil {
		return nil, fmt.Errorf("a good sign-in brought no tokens: %s", described(g.tokens))
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

// mustRefuse signs in, bends the token request, and expects an error.
func (p *patient) mustRefuse(ctx context.Context, where, seen string, change func(form url.Values)) error {
	g, err := p.signIn(ctx, p.client, func(url.Values) {})
	if err != nil {
		return err
	}
	a, err := p.redeem(ctx, p.client, g, change)
	if err != nil {
		return err
	}
	if _, tokens := p.text(a, "access_token"); tokens || a.Status/100 == 2 {
		p.found(where, seen+": "+described(a)+", tokens and all", "invalid_grant")
	}
	return nil
}

func (p *patient) wrongVerifier(ctx context.Context) error {
	return p.mustRefuse(ctx, "code_verifier", "a wrong one", func(f url.Values) { f.Set("code_verifier", newKey().verifier) })
}

func (p *patient) missingVerifier(ctx context.Context) error {
	return p.mustRefuse(ctx, "code_verifier", "none", func(f url.Values) { f.Del("code_verifier") })
}

func (p *patient) redirectAtToken(ctx context.Context) error {
	return p.mustRefuse(ctx, "redirect_uri", "another registered one", func(f url.Values) { f.Set("redirect_uri", other) })
}

func (p *patient) codeReuse(ctx context.Context) error {
	g, err := p.whole(ctx)
	if err != nil {
		return err
	}
	a, err := p.redeem(ctx, p.public, g, func(url.Values) {})
	if err == nil && a.Status/100 == 2 {
		p.found("code", "the same code again: "+described(a), "invalid_grant")
	}
	return err
}

func (p *patient) stateUntouched(ctx context.Context) error {
	g, err := p.whole(ctx)
	if err == nil && g.response.Get("state") != g.state {
		p.found("state", fmt.Sprintf("%d characters, not the %d that were sent", len(g.response.Get("state")), len(g.state)), "state as it was sent")
	}
	return err
}

func (p *patient) issRight(ctx context.Context) error {
	g, err := p.whole(ctx)
	if err != nil {
		return err
	}
	promised, _ := p.evidence.Flag("authorization_response_iss_parameter_supported")
	switch iss := g.response.Get("iss"); {
	case iss == p.evidence.Issuer:
	case iss != "":
		p.found("iss", iss, p.evidence.Issuer)
	case promised:
		p.found("iss", "none, and the metadata promises it", p.evidence.Issuer)
	default:
		p.skip("the provider sends no iss and promises none, which P18 tells")
	}
	return nil
}

func (p *patient) tokenResponse(ctx context.Context) error {
	g, err := p.whole(ctx)
	if err != nil {
		return err
	}
	if p.Dry != nil {
		return nil
	}
	if c := g.tokens.Header.Get("Cache-Control"); !strings.Contains(strings.ToLower(c), "no-store") {
		p.found("Cache-Control", "Cache-Control: "+c, "no-store")
	}
	var members struct {
		Type    string          `json:"token_type"`
		Expires json.RawMessage `json:"expires_in"`
	}
	_ = json.Unmarshal(g.tokens.Body, &members)
	if !strings.EqualFold(members.Type, "Bearer") && !strings.EqualFold(members.Type, "DPoP") {
		p.found("token_type", members.Type, "Bearer")
	}
	if n := string(members.Expires); n == "" || strings.ContainsAny(n, `"n`) {
		p.found("expires_in", n+" (nothing, or no number)", "a number of seconds")
	}
	return nil
}

// userinfo asks for the claims; ok reports whether they are about the person
// who signed in.
func (p *patient) userinfo(ctx context.Context, method string, token string) (a *wire.Answer, ok bool, err error) {
	address, err := p.endpoint("userinfo_endpoint")
	if err != nil {
		return nil, false, err
	}
	a, err = p.send(ctx, method, address, nil, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		return nil, false, err
	}
	if strings.Contains(a.Header.Get("Content-Type"), "jwt") { // signed: rely userinfo reads it
		return a, a.Status == 200, nil
	}
	sub, _ := p.text(a, "sub")
	return a, a.Status == 200 && (sub == p.good.subject || p.good.subject == ""), nil
}

func (p *patient) userinfoPost(ctx context.Context) error {
	g, err := p.whole(ctx)
	if err != nil {
		return err
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a, ok, err := p.userinfo(ctx, method, g.access)
		if err != nil {
			return err
		}
		if !ok && p.Dry == nil {
			p.found("userinfo_endpoint", method+": "+described(a), "200 with the sub of the ID token")
		}
	}
	return nil
}

func (p *patient) tokenInQuery(ctx context.Context) error {
	g, err := p.whole(ctx)
	if err != nil {
		return err
	}
	address, err := p.endpoint("userinfo_endpoint")
	if err != nil {
		return err
	}
	a, err := p.get(ctx, address, url.Values{"access_token": {g.access}})
	if err == nil && a.Status == 200 {
		p.found("userinfo_endpoint", "a token in the query is taken", "401")
	}
	return err
}

func (p *patient) revocationWorks(ctx context.Context) error {
	g, err := p.whole(ctx)
	if err != nil {
		return err
	}
	address, err := p.endpoint("revocation_endpoint")
	if err != nil {
		return err
	}
	_, before, err := p.userinfo(ctx, http.MethodGet, g.access)
	if err != nil || !before && p.Dry == nil {
		p.skip("the token did not work before, so that nothing can be seen")
		return err
	}
	form := url.Values{"token": {g.access}, "token_type_hint": {"access_token"}}
	a, err := p.post(ctx, address, form, p.proof(p.public, form))
	if err != nil {
		return err
	}
	if oauthError(a) == "unsupported_token_type" {
		p.skip("the provider revokes refresh tokens alone")
		return nil
	}
	if a, after, err := p.userinfo(ctx, http.MethodGet, g.access); err != nil || after {
		if err == nil {
			p.found("revocation_endpoint", "UserInfo still takes the token: "+described(a), "401 invalid_token")
		}
		return err
	}
	return nil
}

func (p *patient) refreshReuse(ctx context.Context) error {
	g, err := p.whole(ctx)
	if err != nil {
		return err
	}
	if g.refresh == "" && p.Dry == nil {
		p.skip("the sign-in brought no refresh token")
		return nil
	}
	address, err := p.endpoint("token_endpoint")
	if err != nil {
		return err
	}
	renew := func() (*wire.Answer, error) {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {g.refresh}}
		return p.post(ctx, address, form, p.proof(p.public, form))
	}
	first, err := renew()
	if err != nil {
		return err
	}
	if first.Status/100 != 2 {
		p.skip("the first renewal did not work: %s", described(first))
		return nil
	}
	again, err := renew()
	if err == nil && again.Status/100 == 2 {
		p.found("refresh_token", "the old one works again: "+described(again), "invalid_grant")
	}
	return err
}
