package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/cert"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"rely/internal/secret"
)

// A Private is a key pair of the client's own, or its secret for signing. It
// prints as its kind alone: its private half comes out of [PrivateSet].
type Private struct {
	key    jwk.Key
	signer crypto.Signer
	shared secret.String // of a [SecretKey], which has neither of the others
}

// Generate makes a key pair for a signing algorithm (RFC 7518 3.1, RFC 8037)
// or a key management algorithm (RFC 7518 4.1), with its use, its alg, and as
// kid the thumbprint of RFC 7638. RSA keys have 2,048 bits.
func Generate(alg string) (Private, error) {
	signer, use, err := material(alg)
	if err != nil {
		return Private{}, err
	}
	key, err := jwk.FromRaw(signer)
	if err != nil {
		return Private{}, err
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return Private{}, err
	}
	for name, value := range map[string]string{"kid": base64.RawURLEncoding.EncodeToString(sum), "use": use, "alg": alg} {
		if err := key.Set(name, value); err != nil {
			return Private{}, err
		}
	}
	return Private{key: key, signer: signer}, nil
}

func material(alg string) (crypto.Signer, string, error) {
	switch {
	case alg == "ES256":
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return k, "sig", err
	case alg == "ES384":
		k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		return k, "sig", err
	case alg == "EdDSA":
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, "sig", err
	case alg == "ECDH-ES" || strings.HasPrefix(alg, "ECDH-ES+A"):
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return k, "enc", err
	case alg == "RSA-OAEP" || alg == "RSA-OAEP-256":
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		return k, "enc", err
	}
	if a, known := find(alg); known && a.kty == "RSA" {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		return k, "sig", err
	}
	return nil, "", fmt.Errorf("no key is made for the algorithm %s", quote(alg))
}

// Kid is the key's name in a JWKS; empty where it has none.
func (p Private) Kid() string {
	if p.key == nil {
		return ""
	}
	return p.key.KeyID()
}

// Certify gives the key a certificate of its own making, as self-signed mutual
// TLS registers it: x5c beside the key (RFC 8705 2.2). It is good for years
// years from now on; nobody looks at its name.
func (p Private) Certify(name string, now time.Time, years int) error {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(years, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, p.signer.Public(), p.signer)
	if err != nil {
		return err
	}
	chain := &cert.Chain{}
	if err := chain.AddString(base64.StdEncoding.EncodeToString(der)); err != nil {
		return err
	}
	return p.key.Set("x5c", chain)
}

// PublicSet is the JWKS with the public halves, to be registered.
func PublicSet(keys []Private) (json.RawMessage, error) {
	set := jwk.NewSet()
	for _, k := range keys {
		public, err := k.key.PublicKey()
		if err != nil {
			return nil, err
		}
		if err := set.AddKey(public); err != nil {
			return nil, err
		}
	}
	return json.Marshal(set)
}

// PublicKey is the public half alone, as a proof carries it (RFC 9449 4.2), and
// its thumbprint (RFC 7638).
func (p Private) PublicKey() (jwkey json.RawMessage, thumbprint string, err error) {
	bare, err := jwk.FromRaw(p.signer.Public())
	if err != nil {
		return nil, "", err
	}
	sum, err := bare.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, "", err
	}
	js, err := json.Marshal(bare)
	return js, base64.RawURLEncoding.EncodeToString(sum), err
}

// PrivateSet is the JWKS with the private halves, for the store.
func PrivateSet(keys []Private) (secret.String, error) {
	set := jwk.NewSet()
	for _, k := range keys {
		if err := set.AddKey(k.key); err != nil {
			return secret.String{}, err
		}
	}
	js, err := json.Marshal(set)
	return secret.New(string(js)), err
}
