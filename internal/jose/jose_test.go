package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/fault"
	"rely/internal/secret"
)

const clientSecret = "a client secret of decent length"

// The keys are made once: RSA takes its time.
var (
	rsaTest = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	ed      = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func keyFor(alg string) any {
	switch {
	case strings.HasPrefix(alg, "HS"):
		return []byte(clientSecret)
	case alg == "ES256":
		return p256()
	case alg == "ES384":
		return p384()
	case alg == "ES512":
		return p521()
	case alg == "EdDSA":
		return ed()
	}
	return rsaTest()
}

type members = map[string]any

// public is the JWK of a private key, changed by with; nil deletes a member.
func public(key any, with members) members {
	pub := must(jwk.PublicRawKeyOf(key))
	var m members
	if err := json.Unmarshal(must(json.Marshal(must(jwk.FromRaw(pub)))), &m); err != nil {
		panic(err)
	}
	for name, v := range with {
		if v == nil {
			delete(m, name)
		} else {
			m[name] = v
		}
	}
	return m
}

func set(t testing.TB, keys ...members) Set {
	t.Helper()
	if keys == nil {
		keys = []members{}
	}
	s, err := ParseSet(must(json.Marshal(members{"keys": keys})))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// sign makes a token with any header at all.
func sign(alg string, key any, header members, payload string) string {
	h := members{"alg": alg}
	maps.Copy(h, header)
	input := b64(must(json.Marshal(h))) + "." + b64([]byte(payload))
	return input + "." + b64(must(must(jws.NewSigner(jwa.SignatureAlgorithm(alg))).Sign([]byte(input), key)))
}

func verify(token string, keys Set, algs ...string) (KeyInfo, error) {
	s, err := Parse(token)
	if err != nil {
		return KeyInfo{}, err
	}
	return s.Verify(keys, algs, secret.New(clientSecret))
}

func wantFault(t *testing.T, err error, id, words string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Protocol || f.ID != id || !strings.Contains(f.Error(), words) || f.Spec == "" {
		t.Errorf("got %v (%+v), want %s with %q and a section", err, f, id, words)
	}
}

func TestEveryAlgorithmVerifies(t *testing.T) {
	t.Parallel()
	for _, alg := range Algorithms() {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			keys := Set{}
			if !strings.HasPrefix(alg, "HS") {
				keys = set(t, public(keyFor(alg), members{"kid": "k1", "use": "sig", "alg": alg}))
			}
			token := sign(alg, keyFor(alg), members{"kid": "k1"}, `{"sub":"alice"}`)
			s, err := Parse(token)
			if err != nil {
				t.Fatal(err)
			}
			info, err := s.Verify(keys, []string{"none", alg}, secret.New(clientSecret))
			if err != nil || info.Alg != alg || string(s.Payload) != `{"sub":"alice"}` {
				t.Errorf("got %v, %v and the payload %s", info, err, s.Payload)
			}
			for _, other := range Algorithms() {
				if other == alg {
					continue
				}
				_, err := s.Verify(keys, []string{other}, secret.New(clientSecret))
				wantFault(t, err, IDAlgorithm, "is not allowed here, only "+other)
			}
			everyBitCounts(t, token, keys, alg)
		})
	}
}

// everyBitCounts flips each bit of the token's text; where a signature is dear,
// one bit of each character.
func everyBitCounts(t *testing.T, token string, keys Set, alg string) {
	t.Helper()
	dear := alg != "HS256" && alg != "EdDSA" && alg != "ES256"
	for i := range len(token) {
		for bit := range 7 {
			if dear && bit != i%7 {
				continue
			}
			b := []byte(token)
			b[i] ^= 1 << bit
			if _, err := verify(string(b), keys, Algorithms()...); err == nil {
				t.Errorf("%s: bit %d of byte %d flipped, and it verifies", alg, bit, i)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	h, p, s := b64([]byte(`{"alg":"ES256"}`)), b64([]byte(`{}`)), b64([]byte("signature"))
	raw := func(header string) string { return b64([]byte(header)) + "." + p + "." + s }
	cases := map[string]struct{ token, id, words string }{
		"nothing":                   {"", IDForm, "is empty"},
		"one part":                  {h, IDForm, "1 parts, not three"},
		"two parts":                 {h + "." + p, IDForm, "2 parts"},
		"four parts":                {h + "." + p + "." + s + ".", IDForm, "4 parts"},
		"a million dots":            {strings.Repeat(".", 1_000_000), IDForm, "1000001 parts"},
		"two megabytes of dots":     {strings.Repeat(".", 2_000_000), IDForm, "more than 1048576"},
		"encrypted":                 {h + ".." + p + "." + s + "." + s, IDEncrypted, "encrypted, and nobody asked for that"},
		"the JSON serialization":    {`{"payload":"e30","signatures":[]}`, IDForm, "JSON serialization"},
		"padding":                   {h + "." + b64([]byte("{} ")) + "=." + s, IDForm, "the payload is not base64url"},
		"the standard alphabet":     {h + "." + p + ".ab+/", IDForm, "the signature is not base64url"},
		"a line break":              {h + "." + p + "." + s[:4] + "\n" + s[4:], IDForm, "line breaks"},
		"a line break at the end":   {h + "." + p + "." + s + "\r\n", IDForm, "line breaks"},
		"a space at the front":      {" " + h + "." + p + "." + s, IDForm, "the header is not base64url"},
		"bits left over":            {h + "." + p + ".AB", IDForm, "the signature is not base64url"},
		"an empty header":           {"." + p + "." + s, IDForm, "the header cannot be read: it is empty"},
		"a header that is an array": {raw("[]"), IDForm, "it is an array"},
		"a repeated header":         {raw(`{"alg":"none","alg":"ES256"}`), IDForm, `"alg" is repeated`},
		"a header not in UTF-8":     {raw("{\"alg\":\"\xff\"}"), IDForm, "UTF-8"},
		"an alg that is a list":     {raw(`{"alg":["ES256"]}`), IDForm, `"alg" is not a string`},
		"a kid that is a number":    {raw(`{"alg":"ES256","kid":1}`), IDForm, `"kid" is not a string`},
		"a typ that is null":        {raw(`{"alg":"ES256","typ":null}`), IDForm, `"typ" is not a string`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(c.token)
			wantFault(t, err, c.id, c.words)
		})
	}
}

func TestHeaderTricksAreRefused(t *testing.T) {
	t.Parallel()
	keys := set(t, public(p256(), members{"kid": "k1"}))
	attacker := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	cases := map[string]struct {
		token     string
		id, words string
	}{
		"crit":             {sign("ES256", p256(), members{"crit": []string{"exp"}, "exp": 1}, "{}"), IDCritical, "the header has crit"},
		"an empty crit":    {sign("ES256", p256(), members{"crit": []string{}}, "{}"), IDCritical, "crit"},
		"b64":              {sign("ES256", p256(), members{"b64": false, "crit": []string{"b64"}}, "{}"), IDCritical, "crit and b64"},
		"b64 alone":        {sign("ES256", p256(), members{"b64": true}, "{}"), IDCritical, "b64"},
		"none":             {b64([]byte(`{"alg":"none"}`)) + ".e30.", IDAlgorithm, "nobody signed"},
		"None":             {b64([]byte(`{"alg":"nOnE"}`)) + ".e30.AAAA", IDAlgorithm, "nobody signed"},
		"no alg":           {b64([]byte(`{}`)) + ".e30.AAAA", IDAlgorithm, "no alg"},
		"an empty alg":     {b64([]byte(`{"alg":""}`)) + ".e30.AAAA", IDAlgorithm, "no alg"},
		"another case":     {b64([]byte(`{"alg":"es256"}`)) + ".e30.AAAA", IDAlgorithm, "unknown"},
		"ES256K":           {b64([]byte(`{"alg":"ES256K"}`)) + ".e30.AAAA", IDAlgorithm, "unknown"},
		"a key of its own": {sign("ES256", attacker, members{"jwk": public(attacker, nil), "kid": "k1"}, "{}"), IDSignature, "does not match"},
		"a key elsewhere":  {sign("ES256", attacker, members{"jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/"}, "{}"), IDSignature, "does not match"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verify(c.token, keys, append(Algorithms(), "none", "nOnE", "", "es256", "ES256K")...)
			wantFault(t, err, c.id, c.words)
		})
	}
	s, err := Parse(cases["a key elsewhere"].token)
	if got := strings.Join(s.Header.Ignored, " "); err != nil || got != "jku x5u" {
		t.Errorf("got %q, %v, want the ignored members jku x5u", got, err)
	}
}

// The public key is no secret, in whatever form (CVE-2015-9235).
func TestHMACUsesTheClientSecretOnly(t *testing.T) {
	t.Parallel()
	pub := must(jwk.PublicRawKeyOf(rsaTest()))
	pem := must(jwk.EncodePEM(pub))
	_, der, err := jwk.EncodeX509(pub)
	if err != nil {
		t.Fatal(err)
	}
	asJWK := must(json.Marshal(public(rsaTest(), nil)))
	oct := members{"kty": "oct", "k": b64([]byte("published")), "kid": "k1", "alg": "HS256"}
	keys := set(t, public(rsaTest(), members{"kid": "k1"}), oct)
	for name, key := range map[string][]byte{"PEM": pem, "DER": der, "JWK": asJWK, "a published oct key": []byte("published")} {
		_, err := verify(sign("HS256", key, members{"kid": "k1"}, "{}"), keys, Algorithms()...)
		wantFault(t, err, IDSignature, "does not match the client secret")
		_, err = verify(sign("HS256", key, members{"kid": "k1"}, "{}"), keys, "RS256")
		wantFault(t, err, IDAlgorithm, "only RS256")
		if err == nil {
			t.Errorf("%s as the secret was believed", name)
		}
	}
	s, err := Parse(b64([]byte(`{"alg":"HS256"}`)) + ".e30." + b64(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Verify(keys, []string{"HS256"}, secret.String{})
	wantFault(t, err, IDKey, "needs the client secret")
}

func TestECDSASignatureForm(t *testing.T) {
	t.Parallel()
	keys := set(t, public(p256(), nil), public(p521(), nil))
	input := b64([]byte(`{"alg":"ES256"}`)) + ".e30"
	good := sign("ES256", p256(), nil, "{}")
	raw := must(base64.RawURLEncoding.DecodeString(good[strings.LastIndexByte(good, '.')+1:]))
	h := algorithmHash("ES256", input)
	der := must(ecdsa.SignASN1(rand.Reader, p256(), h))
	n := elliptic.P256().Params().N.Bytes()
	cases := map[string][]byte{
		"empty":                  {},
		"zeros (CVE-2022-21449)": make([]byte, 64),
		"zeros of no length":     make([]byte, 2),
		"r and s are the order":  append(append([]byte{}, n...), n...),
		"DER":                    der,
		"one byte short":         raw[:63],
		"one byte more":          append(append([]byte{}, raw...), 0),
		"a zero before each":     append(append([]byte{0}, raw[:32]...), append([]byte{0}, raw[32:]...)...),
		"P-521's length":         make([]byte, 132),
	}
	if input != good[:strings.LastIndexByte(good, '.')] {
		t.Fatal("the two tokens sign different texts")
	}
	if _, err := verify(good, keys, "ES256"); err != nil {
		t.Error(err)
	}
	for name, sig := range cases {
		if _, err := verify(input+"."+b64(sig), keys, "ES256"); err == nil {
			t.Errorf("%s: verified", name)
		}
	}
}

func algorithmHash(alg, text string) []byte {
	a, _ := find(alg)
	h := a.hash()
	h.Write([]byte(text))
	return h.Sum(nil)
}

func TestHalfHash(t *testing.T) {
	t.Parallel()
	// The example of OIDC Core A.3 and A.4.
	if got, err := HalfHash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"); err != nil || got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("got %s, %v, want 77QmUPtjPfzWtF2AnpK9RQ", got, err)
	}
	for alg, size := range map[string]int{"ES384": 32, "PS512": 43, "EdDSA": 43, "HS256": 22} {
		if got, err := HalfHash(alg, "x"); err != nil || len(got) != size {
			t.Errorf("%s: got %s, %v, want %d characters", alg, got, err, size)
		}
	}
	for _, alg := range []string{"", "none", "ES256K", "rs256"} {
		_, err := HalfHash(alg, "x")
		wantFault(t, err, IDAlgorithm, "no known hash")
	}
}

func FuzzParse(f *testing.F) {
	keys := set(f, public(p256(), members{"kid": "k1"}), public(ed(), nil))
	for _, s := range []string{sign("ES256", p256(), members{"kid": "k1"}, "{}"), "e30.e30.", "a.b.c", "....", "{", `eyJhbGciOiJub25lIn0.e30.`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		s, err := Parse(token)
		if err != nil {
			return
		}
		if _, err := s.Verify(keys, []string{"EdDSA", "HS256"}, secret.New(clientSecret)); err == nil {
			t.Fatalf("verified %q", token)
		}
	})
}
