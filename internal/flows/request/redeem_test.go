package request

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"rely/internal/clientauth"
	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/wire"
)

// What a token endpoint may answer, and what it may not (RFC 6749 5).
func TestRedeem(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status   int
		body     string
		id, says string // of the fault; empty for tokens
	}{
		"by the book":                  {200, `{"access_token":"a b+c%&=","token_type":"Bearer","refresh_token":"r","expires_in":60}`, "", ""},
		"a fraction of a second":       {200, `{"access_token":"a b+c%&=","token_type":"bEARER","refresh_token":"r","expires_in":59.5}`, "", ""},
		"members that nobody knows":    {200, `{"access_token":"a b+c%&=","token_type":"Bearer","refresh_token":"r","x":{"error":1},"Error":"no","error_uri":null}`, "", ""},
		"no access token":              {200, `{"token_type":"Bearer"}`, "token.answer", "missing access_token"},
		"an access token that is none": {200, `{"access_token":7,"token_type":"Bearer"}`, "token.member", `"access_token" is no string`},
		"a type that is none":          {200, `{"access_token":"a","token_type":["Bearer"]}`, "token.member", `"token_type" is no string`},
		"a refusal":                    {400, `{"error":"invalid_grant","error_description":"too old & gone"}`, "token.invalid_grant", "invalid_grant: too old & gone"},
		"a refusal beside an oddity":   {400, `{"error":"invalid_grant","error_description":7}`, "token.invalid_grant", "invalid_grant"},
		"a refusal without a word":     {400, `{"error":7}`, "token.refused", "400"},
		"a refusal that is no JSON":    {401, `no`, "token.refused", "401"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			t.Cleanup(s.Close)
			p := &provider.Provider{Metadata: provider.Metadata{TokenEndpoint: s.URL}}
			prove, err := clientauth.Choose("none", nil, clientauth.Credentials{ID: "me"})
			if err != nil {
				t.Fatal(err)
			}
			method, err := prove.New(clientauth.Credentials{ID: "me"})
			if err != nil {
				t.Fatal(err)
			}
			r := &Request{Provider: p, HTTP: &wire.Client{Base: s.Client().Transport, Now: time.Now}, Prove: method, ClientID: "me", Now: time.Now}
			got, err := r.Redeem(t.Context(), "redeem", url.Values{"grant_type": {"client_credentials"}})
			if c.id == "" {
				if err != nil || got.Access.Reveal() != "a b+c%&=" || got.Refresh.Reveal() != "r" {
					t.Fatalf("got %v, %v; want the tokens", got, err)
				}
				return
			}
			var f *fault.Error
			if !errors.As(err, &f) || f.ID != c.id || !strings.Contains(f.Error(), c.says) {
				t.Errorf("got %v, want %s with %q", err, c.id, c.says)
			}
		})
	}
}
