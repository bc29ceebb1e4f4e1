package tokens

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/registration"
	"rely/internal/wire"
)

// codes are about what a code is good for.
func codes() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L01", Name: "wrong-verifier", Title: "a wrong code_verifier is refused", Stage: "tokens", Severity: check.Error, Section: "RFC 7636 4.6",
			Why: "PKCE that is not checked is none.", Fix: "compare the hash of the verifier with the challenge"}, Login: true, Given: true, Run: wrongVerifier},
		{Check: check.Check{ID: "L02", Name: "missing-verifier", Title: "a missing code_verifier is refused", Stage: "tokens", Severity: check.Error, Section: "RFC 9700 2.1.1",
			Why: "An attacker simply leaves it out.", Fix: "demand the verifier where there was a challenge"}, Login: true, Given: true, Run: missingVerifier},
		{Check: check.Check{ID: "L03", Name: "pkce-downgrade", Title: "a code_verifier is refused where the authorization request had no challenge", Stage: "tokens", Severity: check.Error, Section: "RFC 9700 2.1.1, 4.8.2",
			Why: "An attacker takes the challenge out of the request on its way, and PKCE is off without the client's noticing.", Fix: "refuse a verifier for a code that has no challenge, or demand the challenge of everybody"}, Login: true, Given: true, Run: downgrade},
		{Check: check.Check{ID: "L06", Name: "redirect-at-token", Title: "another redirect_uri at the token endpoint is refused", Stage: "tokens", Severity: check.Error, Section: "RFC 6749 4.1.3",
			Why: "It is what stops a code that was injected from elsewhere.", Fix: "compare it with that of the authorization request"}, Login: true, Given: true, Run: redirectAtToken},
		{Check: check.Check{ID: "L07", Name: "code-other-client", Title: "a code is refused where another client brings it", Stage: "tokens", Severity: check.Error, Section: "RFC 6749 4.1.3",
			Why: "Any client of the provider could make itself tokens of a code that it got hold of.", Fix: "compare the client of the token request with that of the authorization request"}, Login: true, Run: otherClient},
		{Check: check.Check{ID: "L08", Name: "code-lifetime", Title: "a code is worth nothing after a minute", Stage: "tokens", Severity: check.Info, Section: "FAPI 2.0 Security Profile 5.3.2.1; RFC 6749 4.1.2",
			Demands: []check.Demand{{For: "fapi2", Severity: check.Error}},
			Why:     "Codes end in logs and histories; the shorter they live, the less they are worth there.", Fix: "let codes live for 60 seconds at most",
			Unknown: "It waits 65 seconds: whether a code outlives the 10 minutes of RFC 6749 as well it does not see."}, Login: true, Given: true, Slow: true, Run: codeLifetime},
	}
}

// replays cost a grant of its own.
func replays() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L04", Name: "code-reuse", Title: "a code is good for one time", Stage: "tokens", Severity: check.Error, Section: "RFC 6749 4.1.2",
			Why: "A code that was seen in a log is good again.", Fix: "refuse it the second time, and withdraw its tokens"}, Login: true, Given: true, Run: codeReuse},
		{Check: check.Check{ID: "L05", Name: "code-reuse-tokens", Title: "the tokens of a code that comes again are withdrawn", Stage: "tokens", Severity: check.Warning, Section: "RFC 6749 4.1.2",
			Why: "A code that comes twice was stolen, and nobody knows which of the two was the thief.", Fix: "withdraw what was issued for a code when the code comes again",
			Unknown: "It asks UserInfo at once: a provider that withdraws tokens a while later looks as if it did not."}, Login: true, Given: true, Run: reuseKills},
	}
}

// mustRefuse signs in, has the code redeemed by a client, bent, and expects an
// error.
func mustRefuse(ctx context.Context, p *trial.Patient, by *registration.Client, where, seen string, ask, change func(url.Values)) error {
	g, err := p.SignIn(ctx, p.Client, ask)
	if err != nil {
		return err
	}
	a, err := p.Redeem(ctx, by, g, change)
	if err == nil && granted(a) {
		p.Found(where, seen+": "+trial.Described(a)+", tokens and all", "invalid_grant")
	}
	return err
}

// granted reports whether an answer brings tokens, or says that it does.
func granted(a *wire.Answer) bool {
	_, tokens := trial.Text(a, "access_token")
	return tokens || a.Status/100 == 2 && trial.OAuthError(a) == ""
}

func asUsual(url.Values) {}

func wrongVerifier(ctx context.Context, p *trial.Patient) error {
	return mustRefuse(ctx, p, p.Client, "code_verifier", "a wrong one", asUsual, func(f url.Values) { f.Set("code_verifier", trial.NewKey().Verifier) })
}

func missingVerifier(ctx context.Context, p *trial.Patient) error {
	return mustRefuse(ctx, p, p.Client, "code_verifier", "none", asUsual, func(f url.Values) { f.Del("code_verifier") })
}

func downgrade(ctx context.Context, p *trial.Patient) error {
	err := mustRefuse(ctx, p, p.Client, "code_verifier", "one without a challenge in the authorization request", func(q url.Values) {
		q.Del("code_challenge")
		q.Del("code_challenge_method")
	}, asUsual)
	if no := (*trial.Refusal)(nil); errors.As(err, &no) && no.Code == "invalid_request" {
		return nil // it demands the challenge
	}
	return err
}

func redirectAtToken(ctx context.Context, p *trial.Patient) error {
	return mustRefuse(ctx, p, p.Client, "redirect_uri", "another one", asUsual, func(f url.Values) { f.Set("redirect_uri", trial.Other) })
}

func otherClient(ctx context.Context, p *trial.Patient) error {
	other, err := p.Another(ctx, "apart", apartClient())
	if err != nil {
		return err
	}
	return mustRefuse(ctx, p, other, "code", "that of another client", asUsual, asUsual)
}

func codeLifetime(ctx context.Context, p *trial.Patient) error {
	g, err := p.SignIn(ctx, p.Client, asUsual)
	if err == nil {
		err = p.Wait(ctx, 65*time.Second)
	}
	if err != nil {
		return err
	}
	a, err := p.Redeem(ctx, p.Client, g, asUsual)
	if err == nil && granted(a) {
		p.Found("code", "it is still good after 65 seconds", "invalid_grant")
	}
	return err
}

// A replay is a code that was brought twice.
type replay struct {
	second *wire.Answer
	before bool // the token worked
	after  *wire.Answer
	alive  bool // and still does
}

// replayed brings one code twice, once for all checks.
func replayed(ctx context.Context, p *trial.Patient) (*replay, error) {
	if r, done := p.Kept["replay"].(*replay); done {
		return r, nil
	}
	g, err := p.SignIn(ctx, p.Client, asUsual)
	if err == nil {
		err = p.Take(ctx, p.Client, g)
	}
	if err != nil {
		return nil, err
	}
	r := &replay{}
	if _, err := p.Endpoint("userinfo_endpoint"); err == nil {
		if _, r.before, err = p.UserInfo(ctx, http.MethodGet, g); err != nil {
			return nil, err
		}
	}
	if r.second, err = p.Redeem(ctx, p.Client, g, asUsual); err != nil {
		return nil, err
	}
	if r.before {
		if r.after, r.alive, err = p.UserInfo(ctx, http.MethodGet, g); err != nil {
			return nil, err
		}
	}
	p.Kept["replay"] = r
	return r, nil
}

func codeReuse(ctx context.Context, p *trial.Patient) error {
	r, err := replayed(ctx, p)
	if err == nil && granted(r.second) {
		p.Found("code", "the same code again: "+trial.Described(r.second), "invalid_grant")
	}
	return err
}

func reuseKills(ctx context.Context, p *trial.Patient) error {
	r, err := replayed(ctx, p)
	switch {
	case err != nil || p.Dry != nil:
	case granted(r.second):
		p.Skip("the code was taken again, which L04 tells")
	case !r.before:
		p.Skip("the token did not work at UserInfo before, so that nothing can be seen")
	case r.alive:
		p.Found("access_token", "UserInfo still takes it: "+trial.Described(r.after), "401 invalid_token")
	}
	return err
}
