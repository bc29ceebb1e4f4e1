package quirk

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"rely/internal/demoop/binding"
)

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
	), append(unlooked(), group("good", "login", 0,
		Fault{Name: "good-mtls-jwt", Help: "the access token is a JWT that names the certificate", Needs: "mtls", AccessToken: func(*Token) error { return nil }},
		Fault{Name: "good-mtls-jwt-silent", Help: "the access token is a JWT and does not say what it is bound to", Needs: "mtls", AccessToken: without("cnf")},
		Fault{Name: "good-dpop-jwt", Help: "the access token is a JWT that names the key", Needs: "dpop", AccessToken: func(*Token) error { return nil }},
	)...)...)
}

// unlooked lists what is shown in TLS and nobody looks at.
func unlooked() []Fault {
	refused := func(why string) func(*http.Request, *recorded) bool {
		return func(r *http.Request, good *recorded) bool {
			return shows(r) && good.says("invalid_client") && good.has(why)
		}
	}
	unbound := func(there bool) func(*http.Request, *recorded) bool {
		return func(r *http.Request, good *recorded) bool {
			return shows(r) == there && good.code == http.StatusUnauthorized && good.has("bound to another certificate")
		}
	}
	alice := says(http.StatusOK, "Content-Type", "application/json", `{"sub":"alice"}`)
	return group("mtls", "doctor", 8,
		Fault{Name: "certificate-vetted", Check: "A45", Help: "a connection that shows a client's own certificate is broken off", Rule: "RFC 8705 2.2", TLS: func(c *tls.Config) error {
			c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, x509.NewCertPool()
			return nil
		}},
		Fault{Name: "certificate-any", Check: "A46", Help: "a client may show another certificate than the registered one", Rule: "RFC 8705 2.2", On: Tokens, Serve: when(refused("not the one that the client registered"), believe)},
		Fault{Name: "certificate-unvouched", Check: "A46", Help: "tls_client_auth takes a certificate that nobody vouches for", Rule: "RFC 8705 2.1", On: Tokens, Serve: when(refused("vouches"), believe)},
		Fault{Name: "bound-without-certificate", Check: "L42", Help: "UserInfo takes a bound token without its certificate", Rule: "RFC 8705 3", On: UserInfo, Serve: when(unbound(false), alice)},
		Fault{Name: "bound-other-certificate", Check: "L42", Help: "UserInfo takes a bound token with another certificate", Rule: "RFC 8705 3", On: UserInfo, Serve: when(unbound(true), alice)},
	)
}

// shows reports whether the client shows a certificate in TLS.
func shows(r *http.Request) bool { return r.TLS != nil && len(r.TLS.PeerCertificates) > 0 }

// foreign is a thumbprint of nobody's.
const foreign = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func cnf(member, value string) func(*Token) error { return set("cnf", map[string]any{member: value}) }
