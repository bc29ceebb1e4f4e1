package demoop_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rely/internal/demoop"
)

func TestDiscoveryPaths(t *testing.T) {
	t.Parallel()
	o := start(t, "/tenant/one", nil)
	host := strings.TrimSuffix(o.issuer, "/tenant/one")
	for _, uri := range []string{o.issuer + "/.well-known/openid-configuration", host + "/.well-known/oauth-authorization-server/tenant/one"} {
		m := o.get(o.http, uri).object(t)
		if m["issuer"] != o.issuer || m["token_endpoint"] != o.issuer+"/token" {
			t.Errorf("%s: got issuer %v and token endpoint %v", uri, m["issuer"], m["token_endpoint"])
		}
	}
	if got := o.get(o.http, host+"/.well-known/openid-configuration").StatusCode; got != http.StatusNotFound {
		t.Errorf("got %d for another issuer's metadata, want 404", got)
	}
}

// TestNoRedirectToStrangers: what is wrong with the client or the redirect URI
// is told to the person and to nobody else (RFC 6749 4.1.2.1).
func TestNoRedirectToStrangers(t *testing.T) {
	t.Parallel()
	o := broken(t)
	for name, change := range map[string][]string{
		"an unknown client":                {"client_id", "nobody"},
		"no client":                        {"client_id", ""},
		"no redirect URI":                  {"redirect_uri", ""},
		"another host":                     {"redirect_uri", "https://evil.example/cb"},
		"a host that only looks like ours": {"redirect_uri", "http://127.0.0.1.evil.example/cb"},
		"a user part":                      {"redirect_uri", "http://127.0.0.1@evil.example/cb"},
		"a fragment":                       {"redirect_uri", "http://127.0.0.1/cb#x"},
		"another scheme":                   {"redirect_uri", "javascript://127.0.0.1/%0aalert(1)"},
		"markup":                           {"redirect_uri", `http://evil.example/"><script>alert(1)</script>`},
	} {
		a := o.get(o.http, o.request(newPKCE(), change...))
		if a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" || strings.Contains(a.body, "<script") {
			t.Errorf("%s: got %d to %q: %s", name, a.StatusCode, a.Header.Get("Location"), a.body)
		}
		if p := a.Header.Get("Content-Security-Policy"); !strings.Contains(p, "frame-ancestors 'none'") {
			t.Errorf("%s: got the policy %q", name, p)
		}
	}
}

func TestAuthorizationErrors(t *testing.T) {
	t.Parallel()
	o := broken(t)
	for name, tt := range map[string]struct {
		change []string
		want   string
	}{
		"no PKCE":                    {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"PKCE plain":                 {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"PKCE without a method":      {[]string{"code_challenge_method", ""}, "invalid_request"},
		"a challenge of odd length":  {[]string{"code_challenge", "abc"}, "invalid_request"},
		"no response type":           {[]string{"response_type", ""}, "invalid_request"},
		"an unknown response type":   {[]string{"response_type", "code banana"}, "unsupported_response_type"},
		"implicit without a nonce":   {[]string{"response_type", "id_token", "nonce", ""}, "invalid_request"},
		"hybrid without a nonce":     {[]string{"response_type", "id_token code", "nonce", ""}, "invalid_request"},
		"tokens in the query":        {[]string{"response_type", "code token", "response_mode", "query"}, "invalid_request"},
		"no scope":                   {[]string{"scope", "nonsense"}, "invalid_scope"},
		"an unknown prompt":          {[]string{"prompt", "dance"}, "invalid_request"},
		"prompt none with another":   {[]string{"prompt", "none login"}, "invalid_request"},
		"prompt none, nobody there":  {[]string{"prompt", "none"}, "login_required"},
		"a malformed max_age":        {[]string{"max_age", "-1"}, "invalid_request"},
		"an unknown response mode":   {[]string{"response_mode", "pigeon"}, "invalid_request"},
		"a request object":           {[]string{"request", "e30.e30."}, "invalid_request_object"},
		"a request object elsewhere": {[]string{"request_uri", "https://evil.example"}, "request_uri_not_supported"},
		"somebody else's hint":       {[]string{"id_token_hint", "a.b.c"}, "invalid_request"},
	} {
		got := o.get(o.http, o.request(newPKCE(), tt.change...)).where(t)
		if got.Get("error") != tt.want || got.Get("state") != "the-state" || got.Get("iss") != o.issuer || got.Has("code") {
			t.Errorf("%s: got %v, want %s with state and iss", name, got, tt.want)
		}
	}
	got := o.get(o.http, o.request(newPKCE())+"&nonce=again").where(t)
	if got.Get("error") != "invalid_request" {
		t.Errorf("a repeated parameter: got %v, want invalid_request", got)
	}
}

func TestSignInPage(t *testing.T) {
	t.Parallel()
	o := broken(t)
	c := o.browser()
	a := o.get(c, o.request(newPKCE(), "login_hint", `al"ice`))
	for _, want := range []string{`autocomplete="username"`, `autocomplete="current-password"`, `<label for="username">`, `value="al&#34;ice"`, "Demo client", "bob"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	if p := a.Header.Get("Content-Security-Policy"); !strings.Contains(p, "form-action 'self' http://127.0.0.1:8765") {
		t.Errorf("got the policy %q, want one that lets the form lead back to the client", p)
	}
	if k := a.Header.Get("Set-Cookie"); !strings.Contains(k, "HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("got the cookie %q", k)
	}
	wrong := o.fill(c, a, "username", "alice", "password", "guess", "action", "login")
	if wrong.StatusCode != http.StatusOK || !strings.Contains(wrong.body, `role="alert"`) || strings.Contains(wrong.body, "guess") {
		t.Errorf("got %d %s, want the page again with an alert", wrong.StatusCode, wrong.body)
	}
	if got := o.fill(c, wrong, "csrf", "forged", "username", "alice", "password", "wonderland-1865").StatusCode; got != http.StatusForbidden {
		t.Errorf("got %d for a forged form, want 403", got)
	}
	if got := o.fill(o.browser(), wrong, "username", "alice", "password", "wonderland-1865").StatusCode; got != http.StatusForbidden {
		t.Errorf("got %d for a form from another browser, want 403", got)
	}
	before := c.Jar.Cookies(mustURL(t, o.issuer))[0].Value
	right := o.fill(c, wrong, "username", "alice", "password", "wonderland-1865", "action", "login")
	if after := c.Jar.Cookies(mustURL(t, o.issuer))[0].Value; right.StatusCode != http.StatusSeeOther || after == before {
		t.Errorf("got %d and the cookie %q after %q, want a new one and a redirect", right.StatusCode, after, before)
	}
	consent := o.get(c, right.Header.Get("Location"))
	if got := o.fill(c, consent, "action", "deny").where(t); got.Get("error") != "access_denied" || got.Get("state") != "the-state" {
		t.Errorf("got %v after a no, want access_denied", got)
	}
	if got := o.fill(c, consent, "action", "allow").StatusCode; got != http.StatusForbidden {
		t.Errorf("got %d for a second answer, want 403", got)
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestTooManyWrongPasswords(t *testing.T) {
	t.Parallel()
	o := broken(t)
	c := o.browser()
	a := o.get(c, o.request(newPKCE()))
	for range 9 {
		a = o.fill(c, a, "username", "mallory", "password", "guess", "action", "login")
	}
	if got := o.fill(c, a, "username", "alice", "password", "guess", "action", "login").where(t); got.Get("error") != "access_denied" {
		t.Errorf("got %v, want access_denied", got)
	}
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	o := broken(t)
	c := o.browser()
	o.signIn(c, o.request(newPKCE()))
	silent := func(change ...string) url.Values {
		return o.get(c, o.request(newPKCE(), append(change, "prompt", "none")...)).where(t)
	}
	if got := silent(); got.Get("code") == "" {
		t.Errorf("got %v with a session, want a code", got)
	}
	if got := silent("scope", "openid phone"); got.Get("error") != "consent_required" {
		t.Errorf("got %v for a new scope, want consent_required", got)
	}
	o.later(time.Minute)
	if got := silent("max_age", "30"); got.Get("error") != "login_required" {
		t.Errorf("got %v for an old sign-in, want login_required", got)
	}
	if got := silent("max_age", "90"); got.Get("code") == "" {
		t.Errorf("got %v for a sign-in within max_age, want a code", got)
	}
	for prompt, want := range map[string]string{"login": `name="password"`, "select_account": `name="password"`, "consent": `value="allow"`} {
		if a := o.get(c, o.request(newPKCE(), "prompt", prompt)); !strings.Contains(a.body, want) {
			t.Errorf("prompt %s: got %s", prompt, a.body)
		}
	}
	if got := o.signIn(c, o.request(newPKCE(), "max_age", "0")); got.Get("code") == "" {
		t.Errorf("got %v after signing in anew, want a code", got)
	}
}

func TestFormPost(t *testing.T) {
	t.Parallel()
	o := broken(t)
	c := o.browser()
	o.signIn(c, o.request(newPKCE()))
	a := o.get(c, o.request(newPKCE(), "response_mode", "form_post", "state", `"><script>alert(1)</script>`))
	if !strings.Contains(a.body, `action="`+callback+`"`) || !strings.Contains(a.body, `name="code"`) || strings.Contains(a.body, "<script>alert") {
		t.Errorf("got %s, want a form that posts itself", a.body)
	}
	if p := a.Header.Get("Content-Security-Policy"); !strings.Contains(p, "script-src 'sha256-") {
		t.Errorf("got the policy %q", p)
	}
}

func TestAuthorizationByPost(t *testing.T) {
	t.Parallel()
	o := broken(t)
	u := mustURL(t, o.request(newPKCE()))
	if a := o.post(o.browser(), "/authorize", u.Query()); !strings.Contains(a.body, `name="password"`) {
		t.Errorf("got %d %s, want the sign-in page", a.StatusCode, a.body)
	}
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	s, err := demoop.New(demoop.Options{Issuer: "https://127.0.0.1:9443", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		peer, host string
		want       int
	}{
		"from this machine":                 {"127.0.0.1:5555", "127.0.0.1:9443", 200},
		"from this machine over IPv6":       {"[::1]:5555", "127.0.0.1:9443", 200},
		"from another machine":              {"192.0.2.1:5555", "127.0.0.1:9443", 403},
		"a browser under another host name": {"127.0.0.1:5555", "rebound.example:9443", 421},
	} {
		r := httptest.NewRequest("GET", "https://"+tt.host+"/jwks", nil)
		r.RemoteAddr = tt.peer
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != tt.want {
			t.Errorf("%s: got %d, want %d", name, w.Code, tt.want)
		}
	}
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	o := broken(t)
	token := o.tokens("scope", "openid address phone profile")["access_token"].(string)
	byHeader := o.send(o.http, "GET", "/userinfo", "", "Authorization: bEARER "+token)
	byBody := o.post(o.http, "/userinfo", url.Values{"access_token": {token}})
	if d := cmp.Diff(byHeader.object(t), byBody.object(t)); d != "" {
		t.Errorf("header and body differ: %s", d)
	}
	var got struct {
		Sub, Name, Email string
		Address          struct{ Country string }
	}
	if err := json.Unmarshal([]byte(byHeader.body), &got); err != nil || got.Sub != "alice" || got.Name != "Alice Lid\u00e9ll" || got.Address.Country != "GB" || got.Email != "" {
		t.Errorf("got %s, want what the scopes allow", byHeader.body)
	}
	for name, tt := range map[string]struct {
		head string
		code int
		want string
	}{
		"no token":      {"", 401, `Bearer realm="demo provider"`},
		"a wrong token": {"Authorization: Bearer nonsense", 401, `error="invalid_token"`},
		"no openid":     {"Authorization: Bearer " + o.tokens("scope", "api:read")["access_token"].(string), 403, `error="insufficient_scope"`},
	} {
		a := o.send(o.http, "GET", "/userinfo", "", tt.head)
		if a.StatusCode != tt.code || !strings.Contains(a.Header.Get("WWW-Authenticate"), tt.want) {
			t.Errorf("%s: got %d %q", name, a.StatusCode, a.Header.Get("WWW-Authenticate"))
		}
	}
	o.later(time.Hour)
	if a := o.send(o.http, "GET", "/userinfo", "", "Authorization: Bearer "+token); a.StatusCode != 401 {
		t.Errorf("got %d for an old token, want 401", a.StatusCode)
	}
}
