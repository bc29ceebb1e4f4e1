package passwd

// Words about the proof of an entry.
const (
	recorded = "wire form from the vendor's documents, not tried live"
	untold   = "the provider does not say whether other sessions and tokens end"
)

// All is the table of providers, in the order in which help shows them. One
// that fits more is behind those that fit less.
func All() []Entry {
	return []Entry{
		pingOne(), okta(), entra(), zitadel(), fusionAuth(), cognito(),
		glewlwyd(), lemonLDAP(), kratos(),
		keycloak(), auth0(), wellKnown(),
		scim(), directory(),
	}
}
