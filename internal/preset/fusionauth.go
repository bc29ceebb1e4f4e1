package preset

func fusionauth() Preset {
	return Preset{
		Name: "fusionauth", Help: "FusionAuth",
		Params: []Param{
			{Name: "base-url", Help: "address of the server, as https://login.example", Required: true, Kind: Base},
		},
		Facts: []Fact{
			{"The issuer is a setting of the tenant and has to be the server's URL; the default of older versions, acme.com, is none.", "https://github.com/FusionAuth/fusionauth-issues/issues/3497"},
			{"The administrator changes it under Tenants, General, Issuer.", "https://github.com/FusionAuth/fusionauth-containers/issues/100"},
			{"The metadata at the server's URL is that of the default tenant.", "https://github.com/FusionAuth/fusionauth-site/issues/841"},
		},
		Apply: func(v Values) (Settings, error) { return issuer(v["base-url"]), nil },
	}
}
