package quirk

import "rely/internal/demoop/binding"

// certificates lists lies about what an access token is bound to (RFC 8705 3,
// RFC 9449 6).
func certificates() []Fault {
	const token, told = "RFC 8705 3.1", "RFC 8705 3.2"
	return append(group("mtls", "login", 6,
		Fault{Name: "mtls-cnf-other", Help: "the access token, a JWT, is bound to another certificate than the one shown", Rule: token, Needs: "mtls",
			AccessToken: cnf("x5t#S256", foreign)},
		Fault{Name: "mtls-introspection-other", Help: "introspection says that the token is bound to another certificate", Rule: told, Needs: "mtls", At: "introspect",
			Bind: func(r *binding.Rules) { r.Thumb = foreign }},
		Fault{Name: "mtls-introspection-unbound", Help: "introspection says nothing of the certificate that the token is to be bound to", Rule: told, Needs: "mtls", At: "introspect",
			Bind: func(r *binding.Rules) { r.Silent = true }},
		Fault{Name: "dpop-cnf-other", Group: "dpop", Help: "the access token, a JWT, is bound to another key than the one proven", Rule: "RFC 9449 6.1", Needs: "dpop",
			AccessToken: cnf("jkt", foreign)},
		Fault{Name: "mtls-cnf-other-renewed", Help: "a refresh brings an access token that is bound to another certificate", Rule: token, Needs: "mtls", At: "tokens",
			AccessToken: cnf("x5t#S256", foreign)},
	), group("good", "login", 0,
		Fault{Name: "good-mtls-jwt", Help: "the access token is a JWT that names the certificate", Needs: "mtls", AccessToken: func(*Token) error { return nil }},
		Fault{Name: "good-mtls-jwt-silent", Help: "the access token is a JWT and does not say what it is bound to", Needs: "mtls", AccessToken: without("cnf")},
		Fault{Name: "good-dpop-jwt", Help: "the access token is a JWT that names the key", Needs: "dpop", AccessToken: func(*Token) error { return nil }},
	)...)
}

// foreign is a thumbprint of nobody's.
const foreign = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func cnf(member, value string) func(*Token) error { return set("cnf", map[string]any{member: value}) }
