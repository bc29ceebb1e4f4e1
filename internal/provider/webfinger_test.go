package provider

import (
	"encoding/json"
	"testing"
)

func TestResource(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][2]string{
		"joe@example.com":               {"acct:joe@example.com", "example.com"},
		"acct:joe@example.com":          {"acct:joe@example.com", "example.com"},
		"acct:joe%40work@example.com":   {"acct:joe%40work@example.com", "example.com"},
		"juliet%40cap@shopping.example": {"acct:juliet%40cap@shopping.example", "shopping.example"},
		"example.com":                   {"https://example.com/", "example.com"},
		"example.com:8080":              {"https://example.com:8080/", "example.com:8080"},
		"joe@example.com:8080":          {"https://joe@example.com:8080/", "example.com:8080"},
		"example.com/joe":               {"https://example.com/joe", "example.com"},
		"https://example.com/joe#me":    {"https://example.com/joe", "example.com"},
		"https://example.com:8080/joe":  {"https://example.com:8080/joe", "example.com:8080"},
		"https://joe@example.com":       {"https://joe@example.com/", "example.com"},
		"http://127.0.0.1:1/joe":        {"http://127.0.0.1:1/joe", "127.0.0.1:1"},
	} {
		resource, host, err := Resource(typed)
		if err != nil || resource != want[0] || host != want[1] {
			t.Errorf("%s: got %s at %s, %v, want %s at %s", typed, resource, host, err, want[0], want[1])
		}
	}
	for _, bad := range []string{"", "=joe", "@joe", "!x", "xri://x", "acct:joe", "acct:@h", "acct:joe@", "acct:joe@h/x", "ftp://h/x", "http://example.com/joe", "a b@c", "https://"} {
		if resource, _, err := Resource(bad); err == nil {
			t.Errorf("%q: got %s, want an error", bad, resource)
		}
	}
}

func TestIssuerLink(t *testing.T) {
	t.Parallel()
	const one = `{"rel":"` + IssuerRel + `","href":"https://a.example"}`
	for raw, want := range map[string]string{
		`[` + one + `]`: "https://a.example",
		`[{"rel":"avatar","href":"x"},` + one + `]`: "https://a.example",
		`[` + one + `,` + one + `]`:                 "https://a.example",
	} {
		if got, err := issuerLink(json.RawMessage(raw)); err != nil || got != want {
			t.Errorf("%s: got %s, %v", raw, got, err)
		}
	}
	for _, raw := range []string{`[]`, `{}`, ``, `[{"rel":"` + IssuerRel + `"}]`, `[{"rel":"` + IssuerRel + `","href":7}]`,
		`[` + one + `,{"rel":"` + IssuerRel + `","href":"https://b.example"}]`} {
		if got, err := issuerLink(json.RawMessage(raw)); err == nil {
			t.Errorf("%s: got %s, want an error", raw, got)
		}
	}
}
