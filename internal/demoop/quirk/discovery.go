package quirk

import (
	"fmt"
	"maps"
	"net/http"

	"rely/internal/demoop/keys"
)

// The cited sections that many entries share.
const (
	ruleEndpoint = "OIDC Discovery 3; RFC 9700 2.6"
	ruleJSON     = "RFC 8259 2"
	ruleSize     = "RFC 9110 17.5"
	ruleTime     = "RFC 9112 9.5"
	rule500      = "RFC 9110 15.6.1"
	ruleRedirect = "RFC 9700 4.12"
)

func discovery() []Fault {
	return group("discovery", "login", 6,
		Fault{Name: "discovery-wrong-issuer", Check: "P02", Help: "the metadata is for another issuer", Rule: "OIDC Discovery 4.3",
			Metadata: metadata("issuer", "https://evil.example")},
		Fault{Name: "discovery-issuer-slash", Help: "the issuer in the metadata has a slash more at its end", Rule: "OIDC Discovery 4.3",
			Metadata: func(m map[string]any) { m["issuer"] = fmt.Sprint(m["issuer"], "/") }},
		Fault{Name: "discovery-missing-issuer", Help: "the metadata names no issuer", Rule: "OIDC Discovery 4.3",
			Metadata: func(m map[string]any) { delete(m, "issuer") }},
		Fault{Name: "discovery-missing-endpoint", Check: "P04", Help: "the metadata names no token endpoint", Rule: "OIDC Discovery 3",
			Metadata: func(m map[string]any) { delete(m, "token_endpoint") }},
		Fault{Name: "discovery-http-endpoint", Check: "P05", Help: "the token endpoint is http", Rule: ruleEndpoint,
			Metadata: metadata("token_endpoint", "http://op.example/token")},
		Fault{Name: "discovery-http-jwks", Help: "the keys are at an http address", Rule: ruleEndpoint,
			Metadata: metadata("jwks_uri", "http://op.example/jwks")},
		Fault{Name: "javascript-endpoint", Help: "the authorization endpoint is a javascript: address", Rule: ruleEndpoint,
			Metadata: metadata("authorization_endpoint", "javascript:alert(document.domain)//")},
		Fault{Name: "file-endpoint", Help: "the authorization endpoint is a file: address", Rule: ruleEndpoint,
			Metadata: metadata("authorization_endpoint", "file:///etc/passwd")},
		Fault{Name: "dash-endpoint", Help: "the authorization endpoint looks like an option of the browser's command line", Rule: ruleEndpoint,
			Metadata: metadata("authorization_endpoint", "--new-window=https://evil.example/")},
		Fault{Name: "user-part-endpoint", Help: "the authorization endpoint hides its host behind a user part", Rule: ruleEndpoint,
			Metadata: metadata("authorization_endpoint", "https://op.example:443@evil.example/authorize")},
		Fault{Name: "discovery-html", Check: "P01", Help: "the metadata is a web page", Rule: ruleJSON, On: Discovery, Serve: html},
		Fault{Name: "discovery-deep-json", Help: "the metadata is nested 100,000 deep", Rule: "RFC 8259 9", On: Discovery, Serve: deep},
		Fault{Name: "discovery-repeated-member", Help: "the metadata has two issuers", Rule: "RFC 8259 4", On: Discovery,
			Serve: first(`"issuer":"https://evil.example"`)},
		Fault{Name: "discovery-endless", Help: "the metadata never ends", Rule: ruleSize, Group: "transport", On: Discovery, Serve: endless},
		Fault{Name: "discovery-gzip-bomb", Help: "the metadata unpacks to a gigabyte", Rule: ruleSize, Group: "transport", On: Discovery, Serve: gzipBomb},
		Fault{Name: "discovery-redirect-elsewhere", Help: "the metadata is said to be on another host", Rule: ruleRedirect, Group: "transport",
			On: Discovery, Serve: elsewhere(http.StatusFound, "https://evil.example/.well-known/openid-configuration")},
		Fault{Name: "discovery-500", Help: "the metadata answers 500 every time", Rule: rule500, Group: "transport", Exit: 7, On: Discovery, Serve: unavailable},
		Fault{Name: "discovery-hang", Help: "the metadata never comes", Rule: ruleTime, Group: "transport", Exit: 7, On: Discovery, Serve: hang},
		Fault{Name: "discovery-slow", Help: "the metadata comes a byte at a time", Rule: ruleTime, Group: "transport", Exit: 7, On: Discovery, Serve: slow},
	)
}

func jwks() []Fault {
	return group("keys", "login", 6,
		Fault{Name: "jwks-html", Help: "the keys are a web page", Rule: ruleJSON, On: JWKS, Serve: html},
		Fault{Name: "jwks-empty", Check: "P40", Help: "there are no keys", Rule: "OIDC Core 10.1",
			Keys: func([]map[string]any) []map[string]any { return []map[string]any{} }},
		Fault{Name: "jwks-huge", Help: "there are 5,000 keys", Rule: "RFC 7517 5", Keys: huge},
		Fault{Name: "jwks-private", Check: "P41", Help: "the keys are published with a private part", Rule: "RFC 8725 3.4",
			Keys: each(func(k map[string]any) { k["d"] = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI" })},
		Fault{Name: "jwks-repeated-member", Help: "the key set has two lists of keys", Rule: "RFC 8259 4", On: JWKS, Serve: first(`"keys":[]`)},
		Fault{Name: "jwks-endless", Help: "the key set never ends", Rule: ruleSize, Group: "transport", On: JWKS, Serve: endless},
		Fault{Name: "jwks-redirect", Help: "the keys are said to be on another host", Rule: ruleRedirect, Group: "transport", On: JWKS,
			Serve: elsewhere(http.StatusFound, "https://evil.example/jwks")},
		Fault{Name: "jwks-500", Help: "the keys answer 500 every time", Rule: rule500, Group: "transport", Exit: 7, On: JWKS, Serve: unavailable},
		Fault{Name: "key-use-enc", Check: "P44", Help: "the only key is for encryption", Rule: "OIDC Core 10.1", Keys: each(func(k map[string]any) { k["use"] = "enc" })},
		Fault{Name: "key-other-alg", Help: "the only key is for another algorithm", Rule: "OIDC Core 10.1",
			Keys: each(func(k map[string]any) { k["alg"] = "ES512" })},
		Fault{Name: "key-off-curve", Help: "the key is no point of its curve", Rule: "RFC 8725 3.4", Alg: "ES256",
			Keys: each(func(k map[string]any) { k["y"] = k["x"] })},
		Fault{Name: "weak-key", Check: "P43", Help: "the key is RSA with 1,024 bits, and signs", Rule: "RFC 8725 3.4", Alg: "RS256",
			Start: func(r *keys.Ring) error {
				k, err := keys.New("RS256", 1024)
				if err == nil {
					r.Add(k)
				}
				return err
			}},
	)
}

func each(change func(k map[string]any)) func([]map[string]any) []map[string]any {
	return func(all []map[string]any) []map[string]any {
		for _, k := range all {
			change(k)
		}
		return all
	}
}

// huge puts the keys behind thousands of others that look alike.
func huge(all []map[string]any) []map[string]any {
	out := make([]map[string]any, 0, 5000+len(all))
	for i := range 5000 {
		k := maps.Clone(all[0])
		k["kid"] = fmt.Sprintf("filler-%d", i)
		out = append(out, k)
	}
	return append(out, all...)
}
