package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/strictjson"
)

// publicKey reads the one key that is needed. jwx would take base64 of any
// kind, an RSA exponent of any length (keeping its low 64 bits) and a private
// key for its public half, so the members are read here.
func publicKey(raw json.RawMessage, alg algorithm) (any, error) {
	for _, private := range []string{"d", "p", "q", "k"} {
		if _, ok := strictjson.Lookup(raw, private); ok {
			return nil, fmt.Errorf("the provider publishes its private part (%q), so anyone can sign with it", private)
		}
	}
	return readPublic(raw, alg)
}

func readPublic(raw json.RawMessage, alg algorithm) (any, error) {
	switch alg.kty {
	case "RSA":
		return rsaKey(raw)
	case "EC":
		return ecKey(raw, alg.crv)
	}
	x, err := member(raw, "x")
	if err != nil {
		return nil, err
	}
	if len(x) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("its x has %d bytes, not %d", len(x), ed25519.PublicKeySize)
	}
	return ed25519.PublicKey(x), nil
}

// rsaKey refuses what RFC 7518 3.3 and plain sense forbid; the upper limits
// bound the work of one signature.
func rsaKey(raw json.RawMessage) (*rsa.PublicKey, error) {
	const least, most = 2048, 16384
	n, err := number(raw, "n")
	if err != nil {
		return nil, err
	}
	e, err := number(raw, "e")
	if err != nil {
		return nil, err
	}
	switch bits := n.BitLen(); {
	case bits < least:
		return nil, fmt.Errorf("it has %d bits, fewer than %d", bits, least)
	case bits > most:
		return nil, fmt.Errorf("it has %d bits, more than %d", bits, most)
	case n.Bit(0) == 0:
		return nil, errors.New("its modulus is even")
	case e.BitLen() > 31:
		return nil, errors.New("its exponent has more than 31 bits")
	case e.Cmp(big.NewInt(3)) < 0 || e.Bit(0) == 0:
		return nil, fmt.Errorf("its exponent is %s, not an odd number from 3 on", e)
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func ecKey(raw json.RawMessage, crv string) (*ecdsa.PublicKey, error) {
	curve := elliptic.P256()
	switch crv {
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	}
	size := (curve.Params().BitSize + 7) / 8
	point := []byte{4}
	for _, name := range []string{"x", "y"} {
		b, err := member(raw, name)
		if err != nil {
			return nil, err
		}
		if len(b) != size {
			return nil, fmt.Errorf("its %s has %d bytes, not the %d of %s", name, len(b), size, crv)
		}
		point = append(point, b...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("its point is not on %s", crv)
	}
	return key, nil
}

// number is a member that is a base64url number.
func number(raw json.RawMessage, name string) (*big.Int, error) {
	b, err := member(raw, name)
	if err != nil {
		return nil, err
	}
	return new(big.Int).SetBytes(b), nil
}

// member is a member that is base64url text.
func member(raw json.RawMessage, name string) ([]byte, error) {
	b, err := decode(text(raw, name))
	if err != nil {
		return nil, fmt.Errorf("its %s is not base64url without padding", name)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("it has no %s", name)
	}
	return b, nil
}

// signedBy reports whether key made the signature. For ECDSA jwx wants r and s
// in full length, so DER has no chance; crypto/ecdsa refuses zeros.
func (s *Signed) signedBy(alg algorithm, key any) bool {
	v, err := jws.NewVerifier(jwa.SignatureAlgorithm(alg.name))
	return err == nil && v.Verify([]byte(s.input), s.signature, key) == nil
}

// Examine tells whether a published key could verify anything: known is false
// for a type or a curve that this package has no algorithm for, and err is why
// a known one cannot be used. A private part alone is no reason here.
func Examine(raw json.RawMessage) (info KeyInfo, known bool, err error) {
	info = describe(raw)
	for _, a := range algorithms() {
		if a.kty != info.Kty || a.kty == "oct" || a.crv != "" && a.crv != info.Crv {
			continue
		}
		_, err = readPublic(raw, a)
		return info, true, err
	}
	return info, false, nil
}
