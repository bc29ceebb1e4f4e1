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
			h.exits(0, "register", p.issuer, "-p", "reg", "--ca-cert", p.ca, "--generate-key", "auth")
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
