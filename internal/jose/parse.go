package jose

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rely/internal/secret"
	"rely/internal/strictjson"
)

// A Header is what a token's protected header says. Nothing in it is trusted.
type Header struct {
	Alg, Kid, Typ, Cty string   // empty where missing
	Critical           []string // members that change the meaning and are refused: crit, b64
	Ignored            []string // members that offer a key and are never used: jku, jwk, x5u, x5c, x5t, x5t#S256
}

// A Signed is a compact JWS taken apart. Its payload means nothing before
// [Signed.Verify] says so.
type Signed struct {
	Header  Header
	Payload []byte

	input     string // header and payload as they were signed
	signature []byte
}

// Parse takes a compact JWS apart (RFC 7515 7.1): at most [MaxToken] bytes,
// exactly three parts of base64url without padding, a header that is a JSON
// object without repeated members. It verifies nothing.
//
// Every error is Protocol, its ID [IDForm], or [IDEncrypted] for a token of
// five parts, which is not decrypted: nobody asked for encryption.
func Parse(token string) (*Signed, error) {
	bad := func(format string, args ...any) (*Signed, error) {
		return nil, refuse(IDForm, "RFC 7515 7.1", format, args...)
	}
	if len(token) > MaxToken {
		return bad("the token has %d bytes, more than %d", len(token), MaxToken)
	}
	switch dots := strings.Count(token, "."); {
	case token == "":
		return bad("the token is empty")
	case strings.HasPrefix(token, "{"):
		return bad("the token is in the JSON serialization, not the compact one")
	case dots == 4:
		return nil, refuse(IDEncrypted, "OIDC Core 3.1.3.7 (1)", "it is encrypted, and nobody asked for that")
	case dots != 2:
		return bad("the token has %d parts, not three", dots+1)
	}
	parts := strings.Split(token, ".")
	var raw [3][]byte
	for i, part := range parts {
		b, err := decode(part)
		if err != nil {
			return bad("the %s is not base64url without padding: %w", [...]string{"header", "payload", "signature"}[i], err)
		}
		raw[i] = b
	}
	header, err := parseHeader(raw[0])
	if err != nil {
		return bad("the header cannot be read: %w", err)
	}
	return &Signed{Header: header, Payload: raw[1], input: parts[0] + "." + parts[1], signature: raw[2]}, nil
}

func parseHeader(data []byte) (Header, error) {
	var h Header
	all, err := strictjson.Object(data)
	if err != nil {
		return h, err
	}
	for _, m := range []struct {
		name string
		to   *string
	}{{"alg", &h.Alg}, {"kid", &h.Kid}, {"typ", &h.Typ}, {"cty", &h.Cty}} {
		value, ok := all[m.name]
		if !ok {
			continue
		}
		if value[0] == 'n' || !strictjson.Read(value, m.to) {
			return h, fmt.Errorf("%q is not a string", m.name)
		}
	}
	for _, name := range []string{"crit", "b64"} {
		if _, ok := all[name]; ok {
			h.Critical = append(h.Critical, name)
		}
	}
	for _, name := range []string{"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"} {
		if _, ok := all[name]; ok {
			h.Ignored = append(h.Ignored, name)
		}
	}
	return h, nil
}

// Understood refuses a header with crit or b64 (RFC 7515 4.1.11, RFC 7797 6):
// this package understands no extension that changes what was signed.
func (s *Signed) Understood() error {
	if len(s.Header.Critical) > 0 {
		return refuse(IDCritical, "RFC 7515 4.1.11", "the header has %s, which is not understood here", strings.Join(s.Header.Critical, " and "))
	}
	return nil
}

// Allowed reports whether the token's alg is one of algs, compared exactly.
// "none", in whatever case, and algorithms that this package does not know are
// refused even when they are in algs (RFC 8725 3.1, 3.2).
func (s *Signed) Allowed(algs []string) error {
	const spec = "OIDC Core 3.1.3.7 (7)"
	alg := s.Header.Alg
	_, known := find(alg)
	switch {
	case alg == "":
		return refuse(IDAlgorithm, spec, "the header has no alg")
	case strings.EqualFold(strings.TrimSpace(alg), "none"):
		return refuse(IDAlgorithm, spec, "alg %s means that nobody signed the token", quote(alg))
	case !known:
		return refuse(IDAlgorithm, spec, "alg %s is unknown", quote(alg))
	case !slices.Contains(algs, alg):
		return refuse(IDAlgorithm, spec, "alg %s is not allowed here, only %s", quote(alg), strings.Join(algs, ", "))
	}
	return nil
}

// Verify checks the signature with the keys of the provider, or for HS256,
// HS384 and HS512 with the bytes of the client secret and nothing else
// (OIDC Core 10.1). algs comes from the client's registration, never from the
// token.
//
// An asymmetric key is found by kid; without a kid in the header every key
// that fits alg is tried, at most 10. A key fits when its kty and crv are
// those of alg, use is absent or sig, key_ops absent or with verify, and alg
// absent or the same.
//
// The KeyInfo is of the key that verified, or else of the last one tried.
// Every error is Protocol, its ID [IDCritical], [IDAlgorithm], [IDKey] or
// [IDSignature]; see [ErrUnknownKey].
func (s *Signed) Verify(keys Set, algs []string, clientSecret secret.String) (KeyInfo, error) {
	if err := s.Understood(); err != nil {
		return KeyInfo{}, err
	}
	if err := s.Allowed(algs); err != nil {
		return KeyInfo{}, err
	}
	alg, _ := find(s.Header.Alg)
	if alg.kty == "oct" {
		info := KeyInfo{Kty: "oct", Alg: alg.name}
		if clientSecret.Empty() {
			return info, refuse(IDKey, "OIDC Core 10.1", "%s needs the client secret, and there is none", alg.name)
		}
		if !s.signedBy(alg, []byte(clientSecret.Reveal())) {
			return info, refuse(IDSignature, "OIDC Core 3.1.3.7 (8)", "the %s signature does not match the client secret", alg.name)
		}
		return info, nil
	}
	candidates, err := keys.candidates(s.Header.Kid, alg)
	if err != nil {
		return KeyInfo{}, err
	}
	return s.try(candidates, alg)
}

// try looks for the key that verifies the signature. A key that must not be
// used is passed over; it is the reason when there is no other.
func (s *Signed) try(candidates []json.RawMessage, alg algorithm) (KeyInfo, error) {
	var info KeyInfo
	var unusable error
	tried := 0
	for _, raw := range candidates {
		key, err := publicKey(raw, alg)
		if err != nil {
			if unusable == nil {
				unusable = err
			}
			continue
		}
		if tried == maxTries {
			break
		}
		tried++
		info = describe(raw)
		if s.signedBy(alg, key) {
			return info, nil
		}
	}
	switch {
	case tried == 0:
		return info, refuse(IDKey, "RFC 8725 3.4", "the %s key must not be used: %w", alg.name, unusable)
	case s.Header.Kid == "":
		// The keys may have been rotated, and nothing in the token tells.
		return info, refuse(IDSignature, "OIDC Core 3.1.3.7 (6)", "the %s signature does not match any of %d fitting keys tried: %w", alg.name, tried, ErrUnknownKey)
	}
	return info, refuse(IDSignature, "OIDC Core 3.1.3.7 (6)", "the %s signature does not match the key %s", alg.name, quote(s.Header.Kid))
}
