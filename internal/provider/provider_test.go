package provider

import (
	"encoding/json"
	"testing"

	"rely/internal/fault"
)

func TestOddities(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		issuer, token string
		want          int
	}{
		"both public":             {"https://op.example", "https://token.op.example/t", 0},
		"cloud metadata":          {"https://op.example", "https://169.254.169.254/latest", 1},
		"a private network":       {"https://op.example", "https://10.1.2.3/t", 1},
		"IPv4 in IPv6":            {"https://op.example", "https://[::ffff:192.168.1.1]/t", 1},
		"loopback":                {"https://op.example", "https://localhost/t", 1},
		"the issuer is there too": {"https://127.0.0.1:9400", "https://10.1.2.3/t", 0},
	} {
		p := Provider{Metadata: Metadata{Issuer: c.issuer, TokenEndpoint: c.token}}
		if got := p.Oddities(); len(got) != c.want {
			t.Errorf("%s: got %q, want %d", what, got, c.want)
		}
	}
}

func TestMetadataAddresses(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string][2]string{
		"https://op.example":              {"https://op.example/.well-known/openid-configuration", "https://op.example/.well-known/oauth-authorization-server"},
		"https://op.example/":             {"https://op.example/.well-known/openid-configuration", "https://op.example/.well-known/oauth-authorization-server"},
		"https://op.example/realms/a%2Fb": {"https://op.example/realms/a%2Fb/.well-known/openid-configuration", "https://op.example/.well-known/oauth-authorization-server/realms/a%2Fb"},
	} {
		u, err := checkIssuer(issuer)
		if err != nil {
			t.Fatal(err)
		}
		if got := metadataAddresses(u); got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%s: got %q, want %q", issuer, got, want)
		}
	}
	for _, bad := range []string{"op.example", "http://op.example", "https://op.example?x", "https://op.example#x", "https://u@op.example", "ftp://op.example", "", "https://op.example/.well-known/openid-configuration"} {
		if _, err := checkIssuer(bad); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: got %v, want a usage fault", bad, err)
		}
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][2]string{
		`Bearer realm="x", error="invalid_token", error_description="gone"`: {"invalid_token", "gone"},
		`Bearer error_description="only this"`:                              {"", "only this"},
		`Bearer error="unterminated`:                                        {"unterminated", ""},
		`Bearer`:                                                            {"", ""},
	} {
		if code, text := challenge(header); code != want[0] || text != want[1] {
			t.Errorf("%s: got %q, %q", header, code, text)
		}
	}
}

func TestCheckSubject(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{`"alice"`: true, `"Alice"`: false, `""`: false, `1`: false, `null`: false, ``: false} {
		claims := map[string]json.RawMessage{}
		if raw != "" {
			claims["sub"] = json.RawMessage(raw)
		}
		if err := checkSubject("ask", claims, "alice"); (err == nil) != ok {
			t.Errorf("sub %s: got %v", raw, err)
		}
	}
}
