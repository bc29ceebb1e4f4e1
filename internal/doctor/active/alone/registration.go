package alone

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/wire"
)

// registrations are about what can be registered, and who sees it.
func registrations() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A30", Name: "register-javascript", Title: "a javascript: redirect URI cannot be registered", Stage: "client", Severity: check.Error, Section: "OIDC Registration 2",
			Why: "The provider's own page would run it.", Fix: "take https, and http on loopback"}, Run: register("javascript:alert(1)//")},
		{Check: check.Check{ID: "A31", Name: "register-fragment", Title: "a redirect URI with a fragment cannot be registered", Stage: "client", Severity: check.Error, Section: "RFC 6749 3.1.2",
			Why: "The answer's parameters end behind the fragment, where scripts of the page read them.", Fix: "refuse a redirect URI with #"}, Run: register(trial.Callback + "#part")},
		{Check: check.Check{ID: "A32", Name: "register-http", Title: "an http redirect URI beyond loopback cannot be registered", Stage: "client", Severity: check.Error, Section: "RFC 9700 2.6; OIDC Registration 2",
			Why: "The code would travel in the open.", Fix: "demand https but on loopback", Unknown: "OIDC Core 3.1.2.1 leaves http to the provider for confidential clients, such as the one that is tried; RFC 9700 does not."}, Run: register("http://rely-doctor.invalid/callback")},
		{Check: check.Check{ID: "A36", Name: "registration-open", Title: "a client's registration is not shown without its token", Stage: "client", Severity: check.Error, Section: "RFC 7592 2.1",
			Why: "The client secret stands in it.", Fix: "answer 401 without the registration access token"}, Run: registrationOpen},
		{Check: check.Check{ID: "A33", Name: "register-unsigned", Title: "a client cannot register to have its ID tokens unsigned (none)", Stage: "client", Severity: check.Warning, Section: "RFC 8725 3.2; OIDC Registration 2 (id_token_signed_response_alg)",
			Why: "An ID token without a signature can be made by anybody who stands in the way.", Fix: "refuse id_token_signed_response_alg none", Demands: []check.Demand{{For: "fapi2", Severity: check.Error}},
			Unknown: "OIDC allows it for the code flow; whether such tokens come is not tried."}, Run: registerUnsigned},
		{Check: check.Check{ID: "A34", Name: "registration-life", Title: "the registration access token reads the client as it was registered, and deletes it", Stage: "client", Severity: check.Warning, Section: "RFC 7591 3.2.1; RFC 7592 2.1, 2.3",
			Why: "A client that cannot see or end its own registration leaves it behind for ever.", Fix: "answer GET with all that is registered, DELETE with 204, and after that 401",
			Unknown: "It compares the members of a plain client. 405 to DELETE passes: RFC 7592 2.3 leaves it to the provider."}, Run: registrationLife},
		{Check: check.Check{ID: "A35", Name: "register-sector", Title: "a sector_identifier_uri that cannot be fetched is refused", Stage: "client", Severity: check.Warning, Section: "OIDC Registration 5; OIDC Core 8.1", Demands: []check.Demand{{For: "oidc-dynamic", Severity: check.Error}},
			Why: "Whoever names another one's sector gets the pairwise subjects of its people.", Fix: "fetch it, and refuse the registration where redirect_uris are not all in it",
			Unknown: "It names an address that leads nowhere; whether the list behind a good one is compared is not tried."}, Run: registerSector},
	}
}

// register tries to register a redirect URI that nobody should take. What is
// taken is deleted at once.
func register(redirect string) func(context.Context, *trial.Patient) error {
	return func(ctx context.Context, p *trial.Patient) error {
		a, err := p.Enrol(ctx, map[string]any{"redirect_uris": []string{redirect}})
		if err == nil && a.Status/100 == 2 {
			p.Found("redirect_uris", redirect+" is taken", "invalid_redirect_uri")
		}
		return err
	}
}

func registerUnsigned(ctx context.Context, p *trial.Patient) error {
	const member = "id_token_signed_response_alg"
	a, err := p.Enrol(ctx, map[string]any{member: "none"})
	if err != nil || a.Status/100 != 2 {
		return err
	}
	if alg, _ := trial.Text(a, member); alg == "none" {
		p.Found(member, "none is taken", "invalid_client_metadata, or another algorithm in the answer")
	}
	return nil
}

func registerSector(ctx context.Context, p *trial.Patient) error {
	const member = "sector_identifier_uri"
	if kinds, _ := p.Evidence.List("subject_types_supported"); !slices.Contains(kinds, "pairwise") {
		p.Skip("the provider offers no pairwise subjects")
		return nil
	}
	a, err := p.Enrol(ctx, map[string]any{member: "https://rely-doctor.invalid/sector.json", "subject_type": "pairwise"})
	if err != nil || a.Status/100 != 2 {
		return err
	}
	if uri, _ := trial.Text(a, member); uri != "" { // who does not know it drops it
		p.Found(member, "an address that leads nowhere is taken", "invalid_client_metadata")
	}
	return nil
}

// registrationLife reads a client, deletes it, and looks for it again.
func registrationLife(ctx context.Context, p *trial.Patient) error {
	asked := map[string]any{"client_name": trial.ClientName, "redirect_uris": []string{trial.Callback, trial.Other}, "grant_types": []string{"authorization_code"},
		"response_types": []string{"code"}, "token_endpoint_auth_method": "client_secret_post"}
	c, err := p.Another(ctx, "life", asked)
	if err != nil {
		return err
	}
	if c.RegistrationURI == "" || c.RegistrationToken.Empty() {
		p.Skip("the provider gives clients no address to look after themselves (RFC 7592)")
		return nil
	}
	manage := func(method string) (*wire.Answer, error) {
		return p.Send(ctx, method, c.RegistrationURI, nil, http.Header{"Authorization": {"Bearer " + c.RegistrationToken.Reveal()}})
	}
	a, err := manage(http.MethodGet)
	if err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(a.Body, &members) != nil || a.Status != 200 {
		p.Found("GET registration_client_uri", trial.Described(a), "200 with the client")
	}
	for _, d := range registration.Compare(asked, members) {
		if a.Status == 200 && d.What != "added" {
			p.Found(d.Member, "read back "+d.What+" "+string(d.Got), "what was registered: "+string(d.Asked))
		}
	}
	if token, there := trial.Text(a, "registration_access_token"); there && token != "" {
		c.RegistrationToken = secret.New(token) // a new one with each answer
	}
	if a, err = manage(http.MethodDelete); err != nil {
		return err
	}
	if p.Dry != nil {
		return nil
	}
	if a.Status == http.StatusMethodNotAllowed {
		p.Stays()
		return nil // which RFC 7592 2.3 allows
	}
	if a.Status/100 != 2 {
		p.Stays()
		p.Found("DELETE registration_client_uri", trial.Described(a), "204")
		return nil
	}
	p.Gone(c)
	if a, err = manage(http.MethodGet); err == nil && a.Status/100 == 2 {
		p.Found("after DELETE", "the client is still there: "+trial.Described(a), "401")
	}
	return err
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
