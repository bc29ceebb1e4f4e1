package cause

// sessions are about a refresh token that brings nothing any more.
func sessions() []Entry {
	const again = "sign in again with \"rely login\""
	return []Entry{
		{
			Name: "refresh-reused", Help: "the refresh token was used before, by somebody else", Where: Machine,
			words: []string{"refresh token was used before", "refresh token reuse", "reuse exceeded", "refresh token has already been", "reused refresh token", "already redeemed refresh", "stale token"},
			say: plain("another copy of this session used its refresh token first: a second machine, a copied profile or another program; the provider takes each one once, and then ended the session",
				again+", and keep a session in one place: each machine and program signs in for itself"),
			hints: []Hint{
				{"keycloak", []string{"maximum allowed refresh token reuse exceeded", "stale token"}, "Keycloak: Realm settings, Tokens, Revoke Refresh Token and Refresh Token Max Reuse"},
				{"okta", nil, "Okta: Applications, General, Refresh Token, Grace period for token rotation"},
				{"auth0", nil, "Auth0: Applications, Refresh Token Rotation, Rotation Overlap Period; the log says ferrt"},
			},
		},
		{
			Name: "session-ended", Help: "the session at the provider has ended", Where: Provider,
			words: []string{"session not active", "token is not active", "offline session not active", "refresh token is expired", "refresh token has expired", "token has been expired or revoked",
				"refresh token has been revoked", "unknown or invalid refresh token", "refresh token is invalid or expired", "refresh token is unknown, too old", "refresh token is invalid or has already been claimed"},
			ids: []string{"session.ended", "session.refused"},
			say: plain("the session at the provider has ended: nobody used it for too long, its longest time is over, or somebody signed out, revoked it or changed the password there",
				again+"; \"rely doctor lifetimes\" measures how long sessions live, and the scope offline_access makes them outlive the browser's at many providers"),
			hints: []Hint{
				{"keycloak", nil, "Keycloak: Realm settings, Sessions: SSO Session Idle and Max, and those of offline sessions; Events shows why"},
				{"entra", []string{"aadsts700082"}, "Entra ID: nobody used the refresh token for 90 days"},
				{"entra", []string{"aadsts700084"}, "Entra ID: a single-page application's refresh token ends after 24 hours"},
				{"entra", []string{"aadsts50173", "aadsts50133"}, "Entra ID: the password was changed, or an administrator revoked the sessions"},
				{"entra", []string{"aadsts70043", "aadsts70044"}, "Entra ID: Conditional Access, Sign-in frequency"},
				{"dex", nil, "Dex: a person has one refresh token for each client: a second sign-in with the same client ends the first one's; see also expiry.refreshTokens"},
				{"okta", nil, "Okta: Security, API, Access Policies: refresh token lifetime, and its expiry when not used"},
				{"auth0", nil, "Auth0: Applications, Settings, Refresh Token Expiration: maximum and idle lifetime"},
				{"google", nil, "Google: an app in testing has refresh tokens for seven days; see also myaccount.google.com, Third-party apps"},
				{"cognito", nil, "Cognito: App clients, Refresh token expiration"},
				{"pingone", nil, "PingOne: Applications, Configuration, Refresh Token Duration and Rolling Duration"},
				{"gluu", nil, "Gluu: the client's Refresh Token Lifetime"}, {"janssen", nil, "Janssen: the client's refreshTokenLifetime"},
			},
		},
	}
}
