package check

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/strictjson"
)

func keys() []*Check {
	return []*Check{
		{ID: "P40", Name: "jwks-answer", Title: "the keys come as a JSON object with a list of keys that is not empty",
			Stage: "keys", Severity: Error, Section: "RFC 7517 5; OIDC Core 10.1",
			Why: "Without keys no ID token can be checked, and none may be believed.",
			Fix: "serve the key set at jwks_uri, status 200, as application/json or application/jwk-set+json", Run: jwksAnswer},
		{ID: "P41", Name: "jwks-private", Title: "the key set has no private and no symmetric key",
			Stage: "keys", Severity: Error, Section: "RFC 7517 5; RFC 8725 3.4",
			Why: "Whoever reads the key set can sign as the provider.",
			Fix: "make new keys, publish the public halves alone, and treat the old ones as stolen", Run: jwksPrivate},
		{ID: "P42", Name: "kid", Title: "every key has a kid, and no two have the same",
			Stage: "keys", Severity: Warning, Section: "RFC 7517 4.5; OIDC Core 10.1",
			Why: "A client finds the key by its kid. Without one it tries what there is; with two alike it may try the wrong one and give up.",
			Fix: "give each key a kid of its own", Run: kids},
		{ID: "P43", Name: "key-strength", Title: "every key can be used and is strong enough",
			Stage: "keys", Severity: Error, Section: "RFC 7518 3.3; RFC 8725 3.4, 3.5",
			Why: "RSA below 2048 bits can be broken; a point that is not on its curve verifies nothing or gives secrets away.",
			Fix: "replace the key", Unknown: "How the key was made and where its private half lies.", Run: keyStrength},
		{ID: "P44", Name: "key-purpose", Title: "use and alg of the keys fit, and there is one for each algorithm that is offered",
			Stage: "keys", Severity: Warning, Section: "OIDC Core 10.1; RFC 7517 4.2, 4.4",
			Why:     "A client skips a key that is for something else. An algorithm that is offered and has no key is one that a client can register for and never verify.",
			Fix:     "publish a signing key for the algorithm, or take the algorithm out of id_token_signing_alg_values_supported",
			Unknown: "Whether the provider makes the key when the first client asks for the algorithm.",
			Hints:   []Hint{{"keycloak", "the metadata lists every algorithm that Keycloak knows; add a key provider for it, or leave it: clients get what they are set to"}},
			Run:     keyPurpose},
		{ID: "P45", Name: "jwks-size", Title: "the key set is of a sensible size, without doubles and unknown types",
			Stage: "keys", Severity: Info, Section: "RFC 7517 5; rely's own limits: 20 keys, 256 kB",
			Why: "Every client reads all of it again and again; some refuse what they do not know.",
			Fix: "retire keys that no token needs any more", Run: jwksSize},
		{ID: "P46", Name: "x5c", Title: "a key's certificate is for that key, and valid now",
			Stage: "keys", Severity: Warning, Section: "RFC 7517 4.7",
			Why: "Clients that go by the certificate verify with another key than those that go by the JWK, or stop on the day it expires.",
			Fix: "renew the certificate of the key, or leave x5c out", Unknown: "Whether anybody trusts who issued it.", Run: certificates},
	}
}

func (c *Case) keySet() bool {
	if len(c.Keys) == 0 {
		c.skip("there are no keys to look at")
	}
	return len(c.Keys) > 0
}

func jwksAnswer(c *Case) {
	switch {
	case !c.metadata():
	case c.KeysErr != nil && fault.Is(c.KeysErr, fault.Network):
		c.found("jwks_uri", c.KeysErr.Error(), "the key set")
	case c.KeysErr != nil:
		c.found("jwks_uri", c.KeysErr.Error(), `a JSON object with the member "keys", an array of at most 1,000 keys`)
	case len(c.Keys) == 0:
		c.found("jwks_uri", "the list of keys is empty", "the provider's public keys")
	default:
		if t := c.JWKS.Type(); t != "application/json" && t != "application/jwk-set+json" {
			c.foundAs(Warning, "jwks_uri", "Content-Type: "+orNone(t), "application/json or application/jwk-set+json")
		}
	}
}

// name is what a key is called in a finding: by its kid, or by its place.
func (c *Case) name(n int) string {
	if info, _, _ := jose.Examine(c.Keys[n]); info.Kid != "" {
		return "kid " + info.Kid
	}
	return fmt.Sprintf("key %d", n+1)
}

func jwksPrivate(c *Case) {
	if !c.keySet() {
		return
	}
	for n, raw := range c.Keys {
		if kty, _ := member(raw, "kty"); kty == "oct" {
			c.found(c.name(n), "a symmetric key", "public keys alone")
			continue
		}
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, there := strictjson.Lookup(raw, private); there {
				c.found(c.name(n), fmt.Sprintf("the private part %q (not shown)", private), "public keys alone")
				break
			}
		}
	}
}

// member is a member of a key that is a string.
func member(raw json.RawMessage, name string) (string, bool) {
	var s string
	value, there := strictjson.Lookup(raw, name)
	if !there || unmarshal(value, &s) != nil {
		return "", there
	}
	return s, true
}

func kids(c *Case) {
	if !c.keySet() {
		return
	}
	seen := map[string]int{}
	for n, raw := range c.Keys {
		kid, there := member(raw, "kid")
		switch {
		case !there && len(c.Keys) > 1:
			c.found(c.name(n), "no kid", "a kid")
		case there && seen[kid] == 1:
			c.found("kid "+kid, "two keys have it", "a kid of its own for each")
		}
		seen[kid]++
	}
}

func keyStrength(c *Case) {
	if !c.keySet() {
		return
	}
	for n, raw := range c.Keys {
		if info, known, err := jose.Examine(raw); known && err != nil {
			c.found(c.name(n), fmt.Sprintf("%s: %v", info, err), "RSA with 2048 bits and more, or a point of P-256, P-384, P-521 or Ed25519")
		}
	}
}

// needs is the kind of key that an algorithm takes.
func needs(alg string) (kty, crv string) {
	switch {
	case strings.HasPrefix(alg, "RS"), strings.HasPrefix(alg, "PS"):
		return "RSA", ""
	case alg == "ES256":
		return "EC", "P-256"
	case alg == "ES384":
		return "EC", "P-384"
	case alg == "ES512":
		return "EC", "P-521"
	case alg == "ES256K":
		return "EC", "secp256k1"
	case alg == "EdDSA", alg == "Ed25519":
		return "OKP", "Ed25519"
	case alg == "Ed448":
		return "OKP", "Ed448"
	}
	return "", ""
}

func keyPurpose(c *Case) {
	if !c.keySet() {
		return
	}
	for n, raw := range c.Keys {
		info, known, _ := jose.Examine(raw)
		if kty, crv := needs(info.Alg); known && kty != "" && (kty != info.Kty || crv != "" && crv != info.Crv) {
			c.found(c.name(n), fmt.Sprintf("alg %s on a key that is %s %s", info.Alg, info.Kty, info.Crv), "an algorithm of that kind of key")
		}
		if info.Use != "" && info.Use != "sig" && info.Use != "enc" {
			c.found(c.name(n), "use "+info.Use, "sig or enc")
		}
	}
	algs, _ := c.List("id_token_signing_alg_values_supported")
	for _, alg := range algs {
		kty, crv := needs(alg)
		if kty != "" && !c.signs(alg, kty, crv) {
			c.found("id_token_signing_alg_values_supported", alg+" is offered, and no key is for it", "a key with kty "+kty+" for signing")
		}
	}
}

// signs reports whether a key of the set fits an algorithm.
func (c *Case) signs(alg, kty, crv string) bool {
	for _, raw := range c.Keys {
		info, _, _ := jose.Examine(raw)
		if info.Kty == kty && (crv == "" || info.Crv == crv || alg == "EdDSA" && info.Crv == "Ed448") && (info.Use == "" || info.Use == "sig") && (info.Alg == "" || info.Alg == alg) {
			return true
		}
	}
	return false
}

func jwksSize(c *Case) {
	if !c.keySet() {
		return
	}
	if n := len(c.Keys); n > 20 {
		c.found("jwks_uri", fmt.Sprintf("%d keys", n), "at most 20")
	}
	if n := len(c.JWKS.Answer.Body); n > 256<<10 {
		c.found("jwks_uri", fmt.Sprintf("%d bytes", n), "at most 256 kB")
	}
	seen := map[string]int{}
	for n, raw := range c.Keys {
		info, known, _ := jose.Examine(raw)
		material := info.Kty
		for _, part := range []string{"n", "crv", "x", "y"} {
			text, _ := member(raw, part)
			material += " " + text
		}
		if before, twice := seen[material]; twice && known {
			c.found(c.name(n), "the same key as "+c.name(before), "each key once")
		} else if !slices.Contains([]string{"RSA", "EC", "OKP", "oct"}, info.Kty) {
			c.found(c.name(n), "kty "+orNone(info.Kty), "RSA, EC or OKP") // curves are many: X25519 encrypts
		}
		seen[material] = n
	}
}

func certificates(c *Case) {
	if !c.keySet() {
		return
	}
	judged := false
	for n, raw := range c.Keys {
		value, there := strictjson.Lookup(raw, "x5c")
		if !there {
			continue
		}
		judged = true
		var chain []string
		if unmarshal(value, &chain) != nil || len(chain) == 0 {
			c.found(c.name(n), "x5c is no list of certificates", "a list with the key's certificate first")
			continue
		}
		der, err := base64.StdEncoding.DecodeString(chain[0])
		if err != nil {
			c.found(c.name(n), "x5c is not base64 (with padding, unlike everything else in a JWK)", "base64 of DER")
			continue
		}
		leaf, err := x509.ParseCertificate(der)
		switch {
		case err != nil:
			c.found(c.name(n), "x5c cannot be read: "+err.Error(), "the key's certificate")
		case !sameKey(leaf.PublicKey, raw):
			c.found(c.name(n), "the certificate is for another key", "the certificate of this key")
		case c.Now.After(leaf.NotAfter), c.Now.Before(leaf.NotBefore):
			c.found(c.name(n), fmt.Sprintf("valid from %s to %s", leaf.NotBefore.UTC().Format("2006-01-02"), leaf.NotAfter.UTC().Format("2006-01-02")), "valid now")
		}
	}
	if !judged {
		c.skip("no key has a certificate (x5c)")
	}
}

// sameKey compares a certificate's key with a JWK; what cannot be compared
// counts as the same.
func sameKey(public crypto.PublicKey, raw json.RawMessage) bool {
	equal := func(name string, want []byte) bool {
		text, there := member(raw, name)
		got, err := base64.RawURLEncoding.DecodeString(text)
		return there && err == nil && new(big.Int).SetBytes(got).Cmp(new(big.Int).SetBytes(want)) == 0
	}
	kty, _ := member(raw, "kty")
	switch k := public.(type) {
	case *rsa.PublicKey:
		return kty == "RSA" && equal("n", k.N.Bytes())
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return true
		}
		half := (len(point) - 1) / 2
		return kty == "EC" && equal("x", point[1:1+half]) && equal("y", point[1+half:])
	case ed25519.PublicKey:
		return kty == "OKP" && equal("x", k)
	}
	return true
}
