// Package keys makes, publishes and turns the embedded provider's signing
// keys, and signs tokens with them byte for byte as it is told, so that a
// deliberate lie can be told too. It verifies only what this provider itself
// signed, and writes no key anywhere.
package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// A Key is one signing key. The zero value signs nothing.
type Key struct {
	Kid string
	Alg string // the one algorithm it signs with
	raw any    // crypto.Signer, or []byte for an HMAC
}

// Algs lists the algorithms a key can be made for, the best first (RFC 7518
// 3.1, RFC 8037 3.1).
func Algs() []string { return []string{"ES256", "RS256", "PS256", "EdDSA", "ES384"} }

// New makes a key for one of [Algs]; bits is the size of an RSA key, 0 means
// 2048 (the least that RFC 7518 3.3 allows).
func New(alg string, bits int) (Key, error) {
	if bits == 0 {
		bits = 2048
	}
	var raw any
	var err error
	switch alg {
	case "ES256":
		raw, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		raw, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "EdDSA":
		_, raw, err = ed25519.GenerateKey(rand.Reader)
	case "RS256", "PS256":
		raw, err = rsa.GenerateKey(rand.Reader, bits)
	default:
		err = fmt.Errorf("no key can be made for %q", alg)
	}
	if err != nil {
		return Key{}, err
	}
	return Key{Kid: rand.Text()[:12], Alg: alg, raw: raw}, nil
}

// HMAC makes a key of a shared secret, for HS256.
func HMAC(secret []byte) Key { return Key{Alg: "HS256", raw: secret} }

// Sign joins header and claims to a compact JWS. The header goes out as it is
// given, whatever it says about algorithm and key.
func (k Key) Sign(header, claims map[string]any) (string, error) {
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return k.SignRaw(header, c)
}

// SignRaw signs a payload that need not be claims.
func (k Key) SignRaw(header map[string]any, payload []byte) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	input := Part(h) + "." + Part(payload)
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(k.Alg))
	if err != nil {
		return "", err
	}
	sig, err := signer.Sign([]byte(input), k.raw)
	if err != nil {
		return "", err
	}
	return input + "." + Part(sig), nil
}

// Verify gives the payload of a token that this key signed.
func (k Key) Verify(token string) ([]byte, error) {
	var pub any = k.raw
	if s, ok := k.raw.(crypto.Signer); ok {
		pub = s.Public()
	}
	return jws.Verify([]byte(token), jws.WithKey(jwa.SignatureAlgorithm(k.Alg), pub))
}

// Part is one part of a compact JWS: base64url without padding (RFC 7515 2).
func Part(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// JWK is the public half as a JWK (RFC 7517 4). An HMAC key has none.
func (k Key) JWK() (map[string]any, error) {
	s, ok := k.raw.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %s key has no public half", k.Alg)
	}
	pub, err := jwk.FromRaw(s.Public())
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(pub)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"kid": k.Kid, "alg": k.Alg, "use": "sig"}
	return out, json.Unmarshal(b, &out)
}

// PEM is the public half as PEM, which the attack with HMAC needs.
func (k Key) PEM() ([]byte, error) {
	s, ok := k.raw.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %s key has no public half", k.Alg)
	}
	der, err := x509.MarshalPKIXPublicKey(s.Public())
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
