package registration

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rely/internal/clientauth"
	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/secret"
)

const callback = "https://127.0.0.1:8910/callback"

func TestCheckRedirectKnown(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status   int
		location string
		want     Outcome
		kind     fault.Kind
	}{
		"nobody is signed in":             {302, callback + "?error=login_required&state=x", Good, 0},
		"somebody is":                     {303, callback + "?code=x", Good, 0},
		"it may not do that":              {302, callback + "?error=unauthorized_client&error_description=no", Good, 0},
		"in the fragment":                 {302, callback + "#error=interaction_required", Good, 0},
		"its own login page":              {302, "/login", Unknown, 0},
		"another host with the same path": {302, "https://evil.example:8910/callback?error=login_required", Unknown, 0},
		"another path":                    {302, "https://127.0.0.1:8910/callback/x?error=login_required", Unknown, 0},
		"no address at all":               {302, "", Unknown, 0},
		"a page":                          {200, "", Unknown, 0},
		"an error page":                   {400, "", Bad, 0},
		"a bare 403":                      {403, "", Bad, 0},
		"broken":                          {500, "", Unknown, fault.Network},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked++; r.URL.Query().Get("prompt") != "none" || r.URL.Query().Get("tenant") != "x" {
					t.Errorf("got the request %s", r.URL)
				}
				if c.location != "" {
					w.Header().Set("Location", c.location)
				}
				w.Header().Set("Retry-After", "9999")
				w.WriteHeader(c.status)
			}))
			t.Cleanup(s.Close)
			p := &provider.Provider{Metadata: provider.Metadata{AuthorizationEndpoint: s.URL + "/auth?tenant=x"}}
			d := desk{Server: s}
			got, err := CheckRedirectKnown(t.Context(), d.http(), p, "c", callback)
			if c.kind != 0 {
				if !fault.Is(err, c.kind) {
					t.Errorf("got %v, want kind %v", err, c.kind)
				}
				return
			}
			if err != nil || got.Outcome != c.want || got.Said == "" || asked != 1 {
				t.Errorf("got %+v, %v after %d requests, want %s", got, err, asked, c.want)
			}
		})
	}
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status int
		body   string
		want   Outcome
	}{
		"believed":                            {400, `{"error":"invalid_grant"}`, Good},
		"believed, in glewlwyd's words":       {403, `{"error":"invalid_code"}`, Good},
		"believed, but may not use the grant": {400, `{"error":"unauthorized_client"}`, Good},
		"not believed":                        {401, `{"error":"invalid_client"}`, Bad},
		"not believed, with 400":              {400, `{"error":"invalid_client"}`, Bad},
		"not believed, without words":         {401, ``, Bad},
		"the same words for two things":       {403, `{"error":"unauthorized_client"}`, Unknown},
		"something about the request":         {400, `{"error":"invalid_request"}`, Unknown},
		"a page":                              {200, `<html>`, Unknown},
		"elsewhere":                           {307, ``, Unknown},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, func(_ int, r *http.Request, _ map[string]any) (int, string) {
				if id, s, ok := r.BasicAuth(); !ok || id != "c" || !strings.HasPrefix(s, "the-secret") {
					t.Errorf("got no proof")
				}
				return c.status, c.body
			})
			p := &provider.Provider{Metadata: provider.Metadata{TokenEndpoint: d.URL + "/token"}}
			method, err := clientauth.Choose("client_secret_basic", nil, clientauth.Credentials{ID: "c", Secret: secret.New("the-secret")})
			if err != nil {
				t.Fatal(err)
			}
			hc := d.http()
			creds := clientauth.Credentials{ID: "c", Secret: secret.New("the-secret")}
			prove, err := method.New(creds)
			if err != nil {
				t.Fatal(err)
			}
			got, err := CheckSecret(t.Context(), hc, p, prove, creds, callback)
			if err != nil || got.Outcome != c.want || len(d.seen) != 1 {
				t.Errorf("got %+v, %v after %q, want %s", got, err, d.seen, c.want)
			}
			if err := got.Refused(); !fault.Is(err, fault.Denied) {
				t.Errorf("got %v, want a denial", err)
			}
		})
	}
}
