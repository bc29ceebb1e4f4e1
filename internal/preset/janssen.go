package preset

func janssen() Preset {
	return Preset{
		Name: "janssen", Help: "Janssen auth server, Gluu Flex",
		Params: []Param{
			{Name: "host", Help: "host name of the server", Required: true, Kind: Host},
		},
		Facts: []Fact{
			{"The issuer is https://HOST; the endpoints are below /jans-auth/restv1.", "https://docs.jans.io/stable/janssen-server/config-guide/auth-server-config/jans-authorization-server-config"},
			{"Dynamic registration has to be switched on (dynamicRegistrationEnabled); a client may expire (dynamicRegistrationExpirationTime).", "https://docs.jans.io/stable/janssen-server/auth-server/endpoints/client-registration"},
		},
		Apply: func(v Values) (Settings, error) { return issuer("https://" + v["host"]), nil },
	}
}
