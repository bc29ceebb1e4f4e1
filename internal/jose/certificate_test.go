package jose

import (
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// A certificate goes into a key, the key into the store, and out of that comes
// what a TLS connection shows. Anything else is refused without being quoted.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	plain, own, other := must(Generate("ES256")), must(Generate("ES256")), must(Generate("ES256"))
	for _, k := range []Private{own, other} {
		if err := k.Certify("rely", time.Now(), 1); err != nil {
			t.Fatal(err)
		}
	}
	set := must(PrivateSet([]Private{plain, own})).Reveal()
	x5c := func(of Private) string {
		_, after, _ := strings.Cut(must(PrivateSet([]Private{of})).Reveal(), `"x5c":["`)
		one, _, _ := strings.Cut(after, `"`)
		return one
	}
	got, err := ClientCertificate("the store", secret.New(set))
	if err != nil || got == nil || got.Leaf.Subject.CommonName != "rely" || len(CertificateThumbprint(got)) != 43 {
		t.Fatalf("got %v, %v, want the certificate of the second key", got, err)
	}
	if public, err := PublicSet([]Private{own}); err != nil || !strings.Contains(string(public), x5c(own)) || strings.Contains(string(public), `"d"`) {
		t.Errorf("got %s, %v, want the public half with its certificate", public, err)
	}
	if got, err := ClientCertificate("the store", must(PrivateSet([]Private{plain}))); got != nil || err != nil {
		t.Errorf("no certificate: got %v, %v, want none", got, err)
	}
	if got, err := ClientCertificate("the store", secret.String{}); got != nil || err != nil {
		t.Errorf("no keys: got %v, %v, want none", got, err)
	}
	for what, text := range map[string]string{
		"another key's certificate": strings.Replace(set, x5c(own), x5c(other), 1),
		"no base64":                 strings.Replace(set, x5c(own), "%%%", 1),
		"no certificate":            strings.Replace(set, x5c(own), "AAAA", 1),
		"no list":                   strings.Replace(set, `["`+x5c(own)+`"]`, `"x"`, 1),
		"no JWKS":                   "-----BEGIN",
		"the public half":           string(must(PublicSet([]Private{own}))),
	} {
		got, err := ClientCertificate("the store", secret.New(text))
		if got != nil || !fault.Is(err, fault.Config) || strings.Contains(err.Error(), x5c(own)[:20]) {
			t.Errorf("%s: got %v, %v, want a fault of the configuration", what, got, err)
		}
	}
}
