package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/store"
)

func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 10, 0, 0, 0, 0, time.UTC)
	k := &Keeper{Profile: "work", Now: func() time.Time { return now }}
	registered := store.Client{Secret: secret.New("s"), RegistrationURI: "https://op.example/c"}
	for what, c := range map[string]struct {
		client  store.Client
		expires time.Time
		want    string // in the note; "" for no note
	}{
		"never":                {registered, time.Time{}, ""},
		"in eight days":        {registered, now.AddDate(0, 0, 8), ""},
		"in six days":          {registered, now.AddDate(0, 0, 6), `in 144h0m0s; run "rely register update -p work"`},
		"a second ago":         {registered, now.Add(-time.Second), "expired at 2030-01-09T23:59:59Z"},
		"now":                  {registered, now, "expired at"},
		"made by hand":         {store.Client{Secret: secret.New("s")}, now, "administrator"},
		"a public client's is": {store.Client{}, now, ""},
	} {
		c.client.SecretExpires = c.expires
		if got := k.Expiry(&c.client); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q in it", what, got, c.want)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 10, 0, 0, 0, 0, time.UTC)
	k := &Keeper{Profile: "work", Now: func() time.Time { return now }}
	refused := &fault.Error{Kind: fault.Denied, ID: "token.invalid_client", Op: "redeem the code", Err: errors.New("invalid_client"), Hint: "check the secret"}
	other := &fault.Error{Kind: fault.Denied, ID: "token.invalid_grant", Op: "redeem the code", Hint: "sign in again"}
	for what, c := range map[string]struct {
		expires time.Time
		err     error
		want    bool
	}{
		"expired":         {now.Add(-time.Hour), refused, true},
		"not yet":         {now.Add(time.Hour), refused, false},
		"never":           {time.Time{}, refused, false},
		"something else":  {now.Add(-time.Hour), other, false},
		"nothing at all":  {now.Add(-time.Hour), nil, false},
		"not even worded": {now.Add(-time.Hour), errors.New("x"), false},
	} {
		got := k.Explain(&store.Client{Secret: secret.New("s"), SecretExpires: c.expires}, c.err)
		var f *fault.Error
		explained := errors.As(got, &f) && f.Spec == "RFC 7591 3.2.1" && f.Kind == fault.Denied && strings.Contains(f.Error(), "expired at 2030-01-09")
		if explained != c.want || !c.want && !errors.Is(got, c.err) {
			t.Errorf("%s: got %v, want it explained: %v", what, got, c.want)
		}
	}
}
