package alone

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/registration"
	"rely/internal/wire"
)

// machines are about clients that ask for themselves.
func machines() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A42", Name: "client-credentials", Title: "client_credentials brings no refresh token and no ID token, and refuses an unknown scope", Stage: "client", Severity: check.Warning, Section: "RFC 6749 3.3, 4.4.3, 5.2; OIDC Core 2",
			Why: "There is nobody to identify, and a second secret that lives long is one more to lose. A scope that is dropped in silence is missed later, at the API.",
			Fix: "answer with the access token alone, and with invalid_scope", Unknown: "A provider may drop a scope where its answer says so (RFC 6749 3.3), which passes."}, Run: clientCredentials},
	}
}

// service is a client that asks for tokens for itself. The error says that the
// provider has none.
func service(ctx context.Context, p *trial.Patient) (*registration.Client, error) {
	grants, _ := p.Evidence.List("grant_types_supported")
	types, _ := p.Evidence.List("response_types_supported") // where glewlwyd lists it
	if !slices.Contains(append(grants, types...), "client_credentials") {
		return nil, fmt.Errorf("the provider offers no client_credentials")
	}
	more := map[string]any{"token_endpoint_auth_method": "client_secret_basic", "grant_types": []string{"client_credentials"},
		"response_types": []string{}, "redirect_uris": []string{}}
	c, err := p.Another(ctx, "service", more)
	if err != nil { // some want a redirect URI of everybody
		more["redirect_uris"] = []string{trial.Callback}
		c, err = p.Another(ctx, "service with an address", more)
	}
	return c, err
}

// serve asks for a token for the client itself.
func serve(ctx context.Context, p *trial.Patient, c *registration.Client, scope string, header http.Header) (*wire.Answer, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if scope != "" {
		form.Set("scope", scope)
	}
	all := trial.Basic(c, c.Secret.Reveal())
	for name, v := range header {
		all[name] = v
	}
	return p.Ask(ctx, "token_endpoint", form, all)
}

func clientCredentials(ctx context.Context, p *trial.Patient) error {
	const unknown = "rely_doctor_no_such_scope"
	c, err := service(ctx, p)
	if err != nil {
		return err
	}
	a, err := serve(ctx, p, c, "", nil)
	if err != nil {
		return err
	}
	if a.Status/100 != 2 {
		return fmt.Errorf("a good request brought no token: %s", trial.Described(a))
	}
	for _, name := range []string{"refresh_token", "id_token"} {
		if _, there := trial.Text(a, name); there {
			p.Found(name, "it is there (not shown)", "access_token alone")
		}
	}
	if a, err = serve(ctx, p, c, unknown, nil); err != nil || p.Dry != nil {
		return err
	}
	var said struct {
		Scope *string `json:"scope"`
	}
	_ = json.Unmarshal(a.Body, &said)
	switch {
	case a.Status/100 != 2 && trial.OAuthError(a) != "invalid_scope":
		p.Found("scope", "an unknown one: "+trial.Described(a), "invalid_scope")
	case a.Status/100 == 2 && said.Scope == nil:
		p.Found("scope", "an unknown one brings a token, and the answer does not say without which scope", "invalid_scope, or scope in the answer")
	case a.Status/100 == 2 && slices.Contains(strings.Fields(*said.Scope), unknown):
		p.Found("scope", "an unknown one is granted: "+*said.Scope, "invalid_scope")
	}
	return nil
}
