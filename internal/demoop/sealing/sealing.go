// Package sealing encrypts what clients of the embedded provider registered to
// have encrypted (OIDC Core 10.2): to a key of their jwks, or with what follows
// from their secret. It decrypts nothing and shares no code with the client
// that has to.
package sealing

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"rely/internal/secret"
)

// Algs and Encs are what clients may register.
func Algs() []string {
	return []string{"ECDH-ES+A256KW", "ECDH-ES+A128KW", "ECDH-ES", "RSA-OAEP-256", "RSA-OAEP", "A128KW", "A256KW", "dir"}
}

// Encs lists content encryption algorithms.
func Encs() []string { return []string{"A256GCM", "A128GCM", "A128CBC-HS256", "A256CBC-HS512"} }

// Metadata adds to the discovery document what the provider can encrypt.
func Metadata(m map[string]any) {
	for _, what := range []string{"id_token", "userinfo", "authorization"} {
		m[what+"_encryption_alg_values_supported"] = Algs()
		m[what+"_encryption_enc_values_supported"] = Encs()
	}
}

// A Wish is what a client registered for one kind of answer. Without Alg
// nothing is encrypted.
type Wish struct{ Alg, Enc string }

// Unfit says why a wish cannot be granted to a client with these keys; empty
// where it can.
func (w Wish) Unfit(jwks json.RawMessage, secretless bool) string {
	switch {
	case w == Wish{}:
		return ""
	case w.Alg == "":
		return "an encrypted_response_enc needs an encrypted_response_alg"
	case !slices.Contains(Algs(), w.Alg) || w.Enc != "" && !slices.Contains(Encs(), w.Enc):
		return "the encryption algorithm is not supported"
	case w.symmetric() && secretless:
		return w.Alg + " needs a client secret"
	case !w.symmetric() && recipient(jwks, w.Alg) == nil:
		return "jwks has no key for " + w.Alg
	}
	return ""
}

func (w Wish) symmetric() bool { return w.Alg == "dir" || w.Alg[0] == 'A' }

// A Letter is an answer that is about to be encrypted.
type Letter struct {
	Wish
	Payload string
	Cty     string // "JWT" where the payload is one
	Zip     bool
	Open    bool // it goes out as it is
	Key     any  // a public JWK or bytes
}

// recipient is the client's key for alg.
func recipient(jwks json.RawMessage, alg string) jwk.Key {
	set, err := jwk.Parse(jwks)
	if err != nil {
		return nil
	}
	kty := jwa.EC
	if alg[0] == 'R' {
		kty = jwa.RSA
	}
	for n := range set.Len() {
		k, _ := set.Key(n)
		if k.KeyType() == kty && k.KeyUsage() != "sig" && (k.Algorithm().String() == "" || k.Algorithm().String() == alg) {
			return k
		}
	}
	return nil
}

// Readdress puts another public key in place of the client's, under its name.
func (l *Letter) Readdress(public any) error {
	key, err := jwk.FromRaw(public)
	if err != nil {
		return err
	}
	if is, ok := l.Key.(jwk.Key); ok {
		err = key.Set(jwk.KeyIDKey, is.KeyID())
	}
	l.Key = key
	return err
}

// derived is the key of OIDC Core 10.2.
func (w Wish) derived(s secret.String) []byte {
	size := map[string]int{"A128KW": 16, "A256KW": 32, "dirA128GCM": 16, "dirA256CBC-HS512": 64}
	n := size[w.Alg]
	if w.Alg == "dir" {
		n = size[w.Alg+w.Enc]
	}
	if n == 0 {
		n = 32
	}
	if n > 32 {
		sum := sha512.Sum512([]byte(s.Reveal()))
		return sum[:n]
	}
	sum := sha256.Sum256([]byte(s.Reveal()))
	return sum[:n]
}

// Seal encrypts payload as the client wishes; bend may change the letter
// first. Without a wish it comes back as it is.
func Seal(w Wish, jwks json.RawMessage, s secret.String, payload, cty string, bend func(*Letter) error) (string, error) {
	if w.Alg == "" {
		return payload, nil
	}
	if w.Enc == "" {
		w.Enc = "A128CBC-HS256" // OIDC Registration 2
	}
	l := &Letter{Wish: w, Payload: payload, Cty: cty}
	if w.symmetric() {
		l.Key = w.derived(s)
	} else if k := recipient(jwks, w.Alg); k != nil {
		l.Key = k
	} else {
		return "", errors.New("the client has no key to encrypt to")
	}
	if err := bend(l); err != nil || l.Open {
		return l.Payload, err
	}
	h := jwe.NewHeaders()
	if k, public := l.Key.(jwk.Key); public && k.KeyID() != "" {
		_ = h.Set(jwe.KeyIDKey, k.KeyID())
	}
	if l.Cty != "" {
		_ = h.Set(jwe.ContentTypeKey, l.Cty)
	}
	options := []jwe.EncryptOption{jwe.WithKey(jwa.KeyEncryptionAlgorithm(l.Alg), l.Key), jwe.WithContentEncryption(jwa.ContentEncryptionAlgorithm(l.Enc)), jwe.WithProtectedHeaders(h)}
	if l.Zip {
		options = append(options, jwe.WithCompress(jwa.Deflate))
	}
	out, err := jwe.Encrypt([]byte(l.Payload), options...)
	return string(out), err
}
