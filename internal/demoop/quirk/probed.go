package quirk

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// looseProofs lists what a careless token endpoint takes for the proof of a
// client, or of a key.
func looseProofs() []Fault {
	const (
		proof     = "RFC 6749 2.3"
		assertion = "RFC 7523 3"
		dpop      = "RFC 9449 4.3"
		offered   = "RFC 8414 2"
	)
	given := func(r *http.Request, good *recorded) bool { return r.PostForm.Has("client_secret") && good.code >= 400 }
	return append(group("token", "doctor", 8,
		Fault{Name: "secret-any-way", Check: "A02", Help: "a client may send its secret another way than it registered", Rule: "OIDC Core 9", On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool {
				return given(r, good) && r.Header.Get("Authorization") == ""
			}, believe)},
		Fault{Name: "secret-two-ways", Check: "A02", Help: "a client may send its secret in two ways at once", Rule: proof, On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool {
				return given(r, good) && r.Header.Get("Authorization") != ""
			}, believe)},
		Fault{Name: "token-no-challenge", Check: "A02", Help: "a wrong secret is refused without WWW-Authenticate", Rule: "RFC 6749 5.2", On: Tokens, Serve: headed("WWW-Authenticate", nil)},
		Fault{Name: "token-get", Check: "A03", Help: "the token endpoint takes GET", Rule: "RFC 6749 3.2", On: Tokens, Serve: inQuery(func(r *http.Request) bool { return r.Method == http.MethodGet })},
		Fault{Name: "token-query", Check: "A04", Help: "the token endpoint takes parameters in the query", Rule: "RFC 6749 2.3.1", On: Tokens, Serve: inQuery(func(*http.Request) bool { return true })},
		Fault{Name: "token-repeated", Check: "A05", Help: "the token endpoint takes the first of two parameters", Rule: "RFC 6749 3.2", On: Tokens, Serve: func(x *Exchange) {
			for name, v := range x.R.PostForm {
				x.R.PostForm[name] = v[:1]
			}
			x.Good.ServeHTTP(x.W, x.R)
		}},
		Fault{Name: "service-refresh-token", Check: "A42", Help: "a client's token for itself comes with a refresh token", Rule: "RFC 6749 4.4.3", On: Tokens,
			Serve: when(service, says(http.StatusOK, "Content-Type", "application/json", `{"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_token":"r"}`))},
		Fault{Name: "service-scope-ignored", Check: "A42", Help: "an unknown scope is passed over in silence", Rule: "RFC 6749 3.3", On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool { return service(r, good) && good.says("invalid_scope") }, believe)},
		Fault{Name: "assertion-any-audience", Check: "A43", Help: "a client assertion for another server is taken", Rule: assertion, On: Tokens,
			Serve: assertedWith(func(c map[string]any) bool { return strings.Contains(fmt.Sprint(c["aud"]), ".invalid") })},
		Fault{Name: "assertion-expired", Check: "A43", Help: "a client assertion that has expired is taken", Rule: assertion, On: Tokens,
			Serve: assertedWith(func(c map[string]any) bool {
				exp, _ := c["exp"].(float64)
				iat, _ := c["iat"].(float64)
				return exp-iat > 600
			})},
		Fault{Name: "assertion-no-subject", Check: "A43", Help: "a client assertion without sub is taken", Rule: assertion, On: Tokens,
			Serve: assertedWith(func(c map[string]any) bool { return c["sub"] == nil })},
		Fault{Name: "assertion-twice", Check: "A43", Help: "a client assertion is taken twice", Rule: "OIDC Core 9", On: Tokens,
			Serve: when(func(_ *http.Request, good *recorded) bool { return good.has("used before (jti)") }, believe)},
		Fault{Name: "assertion-unsigned", Check: "A43", Help: "a client assertion that nobody signed is taken", Rule: "RFC 8725 3.2", On: Tokens,
			Serve: when(func(r *http.Request, _ *recorded) bool {
				return strings.HasSuffix(r.PostForm.Get("client_assertion"), ".")
			}, believe)},
		Fault{Name: "basic-refused", Check: "A45", Help: "client_secret_basic is listed and not taken", Rule: offered, On: Tokens, Serve: refusing("client_secret_basic")},
		Fault{Name: "post-refused", Check: "A45", Help: "client_secret_post is listed and not taken", Rule: offered, On: Tokens, Serve: refusing("client_secret_post")},
		Fault{Name: "secret-jwt-refused", Check: "A45", Help: "client_secret_jwt is listed and not taken", Rule: offered, On: Tokens, Serve: refusing("client_secret_jwt")},
		Fault{Name: "key-jwt-refused", Check: "A45", Help: "private_key_jwt is listed and not taken", Rule: offered, On: Tokens, Serve: refusing("private_key_jwt")},
		Fault{Name: "certificate-refused", Check: "A45", Help: "self_signed_tls_client_auth is listed and not taken", Rule: offered, On: Tokens, Serve: refusing("self_signed_tls_client_auth")},
		Fault{Name: "public-refused", Check: "A45", Help: "clients without a secret are listed and not taken", Rule: offered, On: Tokens, Serve: refusing("none")},
	), group("dpop", "doctor", 8,
		Fault{Name: "dpop-any-request", Check: "A44", Help: "a proof for another request is taken", Rule: dpop, On: Tokens, Serve: proven("for another request")},
		Fault{Name: "dpop-any-time", Check: "A44", Help: "a proof of another hour is taken", Rule: dpop, On: Tokens, Serve: proven("too old or in the future")},
		Fault{Name: "dpop-twice", Check: "A44", Help: "a proof is taken twice", Rule: "RFC 9449 11.1", On: Tokens, Serve: proven("used before")},
		Fault{Name: "dpop-private-key", Check: "A44", Help: "a proof with a private key in it is taken", Rule: dpop, On: Tokens, Serve: proven("carries a private key")},
	)...)
}

func service(r *http.Request, _ *recorded) bool {
	return r.PostForm.Get("grant_type") == "client_credentials"
}

// refusing believes no client that proves itself in that way.
func refusing(method string) func(*Exchange) {
	return when(func(r *http.Request, good *recorded) bool { return way(r) == method && good.says("invalid_grant") },
		says(http.StatusUnauthorized, "Content-Type", "application/json", `{"error":"invalid_client"}`))
}

// way is how a client proves itself.
func way(r *http.Request) string {
	switch token := r.PostForm.Get("client_assertion"); {
	case r.Header.Get("Authorization") != "":
		return "client_secret_basic"
	case r.PostForm.Has("client_secret"):
		return "client_secret_post"
	case token == "" && shows(r):
		return "self_signed_tls_client_auth"
	case token == "":
		return "none"
	case strings.HasPrefix(fmt.Sprint(part(token, 0)["alg"]), "HS"):
		return "client_secret_jwt"
	}
	return "private_key_jwt"
}

// inQuery reads a token request's parameters from the query as well.
func inQuery(so func(*http.Request) bool) func(*Exchange) {
	return func(x *Exchange) {
		if so(x.R) && x.R.URL.RawQuery != "" {
			x.R.Method = http.MethodPost
			if x.R.PostForm == nil {
				x.R.PostForm = url.Values{}
			}
			for name, v := range x.R.URL.Query() {
				x.R.PostForm[name] = v
			}
		}
		x.Good.ServeHTTP(x.W, x.R)
	}
}

// assertedWith believes a client whose assertion was refused and has such
// claims.
func assertedWith(so func(claims map[string]any) bool) func(*Exchange) {
	return when(func(r *http.Request, good *recorded) bool {
		c := payload(r.PostForm.Get("client_assertion"))
		return good.says("invalid_client") && c != nil && so(c)
	}, believe)
}

// payload is that of a JWT; nil where it cannot be read.
func payload(token string) map[string]any { return part(token, 1) }

// part is the header of a JWT (0) or its payload (1).
func part(token string, n int) (members map[string]any) {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		data, _ := base64.RawURLEncoding.DecodeString(parts[n])
		_ = json.Unmarshal(data, &members)
	}
	return members
}

// proven takes a proof that was refused with such words.
func proven(why string) func(*Exchange) {
	return when(func(_ *http.Request, good *recorded) bool { return good.says("invalid_dpop_proof") && good.has(why) },
		says(http.StatusOK, "Content-Type", "application/json", strings.Replace(fake, "Bearer", "DPoP", 1)))
}

// looseRedirects lists careless ways of comparing redirect URIs.
func looseRedirects() []Fault {
	const exact = "RFC 9700 2.1"
	like := func(so func(uri, registered string) bool) func(url.Values, []string, bool) bool {
		return func(q url.Values, registered []string, fits bool) bool {
			return fits || q.Has("redirect_uri") && slices.ContainsFunc(registered, func(r string) bool { return so(q.Get("redirect_uri"), r) })
		}
	}
	return group("response", "doctor", 8,
		Fault{Name: "redirect-prefix", Check: "A10", Help: "a redirect URI may go on behind the registered one", Rule: exact, Redirect: like(strings.HasPrefix)},
		Fault{Name: "redirect-case", Check: "A10", Help: "upper and lower case do not count in a redirect URI", Rule: exact, Redirect: like(strings.EqualFold)},
		Fault{Name: "redirect-query", Check: "A10", Help: "the query of a redirect URI does not count", Rule: exact, Redirect: like(func(uri, registered string) bool {
			a, _, _ := strings.Cut(uri, "?")
			b, _, has := strings.Cut(registered, "?")
			return has && a == b
		})},
		Fault{Name: "redirect-default", Check: "A11", Help: "a request without redirect_uri is answered at the first that is registered", Rule: "RFC 6749 3.1.2.3",
			Redirect: func(q url.Values, registered []string, fits bool) bool {
				if !q.Has("redirect_uri") && len(registered) > 0 {
					q.Set("redirect_uri", registered[0])
					return true
				}
				return fits
			}},
		Fault{Name: "loopback-port-fixed", Check: "A13", Help: "the port of a native application's redirect URI has to be the registered one", Rule: "RFC 8252 7.3",
			Redirect: func(q url.Values, registered []string, _ bool) bool {
				return slices.Contains(registered, q.Get("redirect_uri"))
			}},
	)
}

// looseObjects lists liberties with the parameters of a request.
func looseObjects() []Fault {
	page := says(http.StatusBadRequest, "Content-Type", "text/html; charset=utf-8", "<!doctype html><title>Error</title><p>There is something here that was not expected.")
	return append(group("response", "doctor", 8,
		Fault{Name: "authorize-repeated", Check: "A05", Help: "the authorization endpoint takes the first of two parameters", Rule: "RFC 6749 3.1", On: Authorize, Serve: wished(func(q url.Values) {
			for name, v := range q {
				q[name] = v[:1]
			}
		})},
		Fault{Name: "challenge-short", Check: "A16", Help: "a code_challenge may have 10 characters", Rule: "RFC 7636 4.2", On: Authorize, Serve: wished(func(q url.Values) {
			if n := len(q.Get("code_challenge")); n > 0 && n < 43 {
				q.Set("code_challenge", strings.Repeat("a", 43))
			}
		})},
		Fault{Name: "unknown-parameter-refused", Check: "A18", Help: "a request with an unknown parameter gets an error page", Rule: "RFC 6749 3.1", On: Authorize,
			Serve: when(func(r *http.Request, _ *recorded) bool { return strings.Contains(r.URL.RawQuery, "unknown") }, page)},
		Fault{Name: "authorize-post-refused", Check: "A18", Help: "the authorization endpoint takes no POST", Rule: "OIDC Core 3.1.2.1", On: Authorize,
			Serve: when(func(r *http.Request, _ *recorded) bool { return r.Method == http.MethodPost }, says(http.StatusMethodNotAllowed, "Allow", "GET", ""))},
		Fault{Name: "object-unsigned", Check: "A23", Help: "a request object that nobody signed is taken", Rule: "RFC 9101 10.1", On: Authorize, Serve: wished(func(q url.Values) {
			claims := payload(q.Get("request"))
			q.Del("request")
			for name, v := range claims {
				if s, is := v.(string); is && name != "iss" && name != "aud" {
					q.Set(name, s)
				}
			}
		})},
		Fault{Name: "request-uri-fetched", Check: "A24", Help: "a request_uri is fetched, whoever names it", Rule: "RFC 9101 10.4", On: Authorize, Serve: func(x *Exchange) {
			if uri := x.R.URL.Query().Get("request_uri"); strings.HasPrefix(uri, "http") {
				x.Reach(uri)
			}
			x.Good.ServeHTTP(x.W, x.R)
		}},
		Fault{Name: "object-ignored", Check: "A23", Help: "a request object is passed over", Rule: "OIDC Core 6.1", On: Authorize, Serve: wished(func(q url.Values) { q.Del("request") })},
	), needs("implicit", group("response", "doctor", 8,
		Fault{Name: "nonce-optional", Check: "A17", Help: "an ID token comes to the browser without a nonce", Rule: "OIDC Core 3.2.2.1", On: Authorize, Serve: wished(func(q url.Values) {
			if strings.Contains(q.Get("response_type"), "id_token") && !q.Has("nonce") {
				q.Set("nonce", "none")
			}
		})},
	)...)...)
}

// loosePushes lists carelessness with pushed requests.
func loosePushes() []Fault {
	taken := says(http.StatusCreated, "Content-Type", "application/json", `{"request_uri":"urn:ietf:params:oauth:request_uri:0123456789abcdefghijklmnopqrstuv","expires_in":60}`)
	answer := func(name, help string, hook func(map[string]any)) Fault {
		return Fault{Name: name, Check: "A40", Help: help, Rule: "RFC 9126 2.2, 7.1", Pushed: hook}
	}
	return group("pushed", "doctor", 8,
		Fault{Name: "par-unproven", Check: "A37", Help: "a client may push requests without proving itself", Rule: "RFC 9126 2", On: Push,
			Serve: when(func(_ *http.Request, good *recorded) bool { return good.says("invalid_client") }, taken)},
		Fault{Name: "par-inside", Check: "A38", Help: "a pushed request may have a request_uri in it", Rule: "RFC 9126 2.1", On: Push,
			Serve: when(func(r *http.Request, _ *recorded) bool { return r.PostForm.Has("request_uri") }, taken)},
		Fault{Name: "par-get", Check: "A38", Help: "a request may be pushed by GET", Rule: "RFC 9126 2.1", On: Push, Serve: inQuery(func(r *http.Request) bool { return r.Method == http.MethodGet })},
		answer("par-day", "a pushed request lives a day", metadata("expires_in", 86400)),
		answer("par-guessable", "the request_uri is a short number", metadata("request_uri", "urn:ietf:params:oauth:request_uri:1042")),
		Fault{Name: "par-any-client", Check: "A41", Help: "a pushed request is taken from another client", Rule: "RFC 9126 2.2", On: Authorize,
			Serve: when(func(r *http.Request, good *recorded) bool {
				return r.URL.Query().Has("request_uri") && good.code == 400
			},
				says(http.StatusOK, "Content-Type", "text/html; charset=utf-8", "<!doctype html><title>Sign in</title><form method=post><input name=username><input name=password type=password></form>"))},
	)
}

// looseClients lists carelessness with what clients register.
func looseClients() []Fault {
	made := func(member string) func(*Exchange) {
		return func(x *Exchange) {
			var asked map[string]any
			_ = json.Unmarshal([]byte(bodyOf(x.R)), &asked)
			if asked[member] == nil {
				x.Good.ServeHTTP(x.W, x.R)
				return
			}
			b, _ := json.Marshal(map[string]any{"client_id": "should-not-be", member: asked[member]})
			says(http.StatusCreated, "Content-Type", "application/json", string(b))(x)
		}
	}
	return group("registration", "doctor", 8,
		Fault{Name: "register-unsigned", Check: "A33", Help: "a client may register for ID tokens that nobody signs", Rule: "RFC 8725 3.2", On: Register, Serve: made("id_token_signed_response_alg")},
		Fault{Name: "register-sector", Check: "A35", Help: "a sector_identifier_uri is not fetched", Rule: "OIDC Registration 5", On: Register, Serve: made("sector_identifier_uri"),
			Metadata: metadata("subject_types_supported", []string{"public", "pairwise"})},
		Fault{Name: "registration-forgets", Check: "A34", Help: "a client's registration is read back without its name", Rule: "RFC 7592 2.1", On: Registration,
			Serve: bent(func(s string) string { return strings.Replace(s, `"client_name"`, `"x_name"`, 1) })},
		Fault{Name: "registration-stays", Check: "A34", Help: "a deleted client is still there", Rule: "RFC 7592 2.3", On: Registration, Serve: stays()},
	)
}

// stays says that a client is deleted, and shows it all the same.
func stays() func(*Exchange) {
	var mu sync.Mutex
	dead := map[string]bool{}
	return func(x *Exchange) {
		mu.Lock()
		gone := dead[x.R.URL.Path]
		dead[x.R.URL.Path] = gone || x.R.Method == http.MethodDelete
		mu.Unlock()
		if gone && x.R.Method == http.MethodGet {
			says(http.StatusOK, "Content-Type", "application/json", `{"client_id":"still-here"}`)(x)
			return
		}
		x.Good.ServeHTTP(x.W, x.R)
	}
}
