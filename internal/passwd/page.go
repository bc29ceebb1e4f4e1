package passwd

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/wire"
)

// keycloak leads a sign-in over Keycloak's own page (application initiated
// action).
func keycloak() Entry {
	return Entry{
		Name: "keycloak", Help: "Keycloak: a sign-in that leads over its page for a new password", Family: OnAPage,
		Proof: "tried against the embedded provider, which says what Keycloak says; " + recorded, NoOld: true, After: "Keycloak's page offers to end the other sessions",
		Fits: func(a *Account) bool { return a.names("authorization_endpoint", "/protocol/openid-connect/auth") },
		Handoff: func(context.Context, *Account) (*Handoff, error) {
			return &Handoff{Param: url.Values{"kc_action": {"UPDATE_PASSWORD"}}}, nil
		},
	}
}

// auth0 has Auth0 send a mail with a page of its own; nothing is changed here.
func auth0() Entry {
	return Entry{
		Name: "auth0", Help: "Auth0: a mail with a link to its page", Family: OnAPage, Proof: recorded, NoOld: true, After: untold,
		Params: []Param{{"connection", "database connection of the account", "Username-Password-Authentication"}, {"organization", "organization of the account", ""}},
		Fits:   atHost("auth0.com"), Handoff: auth0Mail,
	}
}

func auth0Mail(ctx context.Context, a *Account) (*Handoff, error) {
	const what = "have a mail sent"
	if a.Email == "" {
		return nil, &fault.Error{Kind: fault.Usage, ID: "passwd.no-email", Op: what, Err: errors.New("the session does not say which e-mail address the account has"),
			Hint: "sign in with the scope email, or give the address with --username"}
	}
	body := map[string]any{"client_id": a.ClientID, "email": a.Email, "connection": a.Param["connection"]}
	if a.Param["organization"] != "" {
		body["organization"] = a.Param["organization"]
	}
	answer, err := a.send(ctx, what, sending{method: http.MethodPost, url: a.base(a.origin()) + "/dbconnections/change_password", contentType: "application/json", body: object(body)})
	if err != nil {
		return nil, err
	}
	words := strings.Trim(strings.TrimSpace(string(answer.Body)), `"`)
	if answer.Status != http.StatusOK {
		m := members(answer)
		r := refusal{code: text(m, "error"), words: text(m, "description")}
		if r.code == "" && r.words == "" {
			r.words = words
		}
		return nil, r.fault("Auth0 Authentication API, Change Password", answer.Status)
	}
	return &Handoff{Said: words}, nil
}

// wellKnown opens the page that every web site may have for it.
func wellKnown() Entry {
	return Entry{
		Name: "well-known", Help: "any provider: its page behind /.well-known/change-password", Family: OnAPage,
		Proof: "tried against the embedded provider", NoOld: true, After: untold,
		Handoff: wellKnownPage,
	}
}

// wellKnownPage asks whether there is such a page. A site that answers 200 to
// everything has none: a name that cannot exist is asked for first (W3C
// change-password-url 3.2, response code reliability).
func wellKnownPage(ctx context.Context, a *Account) (*Handoff, error) {
	const (
		what = "look for the provider's page for passwords"
		spec = "W3C A Well-Known URL for Changing Passwords 3.2"
	)
	base := a.base(a.origin()) + "/.well-known/"
	status := func(name string) (int, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+name, nil)
		if err != nil {
			return 0, &fault.Error{Kind: fault.Usage, ID: "passwd.address", Op: what, Err: err, Hint: "check --via-url"}
		}
		answer, err := a.HTTP.Do(ctx, what, req, wire.Userinfo)
		if err != nil {
			return 0, err
		}
		return answer.Status, nil
	}
	none := func(why string) error {
		return &fault.Error{Kind: fault.Denied, ID: "passwd.no-page", Op: what, Spec: spec, Err: errors.New(why), Hint: "ask the provider's help desk where a password is changed"}
	}
	absent, err := status("resource-that-should-not-exist-whose-status-code-should-not-be-200")
	if err != nil {
		return nil, err
	}
	if absent/100 == 2 {
		return nil, none(a.host() + " answers well to every address: nobody can tell whether it has that page")
	}
	there, err := status("change-password")
	if err != nil {
		return nil, err
	}
	if there/100 != 2 && there/100 != 3 {
		return nil, none(a.host() + " has no page at /.well-known/change-password")
	}
	return &Handoff{URL: base + "change-password"}, nil
}
