// Package jose verifies compact JWS tokens against a provider's published
// keys, reads the client's own keys, signs and decrypts with them, encrypts to
// a provider's, and seals this program's own files as JWE. It is the only
// client-side package that imports jwx.
//
// It refuses alg none, keys that come with the token (jku, jwk, x5u, x5c),
// crit and b64, keys that are weak, off their curve, private or meant for
// something else, and it takes no decision about claims. It decrypts only what
// the client was registered for, by the algorithms of the registration, never
// undoes compression, and never fetches anything.
package jose

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"

	"rely/internal/fault"
)

// Limits. More is refused before any work is done.
const (
	MaxToken  = 1 << 20 // bytes of a token
	MaxKeySet = 4 << 20 // bytes of a JWKS
	MaxKeys   = 1000    // keys of a JWKS
	maxTries  = 10      // keys tried on one signature
)

// IDs of the errors of [Parse] and [Signed.Verify], in the order in which
// their rules are looked at.
const (
	IDEncrypted = "jose.encrypted" // a JWE where a JWS was wanted
	IDForm      = "jose.form"      // not a compact JWS
	IDCritical  = "jose.crit"      // an extension that changes the meaning
	IDAlgorithm = "jose.algorithm" // alg is none, unknown or not allowed
	IDKey       = "jose.key"       // no key, or one that must not be used
	IDSignature = "jose.signature" // the signature does not match
	IDKeySet    = "jose.keyset"    // the JWKS cannot be read
)

// ErrUnknownKey is in the chain of an error that newer keys might cure: no key
// of the set has the kid, or the token has no kid and none of the keys
// verifies it. See [OtherKeys].
const ErrUnknownKey fault.Cause = "the key is not in the provider's key set"

// OtherKeys reports whether newer keys might cure an error of [Signed.Verify].
// A provider that was set up anew may call its new key by the old one's kid, so
// a signature that does not match is one of them.
func OtherKeys(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return errors.Is(err, ErrUnknownKey) || ok && (f.ID == IDKey || f.ID == IDSignature)
}

// refuse words a broken rule of a token.
func refuse(id, spec, format string, args ...any) error {
	e := &fault.Error{Kind: fault.Protocol, ID: id, Op: "verify the token", Spec: spec, Err: fmt.Errorf(format, args...)}
	switch id {
	case IDEncrypted:
		e.Hint = "register the client without id_token_encrypted_response_alg"
	case IDAlgorithm:
		e.Hint = "compare the algorithm with the client's registration at the provider"
	case IDKey:
		e.Hint = "look at the keys at the provider's jwks_uri"
	case IDSignature:
		e.Hint = "do not use this token until the provider explains it"
	}
	return e
}

// An algorithm is one way of signing that this package verifies.
type algorithm struct {
	name, kty, crv string
	hash           func() hash.Hash // also makes at_hash and c_hash
}

func algorithms() []algorithm {
	return []algorithm{
		{"RS256", "RSA", "", sha256.New},
		{"RS384", "RSA", "", sha512.New384},
		{"RS512", "RSA", "", sha512.New},
		{"PS256", "RSA", "", sha256.New},
		{"PS384", "RSA", "", sha512.New384},
		{"PS512", "RSA", "", sha512.New},
		{"ES256", "EC", "P-256", sha256.New},
		{"ES384", "EC", "P-384", sha512.New384},
		{"ES512", "EC", "P-521", sha512.New},
		{"EdDSA", "OKP", "Ed25519", sha512.New},
		{"HS256", "oct", "", sha256.New},
		{"HS384", "oct", "", sha512.New384},
		{"HS512", "oct", "", sha512.New},
	}
}

// Algorithms lists the names of every signature algorithm that [Signed.Verify]
// knows (RFC 7518 3.1, RFC 8037 3.1). The ones that start with HS use the
// client secret.
func Algorithms() []string {
	var names []string
	for _, a := range algorithms() {
		names = append(names, a.name)
	}
	return names
}

func find(alg string) (algorithm, bool) {
	for _, a := range algorithms() {
		if a.name == alg {
			return a, true
		}
	}
	return algorithm{}, false
}

// HalfHash is the left half of the hash of text, base64url, with the hash that
// alg uses: the value of at_hash and c_hash (OIDC Core 3.1.3.6, 3.3.2.11;
// SHA-512 for EdDSA with Ed25519). An alg without a known hash is an error,
// so that nobody takes "cannot tell" for "matches".
func HalfHash(alg, text string) (string, error) {
	a, ok := find(alg)
	if !ok {
		return "", refuse(IDAlgorithm, "OIDC Core 3.1.3.6", "alg %s has no known hash", quote(alg))
	}
	h := a.hash()
	h.Write([]byte(text))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]), nil
}

// decode is base64url as JOSE has it (RFC 7515 2): no padding, no line breaks,
// no bits left over. encoding/base64 alone skips line breaks.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("it has line breaks")
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// quote shows a string from outside, cut where it is long.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		return fmt.Sprintf("%q...", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
