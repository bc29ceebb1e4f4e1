package ops

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// walked is how alice signs in with the headless browser that rely starts.
func walked(args []string, more ...string) []string {
	i := slices.Index(args, "--browser")
	args = slices.Delete(slices.Clone(args), i, i+2)
	return append(append(args, "--browser", "chrome"), more...)
}

// TestChrome signs in through rely's own headless browser: the embedded
// provider, with an HTTPS listener and no certificate warning, oidc-provider,
// and what they say to a wrong password.
func TestChrome(t *testing.T) {
	need(t, "chromium google-chrome")
	t.Parallel()
	h := newHome(t)
	issuer := h.op()
	alice := func(secret string) []string {
		return []string{"login", issuer, "-p", "demo", "--client-id", "demo", "--browser", "chrome", "--username", "alice",
			"--password-file", h.file("password", h.secret(secret)), "--non-interactive", "--quiet"}
	}
	h.silent(alice("wonderland-1865")...)
	var who struct{ Sub string }
	h.result("userinfo/1", &who, "userinfo", "-p", "demo")
	if who.Sub != "alice" {
		t.Errorf("got sub %q, want alice", who.Sub)
	}
	h.refused(alice("not-alices-at-all"), "User name or password is wrong.")

	// A page that nothing can be done with is shown, and said what it is.
	pages := filepath.Join(t.TempDir(), "pages")
	r := h.exits(5, append(alice("wonderland-1865"), "--client-id", "nobody", "--save-pages", pages)...)
	if !strings.Contains(r.stderr, "/authorize answered 400") || !strings.Contains(r.stderr, ".png") {
		t.Errorf("got %q, want the page and its picture named", r.stderr)
	}

	p := shared(t)
	args := walked(public(h, p))
	h.silent(args...)
	h.secret(h.line("tokens"))
	h.refused(walked(public(h, p, "--password-file", h.file("wrong", h.secret("not-alices-at-all")))), "")
	shipped, err := filepath.Abs("../../docs/recipes/oidc-provider.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.silent(append(args, "--param", "acr_values=urn:mace:incommon:iap:silver", "--recipe", shipped)...)
}

// refused runs a sign-in with a wrong password: the provider's words, the exit
// code, and the page with a picture, none of them with the password.
func (h *home) refused(args []string, words string) {
	h.t.Helper()
	pages := filepath.Join(h.t.TempDir(), "pages")
	r := h.exits(5, append(slices.Clone(args), "--save-pages", pages)...)
	if !strings.Contains(r.stderr, "asks for the password again") || !strings.Contains(r.stderr, words) {
		h.t.Errorf("got %q, want the provider's %q", r.stderr, words)
	}
	kept, err := os.ReadDir(pages)
	if err != nil || len(kept) != 2 {
		h.t.Fatalf("got %v (%v), want a page and a picture", kept, err)
	}
	for _, e := range kept {
		data, err := os.ReadFile(filepath.Join(pages, e.Name()))
		if err != nil || len(data) < 200 {
			h.t.Errorf("got %d bytes in %s (%v), want a page", len(data), e.Name(), err)
		}
		if strings.Contains(string(data), "not-alices-at-all") {
			h.t.Errorf("got the password in %s", e.Name())
		}
	}
}

// TestChromeGlewlwyd walks a login page that is a script application, by the
// defaults and by the recipe that ships for it.
func TestChromeGlewlwyd(t *testing.T) {
	need(t, "chromium google-chrome")
	p, h := strange(t)
	args := walked(strangely(h, p, "chrome"), "--username", "alice", "--password-file", h.file("password", password))
	h.silent(args...)
	var who struct{ Name string }
	h.result("userinfo/1", &who, "userinfo")
	if who.Name != "Alice \u00c5ngstr\u00f6m" {
		t.Errorf("got the name %q from UserInfo, want alice's: was the scope granted?", who.Name)
	}
	shipped, err := filepath.Abs("../../docs/recipes/glewlwyd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.silent(append(args, "--recipe", shipped)...)
	draft := filepath.Join(t.TempDir(), "draft.yaml")
	h.silent(append(args, "--record-recipe", draft, "--quiet")...)
	h.silent(append(args, "--recipe", draft)...)
	h.file("password", h.secret("not-alices-at-all"))
	h.refused(args, "Authentication error")
}

// TestChromeLogout signs out through the headless browser: it leads over the
// listener's own page to the provider, says yes there, and comes back.
func TestChromeLogout(t *testing.T) {
	need(t, "chromium google-chrome")
	t.Parallel()
	h := newHome(t)
	own, p := h.op(), shared(t)
	for profile, c := range map[string]struct {
		issuer, password string
		more             []string
	}{
		"demo":   {own, h.secret("wonderland-1865"), nil},
		"steady": {p.issuer, password, []string{"--ca-cert", p.ca}},
	} {
		h.exits(0, append([]string{"register", c.issuer, "-p", profile, "--client-auth", "client_secret_basic"}, c.more...)...)
		chrome := []string{"-p", profile, "--browser", "chrome", "--non-interactive"}
		h.silent(append([]string{"login", "--username", "alice", "--password-file", h.file(profile, c.password)}, chrome...)...)
		access := h.file("access", h.secret(h.line("tokens", "-p", profile)))
		r := h.silent(append([]string{"logout", "-v"}, chrome...)...)
		for _, want := range []string{"ok      end the session at the provider", "ok      revoke the access token", "ok      forget the session"} {
			if !strings.Contains(r.stderr, want) {
				t.Errorf("%s: got %q, want %q", profile, r.stderr, want)
			}
		}
		if strings.Contains(r.stderr, "does not send it back") {
			t.Errorf("%s: got %q, want the browser back", profile, r.stderr)
		}
		h.exits(8, "introspect", "-p", profile, "--active", access)
	}
}
