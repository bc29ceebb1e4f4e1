package tokens

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/wire"
)

// shown are about tokens and where they are shown.
func shown() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L18", Name: "token-response", Title: "the token response is not to be cached, and has token_type and expires_in", Stage: "tokens", Severity: check.Warning, Section: "RFC 6749 5.1; OIDC Core 3.1.3.3",
			Demands: []check.Demand{{For: "oidc-basic", Severity: check.Error}, {For: "oidc-dynamic", Severity: check.Error}, {For: "fapi2", Severity: check.Error}, {For: "oauth21", Severity: check.Error}},
			Why:     "Clients decide by them how to use the token and when to renew it.", Fix: "send Cache-Control: no-store, token_type Bearer and expires_in as a number"}, Login: true, Given: true, Run: tokenResponse},
		{Check: check.Check{ID: "L20", Name: "userinfo-post", Title: "UserInfo answers GET and POST, with the ID token's sub", Stage: "account", Severity: check.Error, Section: "OIDC Core 5.3.1, 5.3.2",
			Why: "Another sub is another person.", Fix: "answer both methods with the same claims"}, Login: true, Given: true, Run: userinfoPost},
		{Check: check.Check{ID: "L21", Name: "token-in-query", Title: "an access token in the query is refused", Stage: "account", Severity: check.Warning, Section: "RFC 9700 4.3.2; RFC 6750 2.3",
			Demands: []check.Demand{{For: "fapi2", Severity: check.Error}, {For: "oauth21", Severity: check.Error}},
			Why:     "Addresses end in logs and histories.", Fix: "take tokens from the Authorization header"}, Login: true, Given: true, Run: tokenInQuery},
		{Check: check.Check{ID: "L29", Name: "revocation-works", Title: "revoked tokens are dead: the access token at UserInfo, the refresh token at renewal", Stage: "account", Severity: check.Error, Section: "RFC 7009 2",
			Why: "Signing out would be a word.", Fix: "look tokens up, or keep a list of revoked ones until they expire"}, Login: true, Given: true, Run: revocationWorks},
	}
}

// expiry is about tokens that have run out.
func expiry() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L22", Name: "token-expired", Title: "an expired access token is refused at UserInfo", Stage: "account", Severity: check.Error, Section: "RFC 6750 3.1",
			Why: "expires_in would be a word, and a stolen token good for ever.", Fix: "look at the token's expiry",
			Unknown: "It waits for ten minutes at most, and allows 30 seconds for clocks that differ."}, Login: true, Given: true, Slow: true, Run: expired},
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
		p.Found("Cache-Control", "Cache-Control: "+cmp.Or(c, "none"), "no-store")
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

func userinfoPost(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a, ok, err := p.UserInfo(ctx, method, g)
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

// revocationWorks spends a grant of its own.
func revocationWorks(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("revocation_endpoint")
	if err != nil {
		return err
	}
	g, err := p.SignIn(ctx, p.Client, p.Lasting)
	if err == nil {
		err = p.Take(ctx, p.Client, g)
	}
	if err != nil {
		return err
	}
	revoke := func(token, kind string) (*wire.Answer, error) {
		form := url.Values{"token": {token}, "token_type_hint": {kind}}
		header := p.Proof(p.Client, form)
		return p.Post(ctx, address, form, header)
	}
	switch _, alive, err := p.UserInfo(ctx, http.MethodGet, g); {
	case err != nil || !alive && p.Dry == nil:
		p.Skip("the access token did not work at UserInfo before, so that nothing can be seen")
	default:
		if _, err := revoke(g.Access, "access_token"); err != nil {
			return err
		}
		a, alive, err := p.UserInfo(ctx, http.MethodGet, g)
		if err != nil {
			return err
		}
		if alive {
			p.Found("access_token", "UserInfo still takes it: "+trial.Described(a), "401 invalid_token")
		}
	}
	if g.Refresh == "" && p.Dry == nil {
		return nil
	}
	if a, err := revoke(g.Refresh, "refresh_token"); err != nil || a.Status != 200 && p.Dry == nil {
		p.Skip("the refresh token could not be revoked: %s", trial.Words(a, err))
		return nil
	}
	a, err := p.Renew(ctx, p.Client, g.Refresh, asUsual)
	if err == nil && granted(a) {
		p.Found("refresh_token", "it still brings tokens: "+trial.Described(a), "invalid_grant")
	}
	return err
}

func expired(ctx context.Context, p *trial.Patient) error {
	g, err := p.SignIn(ctx, p.Client, asUsual)
	if err == nil {
		err = p.Take(ctx, p.Client, g)
	}
	if err != nil || p.Dry != nil {
		return err
	}
	var life struct {
		Expires float64 `json:"expires_in"`
	}
	_ = json.Unmarshal(g.Tokens.Body, &life)
	wait := time.Duration(life.Expires)*time.Second + 31*time.Second
	if _, alive, err := p.UserInfo(ctx, http.MethodGet, g); err != nil || !alive {
		p.Skip("the access token did not work at UserInfo before, so that nothing can be seen")
		return err
	}
	if life.Expires <= 0 || wait > 11*time.Minute {
		p.Skip("the access token lives for %s, which is too long to wait for", time.Duration(life.Expires)*time.Second)
		return nil
	}
	if err := p.Wait(ctx, wait); err != nil {
		return err
	}
	a, alive, err := p.UserInfo(ctx, http.MethodGet, g)
	if err == nil && alive {
		p.Found("access_token", fmt.Sprintf("UserInfo takes it %s after it expired: %s", 31*time.Second, trial.Described(a)), "401 invalid_token")
	}
	return err
}
