package preset

func gluu() Preset {
	return Preset{
		Name: "gluu", Help: "Gluu Server (oxAuth)",
		Params: []Param{
			{Name: "host", Help: "host name of the server", Required: true, Kind: Host},
		},
		Facts: []Fact{
			{"The issuer is https://HOST (not confirmed for every version).", "https://gluu.org/docs/gluu-server/3.1.5/admin-guide/openid-connect/"},
			{"Dynamic registration has to be switched on (dynamicRegistrationEnabled), and clients made so expire, after a day by default.", "https://github.com/TCBL/internal-server-docs/wiki/gluu-client-reg"},
			{"A native client may have http redirect URIs on localhost alone; a web client with the implicit flow may not use localhost.", "https://gluu.org/docs/api/oic-register-client/"},
		},
		Apply: func(v Values) (Settings, error) { return issuer("https://" + v["host"]), nil },
	}
}
