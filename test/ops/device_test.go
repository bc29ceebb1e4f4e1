package ops

import (
	"strings"
	"testing"
)

// TestDevice signs in with a code at oidc-provider, whose page for the code
// that came along submits itself by a script; forms presses its button.
func TestDevice(t *testing.T) {
	need(t)
	t.Parallel()
	p, h := shared(t), newHome(t)
	for _, client := range [][]string{
		{"--client-id", "static-public"},
		{"--client-id", "static-web", "--client-secret-file", h.file("secret", h.secret("static-web-secret"))},
	} {
		h.silent(public(h, p, append(client, "--flow", "device")...)...)
		h.secret(h.line("tokens"))
		var who struct{ Sub string }
		h.result("userinfo/1", &who, "userinfo")
		if who.Sub != "alice" {
			t.Errorf("%s: got %q from UserInfo, want alice", client[1], who.Sub)
		}
		h.secret(h.line("tokens", "--force"))
	}
	args := public(h, p, "--flow", "device", "--client-id", "static-web", "--client-secret-file", h.file("secret", h.secret("not-the-web-secret")))
	if r := h.exits(5, args...); !strings.Contains(r.stderr, "invalid_client") {
		t.Errorf("got %q for a wrong secret, want invalid_client", r.stderr)
	}
	args = public(h, p, "--flow", "device", "--password-file", h.file("wrong", h.secret("not-the-password-at-all")))
	if r := h.exits(5, args...); !strings.Contains(r.stderr, "password") {
		t.Errorf("got %q for a wrong password, want what the page said", r.stderr)
	}
}

// TestGlewlwydDevice: the person types the code on a page of scripts.
func TestGlewlwydDevice(t *testing.T) {
	p, h := strange(t)
	h.silent(strangely(h, p, "public", "--flow", "device")...)
	h.secret(h.line("tokens"))
	var who struct{ Email string }
	h.result("userinfo/1", &who, "userinfo")
	if who.Email != "alice@example.com" {
		t.Errorf("got %+v from UserInfo, want alice", who)
	}
	h.secret(h.line("tokens", "--force"))
}
