package alone

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
)

// objects are about requests that stand in a JWT.
func objects() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A23", Name: "request-unsigned", Title: "a request object that nobody signed is refused, unless the metadata offers none", Stage: "login", Severity: check.Warning, Section: "OIDC Core 3.1.2.6, 6.1; RFC 9101 4, 10.1", Demands: []check.Demand{{For: "fapi2", Severity: check.Error}},
			Why:     "Anybody can write such a request; and a client whose request object is passed over does not get what it asked for, and is not told.",
			Fix:     "answer request_not_supported where request objects are not supported, and invalid_request_object where one is not signed",
			Unknown: "It goes by the state of the answer: the request and the object have one each."}, Given: true, Run: requestUnsigned},
		{Check: check.Check{ID: "A24", Name: "request-uri-fetched", Title: "a request_uri that no client registered is not fetched", Stage: "login", Severity: check.Warning, Section: "OIDC Core 6.2; RFC 9101 10.4", Demands: []check.Demand{{For: "fapi2", Severity: check.Error}},
			Why:     "Anybody can have the provider send requests into its own network (SSRF), and make it wait for them.",
			Fix:     "set request_uri_parameter_supported to false, or demand request_uris of clients (require_request_uri_registration)",
			Unknown: "It needs an address that the provider can reach, --test-url. A provider that fetches later, or takes https alone and is given http, is not seen."}, Given: true, Run: requestFetched},
	}
}

// requestFetched names an address of ours, and looks whether somebody comes.
func requestFetched(ctx context.Context, p *trial.Patient) error {
	if p.Site == nil {
		p.Skip("it needs an address of this machine that the provider can reach: add --test-url URL")
		return nil
	}
	site, err := p.Site(ctx)
	if err != nil {
		return err
	}
	defer site.Close()
	a, _, err := p.Silent(ctx, p.Client, func(q url.Values) { q.Set("request_uri", site.URL) })
	if err == nil && site.Asked() {
		p.Found("request_uri", "the provider asked for it: "+trial.Described(a), "request_uri_not_supported or invalid_request_uri, and no connection")
	}
	return err
}

func requestUnsigned(ctx context.Context, p *trial.Patient) error {
	if err := p.Knocks(ctx); err != nil {
		return err
	}
	inside := rand.Text()
	a, q, err := p.Silent(ctx, p.Client, func(q url.Values) {
		claims := map[string]any{"iss": p.Client.ID, "aud": p.Evidence.Issuer}
		for name := range q {
			claims[name] = q.Get(name)
		}
		claims["state"] = inside
		q.Set("request", bare(map[string]any{"alg": "none"}, claims))
	})
	if err != nil || !trial.Taken(a, p.RedirectURI()) || p.Dry != nil {
		return err
	}
	algs, _ := p.Evidence.List("request_object_signing_alg_values_supported")
	switch got := trial.Back(a, p.RedirectURI()).Get("state"); {
	case got == inside && !slices.Contains(algs, "none"):
		p.Found("request", "an unsigned one is taken", "invalid_request_object")
	case got == q.Get("state"):
		p.Found("request", "it is passed over, and the request goes on without", "request_not_supported, or invalid_request_object")
	}
	return nil
}
