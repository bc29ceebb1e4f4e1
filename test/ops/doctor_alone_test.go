package ops

import (
	"path/filepath"
	"testing"
)

// Every method of client authentication that oidc-provider lists works; for one
// of them an authority has to vouch, which TestDoctorShowsACertificate has.
const unvouched = "A45 not looked at: tls_client_auth (it is for an authority's certificate, to give with --tls-client-cert FILE; one that nobody vouches for brings: status "

// TestDoctorTries holds what is found at oidc-provider by trying, with nobody
// signing in: docs/reference/doctor-findings.md has the command that confirmed
// each.
func TestDoctorTries(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	found, not := examined(t, h, p, 8, "--active", "--only", "A", "--test-url", "http://127.0.0.1:0")
	compare(t, found, "A02 client_secret_post", "A18 POST: status 404", "A21 Referrer-Policy", "A21 frame-ancestors", "A32", "A42 scope")
	compare(t, not, unvouched+"401, invalid_client); taken as they should be: none, client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, self_signed_tls_client_auth")
}

// TestGlewlwydDoctorTries: glewlwyd says invalid_code where RFC 6749 5.2 has
// invalid_grant, and judges PKCE and nonce when somebody has signed in.
func TestGlewlwydDoctorTries(t *testing.T) {
	p, h := strange(t)
	found, not := examined(t, h, p, 8, "--active", "--only", "A", "--test-url", "http://127.0.0.1:0")
	compare(t, found, "A01", "A02 token_endpoint: a wrong secret: status 403, unauthorized_client", "A02 two ways", "A05 token_endpoint", "A06", "A08",
		"A13", "A21 Referrer-Policy", "A24", "A25 userinfo_endpoint: without a token", "A25 userinfo_endpoint: with a junk token", "A31", "A33", "A34 token_endpoint_auth_method")
	compare(t, not, "A14 the provider asks for a sign-in", "A15 the provider asks for a sign-in", "A17 the provider asks for a sign-in",
		"A35 the provider offers no pairwise", "A42 a good request brought no token", "A44 a good proof brought no token", "A45 not looked at: tls_client_auth, self_signed_tls_client_auth (register a client: the provider answered 400: invalid_client_metadata: token_endpoint_auth_method must have one of",
		"A46 register a client: the provider answered 400: invalid_client_metadata: token_endpoint_auth_method must have one of")
}

// TestDoctorShowsACertificate: with one of the authority that oidc-provider
// knows, both methods of RFC 8705 are tried there, and so is a bound token.
func TestDoctorShowsACertificate(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	shown := filepath.Join(p.dir, "tls", "client")
	found, not := examined(t, h, p, 0, append(robot(h, "A45,A46,L42", "forms"), "--tls-client-cert", shown+".crt", "--tls-client-key", shown+".key")...)
	compare(t, found)
	compare(t, not)
}
