package request

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"time"

	"rely/internal/fault"
)

func TestLifetime(t *testing.T) {
	t.Parallel()
	const ten = 10 * 365 * 24 * time.Hour
	for raw, want := range map[string]struct {
		life  time.Duration
		known bool
		ok    bool
	}{
		`3600`:                {time.Hour, true, true},
		`"3600"`:              {time.Hour, true, true},
		`59.9`:                {59 * time.Second, true, true},
		`0`:                   {0, true, true},
		`9223372036854775807`: {ten, true, true},
		`1e300`:               {ten, true, true},
		``:                    {0, false, true},
		`null`:                {0, false, true},
		`-1`:                  {0, false, false},
		`"soon"`:              {0, false, false},
		`"NaN"`:               {0, false, false},
		`[60]`:                {0, false, false},
	} {
		life, known, err := Lifetime(json.RawMessage(raw))
		if life != want.life || known != want.known || (err == nil) != want.ok {
			t.Errorf("expires_in %s: got %s, %t, %v; want %s, %t", raw, life, known, err, want.life, want.known)
		}
	}
}

func TestIDTokenAlgs(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		registered string
		listed     []string
		want       []string
	}{
		"the registered one wins":        {"ES256", []string{"RS256", "ES256"}, []string{"ES256"}},
		"those that the provider lists":  {"", []string{"RS256", "ES256"}, []string{"RS256", "ES256"}},
		"none is never taken":            {"", []string{"none", "RS256"}, []string{"RS256"}},
		"a symmetric one needs its name": {"", []string{"HS256", "PS256"}, []string{"PS256"}},
		"nothing listed":                 {"", nil, []string{"RS256"}},
		"only what may not be":           {"", []string{"none", "HS256"}, []string{"RS256"}},
		"a symmetric one by its name":    {"HS256", []string{"RS256"}, []string{"HS256"}},
	} {
		if got := IDTokenAlgs(c.registered, c.listed); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	got, err := Parameters("param", []string{"acr_values=a b", "resource=x", "resource=y", "empty="})
	want := url.Values{"acr_values": {"a b"}, "resource": {"x", "y"}, "empty": {""}}
	if err != nil || got.Encode() != want.Encode() {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"state=x", "nonce=x", "code_challenge_method=plain", "redirect_uri=https://evil.example", "noequals", "=x"} {
		if _, err := Parameters("param", []string{bad}); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: got %v, want a usage fault", bad, err)
		}
	}
}
