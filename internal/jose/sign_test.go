package jose

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"rely/internal/fault"
	"rely/internal/secret"
)

// What is signed here is verified by this package's other half and by a
// library that shares no code with it.
func TestSign(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			made, err := Generate(alg)
			if err != nil {
				t.Fatal(err)
			}
			text, err := PrivateSet([]Private{made})
			if err != nil {
				t.Fatal(err)
			}
			read, err := ParsePrivate("the store", text)
			if err != nil || len(read) != 1 || read[0].Kid() != made.Kid() {
				t.Fatalf("got %v, %v, want the key %s", read, err, made.Kid())
			}
			if got := read[0].SigningAlgorithms(); len(got) != 1 || got[0] != alg {
				t.Errorf("got the algorithms %v, want the key's own %s", got, alg)
			}
			token, err := Sign(read[0], map[string]any{"alg": alg, "typ": "JWT"}, map[string]any{"iss": "c", "n": 1})
			if err != nil {
				t.Fatal(err)
			}
			signed, err := Parse(token.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			public, _ := PublicSet([]Private{made})
			set, _ := ParseSet(public)
			if info, err := signed.Verify(set, []string{alg}, secret.String{}); err != nil || info.Kid != made.Kid() || signed.Header.Typ != "JWT" {
				t.Errorf("got %+v, %v, want our own half to verify it", info, err)
			}
			other := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{made.signer.Public()}}
			payload, err := other.VerifySignature(context.Background(), token.Reveal())
			if err != nil || string(payload) != `{"iss":"c","n":1}` {
				t.Errorf("got %s, %v, want another library to verify it", payload, err)
			}
		})
	}
}

func TestSignWithTheSecret(t *testing.T) {
	t.Parallel()
	key := SecretKey(secret.New("a-secret-of-thirty-two-characters"))
	for _, alg := range []string{"HS256", "HS384", "HS512"} {
		token, err := Sign(key, map[string]any{"alg": alg}, map[string]any{"iss": "c"})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := Parse(token.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signed.Verify(Set{}, []string{alg}, key.shared); err != nil {
			t.Error(err)
		}
		if alg != "HS256" {
			continue
		}
		input, signature, _ := cutLast(token.Reveal())
		mac := hmac.New(sha256.New, []byte("a-secret-of-thirty-two-characters"))
		mac.Write([]byte(input))
		if want := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); signature != want {
			t.Errorf("got the signature %s, want %s", signature, want)
		}
	}
	if got := SecretKey(secret.String{}).SigningAlgorithms(); got != nil {
		t.Errorf("got %v for no secret, want nothing", got)
	}
}

func cutLast(token string) (string, string, bool) {
	at := strings.LastIndexByte(token, '.')
	return token[:at], token[at+1:], at > 0
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	ec, err := Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]any{"alg": "ES256"}
	for what, c := range map[string]struct {
		key            Private
		header, claims map[string]any
	}{
		"another kind of algorithm": {ec, map[string]any{"alg": "RS256"}, nil},
		"another curve":             {ec, map[string]any{"alg": "ES384"}, nil},
		"a shared secret's":         {ec, map[string]any{"alg": "HS256"}, nil},
		"none":                      {ec, map[string]any{"alg": "none"}, nil},
		"no algorithm":              {ec, nil, nil},
		"no key":                    {Private{}, good, nil},
		"no secret":                 {SecretKey(secret.New("")), map[string]any{"alg": "HS256"}, nil},
		"a quote in a name":         {ec, good, map[string]any{`sub":"mallory","x`: 1}},
		"a backslash in a name":     {ec, good, map[string]any{`a\`: 1}},
		"a line break in a name":    {ec, good, map[string]any{"a\nb": 1}},
		"a C1 control in a name":    {ec, good, map[string]any{"a\u0085b": 1}},
		"a name without characters": {ec, good, map[string]any{"": 1}},
		"a quote in the header":     {ec, map[string]any{"alg": "ES256", `a"b`: 1}, nil},
		"a member twice inside":     {ec, good, map[string]any{"cnf": json.RawMessage(`{"a":1,"a":2}`)}},
	} {
		if token, err := Sign(c.key, c.header, c.claims); err == nil || !token.Empty() {
			t.Errorf("%s: got a token and %v, want a refusal", what, err)
		}
	}
}

func block(kind string, der []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return block("PRIVATE KEY", der, err)
}

func TestParsePrivate(t *testing.T) {
	t.Parallel()
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	ec, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	sec1, err := x509.MarshalECPrivateKey(ec)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	set := []Private{}
	for _, alg := range []string{"ECDH-ES", "PS256", "ES256"} {
		k, err := Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, k)
	}
	private, _ := PrivateSet(set)
	der, pubErr := x509.MarshalPKIXPublicKey(ec.Public())
	for what, c := range map[string]struct{ text, want string }{
		"PKCS#1":                     {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), "[RSA with 2048 bits]"},
		"PKCS#8 RSA":                 {pkcs8(rsaKey), "[RSA with 2048 bits]"},
		"PKCS#8 EC":                  {pkcs8(ec), "[EC on P-521]"},
		"PKCS#8 Ed25519":             {pkcs8(ed), "[Ed25519]"},
		"SEC1":                       {block("EC PRIVATE KEY", sec1, err), "[EC on P-521]"},
		"SEC1 behind its parameters": {"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIw==\n-----END EC PARAMETERS-----\n" + block("EC PRIVATE KEY", sec1, err), "[EC on P-521]"},
		"the public half beside it":  {block("PUBLIC KEY", der, pubErr) + pkcs8(ec), "[EC on P-521]"},
		"a JWKS: those that sign":    {private.Reveal(), "[RSA with 2048 bits EC on P-256]"},
		"text before the PEM":        {"Bag Attributes\n  x: y\n" + pkcs8(ed), "[Ed25519]"},
	} {
		got, err := ParsePrivate("f", secret.New(c.text))
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, %v, want %s", what, got, err, c.want)
		}
		for _, k := range got {
			alg := k.SigningAlgorithms()[0]
			if _, err := Sign(k, map[string]any{"alg": alg}, nil); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

func TestParsePrivateRefuses(t *testing.T) {
	t.Parallel()
	ec, _ := Generate("ES256")
	other, _ := Generate("ES256")
	rs, _ := Generate("RS256")
	public, _ := PublicSet([]Private{ec})
	whole, _ := PrivateSet([]Private{ec})
	rsText, _ := PrivateSet([]Private{rs})
	foreign, _ := PrivateSet([]Private{other})
	swapped := change(t, whole.Reveal(), "d", first(t, foreign.Reveal())["d"])
	der, err := x509.MarshalPKIXPublicKey(ec.signer.Public())
	pub := block("PUBLIC KEY", der, err)
	x, err2 := x509.MarshalPKCS8PrivateKey(ec.signer)
	for what, c := range map[string]struct{ text, id, words string }{
		"nothing":                        {" \n", "key.private", "empty"},
		"no key at all":                  {"hunter2", "key.private", "neither JSON nor PEM"},
		"a public JWKS":                  {string(public), "key.public", "public key"},
		"a public key in PEM":            {pub, "key.public", "public key"},
		"a public key of PKCS#1":         {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rs.signer.Public().(*rsa.PublicKey)), nil), "key.public", "public key"},
		"a certificate":                  {block("CERTIFICATE", []byte{1}, nil), "key.private", "certificate"},
		"PKCS#8 with a passphrase":       {block("ENCRYPTED PRIVATE KEY", x, err2), "key.encrypted", "passphrase"},
		"PKCS#1 with a passphrase":       {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "key.encrypted", "passphrase"},
		"OpenSSH's own form":             {block("OPENSSH PRIVATE KEY", []byte{1}, nil), "key.private", "ssh-keygen"},
		"rubbish in PEM":                 {block("PRIVATE KEY", []byte("rubbish"), nil), "key.private", "does not hold"},
		"half of JSON":                   {`{"kty":`, "key.private", "not well-formed"},
		"an empty set":                   {`{"keys":[]}`, "key.private", "no key"},
		"a symmetric key":                {`{"kty":"oct","k":"aHVudGVyMg"}`, "key.private", "symmetric"},
		"an unknown kty":                 {`{"kty":"AKP","d":"x"}`, "key.private", "AKP"},
		"a member twice":                 {`{"kty":"EC","kty":"RSA"}`, "key.private", "not well-formed"},
		"an encryption key":              {change(t, whole.Reveal(), "use", "enc"), "key.private", "not sig"},
		"an unknown curve":               {change(t, whole.Reveal(), "crv", "secp256k1"), "key.private", "secp256k1"},
		"halves of two keys":             {swapped, "key.private", "belong together"},
		"RSA without its primes":         {change(t, rsText.Reveal(), "p", ""), "key.private", "no p"},
		"RSA with another exponent":      {change(t, rsText.Reveal(), "d", "AQAB"), "key.private", "belong together"},
		"1,024 bits of RSA":              {short(t), "key.private", "fewer than 2048"},
		"Ed25519 with another's private": {`{"kty":"OKP","crv":"Ed25519","x":"AAAA","d":"` + strings.Repeat("A", 43) + `"}`, "key.private", "belong together"},
	} {
		_, err := ParsePrivate("FILE", secret.New(c.text))
		var f *fault.Error
		if !fault.Is(err, fault.Config) {
			t.Errorf("%s: got %v, want a fault of the configuration", what, err)
			continue
		}
		f = err.(*fault.Error)
		if f.ID != c.id || !strings.Contains(err.Error(), c.words) || f.Hint == "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %s %v, want %s with %q", what, f.ID, err, c.id, c.words)
		}
	}
}

func short(t *testing.T) string {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8(k)
}

func first(t *testing.T, set string) map[string]any {
	t.Helper()
	var all struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(set), &all); err != nil {
		t.Fatal(err)
	}
	return all.Keys[0]
}

// change is the first key of a set with another member.
func change(t *testing.T, set, name string, value any) string {
	t.Helper()
	key := first(t, set)
	key[name] = value
	js, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(js)
}
