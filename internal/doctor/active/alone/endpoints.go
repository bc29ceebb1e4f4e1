package alone

import (
	"context"
	"net/http"
	"net/url"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/wire"
)

// endpoints are about what the other endpoints make of strangers.
func endpoints() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A29", Name: "endpoints-exist", Title: "every endpoint of the metadata is there", Stage: "client", Severity: check.Error, Section: "OIDC Discovery 3",
			Why: "A client that finds 404 where the metadata promised an endpoint has nothing to fall back on.", Fix: "correct the address, or take the member out",
			Unknown: "It asks with GET or an empty POST: an endpoint that hides from strangers with 404 looks missing."}, Given: true, Run: endpointsExist},
		{Check: check.Check{ID: "A25", Name: "userinfo-no-token", Title: "UserInfo refuses a request without a token, and one with junk, with 401 and WWW-Authenticate", Stage: "account", Severity: check.Error, Section: "RFC 6750 3; OIDC Core 5.3.3",
			Why: "Clients learn from the header that their token is no good, and renew it.", Fix: "answer 401 with WWW-Authenticate: Bearer"}, Given: true, Run: userinfoNoToken},
		{Check: check.Check{ID: "A27", Name: "introspection-open", Title: "introspection wants a client that proves itself", Stage: "client", Severity: check.Error, Section: "RFC 7662 2.1, 4",
			Why: "Whoever may ask about tokens can try tokens out.", Fix: "demand client authentication"}, Given: true, Run: introspectionOpen},
		{Check: check.Check{ID: "A28", Name: "revocation-unknown", Title: "revoking an unknown token is 200", Stage: "client", Severity: check.Warning, Section: "RFC 7009 2.2",
			Why: "The client wanted the token to be dead, and it is.", Fix: "answer 200 to a token that is unknown"}, Given: true, Run: revocationUnknown},
	}
}

func endpointsExist(ctx context.Context, p *trial.Patient) error {
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "introspection_endpoint", "revocation_endpoint",
		"end_session_endpoint", "pushed_authorization_request_endpoint", "device_authorization_endpoint"} {
		address, err := p.Endpoint(name)
		if err != nil {
			continue
		}
		var a *wire.Answer
		if name == "authorization_endpoint" || name == "end_session_endpoint" || name == "userinfo_endpoint" {
			a, err = p.Get(ctx, address, nil)
		} else {
			a, err = p.Post(ctx, address, url.Values{}, nil)
		}
		if err != nil {
			p.Found(name, err.Error(), "an answer")
		} else if a.Status == http.StatusNotFound || a.Status >= 500 {
			p.Found(name, trial.Described(a), "anything but 404 and 5xx")
		}
	}
	return nil
}

func userinfoNoToken(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("userinfo_endpoint")
	if err != nil {
		return err
	}
	for _, c := range []struct{ what, token string }{{"without a token", ""}, {"with a junk token", "Bearer junk"}} {
		header := http.Header{}
		if c.token != "" {
			header.Set("Authorization", c.token)
		}
		a, err := p.Send(ctx, http.MethodGet, address, nil, header)
		if err != nil {
			return err
		}
		challenge := a.Header.Get("WWW-Authenticate")
		if a.Status != 401 && !(c.token == "" && a.Status == 400) {
			p.Found("userinfo_endpoint", c.what+": "+trial.Described(a), "401")
		} else if challenge == "" {
			p.Found("userinfo_endpoint", c.what+": no WWW-Authenticate", "WWW-Authenticate: Bearer")
		}
	}
	return nil
}

func introspectionOpen(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("introspection_endpoint")
	if err != nil {
		return err
	}
	a, err := p.Post(ctx, address, url.Values{"token": {"junk"}}, nil)
	if err != nil {
		return err
	}
	if a.Status < 400 || a.Status >= 500 {
		p.Found("introspection_endpoint", trial.Described(a), "401")
	}
	return nil
}

func revocationUnknown(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("revocation_endpoint")
	if err != nil {
		return err
	}
	form := url.Values{"token": {"junk"}}
	header := p.Proof(p.Client, form)
	a, err := p.Post(ctx, address, form, header)
	if err != nil {
		return err
	}
	if a.Status != 200 {
		p.Found("revocation_endpoint", trial.Described(a), "200")
	}
	return nil
}
