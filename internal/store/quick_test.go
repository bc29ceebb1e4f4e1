package store

import (
	"bytes"
	"os"
	"testing"
	"time"

	"rely/internal/secret"
)

// The quick reader says what Session says, or nothing at all.
func TestTokenAgreesWithSession(t *testing.T) {
	t.Parallel()
	ends := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	whole := Session{Issuer: "https://op.example", ClientID: "c", Access: secret.New("token-1"), Expiry: ends, Settings: "digest", Scope: "a \"b\""}
	for what, c := range map[string]struct {
		change func(s *Session)
		ok     bool
	}{
		"a whole session":         {func(*Session) {}, true},
		"no digest":               {func(s *Session) { s.Settings = "" }, false},
		"no known end":            {func(s *Session) { s.Expiry = time.Time{} }, false},
		"no token":                {func(s *Session) { s.Access = secret.String{} }, false},
		"a token with escapes":    {func(s *Session) { s.Access = secret.New("a\"b") }, false},
		"a token that looks like": {func(s *Session) { s.Scope = `","access_token":"other` }, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f, err := File(Options{Dir: t.TempDir(), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			s := whole
			c.change(&s)
			if err := f.PutSession(t.Context(), "work", &s); err != nil {
				t.Fatal(err)
			}
			access, expiry, settings, ok := f.Token(t.Context(), "work")
			if ok != c.ok || ok && (access.Reveal() != s.Access.Reveal() || !expiry.Equal(s.Expiry) || settings != s.Settings) {
				t.Errorf("got %q, %s, %q, %t", access.Reveal(), expiry, settings, ok)
			}
			if _, _, _, ok := f.Token(t.Context(), "other"); ok {
				t.Error("a profile without a session has a token")
			}
			path := f.path(sessions, "work")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for name, broken := range map[string][]byte{"cut": text[:len(text)/2], "twice": bytes.Replace(text, []byte("{"), []byte(`{"access_token":"x",`), 1), "another's": bytes.Replace(text, []byte(`"work"`), []byte(`"home"`), 1), "the next schema": bytes.Replace(text, []byte("session/1"), []byte("session/2"), 1)} {
				if err := os.WriteFile(path, broken, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, _, _, ok := f.Token(t.Context(), "work"); ok && c.ok {
					t.Errorf("%s: a broken file has a token", name)
				}
			}
		})
	}
}
