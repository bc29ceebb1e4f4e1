package ops

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lifetimes is schema lifetimes/1, as far as these tests look.
type lifetimes struct {
	Rotates    *bool
	Notes      []string
	FamilyEnds *bool `json:"reuse_ends_family"`
	Stated     []struct {
		Of, By  string
		Seconds float64
	}
	Measured []struct {
		Name   string
		Alive  float64  `json:"alive_s"`
		Dead   *float64 `json:"dead_s"`
		NotRun string   `json:"not_run"`
	}
}

func measured(t *testing.T, h *home, p *provider, how ...string) lifetimes {
	t.Helper()
	r := h.exits(0, append([]string{"doctor", "lifetimes", p.issuer, "--ca-cert", p.ca, "--register", "-o", "json"}, how...)...)
	var out struct {
		Schema string
		Result lifetimes
	}
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil || out.Schema != "lifetimes/1" {
		t.Fatalf("got %v and the schema %q:\n%s", err, out.Schema, r.stdout)
	}
	t.Log(r.stdout)
	if !strings.Contains(r.stderr, "The client is deleted.") {
		t.Errorf("the client is left behind: %s", r.stderr)
	}
	return out.Result
}

// ended wants the end of something to lie between what was seen.
func (l lifetimes) ended(t *testing.T, name string, at float64) {
	t.Helper()
	for _, m := range l.Measured {
		if m.Name != name {
			continue
		}
		// A busy machine signs in slowly, and the time counts from the end of that.
		if m.NotRun != "" || m.Dead == nil || m.Alive > at+1 || *m.Dead < at/4 {
			t.Errorf("%s: got %+v, want an end after %v s", name, m, at)
		}
		return
	}
	t.Errorf("%s was not measured: %+v", name, l.Measured)
}

// TestLifetimes measures an oidc-provider with short lives, as it is set to. It
// replaces refresh tokens, takes an old one at no time, and then ends the rest.
func TestLifetimes(t *testing.T) {
	need(t)
	t.Parallel()
	p, err := start("oidc-provider", "OP_TTL_AT=8", "OP_TTL_RT=16", "OP_TTL_ID=300")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	svg := filepath.Join(t.TempDir(), "lifetimes.svg")
	got := measured(t, h, p, "--username", "alice", "--password-file", h.file("password", password), "--for-at-most", "40s", "--svg", svg)
	if got.Rotates == nil || !*got.Rotates || got.FamilyEnds == nil || !*got.FamilyEnds {
		t.Errorf("got %+v, want refresh tokens that rotate, and a family that ends", got)
	}
	got.ended(t, "access-token", 8)
	got.ended(t, "refresh-idle", 16)
	got.ended(t, "refresh-grace", 0)
	for _, want := range []struct {
		of, by  string
		seconds float64
	}{{"access_token", "expires_in", 8}, {"id_token", "exp - iat", 300}, {"refresh_token", "introspection's exp", 16}} {
		found := false
		for _, s := range got.Stated {
			found = found || s.Of == want.of && s.By == want.by && s.Seconds >= want.seconds-1 && s.Seconds <= want.seconds
		}
		if !found {
			t.Errorf("got %+v, want %+v among it", got.Stated, want)
		}
	}
	if data, err := os.ReadFile(svg); err != nil || !strings.Contains(string(data), "</svg>") {
		t.Errorf("the picture: %v, %.100s", err, data)
	}
}

// TestLifetimesStay: a refresh token is not replaced at first;
// the library does it when most of their time has passed.
func TestLifetimesStay(t *testing.T) {
	need(t)
	t.Parallel()
	p, err := start("oidc-provider", "OP_TTL_RT=6", "OP_ROTATE=0")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	got := measured(t, h, p, "--username", "alice", "--password-file", h.file("password", password), "--for-at-most", "20s")
	if got.Rotates == nil || *got.Rotates {
		t.Errorf("got %+v, want refresh tokens that stay", got)
	}
	got.ended(t, "refresh-idle", 6)
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "stays at first") {
		t.Errorf("got the notes %q", got.Notes)
	}
}

// TestGlewlwydLifetimes: it refuses a used refresh token without a word, which
// is the end of its grace all the same.
func TestGlewlwydLifetimes(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	p, err := odd()
	if err != nil {
		t.Fatal(err)
	}
	p.alone(t)
	h := newHome(t)
	got := measured(t, h, p, "--browser", h.at(p, "alice", h.file("password", password)), "--login-timeout", "2m", "--for-at-most", "4s")
	if got.Rotates == nil || !*got.Rotates {
		t.Errorf("got %+v, want refresh tokens that rotate", got)
	}
	got.ended(t, "refresh-grace", 0)
	for _, m := range got.Measured {
		if m.Name != "refresh-grace" && (m.Dead != nil || m.Alive <= 0 || m.NotRun != "") {
			t.Errorf("got %+v, want what lives to the end", m)
		}
	}
}
