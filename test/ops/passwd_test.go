package ops

import (
	"strings"
	"testing"
)

// TestDirectoryPassword changes alice's password in OpenLDAP, over ldaps and
// over StartTLS, and is refused what the directory's policy refuses.
func TestDirectoryPassword(t *testing.T) {
	need(t, "dpkg", "apt-get")
	t.Parallel()
	p, err := start("slapd")
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	first, second := h.file("first", password), h.file("second", h.secret("mad-hatter-1869"))
	args := func(address, old, next string, more ...string) []string {
		return append([]string{"passwd", "--via", "ldap", "--via-url", address, "--ca-cert", p.ca, "--username", "alice",
			"--via-param", "dn=uid={username},ou=people,dc=example,dc=com", "--password-file", old, "--new-password-file", next}, more...)
	}
	says := func(code int, words string, args []string) {
		t.Helper()
		if r := h.exits(code, args...); !strings.Contains(r.stderr, words) {
			t.Errorf("got %q, want %q in it", r.stderr, words)
		}
	}
	says(5, "49 invalidCredentials", args(p.ldaps, second, first))
	says(5, "too short", args(p.ldaps, first, h.file("short", "tea")))
	says(0, "a sign-in with the new one succeeded", args(p.ldaps, first, second))
	says(5, "49 invalidCredentials", args(p.ldaps, first, h.file("third", h.secret("dormouse-in-a-pot"))))
	says(5, "in history of old passwords", args(p.ldaps, second, first))
	says(0, "a sign-in with the new one succeeded", args(p.ldap, second, h.file("fourth", h.secret("mock-turtle-1865")))) // StartTLS

	// An authority that is not trusted gets no password.
	r := h.exits(7, "passwd", "--via", "ldap", "--via-url", p.ldaps, "--username", "alice", "--password-file", first, "--new-password-file", second)
	if !strings.Contains(r.stderr, "unknown authority") {
		t.Errorf("got %q, want the unknown authority", r.stderr)
	}

	// A made password is printed, and is in force.
	made := h.line("passwd", "--via", "ldap", "--via-url", p.ldaps, "--ca-cert", p.ca, "--username", "alice",
		"--via-param", "dn=uid={username},ou=people,dc=example,dc=com", "--password-file", h.file("fourth", "mock-turtle-1865"), "--generate")
	h.said = h.said[:len(h.said)-1] // it was asked for
	says(0, "succeeded", args(p.ldaps, h.file("made", h.secret(made)), h.file("fifth", h.secret("white-rabbit-1865"))))
}

// TestGlewlwydPassword changes bob's password at glewlwyd: the way is found
// from the metadata, the old one is refused afterwards, the new one signs in.
func TestGlewlwydPassword(t *testing.T) {
	p, h := strange(t)
	h.secret("caravan-1924")
	first, second := h.file("first", "caravan-1924"), h.file("second", h.secret("gooseberry-1871"))
	change := func(old, next string) []string {
		return []string{"passwd", "-p", "odd", "--username", "bob", "--password-file", old, "--new-password-file", next}
	}
	h.silent("register", p.issuer, "-p", "odd", "--ca-cert", p.ca, "--client-id", "static-public", "--client-auth", "none")
	if r := h.exits(5, change(second, first)...); !strings.Contains(r.stderr, "401") {
		t.Errorf("got %q for a wrong current password, want glewlwyd's 401", r.stderr)
	}
	r := h.exits(0, change(first, second)...)
	if !strings.Contains(r.stderr, "a sign-in with the new one succeeded") || !strings.Contains(r.stderr, "live on at Glewlwyd") {
		t.Errorf("got %q, want the proof and what becomes of sessions", r.stderr)
	}
	h.exits(5, change(first, h.file("third", h.secret("bakers-dozen-1871")))...)
	h.exits(0, change(second, first)...)
}
