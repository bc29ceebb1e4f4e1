package strictjson

import (
	"fmt"
	"strings"
	"testing"
)

// metadata is about what a provider publishes of itself: 5 kB.
func metadata() string {
	var b strings.Builder
	for n := range 60 {
		switch n % 3 {
		case 0:
			fmt.Fprintf(&b, `"number_%d_endpoint":"https://op.example/realms/work/protocol/openid-connect/%d",`, n, n)
		case 1:
			fmt.Fprintf(&b, `"number_%d_values_supported":["RS256","ES256","EdDSA","PS256"],`, n)
		default:
			fmt.Fprintf(&b, `"number_%d_supported": true,`, n)
		}
	}
	return `{` + b.String() + `"issuer":"https://op.example"}`
}

// keySet is a JWKS of a thousand keys: 418 kB.
func keySet() string {
	key := `{"kty":"RSA","use":"sig","alg":"RS256","kid":"key-%d","e":"AQAB","n":"` + strings.Repeat("oahUIoWw0K0usKNuOR6", 18) + `"},`
	var b strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&b, key, n)
	}
	return `{"keys":[` + b.String() + `{}]}`
}

func BenchmarkCheck(b *testing.B) {
	for name, text := range map[string]string{"metadata": metadata(), "key set": keySet()} {
		for by, check := range map[string]func([]byte) error{"": Check, " oracle": oracle} {
			b.Run(name+by, func(b *testing.B) {
				data := []byte(text)
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if err := check(data); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkObject(b *testing.B) {
	data := []byte(metadata())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Object(data); err != nil {
			b.Fatal(err)
		}
	}
}
