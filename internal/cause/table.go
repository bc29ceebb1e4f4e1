package cause

import (
	"slices"
	"strings"
)

// All is the table, in the order in which causes are looked for: what only one
// cause can explain comes before what several can.
func All() []Entry {
	return slices.Concat(between(), redirects(), clocks(), clients(), secrets(), issuers(), keys(), permissions(), sessions(), codes(), accounts())
}

// redirects are about the address that the answer goes to.
func redirects() []Entry {
	return []Entry{{
		Name: "redirect-uri", Help: "the redirect URI is not, character by character, the registered one", Where: Registration,
		words: []string{"redirect_uri_mismatch", "redirect_mismatch", "invalid_redirect_uri", "invalid parameter: redirect_uri", "incorrect redirect_uri",
			"redirect uri mismatch", "callback url mismatch", "redirect_uri did not match", "redirect_uri is not the one", "invalid redirect_uri", "address that it has not registered",
			"redirect_uri is not registered"},
		ids:  []string{"useragent.*", "login.unfinished", "login.cancelled", "loopback.cancelled", "registration.check-redirect"},
		fits: redirectMayDiffer, say: sayRedirect,
		hints: []Hint{
			{"keycloak", nil, "Keycloak: Clients, the client, Settings, Valid redirect URIs"},
			{"entra", []string{"aadsts50011", "aadsts500113"}, "Entra ID: App registrations, Authentication; http://localhost with any port belongs under \"Mobile and desktop applications\""},
			{"okta", []string{"'redirect_uri' parameter must be"}, "Okta: Applications, General, Sign-in redirect URIs"},
			{"auth0", []string{"allowed callback urls"}, "Auth0: Applications, Settings, Allowed Callback URLs"},
			{"cognito", nil, "Cognito: App clients, Login pages, Allowed callback URLs; without https it takes http://localhost alone, not 127.0.0.1"},
			{"google", nil, "Google: Google Auth Platform, Clients, Authorized redirect URIs; a client of the kind Desktop takes any port on loopback"},
			{"pingone", nil, "PingOne: Applications, Configuration, Redirect URIs"},
			{"gluu", []string{"does not match any of the client's pre-registered"}, "Gluu: OpenID Connect, Clients, Redirect Login URIs (redirect_uris)"},
			{"dex", []string{"unregistered redirect_uri"}, "Dex: redirectURIs of the client (staticClients, or the gRPC API); a public client with none there takes any http address on loopback"},
			{"lemonldap", nil, "LemonLDAP::NG: OpenID Connect Relying Parties, the client, Options, Allowed redirection addresses"},
			{"janssen", []string{"invalid_request_redirect_uri"}, "Janssen: Auth Server, Clients, redirectUris (jans tui, or the Config API)"},
		},
	}}
}

// proofs are the faults of a client that was not believed.
func proofs() []string {
	return []string{"token.invalid_client", "token.refused", "registration.check-secret", "registration.check-key", "registration.check-client"}
}

// clients are about the client's proof.
func clients() []Entry {
	return []Entry{
		{
			Name: "secret-expired", Help: "the client's secret has ended", Where: Registration,
			words: []string{"secret expired", "secret has expired", "secret is expired", "expired client secret"},
			say: func(c *Case) Finding {
				return Finding{Likely: "the secret of " + c.client() + " has expired", Change: "make a new secret at the provider and give it with --client-secret-file; a client that rely registered: \"rely register update\""}
			},
			hints: []Hint{
				{"entra", []string{"aadsts7000222"}, "Entra ID: App registrations, Certificates & secrets, New client secret"},
			},
		},
		{
			Name: "client-unknown", Help: "there is no such client at this provider or tenant", Where: Profile,
			words: []string{"unknown client", "client not found", "client was not found", "client is unknown to", "client does not exist", "no client with requested id", "invalid value for 'client_id'", "did not say who it is, or it is not registered"},
			say: func(c *Case) Finding {
				return Finding{Likely: "there is no client " + c.ClientID + " at " + c.Issuer + ": the id is misspelt, or it is another realm's, tenant's or environment's",
					Change: "copy the client id from the provider into the profile (--client-id), and compare the issuer"}
			},
			hints: []Hint{
				{"entra", []string{"aadsts700016"}, "Entra ID: Overview, \"Application (client) ID\", not the object ID; the app has to be in the tenant that the issuer names"},
				{"google", []string{"the oauth client was not found"}, "Google: the whole id ends in .apps.googleusercontent.com"},
				{"cognito", nil, "Cognito: App clients of this user pool; the pool is in the issuer"},
				{"keycloak", nil, "Keycloak: Client ID in the list Clients of this realm, not the UUID in the address bar"},
				{"gluu", nil, "Gluu: the inum of the client"},
				{"janssen", nil, "Janssen: the inum of the client"},
			},
		},
		{
			Name: "client-kind", Help: "a public client is treated as confidential, or the other way round", Where: Registration,
			words: []string{"aadsts7000218", "aadsts700025", "aadsts9002326", "aadsts9002327"},
			say: plain("the provider has the client as another kind (public, confidential, single page) than it is used as here",
				"make it a confidential client and give its secret, or a public one and set client_auth to none"),
			hints: []Hint{
				{"entra", []string{"aadsts7000218"}, "Entra ID: give the secret, or switch on Authentication, \"Allow public client flows\""},
				{"entra", []string{"aadsts700025"}, "Entra ID: the app is public: leave the secret out (--client-auth none)"},
				{"entra", []string{"aadsts9002326", "aadsts9002327"}, "Entra ID: move the redirect URI from \"Single-page application\" to \"Web\" or \"Mobile and desktop applications\""},
			},
		},
		{
			Name: "client-method", Help: "the client proves itself in a way that the provider does not take from it", Where: Profile,
			words: []string{"unsupported authentication method", "client authentication method", "auth method", "token_endpoint_auth_method"},
			ids:   proofs(), fits: otherMethod, say: sayMethod,
			hints: []Hint{{"pingone", []string{"request denied: unsupported authentication method"}, "PingOne: Applications, Configuration, Token Auth Method"},
				{"okta", nil, "Okta: Applications, General, Client authentication"},
				{"auth0", nil, "Auth0: Applications, Credentials, Authentication Methods"},
				{"keycloak", nil, "Keycloak: Clients, Credentials, Client Authenticator"}},
		},
	}
}

// secrets are about what the client proves itself with.
func secrets() []Entry {
	return []Entry{
		{
			Name: "secret", Help: "the client's secret is not the one that the provider has", Where: Profile,
			words: []string{"invalid client secret", "client secret supplied", "invalid_client_secret", "invalid client credentials", "client credentials are invalid"},
			ids:   proofs(), say: saySecret,
			hints: []Hint{
				{"entra", []string{"aadsts7000215"}, "Entra ID: take the secret's Value, not its Secret ID"},
				{"keycloak", nil, "Keycloak: Clients, Credentials, Client secret"},
				{"okta", nil, "Okta: Applications, General, Client Credentials; a secret may be inactive"},
				{"auth0", nil, "Auth0: Applications, Settings, Client Secret"},
				{"cognito", nil, "Cognito: App clients, Show client secret; a client made without one cannot get one later"},
				{"google", nil, "Google: Google Auth Platform, Clients, Client secrets; a disabled one is refused"},
				{"pingone", nil, "PingOne: Applications, Overview, Client Secret; it may have been made anew"},
				{"gluu", nil, "Gluu: OpenID Connect, Clients, Client Secret; one that expires is in Client Expiration Date"},
				{"janssen", nil, "Janssen: Auth Server, Clients, clientSecret and its expiration"},
			},
		},
	}
}

// accounts are about the person who signs in.
func accounts() []Entry {
	return []Entry{
		{
			Name: "password", Help: "user name or password are wrong, told at the token endpoint", Where: Machine,
			words: []string{"invalid username or password", "invalid user credentials"},
			fits:  func(c *Case) bool { return strings.HasPrefix(c.ID, "token.") || c.ID == "" },
			say:   plain("the user name or the password is wrong", "check --username and the file of --password-file; do not try often, because providers lock accounts"),
			hints: []Hint{{"dex", nil, "Dex: the user name is the e-mail address, at the connector of oauth2.passwordConnector"}},
		},
		{
			Name: "not-assigned", Help: "the account may not use this client", Where: Provider,
			words: []string{"not assigned to the client", "not assigned to a role", "user is not assigned"},
			say:   plain("the account exists and may not use this client", "assign the account, or a group of it, to the application"),
			hints: []Hint{
				{"entra", []string{"aadsts50105"}, "Entra ID: Enterprise applications, Users and groups"},
				{"okta", nil, "Okta: Applications, Assignments"},
				{"google", []string{"org_internal"}, "Google: the audience is \"Internal\": sign in with an account of the organisation"},
			},
		},
	}
}
