package jose

import (
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"rely/internal/fault"
	"rely/internal/secret"
)

// ours makes a key of the client's for an algorithm, and the set that a
// provider sees of it.
func ours(t *testing.T, alg string) ([]Private, Set) {
	t.Helper()
	if (Encryption{Alg: alg}).kty() == "oct" {
		return nil, Set{}
	}
	key := must(Generate(alg))
	return []Private{key}, must(ParseSet(must(PublicSet([]Private{key}))))
}

func TestEveryEncryptionThereAndBack(t *testing.T) {
	t.Parallel()
	for _, alg := range KeyAlgorithms() {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			keys, set := ours(t, alg)
			other, _ := ours(t, alg)
			for _, enc := range append(ContentAlgorithms(), "") {
				e := Encryption{alg, enc}
				token, err := e.Encrypt([]byte("inner.token."), "JWT", set, secret.New(clientSecret))
				if err != nil {
					t.Fatal(err)
				}
				sealed := must(ParseEncrypted(token))
				if sealed.Alg != alg || sealed.Enc != e.enc() || sealed.Cty != "JWT" || len(keys) > 0 && sealed.Kid != keys[0].Kid() {
					t.Errorf("got the header %+v, enc %s", sealed.Header, sealed.Enc)
				}
				if got, err := sealed.Decrypt(e, keys, secret.New(clientSecret)); err != nil || string(got) != "inner.token." {
					t.Errorf("%s: got %q, %v", e, got, err)
				}
				if got, err := sealed.Decrypt(e, other, secret.New("another")); id(err) != IDDecryption {
					t.Errorf("%s with another key: got %q, %v, want %s", e, got, err, IDDecryption)
				}
				if got, err := sealed.Decrypt(e, nil, secret.String{}); id(err) != "key.decryption" {
					t.Errorf("%s without a key: got %q, %v, want key.decryption", e, got, err)
				}
			}
		})
	}
}

func id(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.ID
	}
	return ""
}

// The secret's keys are those of OIDC Core 10.2: the left of SHA-256, and for
// more than 256 bits of SHA-512. The values are of "openssl dgst".
func TestKeysOfTheSecret(t *testing.T) {
	t.Parallel()
	const sum256 = "\x2b\xb8\x0d\x53\x7b\x1d\xa3\xe3\x8b\xd3\x03\x61\xaa\x85\x56\x86\xbd\xe0\xea\xcd\x71\x62\xfe\xf6\xa2\x5f\xe9\x7b\xf5\x27\xa2\x5b" // SHA-256 of "secret"
	for e, size := range map[Encryption]int{{"A128KW", ""}: 16, {"A192KW", ""}: 24, {"A256KW", ""}: 32, {"dir", "A128GCM"}: 16, {"dir", "A256GCM"}: 32, {"dir", ""}: 32} {
		if got := string(e.shared(secret.New("secret"))); got != sum256[:size] {
			t.Errorf("%s: got %x, want %x", e, got, sum256[:size])
		}
	}
	if got := string(Encryption{"dir", "A256CBC-HS512"}.shared(secret.New("secret"))); len(got) != 64 || !strings.HasPrefix(got, "\xbd\x2b\x1a\xaf\x7e\xf4\xf0\x9b") {
		t.Errorf("got %x, want SHA-512 of the secret", got)
	}
}

func TestDecryptRefusesTokens(t *testing.T) {
	t.Parallel()
	want := Encryption{"ECDH-ES+A256KW", "A256GCM"}
	keys, set := ours(t, want.Alg)
	rsaKeys, rsaSet := ours(t, "RSA-OAEP")
	public := must(rsaKeys[0].key.PublicKey())
	good := must(want.Encrypt([]byte("x"), "JWT", set, secret.String{}))
	parts := strings.Split(good, ".")
	header := func(change members) string {
		var h members
		if err := json.Unmarshal(must(decode(parts[0])), &h); err != nil {
			t.Fatal(err)
		}
		maps.Copy(h, change)
		return b64(must(json.Marshal(h))) + good[len(parts[0]):]
	}
	part := func(n int, text string) string {
		p := append([]string{}, parts...)
		p[n] = text
		return strings.Join(p, ".")
	}
	bomb := must(jwe.Encrypt([]byte(strings.Repeat("0", 1<<20)), jwe.WithKey(jwa.RSA_OAEP, public), jwe.WithContentEncryption(jwa.A256GCM), jwe.WithCompress(jwa.Deflate)))
	rsa15 := must(jwe.Encrypt([]byte("x"), jwe.WithKey(jwa.RSA1_5, public), jwe.WithContentEncryption(jwa.A256GCM)))
	coordinate := b64(make([]byte, (elliptic.P256().Params().BitSize+7)/8))
	for what, c := range map[string]struct {
		token, id string
		want      Encryption
	}{
		"another alg":              {must(Encryption{"RSA-OAEP", "A256GCM"}.Encrypt([]byte("x"), "", rsaSet, secret.String{})), IDEncryption, want},
		"another enc":              {must(Encryption{want.Alg, "A128GCM"}.Encrypt([]byte("x"), "", set, secret.String{})), IDEncryption, want},
		"RSA1_5":                   {string(rsa15), IDEncryption, want},
		"RSA1_5, registered":       {string(rsa15), IDEncryption, Encryption{"RSA1_5", "A256GCM"}},
		"a zip bomb":               {string(bomb), IDCompressed, Encryption{"RSA-OAEP", "A256GCM"}},
		"zip of nothing":           {header(members{"zip": "DEF"}), IDCompressed, want},
		"zip that is a number":     {header(members{"zip": 1}), IDCompressed, want},
		"PBES2":                    {header(members{"alg": "PBES2-HS256+A128KW", "p2c": 1 << 31, "p2s": "AAAA"}), IDEncryption, want},
		"crit":                     {header(members{"crit": []string{"exp"}}), IDCritical, want},
		"alg none":                 {header(members{"alg": "none"}), IDEncryption, want},
		"dir with an empty key":    {part(0, b64([]byte(`{"alg":"dir","enc":"A256GCM"}`))), IDEncryption, want},
		"a changed header":         {header(members{"kid": "x"}), IDDecryption, want},
		"a point at the origin":    {header(members{"epk": members{"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate}}), IDDecryption, want},
		"a point on another curve": {header(members{"epk": members{"kty": "EC", "crv": "P-384", "x": coordinate, "y": coordinate}}), IDDecryption, want},
		"no ephemeral key":         {header(members{"epk": nil}), IDDecryption, want},
		"no encrypted key":         {part(1, ""), IDDecryption, want},
		"no nonce":                 {part(2, ""), IDDecryption, want},
		"a short tag":              {part(4, "AAAA"), IDDecryption, want},
		"no ciphertext":            {part(3, ""), IDDecryption, want},
		"three parts":              {"a.b.c", IDPlain, want},
		"six parts":                {good + ".AA", IDForm, want},
		"padding":                  {part(3, parts[3]+"="), IDForm, want},
		"JSON":                     {"{}", IDForm, want},
		"a repeated alg":           {part(0, b64([]byte(`{"alg":"dir","alg":"dir","enc":"A256GCM"}`))), IDForm, want},
		"two megabytes":            {part(3, strings.Repeat("A", 2<<20)), IDForm, want},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var got []byte
			sealed, err := ParseEncrypted(c.token)
			if err == nil {
				got, err = sealed.Decrypt(c.want, append(keys, rsaKeys...), secret.New(clientSecret))
			}
			if id(err) != c.id {
				t.Errorf("got %q, %v, want %s", got, err, c.id)
			}
		})
	}
}

// What is for signing is not decrypted with, and a private key is not
// encrypted to.
func TestKeysForTheOtherEnd(t *testing.T) {
	t.Parallel()
	e := Encryption{"ECDH-ES", "A256GCM"}
	keys, set := ours(t, "ECDH-ES")
	signing := must(Generate("ES256"))
	token := must(ParseEncrypted(must(e.Encrypt([]byte("x"), "", set, secret.String{}))))
	if _, err := token.Decrypt(e, []Private{signing}, secret.String{}); id(err) != "key.decryption" {
		t.Errorf("with a signing key: got %v", err)
	}
	for what, text := range map[string]string{
		"a signing key": string(must(PublicSet([]Private{signing}))),
		"a private key": must(PrivateSet(keys)).Reveal(),
		"no key":        `{"keys":[]}`,
		"another type":  `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`,
		"a signature's": `{"keys":[` + strings.Replace(string(must(json.Marshal(must(keys[0].key.PublicKey())))), `"use":"enc"`, `"key_ops":["verify"]`, 1) + `]}`,
	} {
		if got, err := e.Encrypt([]byte("x"), "", must(ParseSet([]byte(text))), secret.String{}); id(err) != IDRecipient {
			t.Errorf("to %s: got %q, %v, want %s", what, got, err, IDRecipient)
		}
	}
	both := must(PrivateSet(append(keys, signing)))
	if got := must(ParseDecryption("x", both)); len(got) != 1 || got[0].Kid() != keys[0].Kid() {
		t.Errorf("got %d keys that decrypt, want the one", len(got))
	}
	if got := must(ParsePrivate("x", both)); len(got) != 1 || got[0].Kid() != signing.Kid() {
		t.Errorf("got %d keys that sign, want the one", len(got))
	}
}

func FuzzParseEncrypted(f *testing.F) {
	e := Encryption{"dir", "A256GCM"}
	f.Add(must(e.Encrypt([]byte("x"), "JWT", Set{}, secret.New(clientSecret))))
	f.Add("....")
	f.Fuzz(func(t *testing.T, token string) {
		sealed, err := ParseEncrypted(token)
		if err != nil {
			return
		}
		if got, err := sealed.Decrypt(e, nil, secret.New(clientSecret)); err == nil && string(got) != "x" {
			t.Fatalf("opened %q as %q", token, got)
		}
	})
}
