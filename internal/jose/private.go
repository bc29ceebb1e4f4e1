package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

// MaxPrivate is the most that a file of private keys may have, in bytes.
const MaxPrivate = 1 << 20

// errPublic tells a public key from other trouble.
const errPublic fault.Cause = "it is a public key, and the private one is wanted"

// ParsePrivate reads the client's own keys: a JWK, a JWKS (RFC 7517) or PEM
// (PKCS#1, PKCS#8, SEC1), with RSA, EC or Ed25519 keys. name is the file's, for
// errors. From a JWKS come the keys that sign; others do no harm as long as
// there is one.
//
// Every error is Config. None of them quotes the file.
func ParsePrivate(name string, text secret.String) ([]Private, error) {
	return parsePrivate(name, text, "sig")
}

// ParseDecryption reads the client's own keys as [ParsePrivate] does, and from
// a JWKS takes those that decrypt.
func ParseDecryption(name string, text secret.String) ([]Private, error) {
	return parsePrivate(name, text, "enc")
}

func parsePrivate(name string, text secret.String, use string) ([]Private, error) {
	data := bytes.TrimSpace([]byte(text.Reveal()))
	var keys []Private
	var err error
	switch {
	case len(data) == 0:
		err = errors.New("it is empty")
	case len(data) > MaxPrivate:
		err = fmt.Errorf("it has more than %d bytes", MaxPrivate)
	case data[0] == '{':
		keys, err = privateJSON(data, use)
	default:
		keys, err = privatePEM(data)
	}
	if err == nil {
		return keys, nil
	}
	f := &fault.Error{Kind: fault.Config, ID: "key.private", Op: "read the private key in " + name, Err: err,
		Hint: "use a private key of RSA (2048 bits or more), EC or Ed25519 as JWK, JWKS or PEM"}
	switch {
	case errors.Is(err, errPublic):
		f.ID, f.Hint = "key.public", "name the file with the private half; the public one is for the provider"
	case errors.Is(err, errEncrypted):
		f.ID, f.Hint = "key.encrypted", "decrypt it with \"openssl pkey -in FILE -out PLAIN\", and protect the new file by its mode (0600)"
	}
	return nil, f
}

func privateJSON(data []byte, use string) ([]Private, error) {
	raws, isSet, err := strictjson.ArrayIn(data, "keys", MaxKeys)
	switch {
	case err != nil && isSet:
		return nil, fmt.Errorf("the member %q is no list of at most %d keys", "keys", MaxKeys)
	case err != nil:
		return nil, errors.New("it starts as JSON, and is not well-formed")
	case !isSet:
		raws = []json.RawMessage{data}
	}
	var keys []Private
	first := errors.New("it holds no key")
	for at, raw := range raws {
		key, err := privateJWK(raw, use)
		if err == nil {
			keys = append(keys, key)
		} else if at == 0 {
			first = err
		}
	}
	if len(keys) == 0 {
		return nil, first
	}
	return keys, nil
}

func privateJWK(raw json.RawMessage, use string) (Private, error) {
	if is := text(raw, "use"); is != "" && is != use {
		return Private{}, fmt.Errorf("the key's use is %s, not %s", quote(is), use)
	}
	kty := text(raw, "kty")
	if kty == "oct" {
		return Private{}, errors.New("it is a symmetric key (kty oct), and a private one is wanted")
	}
	if kty != "RSA" && kty != "EC" && kty != "OKP" {
		return Private{}, fmt.Errorf("the key's kty is %s, not RSA, EC or OKP", quote(kty))
	}
	if _, there := strictjson.Lookup(raw, "d"); !there {
		return Private{}, errPublic
	}
	var signer crypto.Signer
	var err error
	switch kty {
	case "RSA":
		signer, err = rsaPrivate(raw)
	case "EC":
		signer, err = ecPrivate(raw)
	default:
		signer, err = edPrivate(raw)
	}
	if err != nil {
		return Private{}, fmt.Errorf("the key cannot be used: %w", err)
	}
	return private(signer, text(raw, "kid"), text(raw, "alg"))
}

// Named gives the signing keys in text the key IDs that their public halves have
// in a JWKS: a PEM file has none, and some providers find a key by that alone. A
// text that is no key, and keys that the JWKS lacks, stay as they are.
func Named(text secret.String, registered json.RawMessage) secret.String {
	public, err := split(registered)
	if err != nil || text.Empty() {
		return text
	}
	keys, err := ParsePrivate("", text)
	if err != nil {
		return text // whoever uses it says what is wrong with it
	}
	named := false
	for _, key := range keys {
		if key.Kid() != "" {
			continue
		}
		if kid := kidOf(key, public); kid != "" && key.key.Set("kid", kid) == nil {
			named = true
		}
	}
	if !named {
		return text
	}
	set, err := PrivateSet(keys)
	if err != nil {
		return text
	}
	return set
}

// kidOf is the key ID of a key's public half; empty where it is not there.
func kidOf(key Private, public []json.RawMessage) string {
	_, own, err := key.PublicKey()
	if err != nil {
		return ""
	}
	for _, raw := range public {
		one, err := jwk.ParseKey(raw)
		if err != nil {
			continue
		}
		if sum, err := one.Thumbprint(crypto.SHA256); err == nil && base64.RawURLEncoding.EncodeToString(sum) == own {
			return one.KeyID()
		}
	}
	return ""
}

// private is a key that was read. It has a kid only where the file names one:
// the provider may know the key by another.
func private(signer crypto.Signer, kid, alg string) (Private, error) {
	if k, isRSA := signer.(*rsa.PrivateKey); isRSA && k.N.BitLen() < 2048 {
		return Private{}, fmt.Errorf("the RSA key has %d bits, fewer than 2048", k.N.BitLen())
	}
	key, err := jwk.FromRaw(signer)
	if err != nil {
		return Private{}, errors.New("the key is of a kind that is not known here")
	}
	for name, value := range map[string]string{"kid": kid, "alg": alg} {
		if value == "" {
			continue
		}
		if err := key.Set(name, value); err != nil {
			return Private{}, fmt.Errorf("the key's %s cannot be read", name)
		}
	}
	return Private{key: key, signer: signer}, nil
}

func rsaPrivate(raw json.RawMessage) (*rsa.PrivateKey, error) {
	public, err := rsaKey(raw)
	if err != nil {
		return nil, err
	}
	k := &rsa.PrivateKey{PublicKey: *public}
	if k.D, err = number(raw, "d"); err != nil {
		return nil, err
	}
	for _, name := range []string{"p", "q"} {
		prime, err := number(raw, name)
		if err != nil {
			return nil, err
		}
		k.Primes = append(k.Primes, prime)
	}
	if new(big.Int).Mul(k.Primes[0], k.Primes[1]).Cmp(k.N) != 0 || k.Validate() != nil {
		return nil, errors.New("its private and its public half do not belong together")
	}
	k.Precompute()
	return k, nil
}

func ecPrivate(raw json.RawMessage) (*ecdsa.PrivateKey, error) {
	crv := text(raw, "crv")
	curve, known := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[crv]
	if !known {
		return nil, fmt.Errorf("its crv is %s, not P-256, P-384 or P-521", quote(crv))
	}
	public, err := ecKey(raw, crv)
	if err != nil {
		return nil, err
	}
	d, err := member(raw, "d")
	if err != nil {
		return nil, err
	}
	k, err := ecdsa.ParseRawPrivateKey(curve, d)
	if err != nil || !k.PublicKey.Equal(public) {
		return nil, errors.New("its private and its public half do not belong together")
	}
	return k, nil
}

func edPrivate(raw json.RawMessage) (ed25519.PrivateKey, error) {
	if crv := text(raw, "crv"); crv != "Ed25519" {
		return nil, fmt.Errorf("its crv is %s, not Ed25519", quote(crv))
	}
	x, err := member(raw, "x")
	if err != nil {
		return nil, err
	}
	d, err := member(raw, "d")
	if err != nil {
		return nil, err
	}
	if len(d) != ed25519.SeedSize {
		return nil, fmt.Errorf("its d has %d bytes, not %d", len(d), ed25519.SeedSize)
	}
	k := ed25519.NewKeyFromSeed(d)
	if !bytes.Equal(k.Public().(ed25519.PublicKey), x) {
		return nil, errors.New("its private and its public half do not belong together")
	}
	return k, nil
}

// names are the keys that were tried, as the provider may know them.
func names(keys []Private) string {
	var kids []string
	for _, k := range keys {
		if k.Kid() != "" {
			kids = append(kids, quote(k.Kid()))
		}
	}
	if len(kids) == 0 {
		return "is one without a kid"
	}
	return "is " + strings.Join(kids, ", ")
}
