package cause

import (
	"fmt"
	"net/url"
	"strings"
)

// issuers are about the provider's name.
func issuers() []Entry {
	return []Entry{
		{
			Name: "tenant", Help: "the issuer names a realm or tenant that is not there, or another one", Where: Profile,
			words: []string{"realm does not exist", "tenant not found", "tenant does not exist"},
			ids:   []string{"provider.no-metadata"}, say: sayNoMetadata,
			hints: []Hint{
				{"entra", []string{"aadsts90002", "aadsts900021", "aadsts900023", "aadsts50020"}, "Entra ID: https://login.microsoftonline.com/TENANT/v2.0, with the tenant's id (a GUID) for TENANT"},
				{"keycloak", []string{"realm does not exist"}, "Keycloak: https://HOST/realms/REALM; before version 17, and where it was kept, https://HOST/auth/realms/REALM"},
				{"okta", nil, "Okta: https://ORG.okta.com, or https://ORG.okta.com/oauth2/default for the custom authorization server"},
				{"auth0", nil, "Auth0: https://TENANT.REGION.auth0.com/ with the slash at its end"},
				{"cognito", nil, "Cognito: https://cognito-idp.REGION.amazonaws.com/USER_POOL_ID, not the address of the login pages"},
				{"google", nil, "Google: https://accounts.google.com"},
				{"pingone", nil, "PingOne: https://auth.pingone.eu/ENVIRONMENT_ID/as, with the region's ending (com, eu, ca, asia, com.au)"},
				{"gluu", nil, "Gluu: https://HOST, without /oxauth"}, {"janssen", nil, "Janssen: https://HOST, without /jans-auth"},
			},
		},
		{
			Name: "issuer", Help: "the provider calls itself otherwise than asked: a slash, a letter's case, a tenant, a version", Where: Profile,
			ids: []string{"provider.issuer-mismatch", "login.response-iss"}, checks: []string{"iss", "response-iss"},
			fits: func(c *Case) bool { a, b := c.names(); return a != "" && b != "" && a != b }, say: sayIssuer,
			hints: []Hint{
				{"entra", nil, "Entra ID: use the tenant's id and /v2.0; /common and /organizations answer for every tenant, and tokens of version 1 come from https://sts.windows.net/TENANT/"},
				{"auth0", nil, "Auth0: the issuer ends in a slash; with a custom domain it is that domain, wherever the tenant is reached"},
				{"keycloak", nil, "Keycloak: the issuer is made of the host name that was asked for, unless hostname is set (Realm settings, General, Frontend URL)"},
				{"okta", nil, "Okta: Security, API, Authorization Servers, Issuer: it may be the org's address or the custom domain"},
				{"pingone", nil, "PingOne: with a custom domain the issuer is https://DOMAIN/as"},
				{"gluu", nil, "Gluu: the issuer in oxAuth's configuration"}, {"janssen", nil, "Janssen: issuer in the Auth Server's properties"},
			},
		},
	}
}

// names are the issuer that was asked for and the one that answered.
func (c *Case) names() (asked, said string) {
	if k := c.failed("iss", "response-iss"); k != nil {
		return k.Expected, k.Actual
	}
	return c.Issuer, c.Metadata
}

func sayIssuer(c *Case) Finding {
	asked, said := c.names()
	f := Finding{Check: &Check{Name: "issuer", Spec: "OIDC Discovery 4.3", Expected: asked, Actual: said}, Change: "use the issuer " + said + " if that is the provider you mean"}
	x, y := pieces(asked), pieces(said)
	plain, err := url.QueryUnescape(said)
	switch {
	case err == nil && plain == asked:
		f.Likely = "the provider percent-encodes the values of its answer once too often, and this one is seen by it"
		f.Where, f.Change = Provider, "have the provider mend its answers; until then use another --response-mode"
	case strings.TrimSuffix(asked, "/") == strings.TrimSuffix(said, "/"):
		f.Likely = "the issuers differ by the slash at the end alone, and it counts"
	case strings.EqualFold(asked, said):
		f.Likely = "the issuers differ by upper and lower case alone, and it counts"
	case strings.Contains(said, "{tenantid}") || strings.Contains(asked, "/common/") || strings.Contains(asked, "/organizations/"):
		f.Likely, f.Change = "this issuer answers for every tenant and names none", "use the issuer of your own tenant, with its id"
	case strings.TrimSuffix(asked, "/v2.0") == strings.TrimSuffix(said, "/v2.0"):
		f.Likely = "one of the two issuers is of version 2.0 and the other is not"
	case x["host"] == y["host"] && x["scheme"] == y["scheme"] && x["port"] == y["port"]:
		f.Likely = fmt.Sprintf("the provider is the right one and the realm or tenant is another: %q was asked for, %q answers", x["path"], y["path"])
	case x["host"] == y["host"] && x["path"] == y["path"]:
		f.Likely = "the provider does not know by which scheme and port it is reached: it is behind a proxy that does not tell it"
		f.Where, f.Change = Provider, "set the provider's public address (X-Forwarded-Proto and X-Forwarded-Port, or its host name setting)"
	default:
		f.Likely = fmt.Sprintf("the provider is known by another name: %q was asked for, it calls itself %q; or somebody else answers", x["host"], y["host"])
		f.Change = "if the provider says of itself that it is " + said + ", use that as the issuer; if it does not, do not sign in"
	}
	return f
}

func sayNoMetadata(c *Case) Finding {
	f := Finding{Likely: "the issuer's path is not right, or is missing: a realm, tenant or environment belongs into it at most providers", Change: "copy the issuer from the provider: it is the \"iss\" of its ID tokens"}
	if u, err := url.Parse(c.Issuer); err == nil && strings.Trim(u.Path, "/") != "" {
		f.Likely = fmt.Sprintf("there is no realm or tenant at %q, or it is spelt otherwise", u.Path)
	}
	return f
}

// permissions are about what the client may ask for.
func permissions() []Entry {
	return []Entry{
		{
			Name: "consent", Help: "nobody agreed that the client may have what it asks for", Where: Provider,
			words: []string{"consent required", "has not consented", "needs admin approval", "admin_policy_enforced"}, ids: []string{"login.consent_required"},
			say: plain("nobody agreed yet that this client may see what it asks for, and this sign-in could not ask", "sign in once in a browser without prompt=none and agree, or have an administrator agree for everybody"),
			hints: []Hint{
				{"entra", []string{"aadsts65001", "aadsts90094", "aadsts90095"}, "Entra ID: Enterprise applications, Permissions, Grant admin consent"},
				{"google", []string{"admin_policy_enforced"}, "Google: Admin console, Security, API controls, Manage app access"},
				{"keycloak", nil, "Keycloak: Clients, Settings, Consent required"},
				{"auth0", nil, "Auth0: APIs, Settings, Allow Skipping User Consent; it never skips it for localhost"},
				{"okta", nil, "Okta: Security, API, Scopes, Require user consent"},
			},
		},
		{
			Name: "policy", Help: "a rule of the provider forbids it", Where: Provider,
			words: []string{"policy evaluation failed", "aadsts53003", "conditional access"},
			say:   plain("a rule of the provider forbids this sign-in: place, device, group, scope or grant", "have the provider's administrator read the log of this sign-in"),
			hints: []Hint{{"okta", []string{"policy evaluation failed"}, "Okta: Security, API, Access Policies: a rule has to take this client, grant, scope and person"},
				{"entra", []string{"aadsts53003"}, "Entra ID: Sign-in logs, Conditional Access names the policy"}},
		},
		{
			Name: "scope", Help: "a scope is not allowed for the client, or is not known", Where: Registration,
			words: []string{"invalid scopes", "scopes are not configured", "requested scopes were invalid"},
			ids:   []string{"login.invalid_scope", "token.invalid_scope", "idtoken.missing", "userinfo.scope"},
			say: func(c *Case) Finding {
				asked := ""
				if c.Scope != "" {
					asked = " (" + c.Scope + ")"
				}
				return Finding{Likely: "the client may not have all of the scopes that it asks for" + asked, Change: "allow them for the client at the provider, or ask for fewer with --scope; \"openid\" is what makes it a sign-in"}
			},
			hints: []Hint{
				{"entra", []string{"aadsts70011", "aadsts650053"}, "Entra ID: API permissions; scopes of one resource at a time, as api://APP/NAME"},
				{"dex", []string{"missing required scope"}, "Dex: it wants openid in every request: --scope \"openid email groups offline_access\""},
				{"keycloak", []string{"invalid scopes:"}, "Keycloak: Clients, Client scopes, Add client scope (default or optional)"},
				{"okta", []string{"scopes are not configured"}, "Okta: Security, API, Scopes; the org's own server knows none of your own"},
				{"cognito", nil, "Cognito: App clients, Login pages, OpenID Connect scopes"},
				{"google", []string{"requested scopes were invalid"}, "Google: Google Auth Platform, Data access; there is no offline_access: give --param access_type=offline"},
				{"pingone", nil, "PingOne: Applications, Resources"}, {"auth0", nil, "Auth0: APIs, Permissions; offline_access needs \"Allow Offline Access\" there"},
				{"gluu", nil, "Gluu: the client's Scopes"}, {"janssen", nil, "Janssen: the client's scopes"},
			},
		},
		{
			Name: "grant", Help: "the client may not use this flow", Where: Registration,
			words: []string{"standard flow is disabled", "not allowed for direct access grants", "not allowed for the client", "not authorized to use the provided grant type"},
			ids:   []string{"login.unauthorized_client", "login.unsupported_response_type", "token.unauthorized_client", "token.unsupported_grant_type"},
			say:   plain("the client is not allowed to sign people in this way", "allow the flow's grant type (authorization_code for the usual one) for the client at the provider, or choose another --flow"),
			hints: []Hint{
				{"keycloak", []string{"standard flow is disabled"}, "Keycloak: Clients, Settings, Capability config, Standard flow"},
				{"auth0", nil, "Auth0: Applications, Advanced Settings, Grant Types"}, {"okta", nil, "Okta: Applications, General, Grant type"},
				{"pingone", nil, "PingOne: Applications, Configuration, Grant Type and Response Type"}, {"cognito", nil, "Cognito: App clients, Login pages, OAuth grant types"},
				{"gluu", nil, "Gluu: the client's Grant Types and Response Types"}, {"janssen", nil, "Janssen: the client's grantTypes and responseTypes"},
			},
		},
	}
}

// codes are about the code that a sign-in brings.
func codes() []Entry {
	return []Entry{
		{
			Name: "code", Help: "the code was used, is too old, or is another sign-in's", Where: Machine,
			words: []string{"code not valid", "code has expired", "code is expired", "code is invalid or expired", "code was already redeemed", "pkce verification failed", "malformed auth code", "code is unknown, too old"},
			say:   plain("the code was used before it came here (a browser's preview, a proxy, a reloaded page), or took too long", "sign in again; if it goes on, look who else fetches the redirect URI, and how long codes live at the provider"),
			hints: []Hint{{"entra", []string{"aadsts54005", "aadsts70008", "aadsts501481"}, "Entra ID: a code is good once, for about ten minutes"}},
		},
	}
}
