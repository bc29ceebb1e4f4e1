package quirk

import (
	"encoding/json"
	"strings"

	"rely/internal/demoop/keys"
)

// signatures lists lies in the header and in the signature; the claims are
// good.
func signatures() []Fault {
	const (
		alg       = "OIDC Core 3.1.3.7 (7)"
		signature = "OIDC Core 3.1.3.7 (6)"
		key       = "OIDC Core 10.1"
		form      = "RFC 7515 7.1"
	)
	return group("id-token", "login", 6,
		Fault{Name: "bad-signature", Help: "a byte of the signature is changed", Rule: signature, Signed: lastPart(flip)},
		Fault{Name: "empty-signature", Help: "the signature is empty", Rule: signature, Signed: lastPart(func(string) string { return "" })},
		Fault{Name: "zero-signature", Help: "the signature is all zeros", Rule: signature,
			Signed: lastPart(func(s string) string { return strings.Repeat("A", len(s)) })},
		Fault{Name: "sig-other-key", Help: "another key signed, under the name of the published one", Rule: signature, IDToken: stranger},
		Fault{Name: "missing-kid-many-keys", Help: "no kid, three published keys, and none of them signed", Rule: signature, Alg: "ES256",
			Start: three, IDToken: func(t *Token) error { delete(t.Header, "kid"); return stranger(t) }},
		Fault{Name: "unknown-kid", Help: "the kid is of no published key", Rule: key, IDToken: bend(func(t *Token) { t.Header["kid"] = "no-such-key" })},
		Fault{Name: "alg-none", Help: "alg is none, and nobody signed", Rule: alg, IDToken: header("alg", "none"), Signed: lastPart(func(string) string { return "" })},
		Fault{Name: "alg-none-respelt", Help: "alg is nOnE, and nobody signed", Rule: alg, IDToken: header("alg", "nOnE"), Signed: lastPart(func(string) string { return "" })},
		Fault{Name: "missing-alg", Help: "the header has no alg", Rule: alg, IDToken: bend(func(t *Token) { delete(t.Header, "alg") })},
		Fault{Name: "unknown-alg", Help: "alg is one that nobody knows", Rule: alg, IDToken: header("alg", "XS256")},
		Fault{Name: "alg-not-registered", Help: "a published key signed with an algorithm that was not agreed on", Rule: alg,
			Start:    func(r *keys.Ring) error { _, err := r.For("ES384"); return err },
			Metadata: metadata("id_token_signing_alg_values_supported", []string{"RS256", "ES256", "PS256", "EdDSA", "HS256"}),
			IDToken:  otherAlg("ES384")},
		Fault{Name: "hs256-public-key", Help: "HS256, with the published key as the secret", Rule: alg, IDToken: confuse},
		// An HMAC key is filled up with zeros (RFC 2104 2): one zero is the empty key.
		Fault{Name: "hs256-empty-secret", Help: "HS256, with an empty secret", Rule: alg,
			IDToken: bend(func(t *Token) { t.Key, t.Header["alg"] = keys.HMAC([]byte{0}), "HS256" })},
		Fault{Name: "crit-header", Help: "the header has an extension that must be understood", Rule: "RFC 7515 4.1.11",
			IDToken: bend(func(t *Token) { t.Header["crit"], t.Header["exq"] = []string{"exq"}, true })},
		Fault{Name: "b64-header", Help: "the header says that the payload is not base64url", Rule: "RFC 7515 4.1.11",
			IDToken: bend(func(t *Token) { t.Header["crit"], t.Header["b64"] = []string{"b64"}, false })},
		Fault{Name: "embedded-key", Help: "another key signed, and the header brings it along", Rule: key, IDToken: embed},
		Fault{Name: "access-token-as-id-token", Help: "typ is at+jwt: it is an access token", Rule: "RFC 8725 3.11", IDToken: header("typ", "at+jwt")},
		Fault{Name: "logout-token-as-id-token", Help: "typ is logout+jwt: it is a logout token", Rule: "RFC 8725 3.11", IDToken: header("typ", "logout+jwt")},
		Fault{Name: "not-a-jwt", Help: "the ID token is a word", Rule: form, Signed: func(string, *Token) (string, error) { return "not-a-token", nil }},
		Fault{Name: "four-parts", Help: "the ID token has four parts", Rule: form, Signed: func(s string, _ *Token) (string, error) { return s + ".e30", nil }},
		Fault{Name: "padded", Help: "the parts of the ID token are padded", Rule: form, Signed: lastPart(func(s string) string { return s + "==" })},
		Fault{Name: "json-serialization", Help: "the ID token is a JWS in JSON", Rule: form, Signed: asJSON},
		Fault{Name: "repeated-claim", Help: "the ID token has two subjects", Rule: "RFC 7519 4", Signed: twoSubjects},
	)
}

func header(name string, value any) func(*Token) error {
	return bend(func(t *Token) { t.Header[name] = value })
}

// lastPart changes the signature of a finished token.
func lastPart(change func(string) string) func(string, *Token) (string, error) {
	return func(s string, _ *Token) (string, error) {
		i := strings.LastIndexByte(s, '.') + 1
		return s[:i] + change(s[i:]), nil
	}
}

// flip changes a character in the middle, where every bit counts.
func flip(s string) string {
	i := len(s) / 2
	c := "A"
	if s[i] == 'A' {
		c = "B"
	}
	return s[:i] + c + s[i+1:]
}

// stranger signs with a key that nobody published, keeping the header.
func stranger(t *Token) error {
	k, err := keys.New(t.Key.Alg, 0)
	t.Key = k
	return err
}

// otherAlg signs with the ring's key for another algorithm.
func otherAlg(alg string) func(*Token) error {
	return func(t *Token) error {
		k, err := t.Ring.For(alg)
		t.Key, t.Header["alg"], t.Header["kid"] = k, alg, k.Kid
		return err
	}
}

// three publishes two more keys of the first kind.
func three(r *keys.Ring) error {
	for range 2 {
		k, err := keys.New("ES256", 0)
		if err != nil {
			return err
		}
		r.Add(k)
	}
	return nil
}

// confuse takes the public key's PEM for an HMAC secret (CVE-2015-9235).
func confuse(t *Token) error {
	k, err := t.Ring.For("ES256")
	if err != nil {
		return err
	}
	pem, err := k.PEM()
	t.Key, t.Header["alg"], t.Header["kid"] = keys.HMAC(pem), "HS256", k.Kid
	return err
}

// embed brings the signing key along in the header (RFC 8725 3.10).
func embed(t *Token) error {
	if err := stranger(t); err != nil {
		return err
	}
	j, err := t.Key.JWK()
	t.Header["jwk"], t.Header["kid"] = j, t.Key.Kid
	return err
}

func asJSON(s string, _ *Token) (string, error) {
	p := strings.Split(s, ".")
	b, err := json.Marshal(map[string]string{"protected": p[0], "payload": p[1], "signature": p[2]})
	return string(b), err
}

// twoSubjects signs a payload that no encoder would write.
func twoSubjects(_ string, t *Token) (string, error) {
	b, err := json.Marshal(t.Claims)
	if err != nil {
		return "", err
	}
	return t.Key.SignRaw(t.Header, []byte(strings.Replace(string(b), "{", `{"sub":"bob",`, 1)))
}
