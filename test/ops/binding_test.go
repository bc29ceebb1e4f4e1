package ops

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// noncing is the oidc-provider whose DPoP proofs need a nonce of its own.
var noncing = sync.OnceValues(func() (*provider, error) { return start("oidc-provider", "OP_DPOP_NONCE=1") })

// TestDPoP: tokens bound to a key at oidc-provider, which checks every proof,
// for a confidential and a public client, with a nonce and without.
func TestDPoP(t *testing.T) {
	need(t)
	t.Parallel()
	for what, provide := range map[string]func() (*provider, error){"no nonce": steady, "a nonce": noncing} {
		for _, method := range []string{"client_secret_basic", "none"} {
			t.Run(what+", "+method, func(t *testing.T) {
				t.Parallel()
				p, err := provide()
				if err != nil {
					t.Fatal(err)
				}
				h := registers(t, p, "--client-auth", method, "--generate-key", "dpop")
				h.silent(byForms(h, "--scope", "openid email offline_access", "--param", "prompt=consent")...)
				h.bound(p.issuer+"/me", "cnf", "jkt")
				access, refresh := h.line("tokens", "-p", "reg"), h.secret(h.line("tokens", "-p", "reg", "--refresh"))
				if renewed := h.secret(h.line("tokens", "-p", "reg", "--force")); renewed == access || h.line("tokens", "-p", "reg", "--refresh") == refresh {
					t.Error("got the same tokens after --force, want new ones")
				}
				h.bound(p.issuer+"/me", "cnf", "jkt")
				// Another key's proof, or none, opens nothing.
				if r := h.exits(0, "tokens", "-p", "reg", "-o", "header"); !strings.HasPrefix(r.stdout, "Authorization: DPoP ") || !strings.Contains(r.stderr, "bound to a key") {
					t.Errorf("got %q and %q, want the scheme DPoP and a note", r.stdout, r.stderr)
				}
				if r := h.exits(0, "tokens", "-p", "reg", "-o", "header", "--proof-for", "GET "+p.issuer+"/me"); !strings.Contains(r.stdout, "\nDPoP: ey") {
					t.Errorf("got %q, want a proof", r.stdout)
				}
			})
		}
	}
	t.Run("asked for at the sign-in", func(t *testing.T) {
		t.Parallel()
		p, err := noncing()
		if err != nil {
			t.Fatal(err)
		}
		h := registers(t, p, "--client-auth", "client_secret_basic")
		h.silent(byForms(h, "--dpop")...)
		h.bound(p.issuer+"/me", "cnf", "jkt")
	})
}

// bound uses a bound token at UserInfo and at a resource, and where the client may ask looks at
// what the provider says it is bound to.
func (h *home) bound(resource string, words ...string) {
	h.t.Helper()
	h.secret(h.line("tokens", "-p", "reg"))
	var who struct{ Sub string }
	h.result("userinfo/1", &who, "userinfo", "-p", "reg")
	if who.Sub != "alice" {
		h.t.Errorf("got sub %q, want alice", who.Sub)
	}
	if r := h.exits(0, "call", resource, "-p", "reg"); !strings.Contains(r.stdout, `"sub":"alice"`) {
		h.t.Errorf("got %q from call, want alice", r.stdout)
	}
	r := h.exits(0, "introspect", "-p", "reg", "-o", "json")
	for _, word := range words {
		if !strings.Contains(r.stdout, word) {
			h.t.Errorf("got %q from introspect, want %s", r.stdout, word)
		}
	}
}

// TestEncrypted: ID token and UserInfo encrypted by oidc-provider, to keys that
// registration made and to the client's secret.
func TestEncrypted(t *testing.T) {
	need(t)
	t.Parallel()
	for alg, how := range map[string]struct{ id, userinfo []string }{
		"ECDH-ES":      {nil, nil},
		"RSA-OAEP-256": {[]string{"--id-token-encrypted-response-enc", "A128GCM"}, nil},
		"A256KW":       {nil, []string{"--userinfo-encrypted-response-enc", "A256CBC-HS512"}},
		"dir":          {[]string{"--id-token-encrypted-response-enc", "A128CBC-HS256"}, []string{"--userinfo-encrypted-response-enc", "A256GCM"}},
	} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			p, err := steady()
			if err != nil {
				t.Fatal(err)
			}
			args := append([]string{"--client-auth", "client_secret_basic", "--userinfo-signed-response-alg", "ES256",
				"--id-token-encrypted-response-alg", alg, "--userinfo-encrypted-response-alg", alg}, append(how.id, how.userinfo...)...)
			h := registers(t, p, args...)
			r := h.exits(0, byForms(h, "-v")...)
			passes(t, r, "encryption")
			if !strings.Contains(r.stderr, "encrypted: "+alg) {
				t.Errorf("got %q, want an ID token encrypted with %s", r.stderr, alg)
			}
			var who struct{ Sub string }
			h.result("userinfo/1", &who, "userinfo", "-p", "reg")
			if who.Sub != "alice" {
				t.Errorf("got sub %q, want alice", who.Sub)
			}
			// What is kept is signed, for those who cannot decrypt.
			if id := h.secret(h.line("tokens", "-p", "reg", "--id")); strings.Count(id, ".") != 2 {
				t.Errorf("got a token of %d parts, want a signed one", strings.Count(id, ".")+1)
			}
		})
	}
}

// TestEncryptedResponses: authorization responses that oidc-provider signs and
// encrypts (JARM 2.2), in each way that they can come.
func TestEncryptedResponses(t *testing.T) {
	need(t)
	t.Parallel()
	for alg, enc := range map[string]string{"ECDH-ES+A256KW": "A256GCM", "RSA-OAEP-256": "A128CBC-HS256", "A128KW": "A128GCM", "dir": "A256CBC-HS512"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			p, err := steady()
			if err != nil {
				t.Fatal(err)
			}
			h := registers(t, p, "--client-auth", "client_secret_basic", "--authorization-signed-response-alg", "ES256",
				"--authorization-encrypted-response-alg", alg, "--authorization-encrypted-response-enc", enc)
			for _, mode := range []string{"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} {
				r := h.exits(0, byForms(h, "--response-mode", mode, "-v")...)
				passes(t, r, "jarm-response jarm-encryption jarm-signature jarm-iss jarm-aud jarm-lifetime response-state")
				if !strings.Contains(r.stderr, "encrypted: "+alg+" with "+enc) {
					t.Errorf("%s: got %q, want a response encrypted with %s and %s", mode, r.stderr, alg, enc)
				}
			}
			r := h.exits(5, byForms(h, "--response-mode", "jwt", "--param", "prompt=none")...)
			if !strings.Contains(r.stderr, "login_required") {
				t.Errorf("got %q, want the provider's login_required", r.stderr)
			}
			// What is registered is wanted, and nothing else.
			if r := h.exits(6, byForms(h, "--response-mode", "jwt", "--authorization-encrypted-response-enc", map[bool]string{true: "A128GCM", false: "A256GCM"}[enc == "A256GCM"])...); !strings.Contains(r.stderr, "rule: ") {
				t.Errorf("got %q, want a rule", r.stderr)
			}
		})
	}
}

// TestCertificates: the client proves itself with a certificate, by its
// authority's word or by a JWKS, and its tokens are bound to it (RFC 8705).
func TestCertificates(t *testing.T) {
	need(t)
	t.Parallel()
	for method, c := range map[string]struct {
		file string
		how  []string
	}{
		"tls_client_auth, subject":    {"client", []string{"--tls-client-auth-subject-dn", "CN=rely,O=Test"}},
		"tls_client_auth, DNS name":   {"client", []string{"--tls-client-auth-san-dns", "rely.example"}},
		"self_signed_tls_client_auth": {"selfsigned", nil},
		"client_secret_basic":         {"selfsigned", nil},
		"none":                        {"selfsigned", nil},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			p, err := steady()
			if err != nil {
				t.Fatal(err)
			}
			file := func(name, kind string) string { return filepath.Join(p.dir, "tls", name+"."+kind) }
			method, _, _ := strings.Cut(method, ",")
			args := append([]string{"--client-auth", method, "--tls-client-certificate-bound-access-tokens",
				"--tls-client-cert", file(c.file, "crt"), "--tls-client-key", file(c.file, "key")}, c.how...)
			if method == "self_signed_tls_client_auth" {
				jwks := filepath.Join(t.TempDir(), "jwks.json")
				if err := os.WriteFile(jwks, certified(t, file(c.file, "crt")), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--jwks", jwks)
			}
			h := registers(t, p, args...)
			h.silent(byForms(h, "--scope", "openid email offline_access", "--param", "prompt=consent")...)
			h.bound(p.mutual(t)+"/me", "cnf", "x5t#S256")
			access := h.line("tokens", "-p", "reg")
			if h.secret(h.line("tokens", "-p", "reg", "--force")) == access {
				t.Error("got the same token after --force, want a new one")
			}
			h.bound(p.mutual(t)+"/me", "cnf", "x5t#S256")
			// With another certificate it is worth nothing.
			other := map[string]string{"client": "selfsigned", "selfsigned": "client"}[c.file]
			h.exits(0, "profile", "set", "tls_client_cert="+file(other, "crt"), "tls_client_key="+file(other, "key"), "-p", "reg")
			if r := h.exits(5, "call", p.mutual(t)+"/me", "-p", "reg"); !strings.Contains(r.stderr, "invalid_token") {
				t.Errorf("got %q, want the provider's invalid_token", r.stderr)
			}
			if method != "client_secret_basic" {
				// A public client is nobody to refuse: its refresh token is.
				if r := h.try("tokens", "-p", "reg", "--force"); r.code != 5 && (method != "none" || r.code != 4) {
					t.Errorf("got exit code %d and %q with another certificate, want a refusal", r.code, r.stderr)
				}
			}
		})
	}
}

// TestGeneratedCertificate: the certificate that registration made, and keeps in
// the store, proves the client at oidc-provider and binds its tokens.
func TestGeneratedCertificate(t *testing.T) {
	need(t)
	t.Parallel()
	for what, method := range map[string]string{"self-signed": "self_signed_tls_client_auth", "with a secret": "client_secret_basic"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p, err := steady()
			if err != nil {
				t.Fatal(err)
			}
			h := registers(t, p, "--generate-key", "mtls", "--client-auth", method, "--tls-client-certificate-bound-access-tokens")
			h.silent(byForms(h, "--scope", "openid email offline_access", "--param", "prompt=consent")...)
			h.bound(p.mutual(t)+"/me", "cnf", "x5t#S256")
			if r := h.exits(0, "introspect", "-p", "reg"); !strings.Contains(r.stderr, "ok      bound-certificate") {
				t.Errorf("got %q, want the binding compared", r.stderr)
			}
			access := h.line("tokens", "-p", "reg")
			if h.secret(h.line("tokens", "-p", "reg", "--force")) == access {
				t.Error("got the same token after --force, want a new one")
			}
			// Where no certificate is asked for, the token is worth nothing, and rely says where to go.
			if r := h.exits(5, "call", p.issuer+"/me", "-p", "reg"); !strings.Contains(r.stderr, "mtls_endpoint_aliases") {
				t.Errorf("got %q, want the aliases named", r.stderr)
			}
			h.exits(0, "revoke", "-p", "reg")
			// An access token that is a JWT says itself what it is bound to; the provider tells of no such token.
			r := h.exits(0, byForms(h, "--scope", "openid api:read", "--resource", "urn:example:jwt")...)
			passes(t, r, "bound-certificate")
			if r := h.exits(5, "introspect", "-p", "reg"); !strings.Contains(r.stderr, "rely: try: read what a token of this kind says itself") {
				t.Errorf("got %q, want no word of revoking", r.stderr)
			}
		})
	}
	t.Run("FAPI 2.0 without DPoP", func(t *testing.T) {
		t.Parallel()
		p, err := steady()
		if err != nil {
			t.Fatal(err)
		}
		h := registers(t, p, "--generate-key", "mtls", "--tls-client-certificate-bound-access-tokens", "--id-token-signed-response-alg", "ES256")
		h.silent(byForms(h, "--fapi")...)
		h.bound(p.mutual(t)+"/me", "cnf", "x5t#S256")
		if r := h.exits(0, "introspect", "-p", "reg", "-o", "json"); strings.Contains(r.stdout, "jkt") {
			t.Errorf("got %q, want no key beside the certificate", r.stdout)
		}
	})
}

// mutual is where oidc-provider asks for a certificate: start.sh gives that the
// next port.
func (p *provider) mutual(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(p.issuer)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(port+1))
	return u.String()
}

const certifiedKid = "certified"

// certified is a JWKS with the key of a certificate, and the certificate.
func certified(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	point, err := cert.PublicKey.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	half := base64.RawURLEncoding.EncodeToString
	print := sha256.Sum256(cert.Raw)
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]any{"kty": "EC", "kid": certifiedKid, "crv": "P-256", "x": half(point[1:33]), "y": half(point[33:]),
		"x5c": []string{base64.StdEncoding.EncodeToString(cert.Raw)}, "x5t#S256": half(print[:])}}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}
