package ops

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A protection is one of request, answer or tokens, tried with one method.
type protection struct {
	name   string
	method string         // client_secret_basic where it is empty
	made   []string       // flags of the registration and of the login
	only   []string       // flags of the registration alone
	props  map[string]any // of a client that an administrator makes
	login  []string       // further flags of the login
	shown  string         // expression for what the login says when it was there
	nonces bool           // at the provider that wants nonces
	pings  bool           // at the provider that can reach a listener
	ciba   bool           // not a sign-in with a page
	used   func(p *place, h *home, profile string) result
}

// protections are all that rely knows, in the order of the page.
func protections() []protection {
	trace := []string{"-v", "--trace"}
	out := []protection{{name: "`iss` in the answer (RFC 9207)", login: []string{"-v"}, shown: `ok +response-iss `}}
	for _, mode := range []string{"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} {
		shown := `ok +response-mode `
		if strings.HasSuffix(mode, "jwt") {
			shown = `ok +jarm-signature `
		}
		out = append(out, protection{name: "`--response-mode " + mode + "`", login: []string{"--response-mode", mode}, shown: shown})
	}
	sealed := func(name string) map[string]any {
		return map[string]any{"alg": "RSA-OAEP-256", "enc": "A256GCM", "alg_kid": sealedKid, name: "1"}
	}
	ring := strings.Replace(free("https", "ping")["ping"], "/callback", "/ciba", 1)
	return append(out,
		protection{name: "encrypted answer (JARM)", login: []string{"--response-mode", "jwt"}, shown: `ok +jarm-encryption `,
			made:  []string{"--authorization-encrypted-response-alg", "RSA-OAEP-256", "--authorization-encrypted-response-enc", "A256GCM"},
			props: map[string]any{"authorization_encrypted_response_alg": "RSA-OAEP-256", "authorization_encrypted_response_enc": "A256GCM"}},
		protection{name: "pushed request (PAR)", login: []string{"--par"}, shown: `ok +pushed-request-uri `},
		protection{name: "pushed request, with an assertion", method: "private_key_jwt", login: []string{"--par"}, shown: `ok +pushed-request-uri `},
		protection{name: "signed request", login: append(trace, "--request-object", "signed"), shown: `[?&]request=`},
		protection{name: "signed request, pushed", login: append(trace, "--request-object", "signed", "--par"), shown: `(?s)[ &]request=.*ok +pushed-request-uri `},
		protection{name: "encrypted request", login: append(trace, "--request-object", "encrypted"), shown: `[?&]request=`},
		protection{name: "encrypted request, pushed", login: append(trace, "--request-object", "encrypted", "--par"), shown: `(?s)[ &]request=.*ok +pushed-request-uri `},
		protection{name: "DPoP", login: []string{"--dpop"}, used: (*place).boundToKey},
		protection{name: "DPoP, with the server's nonce", login: []string{"--dpop"}, nonces: true, used: (*place).boundToKey},
		protection{name: "tokens bound to a certificate", method: "tls_client_auth", used: (*place).boundToCertificate, only: []string{"--tls-client-certificate-bound-access-tokens"}},
		protection{name: "encrypted ID token", login: []string{"-v"}, shown: `encrypted: RSA-OAEP-256 with `,
			made: []string{"--id-token-encrypted-response-alg", "RSA-OAEP-256", "--id-token-encrypted-response-enc", "A256GCM"}, props: sealed("encrypt_id_token")},
		protection{name: "signed UserInfo", made: []string{"--userinfo-signed-response-alg", "RS256"}},
		protection{name: "signed and encrypted UserInfo", props: sealed("encrypt_userinfo"),
			made: []string{"--userinfo-signed-response-alg", "RS256", "--userinfo-encrypted-response-alg", "RSA-OAEP-256", "--userinfo-encrypted-response-enc", "A256GCM"}},
		protection{name: "CIBA, ping", ciba: true, pings: true, login: []string{"-v"}, shown: `ok +ciba-ping .*\n(.*\n)? +actual: +it came`,
			made:  []string{"--backchannel-token-delivery-mode", "ping", "--backchannel-client-notification-endpoint", ring},
			props: map[string]any{"backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": ring}},
		protection{name: "CIBA, signed request", ciba: true, login: []string{"--trace", "--request-object", "signed"}, shown: `[ &]request=`,
			only: []string{"--backchannel-authentication-request-signing-alg", "ES256"}, props: map[string]any{"backchannel_authentication_request_signing_alg": "ES256"}},
		protection{name: "FAPI 2.0 (`--fapi`)", method: "private_key_jwt", login: []string{"--fapi"}, shown: `ok +pushed-request-uri `,
			made: []string{"--id-token-signed-response-alg", "ES256"}, props: map[string]any{"sign_kid": "ec-1"}},
	)
}

// protections tries them, each with a client of its own.
func (p *place) protections(m *matrix) {
	for i, want := range protections() {
		h, at := newHome(m.t), p
		grants := []string{"authorization_code", "refresh_token"}
		switch {
		case want.nonces:
			at = p.nonces
		case want.pings:
			at = p.pings
			trusted(h, p.home)
		}
		if want.ciba {
			grants = append(grants, "urn:openid:params:grant-type:ciba")
		}
		if want.method == "" {
			want.method = "client_secret_basic"
		}
		var r result
		at.alone(func() {
			c := at.client(h, wish{id: "protection-" + strconv.Itoa(i), method: want.method, grants: grants, flags: want.made, only: want.only, props: want.props})
			if c.no != nil {
				r = *c.no
			} else {
				r = at.protected(h, c, want)
			}
		})
		m.note(cell{p.name, want.name, ""}, at, r)
	}
}

// protected signs in, looks for the protection, and uses the tokens.
func (p *place) protected(h *home, c client, want protection) result {
	args := append(slices.Clone(c.flags), "-p", "own", "--login-timeout", "1m", "-o", "json")
	args = append(args, want.login...)
	var done result
	if want.ciba {
		done = p.asks(h, append(args, "--flow", "ciba", "--scope", "openid", "--login-hint", p.hint), strings.ReplaceAll(strings.ToLower(want.name), ", ", "-"))
	} else {
		done = h.try(append(append(args, "--scope", "openid email offline_access", "--prompt", "consent"), p.person(h)...)...)
	}
	if done.code != 0 {
		return done
	}
	if !regexp.MustCompile(want.shown).MatchString(done.stderr) {
		return lacks(done, "signed in, without a sign of it: %s", want.shown)
	}
	h.secret(strings.TrimSpace(h.try("tokens", "-p", "own").stdout))
	if want.used != nil {
		if r := want.used(p, h, "own"); r.code != 0 {
			return r
		}
	}
	return h.try("userinfo", "-p", "own", "-o", "json")
}

// trusted gives a home the authority of another, so that who trusts the one
// trusts the other.
func trusted(h *home, other string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Join(h.dir, "rely", "state"), 0o700); err != nil {
		h.t.Fatal(err)
	}
	from, to := filepath.Join(other, "rely", "state", "authority"), filepath.Join(h.dir, "rely", "state")
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		h.t.Fatalf("cp: %v\n%s", err, out)
	}
}

// lacks is a run that ended well without what was wanted of it.
func lacks(r result, format string, args ...any) result {
	return result{args: r.args, code: -2, stderr: fmt.Sprintf(format, args...)}
}

// boundToKey wants tokens that are of use with a proof alone, and so after a
// renewal.
func (p *place) boundToKey(h *home, profile string) result {
	if r := h.try("tokens", "-p", profile, "--force"); r.code != 0 {
		return r
	}
	r := h.try("tokens", "-p", profile, "-o", "header")
	if r.code == 0 && !strings.HasPrefix(r.stdout, "Authorization: DPoP ") {
		return lacks(r, "the tokens are bound to nothing")
	}
	return r
}

// boundToCertificate wants the certificate's thumbprint in what the provider
// says of the token.
func (p *place) boundToCertificate(h *home, profile string) result {
	r := h.try("introspect", "-p", profile, "-o", "json")
	if r.code == 0 && !strings.Contains(r.stdout, "x5t#S256") {
		return lacks(r, "the tokens are bound to nothing")
	}
	return r
}
