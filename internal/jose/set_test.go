package jose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"rely/internal/secret"
)

func TestKeysAreFound(t *testing.T) {
	t.Parallel()
	other := func() members {
		return public(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), members{"kid": "k1"})
	}
	es := func(with members) members {
		m := members{"kid": "k1"}
		maps.Copy(m, with)
		return public(p256(), m)
	}
	mldsa := members{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "kid": "pq"}
	odd := members{"kty": 7, "kid": []int{1}, "use": nil, "x": members{}}
	many := func(n int, last members) []members {
		var keys []members
		for range n {
			k := other()
			delete(k, "kid")
			keys = append(keys, k)
		}
		return append(keys, last)
	}
	const ok = ""
	cases := map[string]struct {
		kid      string
		keys     []members
		id, want string
		unknown  bool
	}{
		"by kid":                                {"k1", []members{other2("k0"), es(nil)}, ok, "", false},
		"by kid, beside odd keys":               {"k1", []members{mldsa, odd, es(nil)}, ok, "", false},
		"by kid, twice the same kid":            {"k1", []members{other(), es(nil)}, ok, "", false},
		"by kid, one of another type":           {"k1", []members{public(ed(), members{"kid": "k1"}), es(nil)}, ok, "", false},
		"unknown members":                       {"k1", []members{es(members{"x5t": "?", "nbf": 1, "x5c": []string{"junk"}})}, ok, "", false},
		"key_ops with verify":                   {"k1", []members{es(members{"key_ops": []string{"verify"}})}, ok, "", false},
		"no kid, the only key":                  {"", []members{es(nil)}, ok, "", false},
		"no kid, the only fitting key":          {"", []members{mldsa, public(ed(), nil), es(members{"kid": nil})}, ok, "", false},
		"no kid, several fitting keys":          {"", []members{other(), other(), es(nil)}, ok, "", false},
		"no kid, the tenth of ten":              {"", many(9, es(nil)), ok, "", false},
		"no kid, the eleventh is not tried":     {"", many(10, es(nil)), IDSignature, "any of 10 fitting keys tried", true},
		"no kid, a weak one beside":             {"", []members{es(members{"d": "AAAA", "kid": "k0"}), es(nil)}, ok, "", false},
		"no kid, another key":                   {"", []members{other()}, IDSignature, "any of 1 fitting keys", true},
		"no kid, nothing fits":                  {"", []members{public(ed(), nil), mldsa}, IDKey, "of 2 keys none fits ES256", true},
		"no kid, the only one does not fit":     {"", []members{es(members{"use": "enc"})}, IDKey, `the only key does not fit ES256: its use is "enc", not sig`, true},
		"no keys":                               {"", nil, IDKey, "of 0 keys none", true},
		"unknown kid":                           {"k2", []members{es(nil)}, IDKey, `of 1 key none has the kid "k2"`, true},
		"kid in another case":                   {"K1", []members{es(nil)}, IDKey, "has the kid", true},
		"another key under the kid":             {"k1", []members{other()}, IDSignature, `does not match the key "k1"`, false},
		"for encryption":                        {"k1", []members{es(members{"use": "enc"})}, IDKey, `its use is "enc", not sig`, false},
		"for another algorithm":                 {"k1", []members{es(members{"alg": "ES384"})}, IDKey, `its alg is "ES384", not ES256`, false},
		"an alg that is no string":              {"k1", []members{es(members{"alg": 1})}, IDKey, `its alg is "1", not ES256`, false},
		"for signing only":                      {"k1", []members{es(members{"key_ops": []string{"sign"}})}, IDKey, "without verify", false},
		"of another type":                       {"k1", []members{public(ed(), members{"kid": "k1"})}, IDKey, `its kty is "OKP", not EC`, false},
		"on another curve":                      {"k1", []members{public(p384(), members{"kid": "k1"})}, IDKey, `its crv is "P-384", not P-256`, false},
		"private":                               {"k1", []members{es(members{"d": b64(must(p256().Bytes()))})}, IDKey, "publishes its private part", false},
		"off the curve":                         {"k1", []members{es(members{"y": es(nil)["x"]})}, IDKey, "not on P-256", false},
		"at infinity":                           {"k1", []members{es(members{"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))})}, IDKey, "not on P-256", false},
		"a coordinate too short":                {"k1", []members{es(members{"x": "AAAA"})}, IDKey, "its x has 3 bytes, not the 32 of P-256", false},
		"no coordinate":                         {"k1", []members{es(members{"y": nil})}, IDKey, "it has no y", false},
		"a coordinate with padding":             {"k1", []members{es(members{"y": fmt.Sprint(es(nil)["y"], "=")})}, IDKey, "its y is not base64url", false},
		"escapes and quotes in the unknown kid": {"\x1b[2J\"", []members{es(nil)}, IDKey, `"\x1b[2J\""`, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := members{}
			if c.kid != "" {
				header["kid"] = c.kid
			}
			_, err := verify(sign("ES256", p256(), header, "{}"), set(t, c.keys...), "ES256")
			if c.id == ok && err != nil {
				t.Errorf("got %v, want it verified", err)
			}
			if c.id != ok {
				wantFault(t, err, c.id, c.want)
			}
			if got := errors.Is(err, ErrUnknownKey); got != c.unknown {
				t.Errorf("got unknown key = %v, want %v (%v)", got, c.unknown, err)
			}
		})
	}
}

func other2(kid string) members { return public(p384(), members{"kid": kid}) }

func TestWeakKeysAreRefused(t *testing.T) {
	t.Parallel()
	token := sign("RS256", rsaTest(), members{"kid": "k1"}, "{}")
	n := rsaTest().N
	even := append([]byte{}, n.Bytes()...)
	even[len(even)-1] &^= 1
	cases := map[string]struct {
		with members
		want string
	}{
		"1024 bits":                      {members{"n": b64(n.Bytes()[:128])}, "it has 1024 bits, fewer than 2048"},
		"zeros in front do not help":     {members{"n": b64(append(make([]byte, 128), n.Bytes()[:128]...))}, "1024 bits"},
		"far too big":                    {members{"n": b64(append(make([]byte, 0, 4000), []byte(strings.Repeat("\xff", 3000))...))}, "more than 16384"},
		"even modulus":                   {members{"n": b64(even)}, "modulus is even"},
		"exponent 1":                     {members{"e": "AQ"}, "its exponent is 1"},
		"exponent 0":                     {members{"e": "AA"}, "its exponent is 0"},
		"even exponent":                  {members{"e": "AQAA"}, "its exponent is 65536"},
		"exponent 2^64+65537":            {members{"e": b64([]byte{1, 0, 0, 0, 0, 0, 1, 0, 1})}, "more than 31 bits"},
		"no exponent":                    {members{"e": nil}, "it has no e"},
		"private":                        {members{"p": "AAAA"}, `private part ("p")`},
		"a modulus in standard base64":   {members{"n": "+/+/"}, "its n is not base64url"},
		"a modulus that is not a string": {members{"n": 5}, "it has no n"},
	}
	for name, c := range cases {
		with := members{"kid": "k1"}
		maps.Copy(with, c.with)
		_, err := verify(token, set(t, public(rsaTest(), with)), "RS256")
		t.Log(name)
		wantFault(t, err, IDKey, c.want)
	}
	// A leading zero is against RFC 7518 6.3.1.1 and common; it harms nobody.
	if _, err := verify(token, set(t, public(rsaTest(), members{"n": b64(append([]byte{0}, n.Bytes()...)), "kid": "k1"})), "RS256"); err != nil {
		t.Error(err)
	}
	edToken := sign("EdDSA", ed(), nil, "{}")
	_, err := verify(edToken, set(t, public(ed(), members{"x": "AAAA"})), "EdDSA")
	wantFault(t, err, IDKey, "its x has 3 bytes, not 32")
	_, err = verify(edToken, set(t, public(ed(), members{"crv": "X25519"})), "EdDSA")
	wantFault(t, err, IDKey, `its crv is "X25519"`)
}

func TestParseSetRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                         "it is empty",
		"[]":                       "no member \"keys\"",
		"{}":                       "no member \"keys\"",
		`{"keys":{}}`:              "it is an object, not a JSON array",
		`{"keys":null}`:            "it is null",
		`{"keys":[],"keys":[]}`:    "repeated",
		`{"keys":[{"a":1,"a":2}]}`: "repeated",
		`{"keys":[` + strings.Repeat("{},", MaxKeys) + `{}]}`:                       "more than 1000 elements",
		`{"keys":[]` + strings.Repeat(" ", MaxKeySet) + `}`:                         "more than 4194304",
		`{"keys":[],"x":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`: "levels deep",
	} {
		_, err := ParseSet([]byte(in))
		wantFault(t, err, IDKeySet, want)
	}
}

func TestKeysAreDescribed(t *testing.T) {
	t.Parallel()
	s, err := ParseSet([]byte(`{"keys":[7,"x",null,{},{"kty":"AKP"},` + string(must(json.Marshal(public(p521(), members{"kid": "a", "use": "sig"})))) +
		`,` + string(must(json.Marshal(public(rsaTest(), members{"alg": "PS256"})))) + `],"more":1}`))
	if err != nil {
		t.Fatal(err)
	}
	got := s.Keys()
	want := []KeyInfo{{}, {}, {}, {}, {Kty: "AKP"}, {Kid: "a", Kty: "EC", Use: "sig", Crv: "P-521", Bits: 521}, {Kty: "RSA", Alg: "PS256", Bits: 2048}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := want[5].String()+"; "+want[6].String(), `EC P-521, kid "a"; RSA 2048 bits, no kid`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzParseSet(f *testing.F) {
	for _, s := range []string{`{"keys":[]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":""}]}`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, `{"keys":[1,null,[]]}`} {
		f.Add([]byte(s))
	}
	var tokens []*Signed
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		tokens = append(tokens, must(Parse(sign(alg, keyFor(alg), nil, "{}"))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSet(data)
		if err != nil {
			return
		}
		_ = s.Keys()
		for _, token := range tokens {
			if info, err := token.Verify(s, Algorithms(), secret.String{}); err == nil {
				t.Fatalf("verified with %v", info)
			}
		}
	})
}

// thousand is a big JWKS of RSA keys, the wanted one last.
func thousand() []byte {
	var keys []members
	for i := range MaxKeys - 1 {
		keys = append(keys, public(rsaTest(), members{"kid": fmt.Sprint("key-", i), "use": "sig"}))
	}
	return must(json.Marshal(members{"keys": append(keys, public(p256(), members{"kid": "k1"}))}))
}

func TestThousandKeysCostLittle(t *testing.T) {
	data := thousand()
	token := sign("ES256", p256(), members{"kid": "k1"}, "{}")
	n := testing.AllocsPerRun(3, func() {
		s, err := ParseSet(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(token, s, "ES256"); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1200 {
		t.Errorf("got %v allocations, want at most 1200", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	one := must(json.Marshal(members{"keys": []members{public(p256(), members{"kid": "k1"})}}))
	for name, data := range map[string][]byte{"1 key": one, "1000 keys": thousand()} {
		for kind, kid := range map[string]any{"by kid": "k1", "by fit": nil} {
			header := members{}
			if kid != nil {
				header["kid"] = kid
			}
			token := sign("ES256", p256(), header, `{"sub":"alice"}`)
			b.Run(name+" "+kind, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s, err := ParseSet(data)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := verify(token, s, "ES256"); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// Goal: under 2 ms and 100 kB, split and check of the set included.
func BenchmarkFindAmongThousand(b *testing.B) {
	data := thousand()
	alg, _ := find("ES256")
	b.ReportAllocs()
	for b.Loop() {
		s, err := ParseSet(data)
		if err != nil {
			b.Fatal(err)
		}
		if found, err := s.candidates("k1", alg); err != nil || len(found) != 1 {
			b.Fatalf("got %d keys, %v, want one", len(found), err)
		}
	}
}
