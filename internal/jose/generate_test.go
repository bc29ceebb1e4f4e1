package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/secret"
)

// A key made here signs what the public half, read by the other code of this
// package, verifies.
func TestGeneratedKeysSign(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "ES384", "EdDSA", "RS256", "PS384"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			p, err := Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			public, err := PublicSet([]Private{p})
			if err != nil {
				t.Fatal(err)
			}
			set, err := ParseSet(public)
			if err != nil {
				t.Fatal(err)
			}
			private, err := PrivateSet([]Private{p})
			if err != nil {
				t.Fatal(err)
			}
			keys, err := jwk.ParseString(private.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			key, _ := keys.Key(0)
			headers := jws.NewHeaders()
			_ = headers.Set("kid", p.Kid())
			token, err := jws.Sign([]byte(`{}`), jws.WithKey(jwa.SignatureAlgorithm(alg), key, jws.WithProtectedHeaders(headers)))
			if err != nil {
				t.Fatal(err)
			}
			signed, err := Parse(string(token))
			if err != nil {
				t.Fatal(err)
			}
			got, err := signed.Verify(set, []string{alg}, secret.String{})
			if err != nil || got.Kid != p.Kid() || got.Use != "sig" || got.Alg != alg {
				t.Errorf("got %+v, %v, want the key %s", got, err, p.Kid())
			}
		})
	}
}

func TestGeneratedKeysShowNoPrivatePart(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "RS256", "EdDSA", "ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256"} {
		p, err := Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		public, err := PublicSet([]Private{p})
		if err != nil {
			t.Fatal(err)
		}
		var set struct{ Keys []map[string]any }
		if err := json.Unmarshal(public, &set); err != nil || len(set.Keys) != 1 {
			t.Fatalf("%s: got %s, %v", alg, public, err)
		}
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, there := set.Keys[0][name]; there {
				t.Errorf("%s: the public half has the member %q", alg, name)
			}
		}
		if use := map[bool]string{true: "enc", false: "sig"}[strings.Contains(alg, "-ES") || strings.Contains(alg, "OAEP")]; set.Keys[0]["use"] != use {
			t.Errorf("%s: got the use %v, want %s", alg, set.Keys[0]["use"], use)
		}
		parsed, err := jwk.Parse(public)
		if err != nil {
			t.Fatal(err)
		}
		key, _ := parsed.Key(0)
		sum, err := key.Thumbprint(crypto.SHA256)
		if want := base64.RawURLEncoding.EncodeToString(sum); err != nil || p.Kid() != want {
			t.Errorf("%s: got the kid %s, want the thumbprint %s", alg, p.Kid(), want)
		}
	}
	if _, err := Generate("none"); err == nil {
		t.Error("got a key for none")
	}
	if _, err := Generate("HS256"); err == nil {
		t.Error("got a key pair for HS256")
	}
}

// A key from a PEM file has no name of its own: it gets the registered one.
func TestNamed(t *testing.T) {
	t.Parallel()
	block := func() (secret.String, json.RawMessage) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		public, err := jwk.FromRaw(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		_ = public.Set("kid", "registered")
		set := jwk.NewSet()
		_ = set.AddKey(public)
		js, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), js
	}
	own, registered := block()
	_, other := block()
	for what, c := range map[string]struct {
		set  json.RawMessage
		want string
	}{
		"the registered key": {registered, "registered"},
		"another key":        {other, ""},
		"no keys":            {json.RawMessage(`{"keys":[]}`), ""},
		"nonsense":           {json.RawMessage(`[1]`), ""},
	} {
		keys, err := ParsePrivate("x", Named(own, c.set))
		if err != nil || len(keys) != 1 || keys[0].Kid() != c.want {
			t.Errorf("%s: got %v, %v, want one with the kid %q", what, keys, err, c.want)
		}
	}
	if got := Named(secret.New("no key"), registered); got.Reveal() != "no key" {
		t.Error("what is no key was changed")
	}
}

func TestCertify(t *testing.T) {
	t.Parallel()
	p, err := Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := p.Certify("rely", now, 10); err != nil {
		t.Fatal(err)
	}
	public, err := PublicSet([]Private{p})
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []struct{ X5c []string }
	}
	if err := json.Unmarshal(public, &set); err != nil || len(set.Keys) != 1 || len(set.Keys[0].X5c) != 1 {
		t.Fatalf("got %s, %v, want one certificate", public, err)
	}
	der, err := base64.StdEncoding.DecodeString(set.Keys[0].X5c[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil || !c.NotBefore.Before(now) || !c.NotAfter.After(now.AddDate(9, 0, 0)) || c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != nil {
		t.Errorf("got %v, %v, want one signed with its own key, good for ten years", c, err)
	}
}
