package check

import (
	"slices"
	"strings"

	"rely/internal/doctor/evidence"
)

// A Vendor is a kind of provider that hints are written for.
type Vendor struct {
	Name, Title string
	Shows       func(e *evidence.Evidence) bool // whether the provider is of this kind
}

// Vendors is the table of them. A provider shows what it is by its addresses, or
// by what no other lists.
func Vendors() []Vendor {
	host := func(ends ...string) func(*evidence.Evidence) bool {
		return func(e *evidence.Evidence) bool {
			for _, end := range ends {
				if h := e.URL.Hostname(); h == end || strings.HasSuffix(h, "."+end) {
					return true
				}
			}
			return false
		}
	}
	path := func(parts ...string) func(*evidence.Evidence) bool {
		return func(e *evidence.Evidence) bool {
			authorize, _ := e.Text("authorization_endpoint")
			for _, part := range parts {
				if strings.Contains(authorize, part) {
					return true
				}
			}
			return false
		}
	}
	lists := func(member, value string) func(*evidence.Evidence) bool {
		return func(e *evidence.Evidence) bool {
			list, _ := e.List(member)
			return slices.Contains(list, value)
		}
	}
	return []Vendor{
		{"keycloak", "Keycloak", path("/protocol/openid-connect/auth")},
		{"entra", "Microsoft Entra ID", host("login.microsoftonline.com", "sts.windows.net", "ciamlogin.com", "login.microsoftonline.us")},
		{"google", "Google", host("accounts.google.com")},
		{"pingone", "PingOne", host("auth.pingone.com", "auth.pingone.eu", "auth.pingone.ca", "auth.pingone.asia", "auth.pingone.com.au")},
		{"okta", "Okta", host("okta.com", "oktapreview.com", "okta-emea.com")},
		{"auth0", "Auth0", host("auth0.com")},
		{"cognito", "Amazon Cognito", func(e *evidence.Evidence) bool { return strings.HasPrefix(e.URL.Hostname(), "cognito-idp.") }},
		{"janssen", "Janssen", path("/jans-auth/")},
		{"gluu", "Gluu Server", path("/oxauth/")},
		{"better-auth", "Better Auth", path("/api/auth/oauth2/")},
		{"dex", "Dex", lists("claims_supported", "federated_claims")},
		{"lemonldap", "LemonLDAP::NG", lists("grant_types_supported", "hybrid")},
	}
}

// Recognise names the provider's kind; both are empty for one that is not in
// the table.
func Recognise(e *evidence.Evidence) (name, title string) {
	for _, v := range Vendors() {
		if v.Shows(e) {
			return v.Name, v.Title
		}
	}
	return "", ""
}
