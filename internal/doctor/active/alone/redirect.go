package alone

import (
	"context"
	"fmt"
	"net/url"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/registration"
)

// redirects are about where answers are sent. They ask with prompt=none: a
// provider that takes an address says login_required there.
func redirects() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A10", Name: "redirect-exact", Title: "the redirect URI is compared character by character", Stage: "login", Severity: check.Error, Section: "RFC 9700 2.1, 4.1",
			Why: "Each kind of loose comparison has sent codes to attackers.", Fix: "compare the whole text; only the port of a loopback address may differ",
			Unknown: "It sees what is redirected. At a provider that shows a page in spite of prompt=none, which A19 tells, it does not run.",
			Hints:   []check.Hint{{Vendor: "keycloak", Text: "take the * out of \"Valid redirect URIs\""}}}, Run: redirectExact},
		{Check: check.Check{ID: "A11", Name: "redirect-missing", Title: "a request without redirect_uri gets a page where two are registered", Stage: "login", Severity: check.Warning, Section: "RFC 6749 3.1.2.3; OIDC Core 3.1.2.1",
			Why: "The provider would choose, and the client would not know where its answer went.", Fix: "show an error page", Unknown: "It sees what is redirected: an answer that waits behind a page is not seen.", Demands: []check.Demand{{For: "oidc-basic", Severity: check.Error}, {For: "oidc-dynamic", Severity: check.Error}, {For: "fapi2", Severity: check.Error}}}, Run: redirectMissing},
		{Check: check.Check{ID: "A13", Name: "loopback-port", Title: "the redirect URI of a native application on 127.0.0.1 may have any port", Stage: "login", Severity: check.Warning, Section: "RFC 8252 7.3", Demands: []check.Demand{{For: "oauth21", Severity: check.Error}},
			Why: "A program on a desk takes the port that is free: with one alone it fails where another program has it.", Fix: "leave the port out when http redirect URIs on 127.0.0.1 and [::1] are compared",
			Unknown: "It registers a native application; where the provider takes none, it does not run."}, Run: loopbackPort},
	}
}

// wrongRedirects are near misses of the registered address.
func wrongRedirects() []string {
	const host, path = "https://rely-doctor.invalid", "/callback"
	return []string{
		host + "/not-registered", trial.Callback + "/more", trial.Callback + "/", trial.Callback + "/../other-path", host + "/x/.." + path, trial.Callback + "?more=1", trial.Callback + "#part",
		"https://else.rely-doctor.invalid" + path, "https://rely-doctor.invalid.else.invalid" + path, "https://rely-doctor.invalid@else.invalid" + path,
		"http://rely-doctor.invalid" + path, host + "/CALLBACK", host + ":8443" + path,
	}
}

func redirectExact(ctx context.Context, p *trial.Patient) error {
	for _, wrong := range wrongRedirects() {
		if err := notSent(ctx, p, p.Client, wrong); err != nil {
			return err
		}
	}
	if err := p.Knocks(ctx); err != nil {
		return err
	}
	c, err := p.Another(ctx, "query", map[string]any{"redirect_uris": []string{registeredQuery}})
	if err != nil {
		return nil // a provider may refuse a query, and has shown what it does without
	}
	return notSent(ctx, p, c, trial.Callback+"?kind=b")
}

const registeredQuery = trial.Callback + "?kind=a"

// notSent expects no answer at a redirect URI that is not registered. A
// redirect to the provider's own pages is how many show an error: only one that
// leaves tells.
func notSent(ctx context.Context, p *trial.Patient, c *registration.Client, wrong string) error {
	a, _, err := p.Silent(ctx, c, func(q url.Values) { q.Set("redirect_uri", wrong) })
	if err == nil && p.Dry == nil && trial.Leaves(a, "rely-doctor.invalid", "else.rely-doctor.invalid", "rely-doctor.invalid.else.invalid", "else.invalid") {
		p.Found("redirect_uri "+wrong, trial.Described(a), "an error page")
	}
	return err
}

func redirectMissing(ctx context.Context, p *trial.Patient) error {
	a, _, err := p.Silent(ctx, p.Client, func(q url.Values) { q.Del("redirect_uri") })
	if err == nil && p.Dry == nil && trial.Leaves(a, "rely-doctor.invalid") {
		p.Found("redirect_uri", "none: "+trial.Described(a), "an error page")
	}
	if err != nil {
		return err
	}
	return p.Knocks(ctx)
}

func loopbackPort(ctx context.Context, p *trial.Patient) error {
	const registered, other = "http://127.0.0.1/callback", "http://127.0.0.1:53682/callback"
	c, err := p.Another(ctx, "native", map[string]any{"application_type": "native", "redirect_uris": []string{registered}, "token_endpoint_auth_method": "none"})
	if err != nil {
		return err
	}
	a, _, err := p.Silent(ctx, c, func(q url.Values) { q.Set("redirect_uri", other) })
	if err != nil || trial.Back(a, other) != nil {
		return err
	}
	known, _, err := p.Silent(ctx, c, func(q url.Values) { q.Set("redirect_uri", registered) })
	switch {
	case err != nil:
		return err
	case trial.Back(known, registered) == nil:
		return fmt.Errorf("the registered address is not answered either: %s", trial.Described(known))
	}
	p.Found("redirect_uri "+other, trial.Described(a), "login_required there, as at "+registered)
	return nil
}
