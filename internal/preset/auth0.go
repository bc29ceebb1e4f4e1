package preset

func auth0() Preset {
	return Preset{
		Name: "auth0", Help: "Auth0 by Okta",
		Params: []Param{
			{Name: "domain", Help: "domain of the tenant, as example.eu.auth0.com or your own", Required: true, Kind: Host},
			{Name: "audience", Help: "identifier of the API that the access token is for", Kind: Text},
		},
		Facts: []Fact{
			{"The issuer ends with a slash.", "https://community.auth0.com/t/what-is-the-audience"},
			{"Without an audience the access token is opaque and good for UserInfo alone; with one it is a JWT for that API.", "https://auth0.com/docs/tokens/access-token-formats"},
			{"The audience is a parameter of the authorization request, and of the token request of client credentials.", "https://community.auth0.com/t/value-of-the-audience-attribute-in-access-token-requests-and-its-significance/71414"},
			{"A refresh token needs the scope offline_access.", "https://auth0.github.io/node-auth0/interfaces/auth.TokenSet.html"},
		},
		Apply: func(v Values) (Settings, error) {
			s := issuer("https://" + v["domain"] + "/")
			if audience := v["audience"]; audience != "" {
				s["param"] = []string{"audience=" + audience}
				s["token_param"] = []string{"audience=" + audience}
			}
			return s, nil
		},
	}
}
