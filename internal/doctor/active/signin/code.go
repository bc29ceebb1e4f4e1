package signin

import (
	"context"
	"fmt"
	"net/url"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/wire"
)

// codes are about codes, and what the sign-in answers.
func codes() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L01", Name: "wrong-verifier", Title: "a wrong code_verifier is refused", Stage: "tokens", Severity: check.Error, Section: "RFC 7636 4.6",
			Why: "PKCE that is not checked is none.", Fix: "compare the hash of the verifier with the challenge"}, Login: true, Run: wrongVerifier},
		{Check: check.Check{ID: "L02", Name: "missing-verifier", Title: "a missing code_verifier is refused", Stage: "tokens", Severity: check.Error, Section: "RFC 9700 2.1.1",
			Why: "An attacker simply leaves it out.", Fix: "demand the verifier where there was a challenge"}, Login: true, Run: missingVerifier},
		{Check: check.Check{ID: "L06", Name: "redirect-at-token", Title: "another redirect_uri at the token endpoint is refused", Stage: "tokens", Severity: check.Error, Section: "RFC 6749 4.1.3",
			Why: "It is what stops a code that was injected from elsewhere.", Fix: "compare it with that of the authorization request"}, Login: true, Run: redirectAtToken},
		{Check: check.Check{ID: "L10", Name: "state-untouched", Title: "a long and odd state comes back as it was sent", Stage: "login", Severity: check.Error, Section: "RFC 6749 4.1.2",
			Why: "A client drops an answer whose state it does not know.", Fix: "keep state as it is, up to some thousand characters"}, Login: true, Run: stateUntouched},
		{Check: check.Check{ID: "L11", Name: "iss-right", Title: "iss is in the response where it is promised, and right", Stage: "login", Severity: check.Error, Section: "RFC 9207 2, 2.4",
			Why: "A client that goes by the promise refuses the sign-in.", Fix: "send iss with the issuer, character by character"}, Login: true, Run: issRight},
	}
}

// spent cost the good sign-in its tokens.
func spent() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L24", Name: "refresh-reuse", Title: "an old refresh token of a public client is refused", Stage: "tokens", Severity: check.Warning, Section: "RFC 9700 4.14.2",
			Why: "It is how a stolen one is noticed.", Fix: "rotate refresh tokens, and withdraw the family when an old one comes back", Unknown: "A grace of some seconds is allowed, and looks the same."}, Login: true, Run: refreshReuse},
		{Check: check.Check{ID: "L04", Name: "code-reuse", Title: "a code is good for one time", Stage: "tokens", Severity: check.Error, Section: "RFC 6749 4.1.2",
			Why: "A code that was seen in a log is good again.", Fix: "refuse it the second time, and withdraw its tokens"}, Login: true, Run: codeReuse},
	}
}

// mustRefuse signs in, bends the token request, and expects an error.
func mustRefuse(ctx context.Context, p *trial.Patient, where, seen string, change func(form url.Values)) error {
	g, err := p.SignIn(ctx, p.Client, func(url.Values) {})
	if err != nil {
		return err
	}
	a, err := p.Redeem(ctx, p.Client, g, change)
	if err != nil {
		return err
	}
	if _, tokens := trial.Text(a, "access_token"); tokens || a.Status/100 == 2 {
		p.Found(where, seen+": "+trial.Described(a)+", tokens and all", "invalid_grant")
	}
	return nil
}

func wrongVerifier(ctx context.Context, p *trial.Patient) error {
	return mustRefuse(ctx, p, "code_verifier", "a wrong one", func(f url.Values) { f.Set("code_verifier", trial.NewKey().Verifier) })
}

func missingVerifier(ctx context.Context, p *trial.Patient) error {
	return mustRefuse(ctx, p, "code_verifier", "none", func(f url.Values) { f.Del("code_verifier") })
}

func redirectAtToken(ctx context.Context, p *trial.Patient) error {
	return mustRefuse(ctx, p, "redirect_uri", "another registered one", func(f url.Values) { f.Set("redirect_uri", trial.Other) })
}

func codeReuse(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	a, err := p.Redeem(ctx, p.Public, g, func(url.Values) {})
	if err == nil && a.Status/100 == 2 {
		p.Found("code", "the same code again: "+trial.Described(a), "invalid_grant")
	}
	return err
}

func stateUntouched(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err == nil && g.Response.Get("state") != g.State {
		p.Found("state", fmt.Sprintf("%d characters, not the %d that were sent", len(g.Response.Get("state")), len(g.State)), "state as it was sent")
	}
	return err
}

func issRight(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	promised, _ := p.Evidence.Flag("authorization_response_iss_parameter_supported")
	switch iss := g.Response.Get("iss"); {
	case iss == p.Evidence.Issuer:
	case iss != "":
		p.Found("iss", iss, p.Evidence.Issuer)
	case promised:
		p.Found("iss", "none, and the metadata promises it", p.Evidence.Issuer)
	default:
		p.Skip("the provider sends no iss and promises none, which P18 tells")
	}
	return nil
}

func refreshReuse(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	if g.Refresh == "" && p.Dry == nil {
		p.Skip("the sign-in brought no refresh token")
		return nil
	}
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	renew := func() (*wire.Answer, error) {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {g.Refresh}}
		return p.Post(ctx, address, form, p.Proof(p.Public, form))
	}
	first, err := renew()
	if err != nil {
		return err
	}
	if first.Status/100 != 2 {
		p.Skip("the first renewal did not work: %s", trial.Described(first))
		return nil
	}
	again, err := renew()
	if err == nil && again.Status/100 == 2 {
		p.Found("refresh_token", "the old one works again: "+trial.Described(again), "invalid_grant")
	}
	return err
}
