package ops

import "testing"

// robot is how somebody signs in for the doctor.
func robot(h *home, only, browser string) []string {
	return []string{"--active", "--only", only, "--browser", browser, "--username", "alice", "--password-file", h.file("password", password)}
}

// TestDoctorSignsIn holds what is found at oidc-provider after a sign-in:
// nothing. What was not run needs --slow, two looks, or a token that can be read.
func TestDoctorSignsIn(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	found, not := examined(t, h, p, 0, robot(h, "L", "forms")...)
	compare(t, found)
	compare(t, not, "L08", "L19", "L22", "L36")
}

// TestGlewlwydDoctorSignsIn: the login page needs scripts, and so a headless
// browser, which takes its time. docs/reference/doctor-findings.md has what
// confirmed each.
func TestGlewlwydDoctorSignsIn(t *testing.T) {
	p, h := strange(t)
	for only, want := range map[string][]string{
		"L01,L02,L03,L12,L13": {"L03 code_verifier", "L12 nonce", "L13 state"},
		"L16,L30,L32":         {"L16 auth_time", "L30 revocation_endpoint", "L32 DPoP"},
		"L38,L40,L41":         {"L38 id_token", "L38 userinfo_endpoint", "L41 request"},
	} {
		found, not := examined(t, h, p, 8, robot(h, only, "chrome")...)
		compare(t, found, want...)
		compare(t, not)
	}
}

// TestGlewlwydDoctorSignsOut walks ten sign-outs, each a page that needs scripts:
// what comes back is the state, decoded and not encoded again. That takes its
// time, in which the other tests need not wait for their turn: it has a
// provider of its own.
func TestGlewlwydDoctorSignsOut(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	p, err := start("glewlwyd")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	found, not := examined(t, h, p, 8, robot(h, "L31", "chrome")...)
	compare(t, found, "L31 state: not percent-encoded: it ends at its first &")
	compare(t, not)
}
