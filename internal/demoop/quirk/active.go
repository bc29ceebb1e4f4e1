package quirk

import (
	"bytes"
	hypertext "html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// tried lists what shows only to somebody who tries it: "rely doctor --active".
func tried() []Fault {
	return slices.Concat(looseTokens(), looseRequests(), looseEndpoints(), looseProofs(), looseRedirects(), looseObjects(), loosePushes(), looseClients(), loggedIn(), unheeded())
}

// fake is a token response to a request that should have been refused.
const fake = `{"access_token":"access-that-should-not-be","token_type":"Bearer","expires_in":60}`

func looseTokens() []Fault {
	const errors = "RFC 6749 5.2"
	return group("token", "doctor", 8,
		Fault{Name: "token-stranger-html", Check: "A01", Help: "a token request without a client gets a web page", Rule: errors, On: Tokens,
			Serve: when(func(r *http.Request, _ *recorded) bool {
				return !r.PostForm.Has("client_id") && r.Header.Get("Authorization") == ""
			}, html)},
		Fault{Name: "any-secret", Check: "A02", Help: "any client secret will do", Rule: "RFC 6749 2.3.1", On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool {
				return r.Header.Get("Authorization") != "" && good.says("invalid_client")
			}, believe)},
		Fault{Name: "grant-other-error", Check: "A06", Help: "an unknown grant type is invalid_request", Rule: errors, On: Tokens,
			Serve: bent(func(s string) string { return strings.ReplaceAll(s, "unsupported_grant_type", "invalid_request") })},
		Fault{Name: "token-cached", Check: "A07", Help: "token responses may be cached", Rule: "RFC 6749 5.1", On: Tokens, Serve: headed("Cache-Control", func() string { return "max-age=60" })},
		Fault{Name: "verifier-ignored", Check: "L01", Help: "any code_verifier will do", Rule: "RFC 7636 4.6", On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool {
				return r.PostForm.Get("code_verifier") != "" && good.says("invalid_grant")
			}, believe)},
		Fault{Name: "verifier-optional", Check: "L02", Help: "the code_verifier may be left out", Rule: "RFC 9700 2.1.1", On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool {
				return r.PostForm.Has("code") && !r.PostForm.Has("code_verifier") && good.code >= 400
			}, believe)},
		Fault{Name: "code-twice", Check: "L04", Help: "a code is good for more than one time", Rule: "RFC 6749 4.1.2", On: Tokens, Serve: seenBefore("code", believe)},
		Fault{Name: "redirect-ignored", Check: "L06", Help: "any redirect_uri will do at the token endpoint", Rule: "RFC 6749 4.1.3", On: Tokens,
			Serve: when(func(r *http.Request, good *recorded) bool {
				return r.PostForm.Has("redirect_uri") && good.says("invalid_grant")
			}, believe)},
	)
}

func looseRequests() []Fault {
	const redirect = "RFC 6749 4.1.2.1"
	away := func(x *Exchange) {
		elsewhere(http.StatusFound, x.R.URL.Query().Get("redirect_uri")+"?error=invalid_request")(x)
	}
	return group("response", "doctor", 8,
		Fault{Name: "authorize-cors", Check: "A08", Help: "any page may read the sign-in page", Rule: "RFC 9700 2.6", On: Authorize, Serve: headed("Access-Control-Allow-Origin", func() string { return "*" })},
		Fault{Name: "unknown-client-redirect", Check: "A09", Help: "an unknown client's error is sent where it says", Rule: redirect, On: Authorize,
			Serve: when(func(_ *http.Request, good *recorded) bool { return good.code == 400 && good.has("client_id: ") }, away)},
		Fault{Name: "redirect-anywhere", Check: "A10", Help: "an error is sent to a redirect URI that is not registered", Rule: "RFC 9700 2.1", On: Authorize,
			Serve: when(func(_ *http.Request, good *recorded) bool { return good.code == 400 && good.has("redirect_uri: ") }, away)},
		Fault{Name: "response-type-crash", Check: "A12", Help: "a request without response_type is answered 500", Rule: "RFC 6749 3.1.1", On: Authorize,
			Serve: when(func(r *http.Request, _ *recorded) bool { return !r.URL.Query().Has("response_type") }, unavailable)},
		Fault{Name: "pkce-optional", Check: "A14", Help: "a public client may go without PKCE", Rule: "RFC 9700 2.1.1", On: Authorize, Serve: wished(func(q url.Values) {
			if !q.Has("code_challenge") {
				q.Set("code_challenge", strings.Repeat("a", 43))
				q.Set("code_challenge_method", "S256")
			}
		})},
		Fault{Name: "pkce-plain-taken", Check: "A15", Help: "plain is taken", Rule: "RFC 9700 2.1.1", On: Authorize, Serve: wished(func(q url.Values) {
			if q.Has("code_challenge_method") {
				q.Set("code_challenge_method", "S256")
			}
		})},
		Fault{Name: "prompt-none-page", Check: "A19", Help: "prompt=none gets a page", Rule: "OIDC Core 3.1.2.1", On: Authorize, Serve: wished(func(q url.Values) { q.Del("prompt") })},
		Fault{Name: "error-without-state", Check: "A20", Help: "errors come back without state", Rule: redirect, On: Authorize, Serve: sent(func(v url.Values) {
			if v.Has("error") {
				v.Del("state")
			}
		})},
		Fault{Name: "sign-in-page-framed", Check: "A21", Help: "the sign-in page may be cached", Rule: "RFC 9700 4.16", On: Authorize, Serve: headed("Cache-Control", nil)},
		Fault{Name: "error-page-raw", Check: "A22", Help: "the error page repeats what it was sent as it is", Rule: "CWE-79", On: Authorize, Serve: bent(hypertext.UnescapeString)},
	)
}

func looseEndpoints() []Fault {
	registered := func(part string) func(*Exchange) {
		return when(func(r *http.Request, good *recorded) bool {
			return good.code >= 400 && strings.Contains(bodyOf(r), part)
		}, says(http.StatusCreated, "Content-Type", "application/json", `{"client_id":"should-not-be"}`))
	}
	return append(group("registration", "doctor", 8,
		Fault{Name: "register-javascript", Check: "A30", Help: "a javascript: redirect URI is registered", Rule: "OIDC Registration 2", On: Register, Serve: registered(`"javascript:`)},
		Fault{Name: "register-fragment", Check: "A31", Help: "a redirect URI with a fragment is registered", Rule: "RFC 6749 3.1.2", On: Register, Serve: registered("#")},
		Fault{Name: "register-http", Check: "A32", Help: "an http redirect URI beyond loopback is registered", Rule: "RFC 9700 2.6", On: Register, Serve: registered(`"http://`)},
		Fault{Name: "registration-shown", Check: "A36", Help: "a client is shown to everybody", Rule: "RFC 7592 2.1", On: Registration,
			Serve: when(func(r *http.Request, _ *recorded) bool {
				return r.Method == http.MethodGet && r.Header.Get("Authorization") == ""
			}, says(http.StatusOK, "Content-Type", "application/json", `{"client_id":"shown"}`))},
	), group("userinfo", "doctor", 8,
		Fault{Name: "userinfo-no-challenge", Check: "A25", Help: "UserInfo refuses without WWW-Authenticate", Rule: "RFC 6750 3", On: UserInfo, Serve: headed("WWW-Authenticate", nil)},
		Fault{Name: "token-in-query", Check: "L21", Help: "UserInfo takes a token in the query", Rule: "RFC 9700 4.3.2", On: UserInfo, Serve: func(x *Exchange) {
			if token := x.R.URL.Query().Get("access_token"); token != "" {
				x.R.Header.Set("Authorization", "Bearer "+token)
				x.R.URL.RawQuery = ""
				_ = x.R.ParseForm()
				delete(x.R.Form, "access_token")
			}
			x.Good.ServeHTTP(x.W, x.R)
		}},
		Fault{Name: "introspection-open", Check: "A27", Help: "anybody may ask about tokens", Rule: "RFC 7662 2.1", On: Introspect,
			Serve: when(func(_ *http.Request, good *recorded) bool { return good.code == 401 }, says(http.StatusOK, "Content-Type", "application/json", `{"active":false}`))},
		Fault{Name: "revocation-picky", Check: "A28", Help: "revoking an unknown token is an error", Rule: "RFC 7009 2.2", On: Revoke,
			Serve: when(func(r *http.Request, _ *recorded) bool { return len(r.PostForm.Get("token")) < 10 }, says(http.StatusBadRequest, "Content-Type", "application/json", `{"error":"invalid_request"}`))},
		Fault{Name: "revocation-idle", Check: "L29", Help: "revocation does nothing", Rule: "RFC 7009 2", On: Revoke, Serve: says(http.StatusOK, "Content-Type", "application/json", "")},
		Fault{Name: "endpoint-missing", Check: "A29", Help: "the introspection endpoint is not there", Rule: "OIDC Discovery 3", Metadata: func(m map[string]any) {
			base, _ := m["token_endpoint"].(string)
			m["introspection_endpoint"] = base + "/nowhere"
		}},
	)...)
}

// says reports whether an answer is that error.
func (r *recorded) says(code string) bool { return r.code >= 400 && r.has(`"`+code+`"`) }

func (r *recorded) has(text string) bool { return bytes.Contains(r.Bytes(), []byte(text)) }

func (r *recorded) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.code)
	_, _ = w.Write(r.Bytes())
}

// when misbehaves where the request, or the good answer to it, calls for it.
func when(so func(r *http.Request, good *recorded) bool, bad func(*Exchange)) func(*Exchange) {
	return func(x *Exchange) {
		body := bodyOf(x.R)
		good := &recorded{header: http.Header{}, code: http.StatusOK}
		x.Good.ServeHTTP(good, x.R)
		x.R.Body = io.NopCloser(strings.NewReader(body))
		if so(x.R, good) {
			bad(x)
			return
		}
		good.send(x.W)
	}
}

// bodyOf reads a request's body and puts it back.
func bodyOf(r *http.Request) string {
	data, _ := io.ReadAll(r.Body) // it is in memory already
	r.Body = io.NopCloser(bytes.NewReader(data))
	return string(data)
}

// wished lets the good provider answer another request.
func wished(change func(url.Values)) func(*Exchange) {
	return func(x *Exchange) {
		q := x.R.URL.Query()
		change(q)
		x.R.URL.RawQuery = q.Encode()
		x.Good.ServeHTTP(x.W, x.R)
	}
}

// sent changes the query of a redirect.
func sent(change func(url.Values)) func(*Exchange) {
	return func(x *Exchange) {
		good := &recorded{header: http.Header{}, code: http.StatusOK}
		x.Good.ServeHTTP(good, x.R)
		if to, err := url.Parse(good.header.Get("Location")); err == nil && to.Host != "" {
			q := to.Query()
			change(q)
			to.RawQuery = q.Encode()
			good.header.Set("Location", to.String())
		}
		good.send(x.W)
	}
}

func believe(x *Exchange) { says(http.StatusOK, "Content-Type", "application/json", fake)(x) }
