package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/secret"
	"rely/internal/strictjson"
)

// SecretKey is the client secret as a key for HS256, HS384 and HS512 (OIDC Core
// 10.1: its bytes as they are).
func SecretKey(s secret.String) Private { return Private{shared: s} }

// SigningAlgorithms lists what the key can sign with, the most widely taken
// first; the key's own alg alone where it has one.
func (p Private) SigningAlgorithms() []string {
	var kty, crv string
	switch k := p.signer.(type) {
	case nil:
		if kty = "oct"; p.shared.Empty() {
			return nil
		}
	case *rsa.PrivateKey:
		kty = "RSA"
	case *ecdsa.PrivateKey:
		kty, crv = "EC", k.Curve.Params().Name
	case ed25519.PrivateKey:
		kty, crv = "OKP", "Ed25519"
	}
	var names []string
	for _, a := range algorithms() {
		if a.kty == kty && a.crv == crv && (p.key == nil || p.key.Algorithm().String() == "" || p.key.Algorithm().String() == a.name) {
			names = append(names, a.name)
		}
	}
	return names
}

// String describes the key without its private half.
func (p Private) String() string {
	switch k := p.signer.(type) {
	case *rsa.PrivateKey:
		return fmt.Sprintf("RSA with %d bits", k.N.BitLen())
	case *ecdsa.PrivateKey:
		return "EC on " + k.Curve.Params().Name
	case ed25519.PrivateKey:
		return "Ed25519"
	}
	return "the client secret"
}

// GoString is String: %#v shows no private half either.
func (p Private) GoString() string { return p.String() }

// Sign makes a compact JWS of claims (RFC 7515 7.1, RFC 7519 7.1). The header's
// alg must be one that the key signs with; its kid is the key's where the
// header has none and the key does, unless the header has the key itself (jwk). What is signed may prove who the client
// is, and so is a secret.
//
// It refuses names of members with quotes, backslashes or control characters,
// in the header and in the claims: nobody has a use for them, and some readers
// take one such name for two.
func Sign(key Private, header, claims map[string]any) (secret.String, error) {
	alg, _ := header["alg"].(string)
	known := false
	for _, name := range key.SigningAlgorithms() {
		known = known || name == alg
	}
	if !known {
		return secret.String{}, fmt.Errorf("the key (%s) does not sign with %s", key, quote(alg))
	}
	head := map[string]any{}
	if _, whole := header["jwk"]; key.Kid() != "" && !whole {
		head["kid"] = key.Kid()
	}
	for name, value := range header {
		head[name] = value
	}
	var parts []string
	for _, object := range []map[string]any{head, claims} {
		js, err := encode(object)
		if err != nil {
			return secret.String{}, err
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(js))
	}
	input := strings.Join(parts, ".")
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
	if err != nil {
		return secret.String{}, errors.New("there is no signer for " + alg)
	}
	var raw any = key.signer
	if key.signer == nil {
		raw = []byte(key.shared.Reveal())
	}
	signature, err := signer.Sign([]byte(input), raw)
	if err != nil {
		return secret.String{}, fmt.Errorf("sign with %s: %w", alg, err)
	}
	return secret.New(input + "." + base64.RawURLEncoding.EncodeToString(signature)), nil
}

func encode(members map[string]any) ([]byte, error) {
	for name := range members {
		if name == "" || strings.ContainsAny(name, `"\`) || strings.ContainsFunc(name, unicode.IsControl) {
			return nil, fmt.Errorf("the name %s is empty or holds quotes, backslashes or control characters", quote(name))
		}
	}
	js, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	// A raw value from elsewhere may repeat a member.
	return js, strictjson.Check(js)
}
