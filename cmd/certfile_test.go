package cmd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// certFile makes a certificate for a TLS client: NAME.crt, NAME.key, and
// NAME.jwks with its x5c, as a client registers it. It vouches for itself, or
// an authority does: certfile NAME [AUTHORITY]
func certFile(ts *testscript.TestScript, _ bool, args []string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: args[0], Organization: []string{"Test"}}, DNSNames: []string{args[0] + ".example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	parent, by := template, k
	if len(args) > 1 {
		parent = &x509.Certificate{Subject: pkix.Name{CommonName: args[1]}}
		by, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, k.Public(), by)
	ts.Check(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	ts.Check(err)
	point, err := k.PublicKey.Bytes()
	ts.Check(err)
	b64 := base64.RawURLEncoding.EncodeToString
	for name, text := range map[string]string{
		".crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		".key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
		".jwks": fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","x":"%s","y":"%s","x5c":["%s"]}]}`, b64(point[1:33]), b64(point[33:]),
			base64.StdEncoding.EncodeToString(der)),
	} {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+name), []byte(text), 0o600))
	}
}
