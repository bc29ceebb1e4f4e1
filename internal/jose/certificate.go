package jose

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

// ClientCertificate is what the client's own keys, a JWKS, have to show in TLS:
// the first key with x5c, as [Private.Certify] made it (RFC 8705 2.2, RFC 7517
// 4.7). It is nil where no key has one. name is the keys' place, for errors,
// which are Config.
func ClientCertificate(name string, text secret.String) (*tls.Certificate, error) {
	if text.Empty() {
		return nil, nil
	}
	own, err := certified([]byte(text.Reveal()))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "key.certificate", Op: "read the client's certificate in " + name, Spec: "RFC 8705 2.2", Err: err,
			Hint: "give another with --tls-client-cert FILE and --tls-client-key FILE, or register a new client with --generate-key mtls"}
	}
	return own, nil
}

func certified(data []byte) (*tls.Certificate, error) {
	raws, isSet, err := strictjson.ArrayIn(data, "keys", MaxKeys)
	if !isSet {
		return nil, errors.New("it is no JWKS")
	}
	if err != nil {
		return nil, err
	}
	for _, raw := range raws {
		value, there := strictjson.Lookup(raw, "x5c")
		if !there {
			continue
		}
		key, err := privateJWK(raw, "sig")
		if err != nil {
			return nil, err
		}
		own := &tls.Certificate{PrivateKey: key.signer}
		var chain []string
		if !strictjson.Read(value, &chain) || len(chain) == 0 {
			return nil, errors.New("its x5c is no list of certificates")
		}
		for _, one := range chain {
			der, err := base64.StdEncoding.DecodeString(one)
			if err != nil {
				return nil, errors.New("its x5c is no base64 of DER")
			}
			own.Certificate = append(own.Certificate, der)
		}
		if own.Leaf, err = x509.ParseCertificate(own.Certificate[0]); err != nil {
			return nil, err
		}
		if public, ok := own.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(key.signer.Public()) {
			return nil, errors.New("the certificate is for another key")
		}
		return own, nil
	}
	return nil, nil
}

// CertificateThumbprint is x5t#S256 of what a TLS connection shows (RFC 8705
// 3.1); empty for nothing.
func CertificateThumbprint(c *tls.Certificate) string {
	if c == nil || len(c.Certificate) == 0 {
		return ""
	}
	sum := sha256.Sum256(c.Certificate[0])
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
