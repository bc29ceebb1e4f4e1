package ops

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// leaving is the value of --browser for somebody who signs out at glewlwyd with
// the cookies of the sign-in. Its page is a JavaScript application, so this
// program makes the same calls. It is started as
//
//	ops.test leave CA AUTHORITY API ISSUER JAR URL
func (h *home) leaving(p *provider) string {
	h.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	return fmt.Sprintf("'%s' leave '%s' '%s' '%s' '%s' '%s'", self, p.ca, h.authority(), p.api, p.issuer, h.dir+"/jar.json")
}

// leave is the process that leaving starts.
func leave(args []string) int {
	if err := signOut(args[:2], args[2], args[3], args[4], args[5]); err != nil {
		fmt.Fprintln(os.Stderr, "leave:", err)
		return 1
	}
	return 0
}

func signOut(authorities []string, api, issuer, file, page string) error {
	client, err := visitor(authorities...)
	if err != nil {
		return err
	}
	client.Transport, client.Jar = &jar{file: file, base: client.Transport}, nil
	// The listener's own page leads to the provider, and that to its own page.
	for range 3 {
		answer, err := client.Get(page)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if page = answer.Header.Get("Location"); strings.Contains(page, "prompt=end_session") {
			break
		}
	}
	u, err := url.Parse(page)
	if err != nil || u.Query().Get("callback_url") == "" {
		return errors.New("the provider does not ask whether to sign out")
	}
	for _, address := range []string{issuer + "/session/" + u.Query().Get("sid"), api + "/auth/"} {
		if err := call(client, http.MethodDelete, address, nil); err != nil {
			return fmt.Errorf("end the session: %w", err)
		}
	}
	answer, err := client.Get(u.Query().Get("callback_url"))
	if err != nil {
		return errors.New("the listener does not answer")
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// TestLogoutAtGlewlwyd is the same proof where refresh tokens outlive the
// session of the browser: they are dead because rely revokes them.
func TestLogoutAtGlewlwyd(t *testing.T) {
	p, h := strange(t)
	h.exits(0, "register", p.issuer, "-p", "out", "--ca-cert", p.ca, "--client-auth", "client_secret_basic")
	h.env = append(h.env, "OPS_JAR="+h.dir+"/jar.json")
	browser := h.at(p, "alice", h.file("password", password))
	h.silent("login", "-p", "out", "--browser", browser)
	access, refresh := h.secret(h.line("tokens")), h.secret(h.line("tokens", "--refresh"))
	if got := inside(t, p, h.dir+"/jar.json"); got != http.StatusOK {
		t.Fatalf("got %d for the browser's session before the logout, want 200", got)
	}
	for name, token := range map[string]string{"access": access, "refresh": refresh} {
		h.exits(0, "introspect", "-p", "out", "--active", h.file(name, token))
	}
	r := h.silent("logout", "-p", "out", "--browser", h.leaving(p))
	for _, want := range []string{"ok      end the session at the provider", "ok      revoke the refresh token", "ok      revoke the access token"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("got %q, want %q", r.stderr, want)
		}
	}
	for name, token := range map[string]string{"access": access, "refresh": refresh} {
		h.exits(8, "introspect", "-p", "out", "--active", h.file(name, token))
	}
	h.exits(4, "tokens", "-p", "out")
	if got := inside(t, p, h.dir+"/jar.json"); got != http.StatusUnauthorized {
		t.Errorf("got %d for the browser's session after the logout, want 401", got)
	}
}

// inside asks the provider, with the cookies of a browser, for the profile of
// who is signed in.
func inside(t *testing.T, p *provider, file string) int {
	t.Helper()
	client, err := visitor(p.ca)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	client.Transport, client.Jar = &jar{file: file, base: client.Transport}, nil
	answer, err := client.Get(p.api + "/profile_list")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
