package preset

import "net/url"

func keycloak() Preset {
	return Preset{
		Name: "keycloak", Help: "Keycloak, Red Hat build of Keycloak",
		Params: []Param{
			{Name: "base-url", Help: "address of the server, with /auth where it has that", Required: true, Kind: Base},
			{Name: "realm", Help: "name of the realm, as its address has it", Required: true, Kind: Text},
		},
		Facts: []Fact{
			{"The issuer is BASE-URL/realms/REALM.", "https://github.com/keycloak/keycloak/blob/main/docs/guides/securing-apps/partials/oidc/available-endpoints.adoc"},
			{"Since version 17 there is no /auth before it, unless the server is told so.", "https://www.keycloak.org/migration/migrating-to-quarkus"},
		},
		Apply: func(v Values) (Settings, error) {
			return issuer(v["base-url"] + "/realms/" + url.PathEscape(v["realm"])), nil
		},
	}
}
