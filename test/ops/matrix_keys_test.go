package ops

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
)

// sealedKid is the key ID of the key that encrypted things come with. It is an
// RSA one: glewlwyd loses a leading zero byte of its ECDH-ES keys, about one time
// in a hundred.
const sealedKid = "sealed"

var sealedKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// publicKeys is the JWKS of the matrix's clients: the key of the certificate that
// they signed themselves, which signs as well, and one for encryption.
func publicKeys(h *home, certs string) []byte {
	h.t.Helper()
	var set struct {
		Keys []any `json:"keys"`
	}
	if err := json.Unmarshal(certified(h.t, filepath.Join(certs, "selfsigned.crt")), &set); err != nil {
		h.t.Fatal(err)
	}
	key, err := sealedKey()
	if err != nil {
		h.t.Fatal(err)
	}
	set.Keys = append(set.Keys, map[string]string{"kty": "RSA", "kid": sealedKid, "use": "enc", "n": part(key.N.Bytes()), "e": part(big.NewInt(int64(key.E)).Bytes())})
	data, err := json.Marshal(set)
	if err != nil {
		h.t.Fatal(err)
	}
	return data
}

// ownKeys is a file with the private halves. They have the key IDs that the
// public ones have: some providers find a key by that alone.
func ownKeys(h *home, certs string) string {
	h.t.Helper()
	data, err := os.ReadFile(filepath.Join(certs, "selfsigned.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		h.t.Fatal(err)
	}
	own := parsed.(*ecdsa.PrivateKey)
	point, err := own.PublicKey.Bytes()
	if err != nil {
		h.t.Fatal(err)
	}
	d, err := own.Bytes()
	if err != nil {
		h.t.Fatal(err)
	}
	key, err := sealedKey()
	if err != nil {
		h.t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{
		map[string]string{"kty": "EC", "crv": "P-256", "kid": certifiedKid, "x": part(point[1:33]), "y": part(point[33:]), "d": h.secret(part(d))},
		map[string]string{"kty": "RSA", "kid": sealedKid, "use": "enc", "n": part(key.N.Bytes()), "e": part(big.NewInt(int64(key.E)).Bytes()), "d": h.secret(part(key.D.Bytes())),
			"p": part(key.Primes[0].Bytes()), "q": part(key.Primes[1].Bytes()), "dp": part(key.Precomputed.Dp.Bytes()), "dq": part(key.Precomputed.Dq.Bytes()), "qi": part(key.Precomputed.Qinv.Bytes())},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.file("keys.jwks", string(set))
}

// part is how a JWK has its numbers.
func part(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
