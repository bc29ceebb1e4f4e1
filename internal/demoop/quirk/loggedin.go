package quirk

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// loggedIn lists what shows only after somebody signed in, to "rely doctor
// --active" with a robot.
func loggedIn() []Fault {
	return append(append(looseCodes(), looseRefreshes()...), looseSessions()...)
}

func looseCodes() []Fault {
	const code = "RFC 6749 4.1.3"
	brings := func(name, words string) func(*http.Request, *recorded) bool {
		return func(r *http.Request, good *recorded) bool {
			return r.PostForm.Has(name) && good.says("invalid_grant") && good.has(words)
		}
	}
	return group("token", "doctor", 8,
		Fault{Name: "verifier-unasked", Check: "L03", Help: "a code_verifier is taken where no challenge was sent", Rule: "RFC 9700 4.8.2", On: Tokens,
			Serve: when(brings("code", "without a code_challenge"), believe)},
		Fault{Name: "code-twice-tokens-live", Check: "L05", Help: "a code that comes again is refused, and its tokens live on", Rule: "RFC 6749 4.1.2", On: Tokens,
			Serve: seenBefore("code", says(http.StatusBadRequest, "Content-Type", "application/json", `{"error":"invalid_grant"}`))},
		Fault{Name: "code-any-client", Check: "L07", Help: "any client may redeem a code", Rule: code, On: Tokens, Serve: when(brings("code", "another client"), believe)},
		Fault{Name: "code-for-ever", Check: "L08", Help: "a code never runs out", Rule: "FAPI 2.0 Security Profile 5.3.2.1", On: Tokens, Serve: when(brings("code", "too old"), believe)},
		Fault{Name: "refresh-token-short", Check: "L09", Help: "refresh tokens have eight characters", Rule: "RFC 6749 10.10", Answer: func(m map[string]any, _ bool) { m["refresh_token"] = rand.Text()[:8] }},
		Fault{Name: "access-token-tells", Check: "L19", Help: "the access token is a JWT that lives for a day and tells who the person is", Rule: "RFC 9068 2, 6",
			Answer: func(m map[string]any, _ bool) { m["access_token"] = telling() }},
		Fault{Name: "id-token-day", Check: "L15", Help: "ID tokens live for a day", Rule: "OIDC Core 2", IDToken: at("exp", 24*time.Hour)},
		Fault{Name: "id-token-tells", Check: "L15", Help: "the ID token tells the email address, unasked", Rule: "OIDC Core 5.4", IDToken: set("email", "alice@demo.example")},
		Fault{Name: "nonce-invented", Check: "L12", Help: "the ID token has a nonce that nobody sent", Rule: "OIDC Core 3.1.2.1", IDToken: bend(func(t *Token) {
			if t.Claims["nonce"] == nil {
				t.Claims["nonce"] = "invented"
			}
		})},
	)
}

func looseRefreshes() []Fault {
	const renewal = "RFC 6749 6"
	renews := func(r *http.Request) bool { return r.PostForm.Get("grant_type") == "refresh_token" }
	return group("token", "doctor", 8,
		Fault{Name: "refresh-twice", Check: "L24", Help: "a refresh token is rotated, and the old one works as well", Rule: "RFC 9700 4.14.2", On: Tokens, Serve: seenBefore("refresh_token", believe)},
		Fault{Name: "refresh-any-client", Check: "L25", Help: "any client may use a refresh token", Rule: renewal, On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool { return renews(r) && good.has("another client") }, believe)},
		Fault{Name: "refresh-no-secret", Check: "L25", Help: "a renewal works without the client secret", Rule: renewal, On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool {
				return renews(r) && r.Header.Get("Authorization") == "" && good.says("invalid_client")
			}, believe)},
		Fault{Name: "refresh-more-scope", Check: "L26", Help: "a renewal brings every scope that is asked for", Rule: renewal, On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool { return renews(r) && good.says("invalid_scope") }, func(x *Exchange) {
				says(http.StatusOK, "Content-Type", "application/json", strings.Replace(fake, "{", fmt.Sprintf(`{"scope":%q,`, x.R.PostForm.Get("scope")), 1))(x)
			})},
		Fault{Name: "introspection-always", Check: "L30", Help: "introspection calls every token active", Rule: "RFC 7662 2.2", On: Introspect,
			Serve: bent(func(s string) string { return strings.Replace(s, `"active":false`, `"active":true`, 1) })},
		Fault{Name: "par-twice", Check: "L33", Help: "a pushed request works more than once", Rule: "RFC 9126 7.3", Again: true},
	)
}

func looseSessions() []Fault {
	alice := says(http.StatusOK, "Content-Type", "application/json", `{"sub":"alice"}`)
	shown := func(scheme string) func(*http.Request, *recorded) bool {
		return func(r *http.Request, good *recorded) bool {
			return strings.HasPrefix(r.Header.Get("Authorization"), scheme+" ") && good.code == http.StatusUnauthorized
		}
	}
	return append(group("userinfo", "doctor", 8,
		Fault{Name: "expired-token-taken", Check: "L22", Help: "UserInfo takes tokens that have run out", Rule: "RFC 6750 3.1", On: UserInfo, Serve: when(shown("Bearer"), alice)},
		Fault{Name: "dpop-as-bearer", Check: "L32", Help: "UserInfo takes a bound token without a proof", Rule: "RFC 9449 7.2", On: UserInfo, Serve: when(shown("Bearer"), alice)},
		Fault{Name: "dpop-any-proof", Check: "L32", Help: "UserInfo takes a bound token with any proof", Rule: "RFC 9449 7.1", On: UserInfo, Serve: when(shown("DPoP"), alice)},
	), group("response", "doctor", 8,
		Fault{Name: "prompt-login-ignored", Check: "L16", Help: "prompt=login does not ask again", Rule: "OIDC Core 3.1.2.1", On: Authorize, Serve: wished(func(q url.Values) {
			if q.Get("prompt") == "login" {
				q.Del("prompt")
			}
		})},
		Fault{Name: "max-age-ignored", Check: "L16", Help: "max_age does not ask again", Rule: "OIDC Core 3.1.2.1", On: Authorize, Serve: wished(func(q url.Values) { q.Del("max_age") })},
		Fault{Name: "sign-in-307", Check: "L34", Help: "the sign-in is answered with 307", Rule: "RFC 9700 4.12", On: "login", Serve: func(x *Exchange) {
			good := &recorded{header: http.Header{}, code: http.StatusOK}
			x.Good.ServeHTTP(good, x.R)
			if good.code == http.StatusSeeOther {
				good.code = http.StatusTemporaryRedirect
			}
			good.send(x.W)
		}},
		Fault{Name: "logout-anywhere", Check: "L31", Help: "a sign-out leads to any address", Rule: "OIDC RP-Initiated Logout 3", On: "logout",
			Serve: when(func(r *http.Request, good *recorded) bool {
				return good.code == http.StatusBadRequest && r.Form.Has("post_logout_redirect_uri")
			}, func(x *Exchange) { elsewhere(http.StatusFound, x.R.Form.Get("post_logout_redirect_uri"))(x) })},
		Fault{Name: "logout-idle", Check: "L31", Help: "a sign-out leads back, and ends nothing", Rule: "OIDC RP-Initiated Logout 2", On: "logout",
			Serve: when(func(_ *http.Request, good *recorded) bool { return good.code < 400 }, func(x *Exchange) {
				elsewhere(http.StatusFound, x.R.Form.Get("post_logout_redirect_uri")+"?"+url.Values{"state": x.R.Form["state"]}.Encode())(x)
			})},
	)...)
}

// seenBefore misbehaves where a parameter comes with a value that came before.
func seenBefore(name string, bad func(*Exchange)) func(*Exchange) {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(x *Exchange) {
		v := x.R.PostForm.Get(name)
		mu.Lock()
		again := v != "" && seen[v]
		seen[v] = true
		mu.Unlock()
		if again {
			bad(x)
			return
		}
		x.Good.ServeHTTP(x.W, x.R)
	}
}

// telling is a token that nobody could use: only what it says counts.
func telling() string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + part([]byte(`{"sub":"alice","email":"alice@demo.example","iat":1700000000,"exp":1700086400}`)) + "." + part([]byte("nobody signed it"))
}
