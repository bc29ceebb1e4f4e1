package quirk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rely/internal/demoop/keys"
)

// good lists liberties that the specifications grant. A client that refuses
// one is as wrong as one that believes a lie.
func good() []Fault {
	return append(group("good", "login", 0,
		Fault{Name: "good-aud-array", Help: "the audience is a list of one",
			IDToken: bend(func(t *Token) { t.Claims["aud"] = []any{t.Claims["aud"]} })},
		Fault{Name: "good-aud-others-azp", Help: "the audience has another client, and azp is this one",
			IDToken: bend(func(t *Token) {
				t.Claims["aud"], t.Claims["azp"] = []any{t.Claims["aud"], "https://api.demo.example"}, t.Claims["aud"]
			})},
		Fault{Name: "good-azp", Help: "azp is there though it need not be", IDToken: bend(func(t *Token) { t.Claims["azp"] = t.Claims["aud"] })},
		Fault{Name: "good-no-kid-one-key", Help: "no kid, and one key", Alg: "ES256", IDToken: bend(func(t *Token) { delete(t.Header, "kid") }),
			Keys: func(all []map[string]any) []map[string]any { delete(all[0], "kid"); return all[:1] }},
		Fault{Name: "good-no-typ", Help: "the header has no typ", IDToken: bend(func(t *Token) { delete(t.Header, "typ") })},
		Fault{Name: "good-no-at-hash", Help: "there is no at_hash", IDToken: without("at_hash")},
		Fault{Name: "good-fraction-dates", Help: "the dates have fractions", IDToken: bend(fractions)},
		Fault{Name: "good-clock-skew", Help: "the provider's clock is 20 s ahead", IDToken: bend(func(t *Token) {
			t.Claims["iat"], t.Claims["nbf"] = t.Now.Add(20*time.Second).Unix(), t.Now.Add(20*time.Second).Unix()
		})},
		Fault{Name: "good-just-expired", Help: "the ID token expired 10 s ago, which clock skew allows", IDToken: at("exp", -10*time.Second)},
		Fault{Name: "good-rotated-key", Help: "the keys are turned just before signing", IDToken: turned},
		Fault{Name: "good-unknown-kty-in-jwks", Help: "the key set has keys of types that nobody knows", Keys: strange},
		Fault{Name: "good-action-done", Help: "the answer says how a required action ended, as Keycloak's does", Response: param("kc_action_status", "success")},
		Fault{Name: "good-action-cancelled", Help: "the answer says that a required action was cancelled", Response: param("kc_action_status", "cancelled")},
		Fault{Name: "good-unknown-members", Help: "unknown members everywhere",
			Metadata: metadata("x_unknown", map[string]any{"a": []any{nil, true}}), Answer: member("x_unknown", []any{1}),
			IDToken: bend(func(t *Token) { t.Claims["x_unknown"], t.Header["x_unknown"] = map[string]any{"a": 1}, "b" }),
			Keys:    each(func(k map[string]any) { k["x_unknown"] = 1.5 }), Response: param("x_unknown", "1")},
		Fault{Name: "good-no-expires-in", Help: "there is no expires_in", Answer: drop("expires_in")},
		Fault{Name: "good-expires-in-huge", Help: "expires_in is the largest number there is", Answer: member("expires_in", json.RawMessage("9223372036854775807"))},
		Fault{Name: "good-expires-in-string", Help: "expires_in is a string", Answer: func(m map[string]any, _ bool) {
			m["expires_in"] = fmt.Sprint(m["expires_in"])
		}},
		Fault{Name: "good-no-scope", Help: "the answer has no scope", Answer: drop("scope")},
		Fault{Name: "good-token-type-case", Help: "token_type is bEARER", Answer: member("token_type", "bEARER")},
		Fault{Name: "good-no-iss-unadvertised", Help: "no iss in the answer, and none promised",
			Metadata: func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") },
			Response: func(v url.Values) { v.Del("iss") }},
		Fault{Name: "good-endpoint-query", Help: "the authorization endpoint has a query", Metadata: func(m map[string]any) {
			m["authorization_endpoint"] = fmt.Sprint(m["authorization_endpoint"], "?tenant=x")
		}},
		Fault{Name: "good-authorize-hops", Help: "the authorization endpoint sends the browser to another page of its own first, with a cookie", On: Authorize, Serve: hops},
		Fault{Name: "good-authorize-json", At: "doctor", Help: "who asks the authorization endpoint for JSON is told the redirect in it", On: Authorize, Serve: toldInJSON},
		Fault{Name: "good-code-before-client", At: "doctor", Help: "a code that there is not is refused before anybody looks at the client", On: Tokens, Serve: codeFirst},
		Fault{Name: "good-only-oauth-metadata", Help: "the metadata is at the place of RFC 8414 only", On: Discovery, Serve: oauthOnly},
		Fault{Name: "good-discovery-retry", Help: "discovery answers 503 once, with Retry-After", On: Discovery,
			Serve: once(says(http.StatusServiceUnavailable, "Retry-After", "1", "back in a second\n"))},
		Fault{Name: "good-discovery-429", Help: "discovery answers 429 once, with Retry-After", On: Discovery, Serve: once(tooMany)},
		Fault{Name: "good-discovery-500-then-well", Help: "discovery answers 500 once", On: Discovery, Serve: once(unavailable)},
		Fault{Name: "good-jwks-503-then-well", Help: "the keys answer 503 once, with Retry-After", On: JWKS,
			Serve: once(says(http.StatusServiceUnavailable, "Retry-After", "1", "back in a second\n"))},
		Fault{Name: "good-rs256", Help: "the ID token is signed with RS256", Alg: "RS256"},
		Fault{Name: "good-ps256", Help: "the ID token is signed with PS256", Alg: "PS256"},
		Fault{Name: "good-es384", Help: "the ID token is signed with ES384", Alg: "ES384"},
		Fault{Name: "good-eddsa", Help: "the ID token is signed with EdDSA", Alg: "EdDSA"},
		Fault{Name: "good-hs256", Help: "the ID token is signed with the client secret", Alg: "HS256", Needs: "secret"},
	), group("good", "tokens", 0,
		Fault{Name: "good-refresh-no-id-token", Help: "a refresh brings no ID token", Answer: onRefresh("id_token")},
		Fault{Name: "good-refresh-no-rotation", Check: "L23", Help: "a refresh brings no new refresh token, and the old one goes on", Keep: true},
	)...)
}

func onRefresh(name string) func(map[string]any, bool) {
	return func(m map[string]any, refresh bool) {
		if refresh {
			delete(m, name)
		}
	}
}

// turned turns the keys and signs with the new one.
func turned(t *Token) error {
	if err := t.Ring.Rotate(); err != nil {
		return err
	}
	return otherAlg(t.Key.Alg)(t)
}

func fractions(t *Token) {
	for _, c := range []string{"iat", "exp", "auth_time"} {
		t.Claims[c] = json.RawMessage(fmt.Sprintf("%v.25", t.Claims[c]))
	}
}

// strange puts keys in front that a reader may not understand, and must not
// stumble over (RFC 7517 5).
func strange(all []map[string]any) []map[string]any {
	return append([]map[string]any{
		{"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": keys.Part([]byte("some post-quantum key"))},
		{"kty": "EC", "crv": "P-999", "kid": "odd", "x": 1, "y": []any{}},
		{"kid": "nothing"},
	}, all...)
}

// oauthOnly answers at one of the two well-known places.
func oauthOnly(x *Exchange) {
	if strings.Contains(x.R.URL.Path, "/openid-configuration") {
		http.NotFound(x.W, x.R)
		return
	}
	x.Good.ServeHTTP(x.W, x.R)
}

// hops lets a request through that came by way of one more redirect, and brings
// the cookie that was set there.
func hops(x *Exchange) {
	const name = "demo_hop"
	u := *x.R.URL
	switch _, err := x.R.Cookie(name); {
	case x.R.Method == http.MethodGet && !u.Query().Has(name):
		http.SetCookie(x.W, &http.Cookie{Name: name, Value: "1", Path: "/", Secure: true, HttpOnly: true})
		x.W.Header().Set("Location", u.Path+"?"+u.RawQuery+"&"+name+"=1")
		x.W.WriteHeader(http.StatusFound)
	case x.R.Method == http.MethodGet && err != nil:
		says(http.StatusBadRequest, "Content-Type", "text/plain", "cookies are switched off\n")(x)
	default:
		x.Good.ServeHTTP(x.W, x.R)
	}
}

// toldInJSON puts an address into a document for programs, as better-auth does.
func toldInJSON(x *Exchange) {
	if !strings.Contains(x.R.Header.Get("Accept"), "application/json") {
		x.Good.ServeHTTP(x.W, x.R)
		return
	}
	r := &recorded{header: http.Header{}, code: http.StatusOK}
	x.Good.ServeHTTP(r, x.R)
	told, _ := json.Marshal(map[string]any{"redirect": true, "url": r.header.Get("Location")})
	says(http.StatusOK, "Content-Type", "application/json", string(told))(x)
}

// codeFirst says the same to everybody whose code is none.
func codeFirst(x *Exchange) {
	when(func(r *http.Request, good *recorded) bool {
		return r.PostForm.Get("grant_type") == "authorization_code" && good.says("invalid_client") && strings.HasPrefix(r.PostForm.Get("code"), "code-of-")
	}, says(http.StatusBadRequest, "Content-Type", "application/json", `{"error":"invalid_grant"}`))(x)
}
