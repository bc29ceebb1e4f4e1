package quirk

import (
	"fmt"
	"net/http"
	"time"
)

// claimSources lists lies and liberties of claims that come from elsewhere.
func claimSources() []Fault {
	const spec, key, alg = "OIDC Core 5.6.2", "RFC 7515 5.2", "RFC 8725 3.1"
	all := append(group("userinfo", "userinfo", 6,
		Fault{Name: "source-signed-badly", Help: "a byte of the signature of a source's claims is changed", Rule: key, SourceSigned: lastPart(flip)},
		Fault{Name: "source-signed-by-another", Help: "another key signed a source's claims, under the name of the published one", Rule: key, SourceToken: stranger},
		Fault{Name: "source-hs256-public-key", Help: "a source's claims have HS256, with the published key as the secret", Rule: alg, SourceToken: confuse},
		Fault{Name: "source-wrong-typ", Help: "a source's claims are an access token by their typ", Rule: "RFC 8725 3.11", SourceToken: header("typ", "at+jwt")},
		Fault{Name: "source-expired", Help: "a source's claims are over since an hour", Rule: "RFC 7519 4.1.4", SourceToken: at("exp", -time.Hour)},
		Fault{Name: "source-wrong-aud", Help: "a source's claims are for another client", Rule: "RFC 7519 4.1.3", SourceToken: set("aud", "somebody-else")},
		Fault{Name: "source-wrong-iss", Help: "a source's claims name an issuer whose keys did not sign them", Rule: key,
			SourceToken: bend(func(t *Token) { t.Claims["iss"] = parent(fmt.Sprint(t.Claims["iss"])) })},
		Fault{Name: "source-http-iss", Help: "a source's claims name an issuer without https", Rule: spec, SourceToken: set("iss", "http://claims.example")},
		Fault{Name: "source-lacks-claim", Help: "a claim that a source is said to have is not there", Rule: spec, SourceToken: bend(func(t *Token) {
			delete(t.Claims, "payment_info")
			delete(t.Claims, "credit_score")
		})},
		Fault{Name: "source-unknown", Help: "a claim is said to be from a source that is not there", Rule: spec, Claims: named("payment_info", "nowhere")},
		Fault{Name: "source-sub", Help: "sub is said to be from a source", Rule: "OIDC Core 5.3.2", Claims: named("sub", "bureau")},
		Fault{Name: "source-names-list", Help: "_claim_names is a list", Rule: spec, Claims: func(m map[string]any) { m["_claim_names"] = []string{"bureau"} }},
		Fault{Name: "source-both-ways", Help: "a source neither brings claims nor says where they are", Rule: spec, Claims: sourced("bureau", func(s map[string]any) { delete(s, "JWT") })},
		Fault{Name: "source-http", Help: "a source's endpoint is http on another host", Rule: "RFC 9700 2.6", Claims: sourced("scores", metadata("endpoint", "http://claims.example/claims"))},
		Fault{Name: "source-many", Help: "there are a hundred sources", Rule: spec, Claims: many},
		Fault{Name: "source-json", Help: "a source's endpoint answers with JSON that nobody signed", Rule: spec, On: Bureau,
			Serve: says(http.StatusOK, "Content-Type", "application/json", `{"credit_score":850}`)},
		Fault{Name: "source-redirect", Help: "a source's endpoint is said to be elsewhere", Rule: ruleRedirect, Group: "transport", On: Bureau,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/claims")},
		Fault{Name: "source-endless", Help: "a source's claims never end", Rule: ruleSize, Group: "transport", On: Bureau, Serve: endless},
		Fault{Name: "source-hang", Help: "a source never answers", Rule: ruleTime, Group: "transport", Exit: 7, On: Bureau, Serve: hang},
		Fault{Name: "source-500", Help: "a source answers 500 every time", Rule: rule500, Group: "transport", Exit: 7, On: Bureau, Serve: unavailable},
	), group("good", "userinfo", 0,
		Fault{Name: "good-source-unsigned", Help: "nobody signed a source's claims, as in the specification's own example", SourceToken: header("alg", "none"),
			SourceSigned: lastPart(func(string) string { return "" })},
		Fault{Name: "good-source-no-iss", Help: "a source's claims do not say who vouches for them", SourceToken: without("iss")},
		Fault{Name: "good-source-sub", Help: "a source's claims have the sub that the user has there", SourceToken: set("sub", "al-1865")},
		Fault{Name: "good-source-no-token", Help: "a source is asked without an access token: its address is a secret", Claims: sourced("scores", func(s map[string]any) {
			s["endpoint"] = fmt.Sprint(s["endpoint"], "?key=", s["access_token"])
			delete(s, "access_token")
		})},
		Fault{Name: "good-source-unused", Help: "there is a source that no claim is from", Claims: func(m map[string]any) {
			if all, ok := m["_claim_sources"].(map[string]any); ok {
				all["spare"] = map[string]any{"endpoint": "https://claims.example/"}
			}
		}},
	)...)
	for i := range all {
		all[i].Needs = "sources"
	}
	return all
}

// parent is the issuer that the bureau is below: the provider itself.
func parent(issuer string) string { return issuer[:len(issuer)-len("/bureau")] }

// named says that a claim is from a source.
func named(claim, source string) func(map[string]any) {
	return func(m map[string]any) {
		if from, ok := m["_claim_names"].(map[string]any); ok {
			from[claim] = source
		}
	}
}

// sourced changes a source.
func sourced(name string, change func(map[string]any)) func(map[string]any) {
	return func(m map[string]any) {
		all, _ := m["_claim_sources"].(map[string]any)
		if s, ok := all[name].(map[string]any); ok {
			change(s)
		}
	}
}

// many has the one source under a hundred names.
func many(m map[string]any) {
	all, _ := m["_claim_sources"].(map[string]any)
	for n := range 100 {
		if s, there := all["bureau"]; there {
			name := fmt.Sprint("bureau", n)
			all[name] = s
			named(fmt.Sprint("claim", n), name)(m)
		}
	}
}
