package quirk

import (
	"net/url"
	"slices"
	"time"
)

// fronts lists lies and liberties around what comes through the browser beside
// a code: in the implicit and the hybrid flow, and in other response modes.
func fronts() []Fault {
	const (
		types = "OAuth 2.0 Multiple Response Types 3, 5"
		token = "RFC 6749 4.2.2"
		aHash = "OIDC Core 3.1.3.6"
		cHash = "OIDC Core 3.3.2.11"
		two   = "OIDC Core 3.3.3.6"
	)
	implicit := needs("implicit", group("front", "login", 6,
		Fault{Name: "front-missing-at-hash", Help: "an access token comes with the ID token, and there is no at_hash", Rule: aHash, IDToken: front(without("at_hash"))},
		Fault{Name: "front-bad-at-hash", Help: "at_hash in the browser is of another access token", Rule: aHash, IDToken: front(set("at_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng"))},
		Fault{Name: "front-missing-nonce", Help: "the ID token in the browser has no nonce", Rule: "OIDC Core 3.1.3.7 (11)", IDToken: front(without("nonce"))},
		Fault{Name: "front-no-id-token", Check: "L37", Help: "an ID token was asked for, and none comes", Rule: types, Response: gone("id_token")},
		Fault{Name: "front-no-access-token", Check: "L37", Help: "an access token was asked for, and none comes", Rule: types, Response: gone("access_token")},
		Fault{Name: "front-unasked-code", Check: "L37", Help: "there is a code that nobody asked for", Rule: types, Response: param("code", "SplxlOBeZQQYbYS6WxSbIA")},
		Fault{Name: "front-no-token-type", Help: "the access token in the browser has no token_type", Rule: token, Response: gone("token_type")},
		Fault{Name: "front-token-type-mac", Help: "the access token in the browser is of a type that nobody asked for", Rule: token, Response: param("token_type", "mac")},
		Fault{Name: "front-token-control-chars", Help: "the access token in the browser has a line break", Rule: token, Response: param("access_token", "abc\r\nX-Injected: yes")},
		Fault{Name: "front-expires-in-word", Help: "the access token in the browser expires in a word", Rule: token, Response: param("expires_in", "soon")},
		Fault{Name: "front-repeated-token", Help: "there are two access tokens in the browser", Rule: "RFC 6749 3.1", Response: again("access_token", "another")},
		Fault{Name: "front-wrong-state", Help: "the state in the fragment is not the one that was sent", Rule: "RFC 6749 4.1.2, 10.12", Response: param("state", "not-the-one-you-sent")},
		Fault{Name: "front-wrong-response-iss", Help: "the tokens in the fragment are another provider's (mix-up)", Rule: "RFC 9207 2.4", Response: param("iss", "https://evil.example")},
		Fault{Name: "front-no-iss-other-issuer", Help: "no iss beside the tokens, and the ID token is another issuer's (mix-up)", Rule: "OIDC Core 3.1.3.7 (2)", Response: gone("iss"), IDToken: front(set("iss", "https://evil.example"))},
		Fault{Name: "front-in-query", Check: "L37", Help: "the tokens come in the query, not in the fragment", Rule: "OAuth 2.0 Multiple Response Types 2.1", Outside: by("query")},
	)...)
	hybrid := needs("hybrid", append(group("front", "login", 6,
		Fault{Name: "front-missing-c-hash", Check: "L35", Help: "a code comes with the ID token, and there is no c_hash", Rule: cHash, IDToken: front(without("c_hash"))},
		Fault{Name: "front-bad-c-hash", Help: "c_hash in the browser is of another code", Rule: cHash, IDToken: front(set("c_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng"))},
		Fault{Name: "front-no-code", Help: "tokens come, and no code", Rule: "RFC 6749 4.1.2", Response: gone("code")},
		Fault{Name: "front-bad-signature", Help: "a byte of the signature is changed, in the browser alone", Rule: signatureRule, Signed: frontSigned(lastPart(flip))},
		Fault{Name: "hybrid-other-sub", Check: "L35", Help: "the two ID tokens are about different people", Rule: two, IDToken: back(set("sub", "bob"))},
		Fault{Name: "hybrid-back-wrong-nonce", Help: "the second ID token has another nonce", Rule: "OIDC Core 3.1.3.7 (11)", IDToken: back(set("nonce", "not-the-one-you-sent"))},
		Fault{Name: "hybrid-back-no-id-token", Help: "an ID token comes with the code, and none for it", Rule: "OIDC Core 3.1.3.3", Answer: onFirst("id_token")},
	), group("good", "login", 0,
		Fault{Name: "good-front-no-iss", Help: "no iss beside the tokens, though it is promised: the ID token names the issuer", Response: gone("iss")},
		Fault{Name: "good-hybrid-no-hashes", Help: "the second ID token has no hashes", IDToken: back(bend(func(t *Token) {
			delete(t.Claims, "at_hash")
			delete(t.Claims, "c_hash")
		}))},
		Fault{Name: "good-hybrid-other-auth-time", Help: "the two ID tokens tell of different sign-ins, which should not be",
			IDToken: front(bend(func(t *Token) { t.Claims["auth_time"] = t.Now.Add(-time.Minute).Unix() }))},
		Fault{Name: "good-hybrid-other-email", Help: "the two ID tokens have different email addresses, which should not be", IDToken: bend(func(t *Token) {
			t.Claims["email"] = "alice@demo.example"
			if !t.Front {
				t.Claims["email"] = "mallory@evil.example"
			}
		})},
		Fault{Name: "good-hybrid-more-claims", Help: "the second ID token has more claims than the first", IDToken: back(set("email", "alice@demo.example"))},
	)...)...)
	return slices.Concat(implicit, hybrid, ways())
}

// ways lists lies about the way that an answer takes.
func ways() []Fault {
	const (
		types = "OAuth 2.0 Multiple Response Types 3, 5"
		modes = "OAuth 2.0 Multiple Response Types 2.1"
	)
	return append(needs("form_post", group("front", "login", 6,
		Fault{Name: "form-post-in-query", Check: "L13", Help: "the answer comes in the query, not as a form", Rule: modes, Outside: by("query")},
		Fault{Name: "form-post-in-fragment", Help: "the answer comes in the fragment, not as a form", Rule: modes, Outside: by("fragment")},
	)...), append(group("front", "login", 6,
		Fault{Name: "code-in-fragment", Check: "L14", Help: "the code comes in the fragment, not in the query", Rule: modes, Outside: by("fragment")},
		Fault{Name: "unasked-token", Help: "an access token comes with the code, and nobody asked for it", Rule: types, Response: param("access_token", "SplxlOBeZQQYbYS6WxSbIA")},
	), group("good", "login", 0,
		Fault{Name: "good-code-only", Help: "the metadata lists the response type code alone, and no response modes", Metadata: func(m map[string]any) {
			m["response_types_supported"] = []string{"code"}
			delete(m, "response_modes_supported")
		}},
	)...)...)
}

const signatureRule = "OIDC Core 3.1.3.7 (6)"

// jarms lists lies and liberties in signed responses.
func jarms() []Fault {
	const (
		alone = "JARM 2.3"
		iss   = "JARM 2.4 (2)"
		aud   = "JARM 2.4 (3)"
		exp   = "JARM 2.4 (4)"
		sig   = "JARM 2.4 (5)"
	)
	respond := func(name, help, rule string, hook func(*Token) error) Fault {
		return Fault{Name: name, Help: help, Rule: rule, ResponseJWT: hook}
	}
	return needs("jarm", append(group("jarm", "login", 6,
		respond("jarm-wrong-iss", "the response JWT is another issuer's", iss, set("iss", "https://evil.example")),
		respond("jarm-missing-iss", "the response JWT has no issuer", iss, without("iss")),
		respond("jarm-wrong-aud", "the response JWT is for another client", aud, set("aud", "somebody-else")),
		respond("jarm-missing-aud", "the response JWT has no audience", aud, without("aud")),
		respond("jarm-expired", "the response JWT expired an hour ago", exp, at("exp", -time.Hour)),
		respond("jarm-missing-exp", "the response JWT has no expiry", exp, without("exp")),
		respond("jarm-long-exp", "the response JWT is good for a day", "JARM 2.1", at("exp", 24*time.Hour)),
		respond("jarm-wrong-state", "the state in the response JWT is not the one that was sent", "RFC 6749 4.1.2, 10.12", set("state", "not-the-one-you-sent")),
		respond("jarm-missing-state", "the response JWT has no state", "RFC 6749 4.1.2, 10.12", without("state")),
		respond("jarm-no-code", "the response JWT has neither a code nor an error", "RFC 6749 4.1.2", without("code")),
		respond("jarm-unasked-token", "the response JWT has an access token that nobody asked for", "OAuth 2.0 Multiple Response Types 3, 5", set("access_token", "SplxlOBeZQQYbYS6WxSbIA")),
		respond("jarm-other-key", "another key signed the response JWT, under the name of the published one", sig, stranger),
		respond("jarm-alg-not-registered", "a published key signed the response JWT with an algorithm that was not agreed on", "JARM 2.4 (5), 3", otherAlg("ES384")),
		respond("jarm-crit", "the response JWT has an extension that must be understood", "RFC 7515 4.1.11",
			bend(func(t *Token) { t.Header["crit"], t.Header["exq"] = []string{"exq"}, true })),
		respond("jarm-access-token", "typ of the response JWT is at+jwt: it is an access token", "RFC 8725 3.11", header("typ", "at+jwt")),
		Fault{Name: "jarm-bad-signature", Help: "a byte of the response JWT's signature is changed", Rule: sig, ResponseSigned: lastPart(flip)},
		Fault{Name: "jarm-alg-none", Help: "alg of the response JWT is none, and nobody signed", Rule: "JARM 2.4 (5), 3",
			ResponseJWT: header("alg", "none"), ResponseSigned: lastPart(func(string) string { return "" })},
		Fault{Name: "jarm-encrypted-not-asked", Help: "the response JWT is encrypted, and nobody asked for that", Rule: "JARM 2.4 (1)",
			ResponseSigned: func(string, *Token) (string, error) { return "e30.AAAA.AAAA.AAAA.AAAA", nil }},
		Fault{Name: "jarm-outside", Help: "a code stands beside the response JWT", Rule: alone, Outside: func(v url.Values) string {
			v.Set("code", "SplxlOBeZQQYbYS6WxSbIA")
			return ""
		}},
		Fault{Name: "jarm-repeated", Help: "there are two response JWTs", Rule: alone, Outside: func(v url.Values) string {
			v.Add("response", v.Get("response"))
			return ""
		}},
		Fault{Name: "jarm-in-fragment", Help: "the response JWT comes in the fragment, not in the query", Rule: "OAuth 2.0 Multiple Response Types 2.1", Outside: by("fragment")},
	), group("good", "login", 0,
		respond("good-jarm-hour", "the response JWT is good for an hour, where ten minutes are recommended", "", at("exp", time.Hour)),
		respond("good-jarm-aud-list", "the audience of the response JWT is a list of one", "", bend(func(t *Token) { t.Claims["aud"] = []any{t.Claims["aud"]} })),
		respond("good-jarm-no-typ", "the response JWT has no typ", "", bend(func(t *Token) { delete(t.Header, "typ") })),
		respond("good-jarm-unknown-members", "the response JWT has members that nobody knows", "", set("x_unknown", map[string]any{"a": 1})),
	)...)...)
}

// needs says where faults show up.
func needs(what string, all ...Fault) []Fault {
	for i := range all {
		all[i].Needs = what
	}
	return all
}

// front and back keep a lie for one of the two ID tokens of the hybrid flow.
func front(lie func(*Token) error) func(*Token) error { return where(true, lie) }

func back(lie func(*Token) error) func(*Token) error { return where(false, lie) }

func where(browser bool, lie func(*Token) error) func(*Token) error {
	return func(t *Token) error {
		if t.Front == browser && !t.Refresh {
			return lie(t)
		}
		return nil
	}
}

func frontSigned(lie func(string, *Token) (string, error)) func(string, *Token) (string, error) {
	return func(s string, t *Token) (string, error) {
		if t.Front {
			return lie(s, t)
		}
		return s, nil
	}
}

func gone(name string) func(url.Values) { return func(v url.Values) { v.Del(name) } }

// by sends the answer another way than it was asked for.
func by(way string) func(url.Values) string { return func(url.Values) string { return way } }

func onFirst(name string) func(map[string]any, bool) {
	return func(m map[string]any, refresh bool) {
		if !refresh {
			delete(m, name)
		}
	}
}
