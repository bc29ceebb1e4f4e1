package front

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/secret"
)

// browserTokens are the tokens that came through the browser, the ID token
// checked (OIDC Core 3.2.2.9 to 3.2.2.11, 3.3.2.10 to 3.3.2.12): with the
// nonce, and the hashes of what came with it.
func (a *attempt) browserTokens(ctx context.Context, p url.Values) (*request.Tokens, error) {
	t := &request.Tokens{Scope: a.Scope, RedirectURI: a.redirectURI}
	if scope := p.Get("scope"); scope != "" {
		t.Scope = scope
	}
	if a.asked.token {
		t.Access, t.TokenType = secret.New(p.Get("access_token")), p.Get("token_type")
		if life, known, err := lifetime(p); err == nil && known {
			t.Expiry = a.Now().Add(life).UTC().Truncate(time.Second)
		}
	}
	switch {
	case a.asked.idToken:
	case a.asked.code:
		return t, nil
	default: // an access token alone: what only an ID token could say is told
		err := a.CheckAsked(t)
		a.ladder = append(a.ladder, t.Ladder...)
		return t, err
	}
	t.ID = secret.New(p.Get("id_token"))
	e := a.Expected(t)
	e.Nonce, e.MaxAge, e.FrontChannel, e.Code = a.nonce, request.MaxAge(a.Param), true, secret.New(p.Get("code"))
	e.State = a.state
	if !a.asked.code {
		err := a.CheckIDToken(ctx, t, e)
		a.ladder = append(a.ladder, t.Ladder...)
		return t, err
	}
	// There will be another one, and the provider may keep claims for that
	// (OIDC Core 3.3.3.6): most of what was asked for is looked for there.
	claims, ladder, err := idtoken.Verify(ctx, t.ID, e)
	if err == nil && a.Asked != nil {
		var asked []idtoken.Rung
		asked, err = a.Asked.First(claims)
		ladder = append(ladder, asked...)
	}
	for _, rung := range ladder {
		rung.Name = "front-" + rung.Name
		a.ladder = append(a.ladder, rung)
	}
	t.Claims = claims
	return t, err
}

// redeemed are the tokens for the code. They are the sign-in's: those from the
// browser may be others (OIDC Core 3.3.3.8), and are forgotten.
func (a *attempt) redeemed(ctx context.Context, code string, front *request.Tokens) (*request.Tokens, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {a.redirectURI}, "code_verifier": {a.verifier},
	}
	t, err := a.Redeem(ctx, "redeem the code", form)
	if err != nil {
		return nil, err
	}
	t.RedirectURI = a.redirectURI
	e := a.Expected(t)
	e.Nonce, e.State, e.Code, e.MaxAge, e.Front = a.nonce, a.state, secret.New(code), request.MaxAge(a.Param), front.Claims
	err = a.CheckIDToken(ctx, t, e)
	a.ladder = append(a.ladder, t.Ladder...)
	return t, err
}

// lifetime reads expires_in, digits as a parameter has them.
func lifetime(p url.Values) (life time.Duration, known bool, err error) {
	return request.Lifetime(json.RawMessage(strings.TrimSpace(p.Get("expires_in"))))
}

// skipped is what stands in the ladder for a check that does not apply.
func skipped(c ResponseCheck, why string) idtoken.Rung {
	return idtoken.Rung{Name: c.Name, Spec: c.Spec, Actual: why, Status: idtoken.Skipped}
}
