package ops

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// examined is what the doctor finds at a provider, as "ID where: seen".
func examined(t *testing.T, h *home, p *provider, code int, more ...string) (found, notRun []string) {
	t.Helper()
	r := h.exits(code, append([]string{"doctor", p.issuer, "--ca-cert", p.ca, "-o", "json", "--skip", "P71"}, more...)...)
	var report struct {
		Schema string
		Result struct {
			Findings []struct{ ID, Where, Seen string }
			NotRun   []struct{ ID, Because string } `json:"not_run"`
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || report.Schema != "doctor/1" {
		t.Fatalf("got %v and the schema %q:\n%s", err, report.Schema, r.stdout)
	}
	for _, f := range report.Result.Findings {
		found = append(found, f.ID+" "+strings.ReplaceAll(f.Where, p.issuer, "ISSUER")+": "+f.Seen)
	}
	for _, n := range report.Result.NotRun {
		notRun = append(notRun, n.ID+" "+n.Because)
	}
	slices.Sort(found)
	return found, notRun
}

// TestDoctor holds the findings on the two real providers, so that a false alarm
// or a missed one shows: docs/reference/doctor-findings.md says what is behind
// each.
func TestDoctor(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	found, not := examined(t, h, p, 0)
	compare(t, found, "P09 grant_types_supported", "P09 response_types_supported", "P27 ISSUER/.well-known/openid-configuration", "P27 ISSUER/jwks", "P63")
	compare(t, not, "L36", "P46", "P47", "P65", "P66")
}

// TestGlewlwydDoctor: its library takes TLS 1.1, which is an error.
func TestGlewlwydDoctor(t *testing.T) {
	p, h := strange(t)
	found, not := examined(t, h, p, 8)
	compare(t, found, "P09 grant_types_supported", "P09 response_types_supported", "P12", "P15", "P17", "P18", "P20",
		"P27 ISSUER/.well-known/openid-configuration", "P27 ISSUER/jwks",
		"P44 id_token_signing_alg_values_supported: RS384", "P44 id_token_signing_alg_values_supported: RS512", "P44 id_token_signing_alg_values_supported: PS384",
		"P44 id_token_signing_alg_values_supported: PS512", "P44 id_token_signing_alg_values_supported: ES384", "P44 id_token_signing_alg_values_supported: ES512",
		"P44 id_token_signing_alg_values_supported: ES256K", "P60", "P63")
	compare(t, not, "L36", "P26", "P46", "P47", "P65", "P66")
}

// compare wants a list to have what begins with each of these, and nothing
// else.
func compare(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) }) {
			t.Errorf("got %q, without %s", got, w)
		}
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(g, w) }) {
			t.Errorf("got %q besides", g)
		}
	}
}

// TestDoctorSnapshot: two looks at an unchanged provider are the same, sign-in
// and all; another lifetime is seen, in both
// places that state it, and so is the port of the mTLS aliases.
func TestDoctorSnapshot(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	look := func(p *provider, code int) result {
		return h.exits(code, "doctor", p.issuer, "--ca-cert", p.ca, "--active", "--browser", "forms", "--username", "alice", "--password-file", h.file("password", password),
			"--only", "A01,A09", "--snapshot", h.dir+"/look.json")
	}
	look(p, 0)
	if r := look(p, 0); !strings.Contains(r.stdout, "They are the same") {
		t.Errorf("got %s", r.stdout)
	}
	other, err := start("oidc-provider", "OP_TTL_AT=77")
	if err != nil {
		t.Fatal(err)
	}
	r := look(other, 8)
	for _, want := range []string{"\nlifetimes\n  access_token expires_in\n    A  1 h\n    B  1 min 17 s\n", "\n  mtls_endpoint_aliases\n", "\n3 differences.\n"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("got %s, want %q in it", r.stdout, want)
		}
	}
	// Both live, one after the other: the same differences.
	both := ""
	for _, ca := range []string{p.ca, other.ca} {
		data, err := os.ReadFile(ca)
		if err != nil {
			t.Fatal(err)
		}
		both += string(data)
	}
	r = h.exits(8, "doctor", "diff", p.issuer, other.issuer, "--ca-cert", h.file("both.pem", both), "--active", "--browser", "forms", "--username", "alice",
		"--password-file", h.file("password", password), "--only", "A01,A09,L01")
	if !strings.Contains(r.stdout, "\nlifetimes\n  access_token expires_in\n    A  1 h\n    B  1 min 17 s\n") || !strings.Contains(r.stdout, "\n3 differences.\n") {
		t.Errorf("got %s", r.stdout)
	}
}
