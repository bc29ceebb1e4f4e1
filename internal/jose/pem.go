package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"rely/internal/fault"
)

// errEncrypted tells a key behind a passphrase from other trouble.
const errEncrypted fault.Cause = "the key is encrypted with a passphrase, which cannot be asked for here"

// privatePEM takes the first private key of a PEM file. Certificates,
// parameters and public keys may stand beside it.
func privatePEM(data []byte) ([]Private, error) {
	reason := errors.New("it is neither JSON nor PEM")
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, reason
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return nil, errEncrypted
		case block.Type == "OPENSSH PRIVATE KEY":
			return nil, errors.New("it has OpenSSH's own form, which \"ssh-keygen -p -m PKCS8 -f FILE\" turns into PEM")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			signer, err := privateDER(block)
			if err != nil {
				return nil, err
			}
			key, err := private(signer, "", "")
			return []Private{key}, err
		case strings.HasSuffix(block.Type, "PUBLIC KEY"):
			reason = errPublic
		case block.Type == "CERTIFICATE":
			reason = errors.New("it holds a certificate and no private key")
		}
		data = rest
	}
}

func privateDER(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, errors.New("the PEM block is of a kind that is not known here")
	}
	if err != nil {
		return nil, errors.New("the PEM block does not hold the key that it names")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("the key is for key agreement and cannot sign")
}
