package ops

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRegister is the whole life of a client at both providers: made, shown,
// changed, used, deleted, and gone.
func TestRegister(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	for kind, provide := range map[string]func() (*provider, error){
		"oidc-provider":          steady,
		"oidc-provider, guarded": guardedSteady,
		"glewlwyd":               odd,
		"glewlwyd, guarded":      guardedOdd,
	} {
		for method, auth := range map[string][]string{
			"confidential": {"--client-auth", "client_secret_basic"},
			"public":       {"--client-auth", "none"},
		} {
			t.Run(kind+", "+method, func(t *testing.T) {
				t.Parallel()
				p, err := provide()
				if err != nil {
					t.Fatal(err)
				}
				p.alone(t)
				if p.kind == "glewlwyd" && method == "public" {
					// Asked for "none", it makes a client that needs a secret, and
					// tells no secret. Asked for nothing, it makes a public one.
					auth = []string{"--metadata", "token_endpoint_auth_method=null"}
				}
				h := newHome(t)
				life(t, p, h, append(slices.Clone(auth), bearer(h, p)...))
			})
		}
	}
}

// bearer is the flag for a provider that registers token bearers only.
func bearer(h *home, p *provider) []string {
	h.t.Helper()
	if p.iat == "" {
		return nil
	}
	token, err := os.ReadFile(p.iat)
	if err != nil {
		h.t.Fatal(err)
	}
	h.secret(strings.TrimSpace(string(token)))
	return []string{"--initial-access-token-file", p.iat}
}

// life leads one client from its registration to its end.
func life(t *testing.T, p *provider, h *home, how []string) {
	t.Helper()
	h.exits(0, append([]string{"register", p.issuer, "-p", "reg", "--ca-cert", p.ca, "--client-name", "Looking glass"}, how...)...)
	if r := h.exits(0, "register", "show", "-p", "reg"); !strings.Contains(r.stdout, "Looking glass") {
		t.Errorf("got %q from show, want the name that was registered", r.stdout)
	}
	kept(h)
	h.exits(0, "register", "update", "-p", "reg", "--client-name", "Cheshire cat")
	kept(h)
	if r := h.exits(0, "register", "show", "-p", "reg"); !strings.Contains(r.stdout, "Cheshire cat") || strings.Contains(r.stdout, "Looking glass") {
		t.Errorf("got %q from show, want the new name", r.stdout)
	}

	// With the secret that the update may have changed.
	login := []string{"login", "-p", "reg"}
	if p.kind == "glewlwyd" {
		login = append(login, "--browser", h.at(p, "alice", h.file("password", password)))
	} else {
		login = append(login, "--browser", "forms", "--username", "alice", "--password-file", h.file("password", password))
	}
	h.silent(login...)
	h.secret(h.line("tokens", "-p", "reg"))
	var who struct{ Sub string }
	h.result("userinfo/1", &who, "userinfo", "-p", "reg")
	if who.Sub == "" {
		t.Error("got no sub from UserInfo, want one")
	}

	// A second person with the same record, who is not told of the deletion.
	late := newHome(t)
	if out, err := exec.Command("cp", "-a", filepath.Join(h.dir, "rely"), late.dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	late.secrets = h.secrets
	h.exits(0, "register", "delete", "-p", "reg")
	gone(t, h.try("register", "show", "-p", "reg"), "rely register")
	gone(t, late.try("register", "show", "-p", "reg"), "401")
	gone(t, late.try(append(login, "--login-timeout", "2m")...), "")
	gone(t, late.try("register", "delete", "-p", "reg"), "--local-only")
	late.exits(0, "register", "delete", "--local-only", "-p", "reg")
	gone(t, late.try("register", "show", "-p", "reg"), "rely register")
}

// kept adds the client's secrets, as the store has them now, to what may not be
// said, and returns the client secret.
func kept(h *home) string {
	h.t.Helper()
	files, _ := filepath.Glob(filepath.Join(h.dir, "rely", "state", "clients", "reg-*.json"))
	secret := ""
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			h.t.Fatal(err)
		}
		var client struct {
			Secret string `json:"client_secret"`
			Token  string `json:"registration_access_token"`
		}
		if err := json.Unmarshal(data, &client); err != nil {
			h.t.Fatal(err)
		}
		h.secret(client.Token)
		if secret = client.Secret; secret != "" {
			h.secret(secret)
		}
	}
	if len(files) != 1 {
		h.t.Fatalf("got %d files of the client, want 1", len(files))
	}
	return secret
}

// gone is what is said of a client that is no more.
func gone(t *testing.T, r result, words string) {
	t.Helper()
	if r.code < 3 || r.code > 5 || r.stdout != "" || !strings.Contains(r.stderr, words) || !strings.Contains(r.stderr, "rely: try: ") {
		t.Errorf("rely %s: got exit code %d, %q on stdout and %q; want 3 to 5, nothing, %q and what to try",
			strings.Join(r.args, " "), r.code, r.stdout, r.stderr, words)
	}
}

// TestRegisterWithoutTheToken: a provider that wants an initial access token
// and gets none, or another, says no, and nothing is kept.
func TestRegisterWithoutTheToken(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	for kind, provide := range map[string]func() (*provider, error){"oidc-provider": guardedSteady, "glewlwyd": guardedOdd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p, err := provide()
			if err != nil {
				t.Fatal(err)
			}
			p.alone(t)
			h := newHome(t)
			args := []string{"register", p.issuer, "-p", "reg", "--ca-cert", p.ca, "--client-auth", "none"}
			if r := h.exits(5, args...); !strings.Contains(r.stderr, "--initial-access-token-file") {
				t.Errorf("got %q, want the flag that a token comes by", r.stderr)
			}
			h.exits(5, append(args, "--initial-access-token-file", h.file("iat", h.secret("not-the-white-queens-shawl")))...)
			h.exits(3, "profile", "show", "-p", "reg")
		})
	}
}

// TestRegisterWithoutTheSecret is the client that glewlwyd makes when it is
// asked for a public one: nothing but the login can tell what is wrong.
func TestRegisterWithoutTheSecret(t *testing.T) {
	p, h := strange(t)
	h.exits(0, "register", p.issuer, "-p", "reg", "--ca-cert", p.ca, "--client-auth", "none")
	r := h.exits(5, "login", "-p", "reg", "--browser", h.at(p, "alice", h.file("password", password)))
	if !strings.Contains(r.stderr, "unauthorized_client") || !strings.Contains(r.stderr, "rely: try: ") {
		t.Errorf("got %q, want the provider's own words and what to try", r.stderr)
	}
	h.exits(0, "register", "delete", "-p", "reg")
}

// TestRegisterKnown records clients that were there before, after the checks
// that need no login. The second exit code is that of a wrong secret: glewlwyd
// refuses one as it refuses a client that lacks a grant, so that proves nothing.
func TestRegisterKnown(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	for kind, c := range map[string]struct {
		provide              func() (*provider, error)
		client, secret, back string
		wrongSecret          int
	}{
		"oidc-provider": {steady, "ops-post", secretOf("ops-post"), callbacks()["ops-post"], 5},
		"glewlwyd":      {odd, "static-web", "static-web-secret", oddCallbacks()["web"], 0},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p, err := c.provide()
			if err != nil {
				t.Fatal(err)
			}
			p.alone(t)
			h := newHome(t)
			known := func(name, client, back, secret string) []string {
				return []string{"register", p.issuer, "-p", name, "--ca-cert", p.ca, "--client-id", client,
					"--redirect-uri", back, "--client-secret-file", h.file(name, h.secret(secret))}
			}
			h.exits(0, known("right", c.client, c.back, c.secret)...)
			h.exits(0, "profile", "show", "-p", "right")
			wrong := h.exits(c.wrongSecret, known("wrong", c.client, c.back, "not-the-clients-secret")...)
			if !strings.Contains(wrong.stderr, "_client") {
				t.Errorf("got %q for a wrong secret, want the provider's own words", wrong.stderr)
			}
			for name, args := range map[string][]string{
				"nobody":    known("nobody", "nobody", c.back, c.secret),
				"elsewhere": known("elsewhere", c.client, strings.Replace(c.back, "/callback", "/elsewhere", 1), c.secret),
			} {
				if r := h.exits(5, args...); !strings.Contains(r.stderr, "--no-check") {
					t.Errorf("%s: got %q, want the way past the check", name, r.stderr)
				}
				h.exits(3, "profile", "show", "-p", name)
			}
		})
	}
}
