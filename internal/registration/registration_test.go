package registration

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/wire"
)

// answering is a provider whose registration endpoint says one thing.
func answering(t *testing.T, status int, body string) (*provider.Provider, *wire.Client) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	p := &provider.Provider{Metadata: provider.Metadata{Issuer: s.URL, RegistrationEndpoint: s.URL + "/register"}}
	return p, &wire.Client{Base: http.DefaultTransport, Now: time.Now}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	asked := map[string]any{"redirect_uris": []string{"https://127.0.0.1:1/cb"}, "token_endpoint_auth_method": "client_secret_basic"}
	const good = `{"client_id":"c","client_secret":"s3cret","client_secret_expires_at":2000000000,"registration_access_token":"the-registration-token"`
	for what, c := range map[string]struct {
		status int
		body   string
		kind   fault.Kind
	}{
		"all as asked":              {201, good + `,"redirect_uris":["https://127.0.0.1:1/cb"]}`, 0},
		"200 and no echo":           {200, good + `}`, 0},
		"another redirect URI":      {201, good + `,"redirect_uris":["https://127.0.0.1:1/other"]}`, fault.Protocol},
		"no secret":                 {201, `{"client_id":"c"}`, fault.Protocol},
		"no client id":              {201, `{"client_secret":"s"}`, fault.Protocol},
		"an id that is a number":    {201, `{"client_id":1}`, fault.Protocol},
		"a web page":                {201, `<html>`, fault.Protocol},
		"its own words":             {400, `{"error":"invalid_redirect_uri","error_description":"no https on loopback"}`, fault.Denied},
		"no words":                  {403, ``, fault.Denied},
		"a token is needed":         {401, `{"error":"invalid_token"}`, fault.Denied},
		"broken down":               {502, `x`, fault.Network},
		"management over plain ftp": {201, good + `,"registration_client_uri":"ftp://x/y"}`, fault.Protocol},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p, hc := answering(t, c.status, c.body)
			got, err := Register(t.Context(), p, hc, secret.String{}, asked)
			if c.kind != 0 {
				if !fault.Is(err, c.kind) {
					t.Fatalf("got %v, want kind %v", err, c.kind)
				}
				return
			}
			if err != nil || got.ID != "c" || got.Secret.Reveal() != "s3cret" || got.SecretExpires.Unix() != 2000000000 {
				t.Fatalf("got %+v, %v", got, err)
			}
			if js, _ := json.Marshal(got.Metadata); len(js) == 0 || got.Metadata["client_secret"] != nil || got.Metadata["registration_access_token"] != nil {
				t.Errorf("the metadata holds a secret: %s", js)
			}
		})
	}
}

// A client that is not the one asked for is no use, and must not stay behind.
func TestRegisterTakesAUselessClientAway(t *testing.T) {
	t.Parallel()
	body := `{"client_id":"c","client_secret":"s","registration_access_token":"the-registration-token","redirect_uris":["https://x/"],"registration_client_uri":"`
	s := httptest.NewServer(nil)
	t.Cleanup(s.Close)
	deleted := 0
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			deleted++
			return
		}
		_, _ = io.WriteString(w, body+s.URL+`/c"}`)
	})
	p := &provider.Provider{Metadata: provider.Metadata{Issuer: s.URL, RegistrationEndpoint: s.URL}}
	hc := &wire.Client{Base: http.DefaultTransport, Now: time.Now}
	_, err := Register(t.Context(), p, hc, secret.String{}, map[string]any{"redirect_uris": []string{"https://127.0.0.1:1/cb"}})
	if !fault.Is(err, fault.Protocol) || deleted != 1 {
		t.Fatalf("got %v and %d deletions, want a refusal and one", err, deleted)
	}
}
