package alone

import (
	"bytes"
	"context"
	"net/url"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
)

// tokenRequests are about the token endpoint.
func tokenRequests() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A01", Name: "token-no-client", Title: "the token endpoint refuses a request without a client, as JSON", Stage: "client", Severity: check.Error, Section: "RFC 6749 5.2",
			Why: "A client that gets a web page or a 500 cannot tell its user what is wrong.", Fix: "answer 400 or 401 with a JSON object that has error"}, Run: tokenNoClient},
		{Check: check.Check{ID: "A06", Name: "grant-unknown", Title: "an unknown grant_type is refused with unsupported_grant_type", Stage: "client", Severity: check.Warning, Section: "RFC 6749 5.2",
			Why: "Clients go by the code to choose another grant.", Fix: "answer unsupported_grant_type"}, Run: grantUnknown},
		{Check: check.Check{ID: "A07", Name: "token-errors", Title: "errors of the token endpoint are JSON, not to be cached, and repeat no secret", Stage: "client", Severity: check.Warning, Section: "RFC 6749 5.1, 5.2",
			Why: "What is cached or logged with a secret in it is one no more.", Fix: "send Content-Type: application/json and Cache-Control: no-store, and no parameter of the request"}, Run: tokenErrors},
	}
}

// lastOfAll may cost a client its life: a provider may lock it.
func lastOfAll() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A02", Name: "wrong-secret", Title: "a wrong client secret is refused with invalid_client", Stage: "client", Severity: check.Error, Section: "RFC 6749 2.3.1, 5.2",
			Why: "Without it anybody is any client.", Fix: "compare the secret", Unknown: "It tries once, so that no client is locked out."}, Run: wrongSecret},
	}
}

func tokenNoClient(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	a, err := p.Post(ctx, address, url.Values{"grant_type": {"authorization_code"}, "code": {"none"}}, nil)
	if err != nil {
		return err
	}
	if a.Status != 400 && a.Status != 401 || trial.OAuthError(a) == "" {
		p.Found("token_endpoint", trial.Described(a), "400 or 401 with a JSON object that has error")
	}
	return nil
}

func grantUnknown(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	a, err := p.Post(ctx, address, url.Values{"grant_type": {"urn:rely:doctor:no-such-grant"}}, trial.Basic(p.Client, p.Client.Secret.Reveal()))
	if err != nil {
		return err
	}
	if trial.OAuthError(a) != "unsupported_grant_type" {
		p.Found("token_endpoint", trial.Described(a), "unsupported_grant_type")
	}
	return nil
}

func tokenErrors(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"code-of-the-doctor-0123456789"}, "redirect_uri": {trial.Callback}}
	a, err := p.Post(ctx, address, form, trial.Basic(p.Client, p.Client.Secret.Reveal()))
	if err != nil {
		return err
	}
	if kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";"); kind != "application/json" {
		p.Found("Content-Type", kind, "application/json")
	}
	if c := a.Header.Get("Cache-Control"); !strings.Contains(strings.ToLower(c), "no-store") {
		p.Found("Cache-Control", "Cache-Control: "+c, "no-store")
	}
	if secret := p.Client.Secret.Reveal(); secret != "" && bytes.Contains(a.Body, []byte(secret)) {
		p.Found("token_endpoint", "the answer repeats the client secret (not shown)", "no secret")
	}
	return nil
}

// wrongSecret is the one deliberate failure of client authentication.
func wrongSecret(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"none"}, "redirect_uri": {trial.Callback}}
	a, err := p.Post(ctx, address, form, trial.Basic(p.Client, "not-the-secret-0123456789abcdef"))
	if err != nil {
		return err
	}
	if trial.OAuthError(a) != "invalid_client" {
		p.Found("token_endpoint", trial.Described(a), "invalid_client")
	} else if a.Status == 401 && a.Header.Get("WWW-Authenticate") == "" {
		p.Found("token_endpoint", "401 without WWW-Authenticate, to a client that used Basic", "WWW-Authenticate: Basic (RFC 6749 5.2)")
	}
	return nil
}
