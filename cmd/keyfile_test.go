package cmd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

// keyFile makes a key pair on P-256 in the forms that people have them in:
// NAME.pem (PKCS#8), NAME.sec1, NAME.jwk, NAME.jwks, and the public half as
// NAME.pub.pem and NAME.pub.jwks: keyfile NAME
func keyFile(ts *testscript.TestScript, _ bool, args []string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	d, err := k.Bytes()
	ts.Check(err)
	point, err := k.PublicKey.Bytes()
	ts.Check(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	ts.Check(err)
	sec1, err := x509.MarshalECPrivateKey(k)
	ts.Check(err)
	public, err := x509.MarshalPKIXPublicKey(k.Public())
	ts.Check(err)
	part := base64.RawURLEncoding.EncodeToString
	members := fmt.Sprintf(`"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q`, args[0], part(point[1:33]), part(point[33:]))
	private := fmt.Sprintf(`{%s,"d":%q}`, members, part(d))
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for suffix, text := range map[string]string{
		".pem": block("PRIVATE KEY", pkcs8), ".sec1": block("EC PRIVATE KEY", sec1), ".jwk": private, ".jwks": `{"keys":[` + private + `]}`,
		".pub.pem": block("PUBLIC KEY", public), ".pub.jwks": `{"keys":[{` + members + `}]}`,
	} {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+suffix), []byte(text), 0o600))
	}
}

// clientID sets $CLIENT_ID to that of a profile: clientid PROFILE
func clientID(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(`(?m)^client_id: (.+)$`).FindStringSubmatch(ts.ReadFile("home/profiles/" + args[0] + ".yaml"))
	if m == nil {
		ts.Fatalf("the profile %s has no client_id", args[0])
	}
	ts.Setenv("CLIENT_ID", m[1])
}
