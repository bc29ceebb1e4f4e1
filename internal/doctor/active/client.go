package active

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/registration"
	"rely/internal/wire"
)

// A probe runs one check of the table.
type probe struct {
	id    string
	login bool
	run   func(p *patient, ctx context.Context) error
}

// probes lists them in the order in which they run: what ends a session comes
// last.
func probes() []probe {
	return []probe{
		{"A29", false, (*patient).endpointsExist}, {"A01", false, (*patient).tokenNoClient}, {"A06", false, (*patient).grantUnknown},
		{"A07", false, (*patient).tokenErrors}, {"A25", false, (*patient).userinfoNoToken}, {"A27", false, (*patient).introspectionOpen},
		{"A28", false, (*patient).revocationUnknown}, {"A30", false, register("javascript:alert(1)//")}, {"A31", false, register(callback + "#part")},
		{"A32", false, register("http://rely-doctor.invalid/callback")}, {"A36", false, (*patient).registrationOpen},
		{"A08", false, (*patient).corsAuthorize}, {"A09", false, (*patient).unknownClient}, {"A10", false, (*patient).redirectExact},
		{"A12", false, (*patient).responseType}, {"A14", false, (*patient).pkceRequired}, {"A15", false, (*patient).pkcePlain},
		{"A19", false, (*patient).promptNone}, {"A20", false, (*patient).errorState}, {"A21", false, (*patient).signInPage}, {"A22", false, (*patient).errorPage},
		{"L01", true, (*patient).wrongVerifier}, {"L02", true, (*patient).missingVerifier}, {"L06", true, (*patient).redirectAtToken},
		{"L10", true, (*patient).stateUntouched}, {"L11", true, (*patient).issRight}, {"L18", true, (*patient).tokenResponse},
		{"L20", true, (*patient).userinfoPost}, {"L21", true, (*patient).tokenInQuery}, {"L29", true, (*patient).revocationWorks},
		{"L24", true, (*patient).refreshReuse}, {"L04", true, (*patient).codeReuse},
		{"A02", false, (*patient).wrongSecret}, // last: a provider may lock the client
	}
}

func (p *patient) endpointsExist(ctx context.Context) error {
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "introspection_endpoint", "revocation_endpoint",
		"end_session_endpoint", "pushed_authorization_request_endpoint", "device_authorization_endpoint"} {
		address, err := p.endpoint(name)
		if err != nil {
			continue
		}
		var a *wire.Answer
		if name == "authorization_endpoint" || name == "end_session_endpoint" || name == "userinfo_endpoint" {
			a, err = p.get(ctx, address, nil)
		} else {
			a, err = p.post(ctx, address, url.Values{}, nil)
		}
		if err != nil {
			p.found(name, err.Error(), "an answer")
		} else if a.Status == http.StatusNotFound || a.Status >= 500 {
			p.found(name, described(a), "anything but 404 and 5xx")
		}
	}
	return nil
}

func (p *patient) tokenNoClient(ctx context.Context) error {
	address, err := p.endpoint("token_endpoint")
	if err != nil {
		return err
	}
	a, err := p.post(ctx, address, url.Values{"grant_type": {"authorization_code"}, "code": {"none"}}, nil)
	if err != nil {
		return err
	}
	if a.Status != 400 && a.Status != 401 || oauthError(a) == "" {
		p.found("token_endpoint", described(a), "400 or 401 with a JSON object that has error")
	}
	return nil
}

// wrongSecret is the one deliberate failure of client authentication.
func (p *patient) wrongSecret(ctx context.Context) error {
	address, err := p.endpoint("token_endpoint")
	if err != nil {
		return err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"none"}, "redirect_uri": {callback}}
	a, err := p.post(ctx, address, form, basic(p.client, "not-the-secret-0123456789abcdef"))
	if err != nil {
		return err
	}
	if oauthError(a) != "invalid_client" {
		p.found("token_endpoint", described(a), "invalid_client")
	} else if a.Status == 401 && a.Header.Get("WWW-Authenticate") == "" {
		p.found("token_endpoint", "401 without WWW-Authenticate, to a client that used Basic", "WWW-Authenticate: Basic (RFC 6749 5.2)")
	}
	return nil
}

func (p *patient) grantUnknown(ctx context.Context) error {
	address, err := p.endpoint("token_endpoint")
	if err != nil {
		return err
	}
	a, err := p.post(ctx, address, url.Values{"grant_type": {"urn:rely:doctor:no-such-grant"}}, basic(p.client, p.client.Secret.Reveal()))
	if err != nil {
		return err
	}
	if oauthError(a) != "unsupported_grant_type" {
		p.found("token_endpoint", described(a), "unsupported_grant_type")
	}
	return nil
}

func (p *patient) tokenErrors(ctx context.Context) error {
	address, err := p.endpoint("token_endpoint")
	if err != nil {
		return err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"code-of-the-doctor-0123456789"}, "redirect_uri": {callback}}
	a, err := p.post(ctx, address, form, basic(p.client, p.client.Secret.Reveal()))
	if err != nil {
		return err
	}
	if kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";"); kind != "application/json" {
		p.found("Content-Type", kind, "application/json")
	}
	if c := a.Header.Get("Cache-Control"); !strings.Contains(strings.ToLower(c), "no-store") {
		p.found("Cache-Control", "Cache-Control: "+c, "no-store")
	}
	if secret := p.client.Secret.Reveal(); secret != "" && bytes.Contains(a.Body, []byte(secret)) {
		p.found("token_endpoint", "the answer repeats the client secret (not shown)", "no secret")
	}
	return nil
}

func (p *patient) userinfoNoToken(ctx context.Context) error {
	address, err := p.endpoint("userinfo_endpoint")
	if err != nil {
		return err
	}
	for _, c := range []struct{ what, token string }{{"without a token", ""}, {"with a junk token", "Bearer junk"}} {
		header := http.Header{}
		if c.token != "" {
			header.Set("Authorization", c.token)
		}
		a, err := p.send(ctx, http.MethodGet, address, nil, header)
		if err != nil {
			return err
		}
		challenge := a.Header.Get("WWW-Authenticate")
		if a.Status != 401 && !(c.token == "" && a.Status == 400) {
			p.found("userinfo_endpoint", c.what+": "+described(a), "401")
		} else if challenge == "" {
			p.found("userinfo_endpoint", c.what+": no WWW-Authenticate", "WWW-Authenticate: Bearer")
		}
	}
	return nil
}

func (p *patient) introspectionOpen(ctx context.Context) error {
	address, err := p.endpoint("introspection_endpoint")
	if err != nil {
		return err
	}
	a, err := p.post(ctx, address, url.Values{"token": {"junk"}}, nil)
	if err != nil {
		return err
	}
	if a.Status < 400 || a.Status >= 500 {
		p.found("introspection_endpoint", described(a), "401")
	}
	return nil
}

func (p *patient) revocationUnknown(ctx context.Context) error {
	address, err := p.endpoint("revocation_endpoint")
	if err != nil {
		return err
	}
	a, err := p.post(ctx, address, url.Values{"token": {"junk"}}, basic(p.client, p.client.Secret.Reveal()))
	if err != nil {
		return err
	}
	if a.Status != 200 {
		p.found("revocation_endpoint", described(a), "200")
	}
	return nil
}

// register tries to register a redirect URI that nobody should take. What is
// taken is deleted at once.
func register(redirect string) func(*patient, context.Context) error {
	return func(p *patient, ctx context.Context) error {
		address, err := p.endpoint("registration_endpoint")
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
		a, err := p.send(ctx, http.MethodPost, address, strings.NewReader(string(body)), header)
		if err != nil || p.Dry != nil {
			return err
		}
		if a.Status/100 == 2 {
			p.found("redirect_uris", redirect+" is taken", "invalid_redirect_uri")
			p.forget(ctx, a)
		}
		return nil
	}
}

// forget deletes a client that should never have been made.
func (p *patient) forget(ctx context.Context, a *wire.Answer) {
	uri, _ := p.text(a, "registration_client_uri")
	token, _ := p.text(a, "registration_access_token")
	if _, err := wire.Endpoint("registration_client_uri", uri, p.evidence.Issuer); err != nil {
		return
	}
	_, _ = p.send(context.WithoutCancel(ctx), http.MethodDelete, uri, nil, http.Header{"Authorization": {"Bearer " + token}})
}

func (p *patient) text(a *wire.Answer, name string) (string, bool) {
	var members map[string]any
	if json.Unmarshal(a.Body, &members) != nil {
		return "", false
	}
	s, is := members[name].(string)
	return s, is
}

func (p *patient) registrationOpen(ctx context.Context) error {
	if p.client.RegistrationURI == "" {
		p.skip("the provider gives clients no address to look after themselves (RFC 7592)")
		return nil
	}
	a, err := p.send(ctx, http.MethodGet, p.client.RegistrationURI, nil, nil)
	if err != nil {
		return err
	}
	if a.Status/100 == 2 {
		p.found("registration_client_uri", described(a)+" without the token", "401")
	}
	return nil
}

// clientOf is the parameters that name a client.
func clientOf(c *registration.Client) url.Values { return url.Values{"client_id": {c.ID}} }
