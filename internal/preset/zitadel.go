package preset

func zitadel() Preset {
	return Preset{
		Name: "zitadel", Help: "ZITADEL",
		Params: []Param{
			{Name: "domain", Help: "domain of the instance, as example.zitadel.cloud or your own", Required: true, Kind: Host},
		},
		Facts: []Fact{
			{"The issuer is https://DOMAIN (not confirmed for every installation).", "https://zitadel.com/oidc-playground"},
			{"A refresh token needs the scope offline_access and the code flow.", "https://zitadel.com/apis/openidoauth/scopes"},
			{"An access token for a project's API needs the scope urn:zitadel:iam:org:project:id:PROJECT:aud.", "https://zitadel.com/apis/openidoauth/scopes"},
		},
		Apply: func(v Values) (Settings, error) { return issuer("https://" + v["domain"]), nil },
	}
}
