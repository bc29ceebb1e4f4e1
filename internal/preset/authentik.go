package preset

func authentik() Preset {
	return Preset{
		Name: "authentik", Help: "authentik",
		Params: []Param{
			{Name: "base-url", Help: "address of the server, as https://authentik.example", Required: true, Kind: Base},
			{Name: "application", Help: "slug of the application", Required: true, Kind: Word},
		},
		Facts: []Fact{
			{"Each application has metadata of its own below /application/o/SLUG/.", "https://github.com/goauthentik/authentik/blob/main/website/docs/add-secure-apps/providers/oauth2/index.mdx"},
			{"The issuer ends with a slash.", "https://github.com/SecOps-7/MikroDash/releases/tag/v0.8.78"},
			{"Since 2024.2 a refresh token needs the scope offline_access, which the provider's settings have to allow.", "https://github.com/goauthentik/authentik/blob/main/website/docs/add-secure-apps/providers/oauth2/index.mdx"},
			{"A provider without a signing key signs ID tokens with the client secret; rely takes them only with --id-token-signed-response-alg HS256 (that it is HS256 is not confirmed).", "https://github.com/goauthentik/authentik/blob/main/website/docs/add-secure-apps/providers/oauth2/index.mdx"},
		},
		Apply: func(v Values) (Settings, error) {
			return issuer(v["base-url"] + "/application/o/" + v["application"] + "/"), nil
		},
	}
}
