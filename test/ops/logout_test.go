package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"rely/internal/secret"
	"rely/internal/useragent"
)

// remembering is the value of --browser for somebody whose browser keeps its
// cookies from one command to the next. It is started as
//
//	ops.test remember CA AUTHORITY JAR USER PASSWORD-FILE URL
func (h *home) remembering(p *provider, user, passwordFile string) string {
	h.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	return fmt.Sprintf("'%s' remember '%s' '%s' '%s' '%s' '%s'", self, p.ca, h.authority(), h.dir+"/jar.json", user, passwordFile)
}

// remember is the process that remembering starts.
func remember(args []string) int {
	client, err := visitor(args[0], args[1])
	if err == nil {
		err = walkWith(&jar{file: args[2], base: client.Transport}, args[3], args[4], args[5])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "remember:", err)
		return 1
	}
	return 0
}

func walkWith(t http.RoundTripper, user, passwordFile, address string) error {
	word, err := os.ReadFile(passwordFile)
	if err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	q := u.Query()
	agent, err := useragent.Choose("forms", useragent.Options{HTTP: t, Username: user, Password: secret.New(strings.TrimSpace(string(word))), Now: time.Now})
	if err != nil {
		return err
	}
	return agent.Visit(context.Background(), useragent.Visit{URL: address, RedirectURI: q.Get("redirect_uri"), Origins: []string{u.Scheme + "://" + u.Host}, SignOut: !q.Has("client_id")})
}

// A jar is a browser's memory: cookies by host, in a file.
type jar struct {
	file string
	base http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (j *jar) RoundTrip(r *http.Request) (*http.Response, error) {
	kept := map[string]map[string]string{}
	if data, err := os.ReadFile(j.file); err == nil {
		if err := json.Unmarshal(data, &kept); err != nil {
			return nil, err
		}
	}
	r = r.Clone(r.Context())
	for name, value := range kept[r.URL.Host] {
		if _, err := r.Cookie(name); err != nil {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	resp, err := j.base.RoundTrip(r)
	if err != nil || len(resp.Cookies()) == 0 {
		return resp, err
	}
	if kept[r.URL.Host] == nil {
		kept[r.URL.Host] = map[string]string{}
	}
	for _, c := range resp.Cookies() {
		if kept[r.URL.Host][c.Name] = c.Value; c.MaxAge < 0 || c.Value == "" || !c.Expires.IsZero() && c.Expires.Before(time.Now()) || c.Path != "/" && c.Path != "" {
			delete(kept[r.URL.Host], c.Name)
		}
	}
	data, err := json.Marshal(kept)
	if err == nil {
		err = os.WriteFile(j.file, data, 0o600)
	}
	return resp, err
}

// TestLogout proves a logout by what oidc-provider refuses afterwards: the
// browser's session, the refresh token, the access token.
func TestLogout(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	h.exits(0, "register", p.issuer, "-p", "out", "--ca-cert", p.ca, "--client-auth", "client_secret_basic")
	browser := h.remembering(p, "alice", h.file("password", password))
	login := []string{"login", "-p", "out", "--browser", browser, "--scope", "openid offline_access"}
	h.silent(append(login, "--param", "prompt=consent")...)
	silent := []string{"login", "-p", "out", "--browser", browser, "--scope", "openid", "--param", "prompt=none", "--login-timeout", "2m"}
	h.silent(append(login, "--param", "prompt=consent")...) // the browser's session is there
	access, refresh := h.secret(h.line("tokens")), h.secret(h.line("tokens", "--refresh"))
	for name, token := range map[string]string{"access": access, "refresh": refresh} {
		if r := h.exits(0, "introspect", "-p", "out", "--active", h.file(name, token)); !strings.Contains(r.stdout, "true") {
			t.Errorf("got %q before the logout, want an active %s token", r.stdout, name)
		}
	}
	h.silent(silent...)
	h.silent(append(login, "--param", "prompt=consent")...)
	access, refresh = h.secret(h.line("tokens")), h.secret(h.line("tokens", "--refresh"))

	r := h.silent("logout", "-p", "out", "--browser", browser)
	for _, want := range []string{"ok      end the session at the provider", "ok      revoke the refresh token", "ok      revoke the access token", "ok      forget the session"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("got %q, want %q", r.stderr, want)
		}
	}
	for name, token := range map[string]string{"access": access, "refresh": refresh} {
		h.exits(8, "introspect", "-p", "out", "--active", h.file(name, token))
	}
	if r := h.exits(5, silent...); !strings.Contains(r.stderr, "login_required") {
		t.Errorf("got %q with the old browser, want login_required", r.stderr)
	}
	h.exits(4, "tokens", "-p", "out")
}

// TestLogoutNotice receives oidc-provider's logout token. It has no
// front-channel logout: the library dropped it.
func TestLogoutNotice(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	back := strings.Replace(free("http", "back")["back"], "/callback", "/notice", 1)
	h.exits(0, "register", p.issuer, "-p", "told", "--ca-cert", p.ca, "--client-auth", "client_secret_basic",
		"--backchannel-logout-uri", back, "--backchannel-logout-session-required")
	browser := h.remembering(p, "alice", h.file("password", password))
	h.silent("login", "-p", "told", "--browser", browser)
	r := h.silent("logout", "-p", "told", "--browser", browser, "--wait-backchannel", "--login-timeout", "2m", "-v")
	for _, want := range []string{"ok      end the session at the provider", "ok      receive the logout token", "ok      signature", "ok      events", "ok      jti", "ok      sid"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("got %q, want %q", r.stderr, want)
		}
	}
	h.exits(4, "tokens", "-p", "told")
}
