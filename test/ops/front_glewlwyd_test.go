package ops

import (
	"strings"
	"testing"
)

// TestGlewlwydFrontChannel: answers with a code and a token come in the query
// there, the access token for every log to keep, until it is told where to put
// them. Its second ID token dates the sign-in 1970, the first one today, which
// is noted.
func TestGlewlwydFrontChannel(t *testing.T) {
	p, h := strange(t)
	login := func(flow, kind string, more ...string) []string {
		return strangely(h, p, "front", append([]string{"--flow", flow, "--response-type", kind}, more...)...)
	}
	for _, c := range [][2]string{{"implicit", "id_token"}, {"implicit", "id_token token"}, {"hybrid", "code id_token"}, {"hybrid", "code token"}, {"hybrid", "code id_token token"}} {
		args := login(c[0], c[1])
		if c[0] == "hybrid" {
			if r := h.exits(6, args...); !strings.Contains(r.stderr, "FAILED  response-mode") || !strings.Contains(r.stderr, "came as query, and fragment was asked for") {
				t.Errorf("%s: got %q, want the place that the answer came in refused", c[1], r.stderr)
			}
			r := h.exits(0, append(args, "--response-mode", "fragment", "-p", "odd-fragment")...)
			if c[1] == "code token" {
				passes(t, r, "response-mode response-token")
				if !strings.Contains(r.stderr, `note: the provider does not list the response type "code token"`) {
					t.Errorf("got %q for a response type that it has and does not list, want that said", r.stderr)
				}
				continue
			}
			passes(t, r, "response-mode front-nonce front-c-hash hybrid-sub")
			if !strings.Contains(r.stderr, "note    hybrid-event") {
				t.Errorf("%s: got %q, want the auth_time of 1970 noted", c[1], r.stderr)
			}
			continue
		}
		h.exits(0, args...)
	}
}

// TestGlewlwydPasswordFlow hands it the password of the person.
func TestGlewlwydPasswordFlow(t *testing.T) {
	p, h := strange(t)
	args := []string{"login", p.issuer, "-p", "odd", "--ca-cert", p.ca, "--client-id", "static-web", "--client-secret-file", h.file("secret", "static-web-secret"),
		"--flow", "password", "--username", "alice", "--scope", "openid profile", "--password-file"}
	r := h.silent(append(args, h.file("password", password))...)
	if !strings.Contains(r.stderr, "RFC 9700 2.4") {
		t.Errorf("got %q, want the warning", r.stderr)
	}
	h.secret(h.line("tokens"))
	var who struct{ Sub string }
	h.result("userinfo/1", &who, "userinfo")
	if len(who.Sub) != 32 {
		t.Errorf("got sub %q, want alice's", who.Sub)
	}
	h.exits(5, append(args, h.file("wrong", h.secret("not-her-looking-glass")))...)
}

// TestGlewlwydDPoP binds the tokens of a sign-in to a key.
func TestGlewlwydDPoP(t *testing.T) {
	p, h := strange(t)
	h.silent(strangely(h, p, "bound", "--dpop")...)
	h.secret(h.line("tokens"))
	var who struct{ Sub string }
	h.result("userinfo/1", &who, "userinfo")
	h.secret(h.line("tokens", "--force"))
	h.result("userinfo/1", &who, "userinfo")
	if len(who.Sub) != 32 {
		t.Errorf("got sub %q, want alice's", who.Sub)
	}
}
