package ops

import "regexp"

// A breakage is a combination that does not work at a provider because of what
// the provider does. What it is matched by is what rely says, so that it fails
// this test when the provider changes.
type breakage struct {
	place, row, column string // expressions; an empty one matches all
	says               string // expression for what rely says
	status             string // broken where it is empty
	why                string
}

func (b breakage) matches(c cell, said string) bool {
	whole := func(expression, text string) bool {
		return expression == "" || regexp.MustCompile(`^(?:`+expression+`)$`).MatchString(text)
	}
	return whole(b.place, c.place) && whole(b.row, c.row) && whole(b.column, c.column) && regexp.MustCompile(b.says).MatchString(said)
}

// breakages are those that were looked at.
func breakages() []breakage {
	return []breakage{
		{place: "glewlwyd", row: "hybrid .*", says: "came as query, and fragment was asked for",
			why: "the answer comes in the query, with its tokens, where OAuth 2.0 Multiple Response Types 5 has the fragment; works with `--response-mode fragment`"},
		{place: "glewlwyd", row: "token-exchange|jwt-bearer", says: "answered 400 without saying why", status: notOffered,
			why: "it knows no such grant, and answers 400 with nothing, where RFC 6749 5.2 has unsupported_grant_type"},
		{place: "glewlwyd", row: "ciba", column: "(self_signed_)?tls_client_auth", says: "^ask for the tokens: the provider answered unauthorized_client",
			why: "it keeps no thumbprint of the certificate with the request, and then calls the same certificate another one at the token endpoint (`mismatch x5t#s256` in its log)"},
		{place: "glewlwyd", row: "`--response-mode form_post`", says: `"iss" is "https%3A%2F%2F`,
			why: "the fields of its form are percent-encoded before they are posted, which encodes them once more: `iss` is not its own name"},
		{place: "glewlwyd", row: "encrypted request.*", says: "of 4 keys none is an EC one for encryption",
			why: "it lists algorithms for encrypted requests, and publishes no key to encrypt them to"},
		{place: "glewlwyd", row: "encrypted answer .*", says: "it is not encrypted, and the client is registered for encryption",
			why: "it lists algorithms for encrypted answers, and encrypts none"},
	}
}
