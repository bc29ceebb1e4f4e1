package ops

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// strange is the glewlwyd that most tests share.
func strange(t *testing.T) (*provider, *home) {
	t.Helper()
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	p, err := odd()
	if err != nil {
		t.Fatal(err)
	}
	p.alone(t)
	return p, newHome(t)
}

// strangely is how alice signs in at glewlwyd, with a client that it always has
// and the redirect URI of this test.
func strangely(h *home, p *provider, test string, more ...string) []string {
	return append([]string{"login", p.issuer, "-p", "odd", "--ca-cert", p.ca, "--client-id", "static-public",
		"--redirect-uri", oddCallbacks()[test], "--scope", "openid profile email",
		"--browser", h.at(p, "alice", h.file("password", password))}, more...)
}

// TestGlewlwydSession is a session at a provider that says "bearer", that
// dates every sign-in 1970, that gives out an ID token once, and that refuses
// a used refresh token without a word.
func TestGlewlwydSession(t *testing.T) {
	p, h := strange(t)
	h.silent(strangely(h, p, "public")...)
	access := h.secret(h.line("tokens"))
	if header := h.exits(0, "tokens", "-o", "header"); header.stdout != "Authorization: Bearer "+access+"\n" {
		t.Errorf("got %q, want Authorization: Bearer and the same token", header.stdout)
	}
	h.said = h.said[:len(h.said)-1]
	var who struct{ Sub, Name, Email string }
	h.result("userinfo/1", &who, "userinfo")
	if len(who.Sub) != 32 || who.Name != "Alice \u00c5ngstr\u00f6m" || who.Email != "alice@example.com" {
		t.Errorf("got %+v from UserInfo, want alice", who)
	}

	old := h.secret(h.line("tokens", "--refresh"))
	renewed := h.secret(h.line("tokens", "--force"))
	rotated := h.secret(h.line("tokens", "--refresh"))
	if renewed == access || rotated == old {
		t.Errorf("got the same token after --force (access %t, refresh %t), want both new", renewed == access, rotated == old)
	}
	var tokens struct {
		Subject string
		IDToken string `json:"id_token"`
	}
	h.secret(h.line("tokens", "--id"))
	h.result("tokens/1", &tokens, "tokens")

	// The empty answer to a used refresh token says nothing, and ends the chain.
	if code := redeem(t, p, old); code != "" {
		t.Errorf("got %q for the rotated refresh token, want an empty answer", code)
	}
	if r := h.try("tokens", "--force"); r.code != 4 && r.code != 5 || !strings.Contains(r.stderr, "rely login") {
		t.Errorf("got exit code %d and %q when the chain is dead, want 4 or 5 and the way to sign in", r.code, r.stderr)
	}
	h.silent(strangely(h, p, "public")...)
	h.secret(h.line("tokens"))
}

// TestGlewlwydRefusesTheSecret: its refusal is 403 unauthorized_client where
// RFC 6749 5.2 has 401 invalid_client, and for client credentials 403 alone.
func TestGlewlwydRefusesTheSecret(t *testing.T) {
	p, h := strange(t)
	args := strangely(h, p, "web", "--client-id", "static-web", "--client-secret-file", h.file("secret", "static-web-secret"))
	h.silent(args...)
	h.secret(h.line("tokens"))
	h.file("secret", h.secret("not-the-web-secret"))
	if r := h.exits(5, args...); !strings.Contains(r.stderr, "unauthorized_client") {
		t.Errorf("got %q, want the provider's own words", r.stderr)
	}
}

// TestGlewlwydOddSecret: it takes what comes by Basic as it stands, where RFC
// 6749 2.3.1 has id and secret form-encoded; in the body they are decoded.
func TestGlewlwydOddSecret(t *testing.T) {
	p, h := strange(t)
	for method, code := range map[string]int{"client_secret_basic": 5, "client_secret_post": 0} {
		id := "odd-" + method
		at := departs(p, nil, "web")
		if err := at.add(id, []byte(`{"keys":[]}`), wish{method: method, props: map[string]any{"client_secret": secretOf(id)}}); err != nil {
			t.Fatal(err)
		}
		h.exits(code, "login", p.issuer, "-p", method, "--ca-cert", p.ca, "--client-id", id, "--client-auth", method, "--client-secret-file", h.file(method, h.secret(secretOf(id))),
			"--flow", "client-credentials", "--scope", "api:read")
	}
}

func TestGlewlwydClientCredentials(t *testing.T) {
	p, h := strange(t)
	h.env = append(h.env, "RELY_ISSUER="+p.issuer, "RELY_CLIENT_ID=static-service", "RELY_CA_CERT="+p.ca,
		"RELY_CLIENT_SECRET="+h.secret("static-service-secret"), "RELY_FLOW=client-credentials")
	if r := h.exits(0, "tokens", "--scope", "api:read", "-o", "header"); !strings.HasPrefix(r.stdout, "Authorization: Bearer ey") {
		t.Errorf("got %q, want an Authorization header", r.stdout)
	}
	if r := h.exits(5, "tokens", "--scope", "no-such-scope"); !strings.Contains(r.stderr, "scope_invalid") {
		t.Errorf("got %q for a scope that is not there, want the provider's scope_invalid", r.stderr)
	}
	if r := h.exits(5, "tokens", "--scope", ""); !strings.Contains(r.stderr, "403") {
		t.Errorf("got %q without a scope, want the status of an empty refusal", r.stderr)
	}
	h.env = append(h.env, "RELY_CLIENT_SECRET="+h.secret("not-the-service-secret"))
	if r := h.exits(5, "tokens", "--scope", "api:read"); !strings.Contains(r.stderr, "403") {
		t.Errorf("got %q for a wrong secret, want the status of an empty refusal", r.stderr)
	}
}

// TestGlewlwydAuthTime: an auth_time of 0 does no harm until somebody asks how
// long ago the person signed in (OpenID Connect Core 3.1.3.7, rule 13).
func TestGlewlwydAuthTime(t *testing.T) {
	p, h := strange(t)
	r := h.exits(6, strangely(h, p, "max-age", "--param", "max_age=600")...)
	if !strings.Contains(r.stderr, "auth_time") {
		t.Errorf("got %q, want the claim that is too old", r.stderr)
	}
	if r := h.exits(5, strangely(h, p, "max-age", "--param", "max_age=0")...); !strings.Contains(r.stderr, "invalid_request") {
		t.Errorf("got %q for max_age=0, want the provider's invalid_request", r.stderr)
	}
}

// TestGlewlwydAnswers are refusals of the authorization endpoint.
func TestGlewlwydAnswers(t *testing.T) {
	p, h := strange(t)
	if r := h.try(strangely(h, p, "answers", "--param", "prompt=none")...); r.code != 5 && r.code != 4 || !strings.Contains(r.stderr, "interaction_required") {
		t.Errorf("got exit code %d and %q for prompt=none, want 4 or 5 and interaction_required", r.code, r.stderr)
	}
	// No page and no answer: what happened is seen by the person alone.
	for name, args := range map[string][]string{
		"an unknown client":       {"--client-id", "nobody"},
		"an unknown redirect URI": {"--redirect-uri", "http://127.0.0.1:0/callback"},
		"a wrong password":        {"--browser", h.at(p, "alice", h.file("wrong", h.secret("not-her-looking-glass")))},
	} {
		r := h.try(strangely(h, p, "answers", args...)...)
		// 9 would be that it waited on, and -1 that it was killed at last.
		if r.code <= 0 || r.code == 9 || r.stdout != "" || !strings.Contains(r.stderr, "person: ") {
			t.Errorf("%s: got exit code %d, %q on stdout and %q, want a failure at once and what the command said", name, r.code, r.stdout, r.stderr)
		}
	}
	h.exits(3, "tokens", "-p", "odd") // nothing was kept, not even the profile
}

// TestGlewlwydDropsScopes: what was not granted is left out in silence, and the
// token answer's scope is all that tells.
func TestGlewlwydDropsScopes(t *testing.T) {
	p, h := strange(t)
	r := h.silent(strangely(h, p, "dropped", "--scope", "openid email no-such-scope")...)
	if !strings.Contains(r.stderr, "no-such-scope") {
		t.Errorf("got %q, want the scope that was not given", r.stderr)
	}
	var tokens struct{ Scope string }
	h.result("tokens/1", &tokens, "tokens")
	if strings.Contains(tokens.Scope, "no-such-scope") || !strings.Contains(tokens.Scope, "email") {
		t.Errorf("got the scope %q, want what the provider gave", tokens.Scope)
	}
}

// TestGlewlwydRevoked: a 401 of UserInfo with neither WWW-Authenticate nor body.
func TestGlewlwydRevoked(t *testing.T) {
	p, h := strange(t)
	h.silent(strangely(h, p, "revoked", "--client-id", "static-web", "--client-secret-file", h.file("secret", "static-web-secret"))...)
	access := h.secret(h.line("tokens"))
	client, err := visitor(p.ca)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodPost, p.issuer+"/revoke", strings.NewReader(url.Values{"token": {access}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("static-web", "static-web-secret")
	answer, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if r := h.try("userinfo"); r.code != 4 && r.code != 5 || !strings.Contains(r.stderr, "401") {
		t.Errorf("got exit code %d and %q for a revoked token, want 4 or 5 and the status", r.code, r.stderr)
	}
}
