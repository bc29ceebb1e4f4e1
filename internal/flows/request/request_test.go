package request

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/wire"
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

// An honest no is Denied, in the provider's own words; a no that breaks the
// rules of errors is Protocol, and says the same words.
func TestRefusedToken(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status int
		r      wire.Refusal
		kind   fault.Kind
		id     string
	}{
		"by the book":                   {400, wire.Refusal{Code: "invalid_grant", Description: "too old"}, fault.Denied, "token.invalid_grant"},
		"the client is not believed":    {401, wire.Refusal{Code: "invalid_client"}, fault.Denied, "token.invalid_client"},
		"glewlwyd's status":             {403, wire.Refusal{Code: "invalid_code"}, fault.Denied, "token.invalid_code"},
		"with umlauts":                  {400, wire.Refusal{Code: "invalid_grant", Description: "ung\u00fcltig"}, fault.Denied, "token.invalid_grant"},
		"without a word":                {400, wire.Refusal{}, fault.Denied, "token.refused"},
		"no status of an error":         {418, wire.Refusal{}, fault.Protocol, "token.status"},
		"with the status of success":    {200, wire.Refusal{Code: "invalid_grant", Description: "too old"}, fault.Protocol, "token.error-response"},
		"with escape sequences":         {400, wire.Refusal{Code: "invalid_grant", Description: "too\x1b[2J old"}, fault.Protocol, "token.error-response"},
		"a device goes on, as GitHub":   {200, wire.Refusal{Code: Pending}, fault.Denied, "token.authorization_pending"},
		"but not with a sequence in it": {200, wire.Refusal{Code: SlowDown, URI: "\x1b"}, fault.Protocol, "token.error-response"},
	} {
		err := refusedToken("redeem the code", "authorization_code", c.status, &c.r)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != c.kind || f.ID != c.id || f.Hint == "" || f.Spec == "" {
			t.Errorf("%s: got %#v, want %s %s with a rule and a hint", what, err, c.kind, c.id)
		}
		if !strings.Contains(err.Error(), c.r.Error()) {
			t.Errorf("%s: got %q, want the words %q in it", what, err, c.r.Error())
		}
	}
}
