package quirk

import "net/url"

// unheeded lists what the metadata offers and the provider passes over.
func unheeded() []Fault {
	const (
		hint   = "OIDC Core 3.1.2.1"
		object = "RFC 9101 6.3"
	)
	pass := func(name string) func(*Exchange) { return wished(func(q url.Values) { q.Del(name) }) }
	return group("asked", "doctor", 8,
		Fault{Name: "claims-passed-over", Check: "L38", Help: "the claims parameter is passed over", Rule: "OIDC Core 5.5", On: Authorize, Serve: pass("claims")},
		Fault{Name: "acr-passed-over", Check: "L39", Help: "acr_values is passed over", Rule: "OIDC Core 3.1.2.1", On: Authorize, Serve: pass("acr_values")},
		Fault{Name: "hint-passed-over", Check: "L40", Help: "id_token_hint is passed over", Rule: hint, On: Authorize, Serve: pass("id_token_hint")},
		Fault{Name: "hint-signs-out", Check: "L40", Help: "prompt=none with an id_token_hint finds nobody signed in", Rule: hint, On: Authorize, Serve: wished(func(q url.Values) {
			if q.Has("id_token_hint") && q.Get("prompt") == "none" {
				q.Set("max_age", "0")
			}
		})},
		Fault{Name: "response-mode-passed-over", Check: "L37", Help: "every answer comes in the query, whatever mode was asked for", Rule: "OAuth 2.0 Multiple Response Types 2.1", Outside: by("query")},
		Fault{Name: "request-passed-over", Check: "L41", Help: "a request object is passed over, and what stands beside it counts", Rule: object, On: Authorize, Serve: pass("request")},
		Fault{Name: "request-refused", Check: "L41", Help: "every request object is refused, though they are offered", Rule: "OIDC Core 6.1", On: Authorize, Serve: wished(func(q url.Values) {
			if q.Has("request") {
				q.Set("request", "e30.e30.AAAA")
			}
		})},
	)
}
