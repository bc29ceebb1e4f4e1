package ops

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// public is how a person signs in with the public client, by forms.
func public(h *home, p *provider, more ...string) []string {
	return append([]string{"login", p.issuer, "-p", "web", "--ca-cert", p.ca,
		"--client-id", "static-public", "--redirect-uri", "http://127.0.0.1:0/callback",
		"--scope", "openid profile email offline_access", "--param", "prompt=consent",
		"--browser", "forms", "--username", "alice", "--password-file", h.file("password", password)}, more...)
}

func shared(t *testing.T) *provider {
	t.Helper()
	p, err := steady()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPublicClient(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	h.silent(public(h, p)...)

	access := h.secret(h.line("tokens"))
	if again := h.line("tokens"); again != access {
		t.Errorf("got another access token while the first is fresh, want the same")
	}
	var tokens struct {
		AccessToken string    `json:"access_token"`
		ExpiresAt   time.Time `json:"expires_at"`
	}
	h.result("tokens/1", &tokens, "tokens")
	if left := time.Until(tokens.ExpiresAt); tokens.AccessToken != access || left < 50*time.Minute || left > time.Hour {
		t.Errorf("got a token for %v, want the same one for an hour", left)
	}
	var who struct{ Sub, Email, Name string }
	h.result("userinfo/1", &who, "userinfo")
	if who.Sub != "alice" || who.Email != "alice@example.com" || who.Name != "Alice \u00c5ngstr\u00f6m" {
		t.Errorf("got %+v from UserInfo, want alice", who)
	}

	old := h.secret(h.line("tokens", "--refresh"))
	renewed := h.secret(h.line("tokens", "--force", "--trace"))
	rotated := h.secret(h.line("tokens", "--refresh"))
	if renewed == access || rotated == old {
		t.Errorf("got the same token after --force (access %t, refresh %t), want both new", renewed == access, rotated == old)
	}
	if trace := h.said[len(h.said)-2].stderr; !strings.Contains(trace, "/token") || !strings.Contains(trace, "grant_type") {
		t.Errorf("got the trace %q, want the refresh request in it", trace)
	}
	h.result("userinfo/1", &who, "userinfo")

	// The provider takes the old token for stolen and ends the whole grant:
	// what is left is to sign in again.
	if code := redeem(t, p, old); code != "invalid_grant" {
		t.Errorf("got %q for the rotated refresh token, want invalid_grant", code)
	}
	if r := h.try("tokens", "--force"); r.code != 4 && r.code != 5 || !strings.Contains(r.stderr, "rely login") {
		t.Errorf("got exit code %d and %q when the grant is gone, want 4 or 5 and the way to sign in", r.code, r.stderr)
	}
	h.silent(public(h, p)...)
	h.secret(h.line("tokens"))
}

// redeem sends a public client's refresh token past rely and returns the
// provider's error code, "" where the answer has none.
func redeem(t *testing.T, p *provider, token string) string {
	t.Helper()
	client, err := visitor(p.ca)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	answer, err := client.PostForm(p.issuer+"/token",
		url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"static-public"}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("got status %d for the refresh token, want 400", answer.StatusCode)
	}
	var refusal struct{ Error string }
	if err := json.NewDecoder(answer.Body).Decode(&refusal); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return refusal.Error
}

func TestConfidentialClients(t *testing.T) {
	need(t)
	t.Parallel()
	for _, client := range []string{"ops-basic", "ops-post"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			p, h := shared(t), newHome(t)
			secret := h.file("secret", h.secret(secretOf(client)))
			h.silent("login", p.issuer, "--ca-cert", p.ca, "--client-id", client, "--client-secret-file", secret,
				"--redirect-uri", callbacks()[client], "--scope", "openid offline_access", "--param", "prompt=consent",
				"--browser", "forms", "--username", "alice", "--password-file", h.file("password", password))
			first := h.secret(h.line("tokens"))
			if second := h.secret(h.line("tokens", "--force")); second == first {
				t.Error("got the same access token after --force, want a new one")
			}
			var who struct{ Sub string }
			h.result("userinfo/1", &who, "userinfo")
			if who.Sub != "alice" {
				t.Errorf("got sub %q, want alice", who.Sub)
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	args := public(h, p)
	h.file("password", h.secret("not-her-looking-glass"))
	r := h.exits(5, append(args, "--trace")...)
	if r.stdout != "" {
		t.Errorf("got %q on stdout, want nothing", r.stdout)
	}
	// One try: a second one could lock the account at a real provider. Other
	// tests type wrong passwords there as well, each in its own interaction.
	tries := regexp.MustCompile(`POST \S+(/interaction/\S+/login)`).FindAllStringSubmatch(r.stderr, -1)
	if len(tries) != 1 {
		t.Fatalf("got %d tries of the password, want 1\n%s", len(tries), r.stderr)
	}
	if n := p.answers(t, "POST "+tries[0][1]+" 401"); n != 1 {
		t.Errorf("got %d wrong passwords at the provider, want 1", n)
	}
	h.exits(3, "tokens", "-p", "web") // nothing was kept, not even the profile
}

func TestClientCredentialsFromTheEnvironmentAlone(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	h.env = append(h.env, "RELY_ISSUER="+p.issuer, "RELY_CLIENT_ID=static-service",
		"RELY_CLIENT_SECRET="+h.secret("static-service-secret"), "RELY_CA_CERT="+p.ca)
	args := []string{"tokens", "--flow", "client-credentials", "--scope", "api:read", "--non-interactive"}
	h.secret(h.line(args...))
	r := h.exits(0, append(args, "-o", "header")...)
	if !strings.HasPrefix(r.stdout, "Authorization: Bearer ") {
		t.Errorf("got %q, want an Authorization header", r.stdout)
	}
	h.env = append(h.env, "RELY_CLIENT_SECRET="+h.secret("not-the-service-secret"))
	h.exits(5, args...)
}

func TestProviderGone(t *testing.T) {
	need(t)
	t.Parallel()
	p, err := start("oidc-provider")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	h.silent(public(h, p)...)
	access := h.secret(h.line("tokens"))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	h.exits(7, "tokens", "--force")
	h.exits(7, "userinfo")
	h.exits(7, public(h, p)...)
	if again := h.line("tokens"); again != access {
		t.Error("got another access token from the session, want the one that is still fresh")
	}
}

// TestFiftyAtOnce is the build server: one session, expired, and everybody
// asks. A second request with the same refresh token would end the session.
func TestFiftyAtOnce(t *testing.T) {
	need(t)
	t.Parallel()
	p, err := start("oidc-provider", "OP_TTL_FIRST=30")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	h.silent(public(h, p)...)

	const n = 50
	var results [n]result
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { results[i] = h.try("tokens") })
	}
	group.Wait()
	for _, r := range results {
		if r.code != 0 || r.stdout == "" || r.stdout != results[0].stdout {
			t.Fatalf("got exit code %d and a token that is the first one's: %t; want 0 and the same token\n%s",
				r.code, r.stdout == results[0].stdout, r.stderr)
		}
	}
	h.secret(strings.TrimSpace(results[0].stdout))
	if got := p.answers(t, `POST /token 200 refresh_token`); got != 1 {
		t.Errorf("got %d refresh requests at the provider, want 1", got)
	}
	if got := p.answers(t, `POST /token 4`); got != 0 {
		t.Errorf("got %d refused token requests, want none", got)
	}
	h.secret(h.line("tokens", "--force"))
}
