package ops

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAssertions signs in with client assertions: with a key made at the
// registration, and with the secret that came of one.
func TestAssertions(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	for kind, provide := range map[string]func() (*provider, error){"oidc-provider": steady, "glewlwyd": odd} {
		for method, how := range map[string][]string{
			"private_key_jwt":   {"--generate-key", "auth"},
			"client_secret_jwt": {"--client-auth", "client_secret_jwt"},
		} {
			t.Run(kind+", "+method, func(t *testing.T) {
				t.Parallel()
				p, err := provide()
				if err != nil {
					t.Fatal(err)
				}
				p.alone(t)
				h := newHome(t)
				h.exits(0, append([]string{"register", p.issuer, "-p", "reg", "--ca-cert", p.ca}, how...)...)
				kept(h)
				keys(h)
				login := []string{"login", "-p", "reg", "--browser", "forms", "--username", "alice", "--password-file", h.file("password", password)}
				if p.kind == "glewlwyd" {
					login = []string{"login", "-p", "reg", "--browser", h.at(p, "alice", h.file("password", password))}
					// It takes its token endpoint alone for the audience.
					if r := h.exits(5, login...); strings.Contains(r.stderr, "eyJ") {
						t.Errorf("got %q, want no assertion", r.stderr)
					}
					login = append(login, "--assertion-audience", p.issuer+"/token")
				}
				h.silent(login...)
				h.secret(h.line("tokens", "-p", "reg"))
				h.exits(0, "userinfo", "-p", "reg")
				if method == "private_key_jwt" {
					h.exits(3, append(login, "--client-key-file", h.file("not-a-key", "nothing"))...)
				}
				h.exits(0, "register", "delete", "-p", "reg")
			})
		}
	}
}

// TestKeyFileHasTheRegisteredName: a PEM file names no key, and glewlwyd finds
// one by its name alone: it is the registered one.
func TestKeyFileHasTheRegisteredName(t *testing.T) {
	p, h := strange(t)
	certs := filepath.Join(p.dir, "tls")
	jwks := h.file("jwks.json", string(certified(t, filepath.Join(certs, "selfsigned.crt"))))
	h.exits(0, "register", p.issuer, "-p", "reg", "--ca-cert", p.ca, "--client-auth", "private_key_jwt", "--jwks", jwks, "--client-key-file", filepath.Join(certs, "selfsigned.key"),
		"--assertion-audience", "endpoint")
	kept(h)
	h.silent("login", "-p", "reg", "--browser", h.at(p, "alice", h.file("password", password)), "--request-object", "signed")
	h.secret(h.line("tokens", "-p", "reg"))
	h.exits(0, "register", "delete", "-p", "reg")
}

// keys adds the private halves in the store to what may not be said.
func keys(h *home) {
	h.t.Helper()
	files, _ := filepath.Glob(filepath.Join(h.dir, "rely", "state", "clients", "reg-*.json"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, d := range regexp.MustCompile(`\\"d\\":\\"([^"\\]+)\\"`).FindAllStringSubmatch(string(data), -1) {
			h.secret(d[1])
		}
	}
}
