package preset

import (
	"fmt"
	"slices"
	"strings"
)

func entra() Preset {
	return Preset{
		Name: "entra", Help: "Microsoft Entra ID (Azure AD)",
		Params: []Param{
			{Name: "tenant", Help: "identifier of the tenant (a UUID)", Required: true, Kind: Word},
		},
		Facts: []Fact{
			{"The issuer ends with /v2.0. Below common, organizations and consumers the metadata names another issuer than the one asked for, so they are no issuers; a tenant's domain name is probably none either (not confirmed).", "https://github.com/MicrosoftDocs/azure-docs/issues/38427"},
			{"http is allowed for localhost, and the port of a localhost redirect URI is ignored: register http://localhost.", "https://learn.microsoft.com/en-us/entra/identity-platform/reply-url"},
			{"The portal refuses http://127.0.0.1; only the application's manifest takes it. [::1] is not supported.", "https://learn.microsoft.com/en-us/entra/identity-platform/reply-url"},
			{"AADSTS9002326 and AADSTS9002327 are about the platform that the redirect URI is registered for: take \"mobile and desktop\" or \"web\", not \"single-page application\" (which of them is not confirmed).", "https://github.com/SecureAuthCorp/oauth2c/pull/108"},
		},
		Apply: applyEntra,
	}
}

func applyEntra(v Values) (Settings, error) {
	tenant := strings.ToLower(v["tenant"])
	if slices.Contains([]string{"common", "organizations", "consumers"}, tenant) {
		return nil, fmt.Errorf("tenant is %q, which stands for any tenant, and no ID token has that issuer", tenant)
	}
	s := issuer("https://login.microsoftonline.com/" + tenant + "/v2.0")
	s["redirect_uri"] = []string{"http://localhost:0"}
	return s, nil
}
