package alone

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
)

// registrations are about what can be registered, and who sees it.
func registrations() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A30", Name: "register-javascript", Title: "a javascript: redirect URI cannot be registered", Stage: "client", Severity: check.Error, Section: "OIDC Registration 2",
			Why: "The provider's own page would run it.", Fix: "take https, and http on loopback"}, Run: register("javascript:alert(1)//")},
		{Check: check.Check{ID: "A31", Name: "register-fragment", Title: "a redirect URI with a fragment cannot be registered", Stage: "client", Severity: check.Error, Section: "RFC 6749 3.1.2",
			Why: "The answer's parameters end behind the fragment, where scripts of the page read them.", Fix: "refuse a redirect URI with #"}, Run: register(trial.Callback + "#part")},
		{Check: check.Check{ID: "A32", Name: "register-http", Title: "an http redirect URI beyond loopback cannot be registered", Stage: "client", Severity: check.Error, Section: "RFC 9700 2.6; OIDC Registration 2",
			Why: "The code would travel in the open.", Fix: "demand https but on loopback"}, Run: register("http://rely-doctor.invalid/callback")},
		{Check: check.Check{ID: "A36", Name: "registration-open", Title: "a client's registration is not shown without its token", Stage: "client", Severity: check.Error, Section: "RFC 7592 2.1",
			Why: "The client secret stands in it.", Fix: "answer 401 without the registration access token"}, Run: registrationOpen},
	}
}

// register tries to register a redirect URI that nobody should take. What is
// taken is deleted at once.
func register(redirect string) func(context.Context, *trial.Patient) error {
	return func(ctx context.Context, p *trial.Patient) error {
		address, err := p.Endpoint("registration_endpoint")
		if err != nil {
			return err
		}
		body, err := json.Marshal(map[string]any{"client_name": "rely doctor, may be deleted", "redirect_uris": []string{redirect}, "response_types": []string{"code"},
			"grant_types": []string{"authorization_code"}, "token_endpoint_auth_method": "client_secret_basic"})
		if err != nil {
			return err
		}
		header := http.Header{"Content-Type": {"application/json"}}
		if !p.Initial.Empty() {
			header.Set("Authorization", "Bearer "+p.Initial.Reveal())
		}
		a, err := p.Send(ctx, http.MethodPost, address, strings.NewReader(string(body)), header)
		if err != nil || p.Dry != nil {
			return err
		}
		if a.Status/100 == 2 {
			p.Found("redirect_uris", redirect+" is taken", "invalid_redirect_uri")
			p.Forget(ctx, a)
		}
		return nil
	}
}

func registrationOpen(ctx context.Context, p *trial.Patient) error {
	if p.Client.RegistrationURI == "" {
		p.Skip("the provider gives clients no address to look after themselves (RFC 7592)")
		return nil
	}
	a, err := p.Send(ctx, http.MethodGet, p.Client.RegistrationURI, nil, nil)
	if err != nil {
		return err
	}
	if a.Status/100 == 2 {
		p.Found("registration_client_uri", trial.Described(a)+" without the token", "401")
	}
	return nil
}
