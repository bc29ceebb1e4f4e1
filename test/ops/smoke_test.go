package ops

import (
	"encoding/json"
	"testing"
)

// smoked is what "rely smoke" says of each step, as "name status".
func smoked(t *testing.T, h *home, p *provider, code int, how ...string) []string {
	t.Helper()
	r := h.exits(code, append([]string{"smoke", p.issuer, "--ca-cert", p.ca, "-o", "json"}, how...)...)
	var report struct {
		Schema string
		Result struct {
			Steps []struct{ Name, Status, Said string }
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || report.Schema != "smoke/1" {
		t.Fatalf("got %v and the schema %q:\n%s", err, report.Schema, r.stdout)
	}
	var out []string
	for _, s := range report.Result.Steps {
		out = append(out, s.Name+" "+s.Status)
		t.Log(s.Name, s.Status, s.Said)
	}
	return out
}

// TestSmoke: the whole life of a client at providers that are not ours. None of
// its steps fails there, and the client is gone.
func TestSmoke(t *testing.T) {
	need(t)
	t.Parallel()
	p, err := steady()
	if err != nil {
		t.Fatal(err)
	}
	p.alone(t)
	h := newHome(t)
	got := smoked(t, h, p, 0, "--username", "alice", "--password-file", h.file("password", password))
	compare(t, got, "discover passed", "register passed", "login passed", "tokens passed", "userinfo passed", "introspect passed", "refresh passed",
		"revoke-access passed", "access-dead passed", "revoke-refresh passed", "refresh-dead passed", "logout passed", "delete passed")
}

// TestGlewlwydSmoke: its pages are scripts, which this program is, but for the
// one that signs out: that step fails, and the client is deleted all the same.
func TestGlewlwydSmoke(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	p, err := odd()
	if err != nil {
		t.Fatal(err)
	}
	p.alone(t)
	h := newHome(t)
	got := smoked(t, h, p, 8, "--browser", h.at(p, "alice", h.file("password", password)), "--login-timeout", "2m")
	compare(t, got, "discover passed", "register passed", "login passed", "tokens passed", "userinfo passed", "introspect passed", "refresh passed",
		"revoke-access passed", "access-dead passed", "revoke-refresh passed", "refresh-dead passed", "logout failed", "delete passed")
}
