package ops

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctorWatch turns the keys of a provider that is not ours, first with
// notice and then without, and looks after each turn.
func TestDoctorWatch(t *testing.T) {
	need(t)
	t.Parallel()
	p, err := start("oidc-provider")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	look := func(code int) string {
		r := h.exits(code, "doctor", p.issuer, "--ca-cert", p.ca, "--active", "--browser", "forms", "--username", "alice", "--password-file", h.file("password", password),
			"--only", "P47,L36", "--fail-on", "info", "--watch", filepath.Join(h.dir, "keys.json"))
		return r.stdout
	}
	look(0)
	if said := look(0); !strings.Contains(said, "2 checks passed, 0 not run") {
		t.Errorf("the keys stay: %s", said)
	}
	file := filepath.Join(p.dir, "jwks.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type jwks struct {
		Keys []map[string]any `json:"keys"`
	}
	var signing jwks
	if err := json.Unmarshal(data, &signing); err != nil {
		t.Fatal(err)
	}
	// A new set is made by the provider, as its first one was.
	turn := func(change func(old, fresh []map[string]any) []map[string]any) {
		t.Helper()
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		other, err := start("oidc-provider")
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(other.dir, "jwks.json"))
		if err != nil {
			t.Fatal(err)
		}
		var fresh jwks
		if err := json.Unmarshal(data, &fresh); err != nil {
			t.Fatal(err)
		}
		for _, k := range fresh.Keys {
			k["kid"] = "fresh-" + k["kid"].(string)
		}
		if data, err = json.Marshal(jwks{change(signing.Keys, fresh.Keys)}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(p.issuer)
		if _, err := start("oidc-provider", "OP_DIR="+p.dir, "OP_PORT="+u.Port()); err != nil {
			t.Fatal(err)
		}
	}
	turn(func(old, fresh []map[string]any) []map[string]any { return append(old, fresh...) })
	if said := look(0); !strings.Contains(said, "2 checks passed, 0 not run") {
		t.Errorf("a new key is published and signs nothing yet: %s", said)
	}
	turn(func(_, fresh []map[string]any) []map[string]any { return fresh })
	said := look(8)
	for _, want := range []string{"info P47 rotation-notice: jwks_uri", "info P47 rotation-notice: kid fresh-", "info L36 token-of-yesterday: jwks_uri"} {
		if !strings.Contains(said, want) {
			t.Errorf("got %s, want %q in it", said, want)
		}
	}
}
