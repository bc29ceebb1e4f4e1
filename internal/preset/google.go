package preset

func google() Preset {
	return Preset{
		Name: "google", Help: "Google accounts",
		Facts: []Fact{
			{"The issuer is https://accounts.google.com.", "https://developers.google.com/identity/openid-connect/reference"},
			{"A refresh token needs access_type=offline.", "https://developers.google.com/identity/protocols/oauth2/openid-connect"},
			{"Google sends it at the first consent only; prompt=consent asks again each time.", "https://github.com/googleworkspace/apps-script-oauth2/pull/210"},
			{"A client of the type \"desktop app\" may use any port of the loopback address.", "https://developers.google.com/identity/protocols/OAuth2InstalledApp"},
			{"A desktop client has a client secret as well, which is not confidential.", "https://developers.google.com/identity/protocols/OAuth2InstalledApp"},
		},
		Apply: func(Values) (Settings, error) {
			s := issuer("https://accounts.google.com")
			s["param"] = []string{"access_type=offline", "prompt=consent"}
			s["redirect_uri"] = []string{"http://127.0.0.1:0"}
			return s, nil
		},
	}
}
