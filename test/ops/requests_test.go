package ops

import (
	"strings"
	"testing"
)

// TestRequests asks oidc-provider for more than a plain sign-in, and sends the
// request in every way that it takes.
func TestRequests(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	for what, c := range map[string]struct {
		flags []string
		rungs []string
	}{
		"pushed":            {[]string{"--par", "--max-age", "600"}, []string{"pushed-request-uri", "auth-time"}},
		"signed":            {[]string{"--request-object", "signed"}, nil},
		"signed and pushed": {[]string{"--request-object", "signed", "--par"}, []string{"pushed-request-uri"}},
		"claims and acr":    {[]string{"--claims", "email! auth_time!", "--acr-values", "urn:mace:incommon:iap:bronze"}, []string{"asked-claims", "asked-acr"}},
		"encrypted":         {[]string{"--request-object", "encrypted"}, nil},
		"pushed, encrypted": {[]string{"--request-object", "encrypted", "--par"}, []string{"pushed-request-uri"}},
		"details":           {[]string{"--authorization-details", `[{"type":"example"}]`, "--resource", "urn:example:jwt", "--scope", "openid api:read"}, []string{"asked-details"}},
		"a resource":        {[]string{"--resource", "urn:example:jwt", "--scope", "openid api:read"}, []string{"asked-resource"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p, err := steady()
			if err != nil {
				t.Fatal(err)
			}
			p.alone(t)
			h := newHome(t)
			h.exits(0, "register", p.issuer, "-p", "reg", "--ca-cert", p.ca, "--generate-key", "auth", "--metadata", `authorization_details_types=["example"]`)
			kept(h)
			keys(h)
			r := h.exits(0, append([]string{"login", "-p", "reg", "--browser", "forms", "--username", "alice", "--password-file", h.file("password", password)}, c.flags...)...)
			for _, rung := range c.rungs {
				if !strings.Contains(r.stderr, "ok      "+rung) {
					t.Errorf("got %q, want %s ok", r.stderr, rung)
				}
			}
			h.exits(0, "register", "delete", "-p", "reg")
		})
	}
}

// TestRequestsAtGlewlwyd pushes and signs requests where the login page is a
// script application that is given the reference alone. Each of its endpoints wants
// assertions that name it; and its endpoint for pushed requests takes no request
// object behind a secret: it says no, without a word.
func TestRequestsAtGlewlwyd(t *testing.T) {
	need(t, "jq", "dpkg", "apt-get")
	t.Parallel()
	p, err := odd()
	if err != nil {
		t.Fatal(err)
	}
	secret, key := []string{"--client-auth", "client_secret_basic"}, []string{"--generate-key", "auth"}
	for what, c := range map[string]struct {
		code            int
		register, flags []string
	}{
		"pushed, with a secret":         {0, secret, []string{"--par"}},
		"signed with the secret":        {0, secret, []string{"--request-object", "signed"}},
		"signed with a key":             {0, key, []string{"--request-object", "signed"}},
		"pushed, with an assertion":     {0, key, []string{"--par"}},
		"signed and pushed":             {0, key, []string{"--request-object", "signed", "--par"}},
		"signed with secret and pushed": {5, secret, []string{"--request-object", "signed", "--par"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p.alone(t)
			h := newHome(t)
			h.exits(0, append([]string{"register", p.issuer, "-p", "reg", "--ca-cert", p.ca}, c.register...)...)
			kept(h)
			keys(h)
			login := append([]string{"login", "-p", "reg", "--browser", h.at(p, "alice", h.file("password", password))}, c.flags...)
			if c.register[0] == "--generate-key" {
				login = append(login, "--assertion-audience", "endpoint")
			}
			r := h.exits(c.code, login...)
			if c.code != 0 && !strings.Contains(r.stderr, "rely: push the authorization request: the provider answered 40") {
				t.Errorf("got %q, want the refusal of the pushed request", r.stderr)
			}
			if c.code == 0 && c.flags[0] == "--par" && !strings.Contains(r.stderr, "ok      pushed-request-uri") {
				t.Errorf("got %q, want the request pushed", r.stderr)
			}
			h.exits(0, "register", "delete", "-p", "reg")
		})
	}
}
