package ops

import "testing"

// Every method of client authentication that these providers list works, but for
// those of a certificate, which are not tried.
const (
	noCertificate = "A45 not looked at: tls_client_auth, self_signed_tls_client_auth (the doctor shows no certificate); taken as they should be: "
	fourMethods   = "client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt"
)

// TestDoctorTries holds what is found at oidc-provider by trying, with nobody
// signing in: docs/reference/doctor-findings.md has the command that confirmed
// each.
func TestDoctorTries(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	found, not := examined(t, h, p, 8, "--active", "--only", "A", "--test-url", "http://127.0.0.1:0")
	compare(t, found, "A02 client_secret_post", "A18 POST: status 404", "A21 Referrer-Policy", "A21 frame-ancestors", "A32", "A42 scope")
	compare(t, not, noCertificate+"none, "+fourMethods)
}

// TestGlewlwydDoctorTries: glewlwyd says invalid_code where RFC 6749 5.2 has
// invalid_grant, and judges PKCE and nonce when somebody has signed in.
func TestGlewlwydDoctorTries(t *testing.T) {
	p, h := strange(t)
	found, not := examined(t, h, p, 8, "--active", "--only", "A", "--test-url", "http://127.0.0.1:0")
	compare(t, found, "A01", "A02 token_endpoint: a wrong secret: status 403, unauthorized_client", "A02 two ways", "A05 token_endpoint", "A06", "A08",
		"A13", "A21 Referrer-Policy", "A24", "A25 userinfo_endpoint: without a token", "A25 userinfo_endpoint: with a junk token", "A31", "A33", "A34 token_endpoint_auth_method")
	compare(t, not, "A14 the provider asks for a sign-in", "A15 the provider asks for a sign-in", "A17 the provider asks for a sign-in",
		"A35 the provider offers no pairwise", "A42 a good request brought no token", "A44 a good proof brought no token", noCertificate+fourMethods)
}
