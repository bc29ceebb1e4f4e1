package jose

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
)

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{7}, KeySize)
	for _, text := range []string{"x", strings.Repeat("session ", 10_000)} {
		sealed, err := Encrypt(key, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decrypt(key, sealed)
		if err != nil || string(got) != text {
			t.Errorf("got %d bytes, %v, want %d bytes", len(got), err, len(text))
		}
		again := must(Encrypt(key, []byte(text)))
		if bytes.Equal(sealed, again) {
			t.Error("two sealings are equal, want fresh nonces")
		}
	}
}

func TestDecryptRefuses(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{7}, KeySize)
	good := must(Encrypt(key, []byte("session")))
	parts := strings.Split(string(good), ".")
	with := func(i int, part string) []byte {
		p := append([]string{}, parts...)
		p[i] = part
		return []byte(strings.Join(p, "."))
	}
	header := func(h string) []byte { return with(0, b64([]byte(h))) }
	zipped := must(jwe.Encrypt([]byte(strings.Repeat("0", 1<<20)), jwe.WithKey(jwa.DIRECT, key), jwe.WithCompress(jwa.Deflate)))
	wrapped := must(jwe.Encrypt([]byte("x"), jwe.WithKey(jwa.A256KW, key)))
	pbes2 := header(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":2147483648,"p2s":"AAAA"}`)
	cases := map[string]struct {
		key, sealed []byte
		want        string
	}{
		"another key":           {bytes.Repeat([]byte{8}, KeySize), good, "the key does not open it"},
		"a short key":           {key[:16], good, "the key has 16 bytes, not 32"},
		"nothing":               {key, nil, "not a compact JWE"},
		"cut off":               {key, good[:len(good)-8], "the key does not open it"},
		"too long":              {key, make([]byte, maxSealed+1), "more than"},
		"zip":                   {key, zipped, "dir and A256GCM alone"},
		"a wrapped key":         {key, wrapped, "dir and A256GCM alone"},
		"PBES2":                 {key, pbes2, "dir and A256GCM alone"},
		"another enc":           {key, header(`{"alg":"dir","enc":"A128CBC-HS256"}`), "dir and A256GCM alone"},
		"crit":                  {key, header(`{"alg":"dir","enc":"A256GCM","crit":["x"]}`), "dir and A256GCM alone"},
		"a repeated alg":        {key, header(`{"alg":"PBES2","alg":"dir","enc":"A256GCM"}`), "repeated"},
		"a header reordered":    {key, header(`{"enc":"A256GCM","alg":"dir"} `), "the key does not open it"},
		"an encrypted key":      {key, with(1, "AAAA"), "dir and A256GCM alone"},
		"no nonce":              {key, with(2, ""), "the key does not open it"},
		"a nonce of one byte":   {key, with(2, "AA"), "the key does not open it"},
		"no tag":                {key, with(4, ""), "the key does not open it"},
		"a tag of four bytes":   {key, with(4, parts[4][:6]), "the key does not open it"},
		"no base64 in the text": {key, with(3, "!"), "the key does not open it"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := Decrypt(c.key, c.sealed); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	if _, err := Encrypt(key[:31], []byte("x")); err == nil {
		t.Error("encrypted with 31 bytes of key")
	}
	if _, err := Encrypt(key, nil); err == nil {
		t.Error("encrypted nothing")
	}
}

func FuzzDecrypt(f *testing.F) {
	key := bytes.Repeat([]byte{7}, KeySize)
	good := must(Encrypt(key, []byte("session")))
	f.Add(good)
	f.Add([]byte("...."))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if got, err := Decrypt(key, sealed); err == nil && string(got) != "session" {
			t.Fatalf("opened %q as %q", sealed, got)
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	key := bytes.Repeat([]byte{7}, KeySize)
	sealed := must(Encrypt(key, bytes.Repeat([]byte("x"), 4000)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decrypt(key, sealed); err != nil {
			b.Fatal(err)
		}
	}
}
