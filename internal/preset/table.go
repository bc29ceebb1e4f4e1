package preset

// All is the table of presets, in the order in which help shows them.
func All() []Preset {
	return []Preset{
		auth0(),
		authentik(),
		cognito(),
		entra(),
		fusionauth(),
		gitlab(),
		gluu(),
		google(),
		janssen(),
		keycloak(),
		okta(),
		pingone(),
		zitadel(),
	}
}
