package signin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/wire"
)

// tokens are about tokens and where they are shown.
func tokens() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L18", Name: "token-response", Title: "the token response is not to be cached, and has token_type and expires_in", Stage: "tokens", Severity: check.Warning, Section: "RFC 6749 5.1",
			Why: "Clients decide by them how to use the token and when to renew it.", Fix: "send Cache-Control: no-store, token_type Bearer and expires_in as a number"}, Login: true, Run: tokenResponse},
		{Check: check.Check{ID: "L20", Name: "userinfo-post", Title: "UserInfo answers GET and POST, with the ID token's sub", Stage: "account", Severity: check.Error, Section: "OIDC Core 5.3.1, 5.3.2",
			Why: "Another sub is another person.", Fix: "answer both methods with the same claims"}, Login: true, Run: userinfoPost},
		{Check: check.Check{ID: "L21", Name: "token-in-query", Title: "an access token in the query is refused", Stage: "account", Severity: check.Warning, Section: "RFC 9700 4.3.2; RFC 6750 2.3",
			Why: "Addresses end in logs and histories.", Fix: "take tokens from the Authorization header"}, Login: true, Run: tokenInQuery},
		{Check: check.Check{ID: "L29", Name: "revocation-works", Title: "a revoked access token is refused at UserInfo", Stage: "account", Severity: check.Error, Section: "RFC 7009 2",
			Why: "Signing out would be a word.", Fix: "look tokens up, or keep a list of revoked ones until they expire"}, Login: true, Run: revocationWorks},
	}
}

func tokenResponse(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	if p.Dry != nil {
		return nil
	}
	if c := g.Tokens.Header.Get("Cache-Control"); !strings.Contains(strings.ToLower(c), "no-store") {
		p.Found("Cache-Control", "Cache-Control: "+c, "no-store")
	}
	var members struct {
		Type    string          `json:"token_type"`
		Expires json.RawMessage `json:"expires_in"`
	}
	_ = json.Unmarshal(g.Tokens.Body, &members)
	if !strings.EqualFold(members.Type, "Bearer") && !strings.EqualFold(members.Type, "DPoP") {
		p.Found("token_type", members.Type, "Bearer")
	}
	if n := string(members.Expires); n == "" || strings.ContainsAny(n, `"n`) {
		p.Found("expires_in", n+" (nothing, or no number)", "a number of seconds")
	}
	return nil
}

// userinfo asks for the claims; ok reports whether they are about the person
// who signed in.
func userinfo(ctx context.Context, p *trial.Patient, method string, g *trial.Grant) (a *wire.Answer, ok bool, err error) {
	address, err := p.Endpoint("userinfo_endpoint")
	if err != nil {
		return nil, false, err
	}
	a, err = p.Send(ctx, method, address, nil, http.Header{"Authorization": {"Bearer " + g.Access}})
	if err != nil {
		return nil, false, err
	}
	if strings.Contains(a.Header.Get("Content-Type"), "jwt") { // signed: rely userinfo reads it
		return a, a.Status == 200, nil
	}
	sub, _ := trial.Text(a, "sub")
	return a, a.Status == 200 && (sub == g.Subject || g.Subject == ""), nil
}

func userinfoPost(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a, ok, err := userinfo(ctx, p, method, g)
		if err != nil {
			return err
		}
		if !ok && p.Dry == nil {
			p.Found("userinfo_endpoint", method+": "+trial.Described(a), "200 with the sub of the ID token")
		}
	}
	return nil
}

func tokenInQuery(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	address, err := p.Endpoint("userinfo_endpoint")
	if err != nil {
		return err
	}
	a, err := p.Get(ctx, address, url.Values{"access_token": {g.Access}})
	if err == nil && a.Status == 200 {
		p.Found("userinfo_endpoint", "a token in the query is taken", "401")
	}
	return err
}

func revocationWorks(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	address, err := p.Endpoint("revocation_endpoint")
	if err != nil {
		return err
	}
	_, before, err := userinfo(ctx, p, http.MethodGet, g)
	if err != nil || !before && p.Dry == nil {
		p.Skip("the token did not work before, so that nothing can be seen")
		return err
	}
	form := url.Values{"token": {g.Access}, "token_type_hint": {"access_token"}}
	a, err := p.Post(ctx, address, form, p.Proof(p.Public, form))
	if err != nil {
		return err
	}
	if trial.OAuthError(a) == "unsupported_token_type" {
		p.Skip("the provider revokes refresh tokens alone")
		return nil
	}
	if a, after, err := userinfo(ctx, p, http.MethodGet, g); err != nil || after {
		if err == nil {
			p.Found("revocation_endpoint", "UserInfo still takes the token: "+trial.Described(a), "401 invalid_token")
		}
		return err
	}
	return nil
}
