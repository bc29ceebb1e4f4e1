package demoop_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rely/internal/demoop"
	"rely/internal/secret"
)

const (
	webSecret     = "web-secret-0123456789abcdef"
	serviceSecret = "service-secret-0123456789abcdef"
)

func TestRedeemRefuses(t *testing.T) {
	t.Parallel()
	o := broken(t)
	for name, change := range map[string][]string{
		"another verifier":     {"code_verifier", strings.Repeat("a", 43)},
		"no verifier":          {"code_verifier", ""},
		"another redirect URI": {"redirect_uri", callback + "/"},
		"another code":         {"code", "nonsense"},
	} {
		p := newPKCE()
		f := url.Values{"grant_type": {"authorization_code"}, "client_id": {"demo"}, "redirect_uri": {callback},
			"code": {o.signIn(o.browser(), o.request(p)).Get("code")}, "code_verifier": {p.verifier}}
		f.Set(change[0], change[1])
		a := o.post(o.http, "/token", f)
		if a.StatusCode != 400 || a.object(t)["error"] != "invalid_grant" {
			t.Errorf("%s: got %d %s, want invalid_grant", name, a.StatusCode, a.body)
		}
	}
	p := newPKCE()
	code := o.signIn(o.browser(), o.request(p)).Get("code")
	o.later(2 * time.Minute)
	o.redeem(code, p).want(t, 400, "invalid_grant")
}

func TestReplayRevokesEverything(t *testing.T) {
	t.Parallel()
	o := broken(t)
	p := newPKCE()
	code := o.signIn(o.browser(), o.request(p)).Get("code")
	m := o.redeem(code, p).object(t)
	o.later(2 * time.Minute) // the code itself would have expired by now
	o.redeem(code, p).want(t, 400, "invalid_grant")
	o.refresh(m["refresh_token"]).want(t, 400, "invalid_grant")
	if a := o.send(o.http, "GET", "/userinfo", "", "Authorization: Bearer "+m["access_token"].(string)); a.StatusCode != 401 {
		t.Errorf("got %d, want the access token revoked", a.StatusCode)
	}
}

func TestRefreshReuseEndsTheFamily(t *testing.T) {
	t.Parallel()
	o := broken(t)
	first := o.tokens()["refresh_token"]
	second := o.refresh(first).object(t)["refresh_token"]
	if second == nil || second == first {
		t.Fatalf("got %v after %v, want rotation", second, first)
	}
	o.refresh(first).want(t, 400, "invalid_grant")
	o.refresh(second).want(t, 400, "invalid_grant")
}

func TestRefreshScope(t *testing.T) {
	t.Parallel()
	o := broken(t)
	f := url.Values{"grant_type": {"refresh_token"}, "client_id": {"demo"}, "refresh_token": {o.tokens()["refresh_token"].(string)}, "scope": {"openid phone"}}
	o.post(o.http, "/token", f).want(t, 400, "invalid_scope")
	f.Set("scope", "openid")
	if got := o.post(o.http, "/token", f).object(t)["scope"]; got != "openid" {
		t.Errorf("got the scope %v, want openid", got)
	}
}

func basic(id, password string) string {
	r, _ := http.NewRequest("GET", "/", nil)
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(password))
	return "Authorization: " + r.Header.Get("Authorization")
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	odd := `p:a%s+s w"\u00e9`
	o := start(t, "", func(opt *demoop.Options) {
		opt.Clients = []demoop.Client{{ID: "odd:id", Secret: secret.New(odd), GrantTypes: []string{"client_credentials"}, Scopes: []string{"api:read"}}}
	})
	form := func(kv ...string) url.Values {
		f := url.Values{"grant_type": {"client_credentials"}}
		for i := 0; i < len(kv); i += 2 {
			f.Set(kv[i], kv[i+1])
		}
		return f
	}
	for name, tt := range map[string]struct {
		form url.Values
		head []string
		code int
		want string
	}{
		"basic":                          {form(), []string{basic("service", serviceSecret)}, 200, ""},
		"post":                           {form("client_id", "service", "client_secret", serviceSecret), nil, 200, ""},
		"basic with odd characters":      {form(), []string{basic("odd:id", odd)}, 200, ""},
		"fewer scopes":                   {form("scope", "api:read"), []string{basic("service", serviceSecret)}, 200, ""},
		"a wrong secret":                 {form(), []string{basic("service", "wrong")}, 401, "invalid_client"},
		"an unknown client":              {form(), []string{basic("nobody", "")}, 401, "invalid_client"},
		"no secret":                      {form("client_id", "service"), nil, 401, "invalid_client"},
		"two ways at once":               {form("client_secret", serviceSecret), []string{basic("service", serviceSecret)}, 400, "invalid_request"},
		"two clients at once":            {form("client_id", "web"), []string{basic("service", serviceSecret)}, 400, "invalid_request"},
		"a scope it may not have":        {form("scope", "openid"), []string{basic("service", serviceSecret)}, 400, "invalid_scope"},
		"a grant it may not use":         {form(), []string{basic("web", webSecret)}, 400, "unauthorized_client"},
		"another method than registered": {form("client_id", "web", "client_secret", webSecret), nil, 401, "invalid_client"},
		"an unknown grant":               {form("grant_type", "urn:example:nothing"), []string{basic("service", serviceSecret)}, 400, "unsupported_grant_type"},
		"no grant":                       {form("grant_type", ""), []string{basic("service", serviceSecret)}, 400, "invalid_request"},
		"a public client":                {form("client_id", "demo"), nil, 400, "unauthorized_client"},
	} {
		a := o.post(o.http, "/token", tt.form, tt.head...)
		if m := a.object(t); a.StatusCode != tt.code || tt.code != 200 && m["error"] != tt.want {
			t.Errorf("%s: got %d %s, want %d %s", name, a.StatusCode, a.body, tt.code, tt.want)
		} else if tt.code == 200 && (m["access_token"] == "" || m["refresh_token"] != nil || m["id_token"] != nil) {
			t.Errorf("%s: got %s, want an access token alone", name, a.body)
		}
		if tt.code == 401 && !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: got WWW-Authenticate %q", name, a.Header.Get("WWW-Authenticate"))
		}
	}
	a := o.send(o.http, "POST", "/token?client_id=service&client_secret="+serviceSecret, "grant_type=client_credentials", "Content-Type: application/x-www-form-urlencoded")
	a.want(t, 401, "invalid_client")
	o.send(o.http, "POST", "/token", strings.Repeat("a", 65<<10), "Content-Type: application/x-www-form-urlencoded").want(t, 413, "invalid_request")
}

func TestRegistrationLife(t *testing.T) {
	t.Parallel()
	o := broken(t)
	a := o.send(o.http, "POST", "/register", `{"redirect_uris":["http://127.0.0.1:1/cb"],"application_type":"native","client_name":"Life",
		"id_token_signed_response_alg":"ES256","grant_types":["authorization_code","refresh_token"],"unheard_of":true}`, "")
	m := a.object(t)
	if a.StatusCode != 201 || m["client_secret"] == nil || m["client_secret_expires_at"] != 0.0 || m["unheard_of"] != nil || m["token_endpoint_auth_method"] != "client_secret_basic" {
		t.Fatalf("got %d %s, want a client", a.StatusCode, a.body)
	}
	where, head := m["registration_client_uri"].(string), "Authorization: Bearer "+m["registration_access_token"].(string)
	read := o.send(o.http, "GET", where, "", head).object(t)
	if d := cmp.Diff(m, read); d != "" {
		t.Errorf("what was registered and what is read differ: %s", d)
	}
	// Native clients choose the port when they ask (RFC 8252 7.3).
	p, id := newPKCE(), m["client_id"].(string)
	code := o.signIn(o.browser(), o.request(p, "client_id", id)).Get("code")
	got := o.post(o.http, "/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {p.verifier}},
		basic(id, m["client_secret"].(string))).object(t)
	if got["refresh_token"] == nil || got["id_token"] == nil {
		t.Errorf("got %v, want tokens", got)
	}
	for _, other := range []string{"http://localhost:8765/cb", "http://127.0.0.1:8765/other", "https://127.0.0.1:8765/cb"} {
		if a := o.get(o.http, o.request(p, "client_id", id, "redirect_uri", other)); a.StatusCode != 400 {
			t.Errorf("got %d for %s, want 400", a.StatusCode, other)
		}
	}
	put := `{"client_id":"` + id + `","redirect_uris":["com.example.app:/cb"],"application_type":"native","token_endpoint_auth_method":"none","id_token_signed_response_alg":"ES256"}`
	changed := o.send(o.http, "PUT", where, put, head).object(t)
	if changed["client_secret"] != nil || changed["registration_access_token"] == m["registration_access_token"] || changed["client_name"] != nil {
		t.Errorf("got %v, want the metadata replaced and a new token", changed)
	}
	if a := o.send(o.http, "GET", where, "", head); a.StatusCode != 401 {
		t.Errorf("got %d with the old token, want 401", a.StatusCode)
	}
	head = "Authorization: Bearer " + changed["registration_access_token"].(string)
	if a := o.send(o.http, "DELETE", where, "", head); a.StatusCode != 204 {
		t.Errorf("got %d, want 204", a.StatusCode)
	}
	if a := o.send(o.http, "GET", where, "", head); a.StatusCode != 401 {
		t.Errorf("got %d after the end, want 401", a.StatusCode)
	}
}

func TestRegistrationRefuses(t *testing.T) {
	t.Parallel()
	o := broken(t)
	for name, tt := range map[string]struct{ body, want string }{
		"no JSON":                  {`nonsense`, "invalid_client_metadata"},
		"a wrong type":             {`{"redirect_uris":"https://a.example"}`, "invalid_client_metadata"},
		"no redirect URI":          {`{}`, "invalid_redirect_uri"},
		"a fragment":               {`{"redirect_uris":["https://a.example/#"]}`, "invalid_redirect_uri"},
		"http elsewhere":           {`{"redirect_uris":["http://a.example/cb"]}`, "invalid_redirect_uri"},
		"a script":                 {`{"redirect_uris":["javascript:alert(1)"],"application_type":"native"}`, "invalid_redirect_uri"},
		"a private scheme for web": {`{"redirect_uris":["com.example.app:/cb"]}`, "invalid_redirect_uri"},
		"a relative address":       {`{"redirect_uris":["/cb"]}`, "invalid_redirect_uri"},
		"an unknown grant":         {`{"redirect_uris":["https://a.example"],"grant_types":["urn:example:nothing"]}`, "invalid_client_metadata"},
		"an unknown response type": {`{"redirect_uris":["https://a.example"],"response_types":["token"]}`, "invalid_client_metadata"},
		"alg none":                 {`{"redirect_uris":["https://a.example"],"id_token_signed_response_alg":"none"}`, "invalid_client_metadata"},
		"a secret for nobody":      {`{"redirect_uris":["https://a.example"],"id_token_signed_response_alg":"HS256","token_endpoint_auth_method":"none"}`, "invalid_client_metadata"},
		"an odd logo":              {`{"redirect_uris":["https://a.example"],"logo_uri":"javascript:alert(1)"}`, "invalid_client_metadata"},
	} {
		a := o.send(o.http, "POST", "/register", tt.body, "")
		if a.StatusCode != 400 || a.object(t)["error"] != tt.want {
			t.Errorf("%s: got %d %s, want %s", name, a.StatusCode, a.body, tt.want)
		}
	}
	closed := start(t, "", func(opt *demoop.Options) { opt.InitialAccessToken = secret.New("let-me-in") })
	good := `{"redirect_uris":["https://a.example/cb"]}`
	closed.send(closed.http, "POST", "/register", good, "").want(t, 401, "invalid_token")
	if a := closed.send(closed.http, "POST", "/register", good, "Authorization: Bearer let-me-in"); a.StatusCode != 201 {
		t.Errorf("got %d with the initial access token, want 201", a.StatusCode)
	}
}

func TestIntrospectionAndRevocation(t *testing.T) {
	t.Parallel()
	o := broken(t)
	m := o.tokens()
	active := func(token any) map[string]any {
		return o.post(o.http, "/introspect", url.Values{"token": {token.(string)}}, basic("web", webSecret)).object(t)
	}
	if got := active(m["access_token"]); got["active"] != true || got["sub"] != "alice" || got["client_id"] != "demo" {
		t.Errorf("got %v, want alice's token", got)
	}
	if got := active("nonsense"); len(got) != 1 || got["active"] != false {
		t.Errorf("got %v, want inactive and nothing else", got)
	}
	o.post(o.http, "/introspect", url.Values{"token": {"x"}, "client_id": {"demo"}}).want(t, 401, "invalid_client")
	revoke := func(token any, id string) answer {
		return o.post(o.http, "/revoke", url.Values{"token": {token.(string)}, "client_id": {id}})
	}
	if a := revoke("nonsense", "demo"); a.StatusCode != 200 {
		t.Errorf("got %d for an unknown token, want 200", a.StatusCode)
	}
	o.post(o.http, "/revoke", url.Values{"token": {m["refresh_token"].(string)}}, basic("web", webSecret)).want(t, 400, "invalid_grant")
	if revoke(m["access_token"], "demo"); active(m["access_token"])["active"] != false || active(m["refresh_token"])["active"] != true {
		t.Error("want the access token revoked, and nothing else")
	}
	next := o.refresh(m["refresh_token"]).object(t)
	if revoke(next["refresh_token"], "demo"); active(next["access_token"])["active"] != false {
		t.Error("want the refresh token to take its access token along")
	}
}

func TestEndSession(t *testing.T) {
	t.Parallel()
	o := broken(t)
	c, p := o.browser(), newPKCE()
	m := o.redeem(o.signIn(c, o.request(p)).Get("code"), p).object(t)
	q := url.Values{"id_token_hint": {m["id_token"].(string)}, "post_logout_redirect_uri": {callback}, "state": {"bye"}}
	for name, bad := range map[string]url.Values{
		"a forged hint":        {"id_token_hint": {"a.b.c"}},
		"an unknown address":   {"id_token_hint": {m["id_token"].(string)}, "post_logout_redirect_uri": {"https://evil.example"}},
		"an address of nobody": {"post_logout_redirect_uri": {callback}},
		"two clients":          {"id_token_hint": {m["id_token"].(string)}, "client_id": {"web"}},
	} {
		if a := o.get(c, "/logout?"+bad.Encode()); a.StatusCode != 400 || a.Header.Get("Location") != "" {
			t.Errorf("%s: got %d to %q", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	pg := o.get(c, "/logout?"+q.Encode())
	if a := o.fill(c, pg, "action", "stay"); !strings.Contains(a.body, "Still signed in") {
		t.Errorf("got %s", a.body)
	}
	if got := o.get(c, o.request(newPKCE(), "prompt", "none")).where(t); got.Get("code") == "" {
		t.Errorf("got %v, want the session still there", got)
	}
	o.later(time.Hour) // the hint may be an expired token
	if got := o.fill(c, o.get(c, "/logout?"+q.Encode()), "action", "logout").where(t); got.Get("state") != "bye" {
		t.Errorf("got %v, want the state back", got)
	}
	if got := o.get(c, o.request(newPKCE(), "prompt", "none")).where(t); got.Get("error") != "login_required" {
		t.Errorf("got %v, want the session gone", got)
	}
	o.refresh(m["refresh_token"]).want(t, 400, "invalid_grant")
	if a := o.get(c, "/logout"); a.StatusCode != 200 || !strings.Contains(a.body, "Signed out") {
		t.Errorf("got %d %s without a session", a.StatusCode, a.body)
	}
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	o := broken(t)
	token := o.tokens("scope", "openid p1:read:userPassword p1:reset:userPassword")["access_token"].(string)
	change := func(sub, token, body string) answer {
		return o.send(o.http, "PUT", "/v1/environments/demo/users/"+sub+"/password", body,
			"Content-Type: application/vnd.pingidentity.password.reset+json\nAuthorization: Bearer "+token)
	}
	for name, tt := range map[string]struct {
		sub, token, body string
		code             int
		want             string
	}{
		"without the scope":    {"alice", o.tokens()["access_token"].(string), `{}`, 403, "insufficient_scope"},
		"somebody else's":      {"bob", token, `{}`, 403, "ACCESS_FAILED"},
		"a wrong old password": {"alice", token, `{"currentPassword":"x","newPassword":"looking-glass-1871"}`, 400, `"target":"currentPassword"`},
		"too short, no digit":  {"alice", token, `{"currentPassword":"wonderland-1865","newPassword":"short"}`, 400, `"unsatisfiedRequirements":["length","minCharacters"]`},
		"the user name":        {"alice", token, `{"currentPassword":"wonderland-1865","newPassword":"Alice-1871"}`, 400, `"unsatisfiedRequirements":["excludesProfileData"]`},
		"nothing":              {"alice", token, `{}`, 400, "INVALID_DATA"},
	} {
		if a := change(tt.sub, tt.token, tt.body); a.StatusCode != tt.code || !strings.Contains(a.body, tt.want) {
			t.Errorf("%s: got %d %s, want %d %s", name, a.StatusCode, a.body, tt.code, tt.want)
		}
	}
	if a := o.send(o.http, "GET", "/v1/environments/demo/passwordPolicies", "", "Authorization: Bearer "+token); a.StatusCode != 200 || !strings.Contains(a.body, `"length":{"max":255,"min":8}`) {
		t.Errorf("got %d %s, want the policy", a.StatusCode, a.body)
	}
	if a := change("alice", token, `{"currentPassword":"wonderland-1865","newPassword":"looking-glass-1871"}`); a.StatusCode != 200 {
		t.Fatalf("got %d %s", a.StatusCode, a.body)
	}
	c := o.browser()
	pg := o.fill(c, o.get(c, o.request(newPKCE())), "username", "alice", "password", "wonderland-1865", "action", "login")
	if !strings.Contains(pg.body, `role="alert"`) || strings.Contains(pg.body, "looking-glass") {
		t.Errorf("the old password still works, or the new one shows: %s", pg.body)
	}
	if a := o.fill(c, pg, "username", "alice", "password", "looking-glass-1871", "action", "login"); a.StatusCode != 303 {
		t.Errorf("got %d, want the new password to work", a.StatusCode)
	}
}
