package quirk

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// tokens lists lies at the token endpoint. A code is never sent twice, so even
// an endpoint that is well again a moment later ends the sign-in.
func tokens() []Fault {
	const answer = "RFC 6749 5.1"
	return group("token", "login", 6,
		Fault{Name: "token-no-access-token", Help: "the answer has no access token", Rule: answer, Answer: drop("access_token")},
		Fault{Name: "token-no-type", Check: "L18", Help: "the answer has no token_type", Rule: answer, Answer: drop("token_type")},
		Fault{Name: "token-type-mac", Help: "the token is of a type that nobody asked for", Rule: "RFC 6749 7.1", Answer: member("token_type", "mac")},
		Fault{Name: "token-control-chars", Help: "the access token has a line break, and a header behind it", Rule: "RFC 6749 A.12",
			Answer: member("access_token", "abc\r\nX-Injected: yes")},
		Fault{Name: "token-refresh-control-chars", Help: "the refresh token has a line break", Rule: "RFC 6749 A.12, A.17",
			Answer: member("refresh_token", "abc\nRELY_X=yes")},
		Fault{Name: "token-expires-in-word", Help: "the access token expires in a word", Rule: answer, Answer: member("expires_in", "soon")},
		Fault{Name: "token-expires-in-negative", Help: "the access token expires before it was made", Rule: answer, Answer: member("expires_in", -3600)},
		Fault{Name: "token-access-token-list", Help: "the access token is a list", Rule: answer, Answer: member("access_token", []string{"abc"})},
		Fault{Name: "token-error-200", Help: "an error comes with the status 200", Rule: "RFC 6749 5.2", On: Tokens,
			Serve: says(http.StatusOK, "Content-Type", "application/json", `{"error":"invalid_grant","error_description":"the code is unknown"}`)},
		Fault{Name: "token-html", Help: "the answer is a web page", Rule: ruleJSON, On: Tokens, Serve: html},
		Fault{Name: "token-empty", Help: "the answer is empty", Rule: ruleJSON, On: Tokens, Serve: says(http.StatusOK, "Content-Type", "application/json", "")},
		Fault{Name: "token-half-json", Help: "the answer ends in the middle", Rule: ruleJSON, On: Tokens,
			Serve: bent(func(s string) string { return s[:len(s)/2] })},
		Fault{Name: "token-two-values", Help: "there are two answers in one", Rule: ruleJSON, On: Tokens, Serve: bent(func(s string) string { return s + s })},
		Fault{Name: "token-not-utf8", Help: "the answer is not UTF-8", Rule: "RFC 8259 8.1", On: Tokens, Serve: first("\"note\":\"\xff\xfe\"")},
		Fault{Name: "token-deep-json", Help: "the answer is nested 100,000 deep", Rule: "RFC 8259 9", On: Tokens, Serve: deep},
		Fault{Name: "token-repeated-json", Help: "the answer has two access tokens", Rule: "RFC 8259 4", On: Tokens, Serve: first(`"access_token":"another"`)},
		Fault{Name: "token-endless", Help: "the answer never ends", Rule: ruleSize, Group: "transport", On: Tokens, Serve: endless},
		Fault{Name: "token-gzip-bomb", Help: "the answer unpacks to a gigabyte", Rule: ruleSize, Group: "transport", On: Tokens, Serve: gzipBomb},
		Fault{Name: "token-redirect", Help: "the token endpoint is said to be elsewhere", Rule: ruleRedirect, Group: "transport", On: Tokens,
			Serve: elsewhere(http.StatusTemporaryRedirect, "/collect")},
		Fault{Name: "token-redirect-elsewhere", Help: "the token endpoint is said to be on another host", Rule: ruleRedirect, Group: "transport", On: Tokens,
			Serve: elsewhere(http.StatusPermanentRedirect, "https://evil.example/collect")},
		Fault{Name: "authorize-hang", Help: "the login page never comes", Rule: ruleTime, Group: "transport", Exit: 7, On: Authorize, Serve: hang},
		Fault{Name: "sign-in-slow", Help: "the answer to the sign-in comes a byte at a time", Rule: ruleTime, Group: "transport", Exit: 7, On: "login", Serve: slow},
		Fault{Name: "token-slow", Help: "the answer comes a byte at a time", Rule: ruleTime, Group: "transport", Exit: 7, On: Tokens, Serve: slow},
		Fault{Name: "token-hang", Help: "the answer never comes", Rule: ruleTime, Group: "transport", Exit: 7, On: Tokens, Serve: hang},
		Fault{Name: "token-500", Help: "the token endpoint answers 500 every time", Rule: rule500, Group: "transport", Exit: 7, On: Tokens, Serve: unavailable},
		Fault{Name: "token-500-then-well", Help: "the token endpoint answers 500 once", Rule: rule500, Group: "transport", Exit: 7, On: Tokens, Serve: once(unavailable)},
		Fault{Name: "token-429", Help: "the token endpoint has too many requests", Rule: "RFC 6585 4", Group: "transport", Exit: 7, On: Tokens, Serve: tooMany},
	)
}

// refreshes lists lies that a refresh meets; the sign-in before is good.
func refreshes() []Fault {
	const rule = "OIDC Core 12.2"
	return group("token", "tokens", 6,
		Fault{Name: "refresh-wrong-iss", Help: "the new ID token is another issuer's", Rule: rule, IDToken: later(set("iss", "https://evil.example"))},
		Fault{Name: "refresh-wrong-sub", Check: "L28", Help: "the new ID token is about somebody else", Rule: rule, IDToken: later(set("sub", "mallory"))},
		Fault{Name: "refresh-wrong-aud", Help: "the new ID token is for another client", Rule: rule, IDToken: later(set("aud", "somebody-else"))},
		Fault{Name: "refresh-wrong-nonce", Help: "the new ID token has another nonce", Rule: rule, IDToken: later(set("nonce", "not-the-one-you-sent"))},
		Fault{Name: "refresh-wrong-auth-time", Help: "the new ID token tells of another sign-in", Rule: rule,
			IDToken: later(bend(func(t *Token) { t.Claims["auth_time"] = t.Now.AddDate(0, 0, -1).Unix() }))},
		Fault{Name: "refresh-iat-before", Help: "the new ID token was issued before the sign-in's", Rule: rule, IDToken: later(at("iat", -time.Hour))},
		Fault{Name: "refresh-azp", Help: "the new ID token names another party that it was issued to", Rule: "OIDC Core 3.1.3.7 (5)", IDToken: later(set("azp", "somebody-else"))},
		Fault{Name: "refresh-expired", Help: "the new ID token expired an hour ago", Rule: "OIDC Core 3.1.3.7 (9)", IDToken: later(at("exp", -time.Hour))},
		Fault{Name: "refresh-alg-none", Help: "alg of the new ID token is none, and nobody signed", Rule: "OIDC Core 3.1.3.7 (7)", IDToken: later(header("alg", "none")),
			Signed: func(s string, t *Token) (string, error) {
				if t.Refresh {
					return lastPart(func(string) string { return "" })(s, t)
				}
				return s, nil
			}},
		Fault{Name: "refresh-lost", Help: "the refresh token is replaced, and the answer with the new one is lost on its way", Rule: "RFC 9110 9.2.2", Group: "transport", Exit: 7, On: Tokens,
			Serve: lost("refresh_token")},
		Fault{Name: "refresh-bad-signature", Help: "a byte of the new ID token's signature is changed", Rule: "OIDC Core 3.1.3.7 (6)",
			Signed: func(s string, t *Token) (string, error) {
				if t.Refresh {
					return lastPart(flip)(s, t)
				}
				return s, nil
			}},
		Fault{Name: "refresh-details-other", Help: "the answer to a refresh grants details of a type that was not asked for", Rule: "RFC 9396 7", Needs: "details",
			Answer: func(m map[string]any, refresh bool) {
				if refresh {
					m["authorization_details"] = []any{map[string]any{"type": "demo_everything"}}
				}
			}},
		Fault{Name: "refresh-no-access-token", Help: "the answer to a refresh has no access token", Rule: "RFC 6749 5.1",
			Answer: func(m map[string]any, refresh bool) {
				if refresh {
					delete(m, "access_token")
				}
			}},
	)
}

// later keeps a lie for the refresh.
func later(lie func(*Token) error) func(*Token) error {
	return func(t *Token) error {
		if t.Refresh {
			return lie(t)
		}
		return nil
	}
}

// words lists answers that are dangerous to show. Nothing is wrong with the
// claims of good-escape-claims but what they would do to a terminal.
func words() []Fault {
	said := `{"error":"invalid_grant","error_description":"` + strings.NewReplacer("\x1b", `\u001b`, "\x07", `\u0007`, "\n", `\n`).Replace(nasty()) +
		`","error_uri":"https://op.example/\u001b[2J"}`
	lies := group("words", "login", 6,
		Fault{Name: "escape-sequences", Help: "the error's description sets the title, writes the clipboard and turns the text round", Rule: "RFC 6749 5.2",
			On: Tokens, Serve: says(http.StatusBadRequest, "Content-Type", "application/json", said)},
		Fault{Name: "escape-response", Help: "the same in the error of the authorization response", Rule: "RFC 6749 4.1.2.1",
			Response: func(v url.Values) {
				v.Del("code")
				v.Set("error", "access_denied")
				v.Set("error_description", nasty())
			}},
		Fault{Name: "escape-issuer", Help: "the same in the issuer of the ID token", Rule: "OIDC Core 3.1.3.7 (2)", IDToken: set("iss", nasty())},
		Fault{Name: "escape-discovery", Help: "the same in the issuer of the metadata", Rule: "OIDC Discovery 4.3", Metadata: metadata("issuer", nasty())},
		Fault{Name: "escape-kid", Help: "the same in the kid of the ID token", Rule: "OIDC Core 10.1", IDToken: header("kid", nasty())},
		Fault{Name: "escape-token-type", Help: "the same in token_type", Rule: "RFC 6749 7.1", Answer: member("token_type", nasty())},
	)
	return append(lies, group("good", "login", 0,
		Fault{Name: "good-escape-claims", Help: "escape sequences in the name and the email address: to be shown escaped", IDToken: bend(func(t *Token) {
			t.Claims["name"], t.Claims["email"] = nasty(), nasty()
		}), Claims: func(m map[string]any) { m["name"], m["email"] = nasty(), nasty() }},
	)...)
}

// nasty is text that does things to a terminal: ESC, a window title, the
// clipboard (OSC 52), a link (OSC 8), an erased line, C1 controls, BEL and
// characters that turn the reading direction.
func nasty() string {
	return "ok\x1b[2K\x1b[1A\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b]8;;https://evil.example\x07click\x1b]8;;\x07" +
		"\u009b31mred\u0085\u202etxt.exe\u2066\nrely: all is well"
}
