package ops

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rely/internal/loopback"
)

// TestCIBA: alice is asked on a device of her own by oidc-provider, which she
// answers after a second; the client asks again and again (poll), or hears of it
// at its notification endpoint (ping). For ping the provider has to trust the
// home's authority, so it is one of its own.
func TestCIBA(t *testing.T) {
	need(t)
	t.Parallel()
	for mode, how := range map[string][]string{
		"poll":         {"--backchannel-token-delivery-mode", "poll"},
		"ping":         {"--backchannel-token-delivery-mode", "ping"},
		"ping, signed": {"--backchannel-token-delivery-mode", "ping", "--backchannel-authentication-request-signing-alg", "ES256", "--generate-key", "auth"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			if _, err := loopback.OpenAuthority(filepath.Dir(h.authority()), time.Now); err != nil {
				t.Fatal(err)
			}
			p, err := start("oidc-provider", "OP_CIBA_AUTO=1", "OP_EXTRA_CA="+h.authority())
			if err != nil {
				t.Fatal(err)
			}
			h.exits(0, append([]string{"register", p.issuer, "-p", "reg", "--ca-cert", p.ca, "--flow", "ciba"}, how...)...)
			kept(h)
			ask := []string{"login", "-p", "reg", "--login-hint", "alice", "--scope", "openid email offline_access", "-v"}
			r := h.exits(0, ask...)
			passes(t, r, "signature aud exp iat")
			if ping := strings.HasPrefix(mode, "ping"); ping {
				passes(t, r, "ciba-ping")
				if !strings.Contains(r.stderr, "it came") {
					t.Errorf("got %q, want a ping that came", r.stderr)
				}
				if got := p.answers(t, "POST /token 200"); got != 1 {
					t.Errorf("got %d successful token requests, want one", got)
				}
			}
			var who struct{ Sub string }
			h.result("userinfo/1", &who, "userinfo", "-p", "reg")
			if who.Sub != "alice" {
				t.Errorf("got sub %q, want alice", who.Sub)
			}
			if was := h.line("tokens", "-p", "reg"); h.secret(h.line("tokens", "-p", "reg", "--force")) == h.secret(was) {
				t.Error("got the same token after --force, want a new one")
			}
			if r := h.exits(5, append(ask, "--binding-message", "deny")...); !strings.Contains(r.stderr, "access_denied") {
				t.Errorf("got %q, want the provider's access_denied", r.stderr)
			}
			if r := h.exits(5, append(ask, "--login-hint", "nobody")...); !strings.Contains(r.stderr, "unknown_user_id") {
				t.Errorf("got %q, want the provider's unknown_user_id", r.stderr)
			}
		})
	}
}
