package preset

func okta() Preset {
	return Preset{
		Name: "okta", Help: "Okta",
		Params: []Param{
			{Name: "domain", Help: "domain of the org, as example.okta.com or your own", Required: true, Kind: Host},
			{Name: "authorization-server", Help: "identifier of a custom authorization server, as default; none is the org's own", Kind: Word},
		},
		Facts: []Fact{
			{"The org authorization server's issuer is https://DOMAIN; its access tokens are for Okta's own APIs, and nobody else can check them.", "https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/orgas"},
			{"A custom authorization server's issuer is https://DOMAIN/oauth2/ID; one of the name default may be there.", "https://hexdocs.pm/ash_authentication/5.0.0-rc.9/AshAuthentication.Strategy.Okta.html"},
			{"Custom authorization servers are an optional product in production.", "https://developer.okta.com/docs/concepts/auth-servers"},
			{"With a custom URL domain the issuer follows a setting of the server: it is one of the two domains, or the one asked.", "https://help.okta.com/oie/en-us/content/topics/security/api-config-auth-server.htm"},
		},
		Apply: func(v Values) (Settings, error) {
			s := "https://" + v["domain"]
			if id := v["authorization-server"]; id != "" {
				s += "/oauth2/" + id
			}
			return issuer(s), nil
		},
	}
}
