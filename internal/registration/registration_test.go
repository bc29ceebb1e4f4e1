package registration

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/wire"
)

// A desk is a provider's registration endpoint that says what a test wants.
type desk struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string         // method and path
	sent []map[string]any // bodies
}

// newDesk starts one; say answers the request of this number, counted from 0.
func newDesk(t *testing.T, say func(n int, r *http.Request, sent map[string]any) (int, string)) *desk {
	t.Helper()
	d := &desk{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		var sent map[string]any
		_ = json.Unmarshal(data, &sent)
		d.mu.Lock()
		n := len(d.seen)
		d.seen, d.sent = append(d.seen, r.Method+" "+r.URL.Path), append(d.sent, sent)
		d.mu.Unlock()
		status, body := say(n, r, sent)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "HERE", d.URL))
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *desk) http() *wire.Client { return &wire.Client{Base: http.DefaultTransport, Now: time.Now} }

func (d *desk) endpoint() *Endpoint {
	p := &provider.Provider{Metadata: provider.Metadata{Issuer: d.URL, RegistrationEndpoint: d.URL + "/register"}}
	return &Endpoint{Provider: p, HTTP: d.http(), Now: time.Unix(1800000000, 0)}
}

func (d *desk) manager(c Client) *Manager {
	c.RegistrationURI, c.RegistrationToken = d.URL+"/client", secret.New("the-registration-token")
	return &Manager{HTTP: d.http(), Issuer: d.URL, Known: c}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	asked := map[string]any{"redirect_uris": []string{"https://127.0.0.1:1/cb"}, "token_endpoint_auth_method": "client_secret_basic"}
	const good = `{"client_id":"c","client_secret":"s3cret: %+","client_secret_expires_at":2000000000,"registration_access_token":"the-registration-token"`
	for what, c := range map[string]struct {
		status int
		body   string
		kind   fault.Kind
	}{
		"all as asked":                   {201, good + `,"redirect_uris":["https://127.0.0.1:1/cb"]}`, 0},
		"200 and no echo":                {200, good + `}`, 0},
		"more redirect URIs than asked":  {201, good + `,"redirect_uris":["https://x/","https://127.0.0.1:1/cb"]}`, 0},
		"another way to prove it":        {201, good + `,"token_endpoint_auth_method":"client_secret_post"}`, 0},
		"another redirect URI":           {201, good + `,"redirect_uris":["https://127.0.0.1:1/other"]}`, fault.Protocol},
		"no redirect URI":                {201, good + `,"redirect_uris":[]}`, fault.Protocol},
		"a proof nobody asked for":       {201, good + `,"token_endpoint_auth_method":"vendor"}`, fault.Protocol},
		"a key that nobody made":         {201, good + `,"token_endpoint_auth_method":"private_key_jwt"}`, fault.Protocol},
		"unsigned ID tokens":             {201, good + `,"id_token_signed_response_alg":"none"}`, fault.Protocol},
		"an algorithm nobody knows":      {201, good + `,"id_token_signed_response_alg":"XX1"}`, fault.Protocol},
		"an expired secret":              {201, `{"client_id":"c","client_secret":"s","client_secret_expires_at":1700000000}`, fault.Protocol},
		"no secret":                      {201, `{"client_id":"c"}`, fault.Protocol},
		"no client id":                   {201, `{"client_secret":"s"}`, fault.Protocol},
		"an id that is a number":         {201, `{"client_id":1}`, fault.Protocol},
		"a secret that is a list":        {201, `{"client_id":"c","client_secret":["s"]}`, fault.Protocol},
		"a web page":                     {201, `<html>`, fault.Protocol},
		"a repeated member":              {201, `{"client_id":"c","client_id":"d"}`, fault.Protocol},
		"elsewhere":                      {307, ``, fault.Protocol},
		"its own words":                  {400, `{"error":"invalid_redirect_uri","error_description":"no https on loopback"}`, fault.Denied},
		"its own words, with umlauts":    {400, "{\"error\":\"invalid_redirect_uri\",\"error_description\":\"ung\u00fcltig\"}", fault.Denied},
		"words with escape sequences":    {400, `{"error":"invalid_redirect_uri","error_description":"no\u001b[2J"}`, fault.Protocol},
		"a 401 with escape sequences":    {401, `{"error":"invalid_token","error_description":"no\u001b[2J"}`, fault.Protocol},
		"a no that says 201":             {201, `{"error":"invalid_redirect_uri"}`, fault.Protocol},
		"no words":                       {403, ``, fault.Denied},
		"a token is needed":              {401, `{"error":"invalid_token"}`, fault.Denied},
		"too often":                      {429, ``, fault.Network},
		"broken down":                    {502, `x`, fault.Network},
		"management over plain ftp":      {201, good + `,"registration_client_uri":"ftp://x/y"}`, fault.Protocol},
		"management with a user part":    {201, good + `,"registration_client_uri":"https://u@x/y"}`, fault.Protocol},
		"management at a number":         {201, good + `,"registration_client_uri":7}`, fault.Protocol},
		"an expiry beyond all calendars": {201, `{"client_id":"c","client_secret":"s3cret: %+","client_secret_expires_at":1e300}`, 0},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, func(int, *http.Request, map[string]any) (int, string) { return c.status, c.body })
			got, err := d.endpoint().Register(t.Context(), asked)
			if c.kind != 0 {
				if !fault.Is(err, c.kind) {
					t.Fatalf("got %v, want kind %v", err, c.kind)
				}
				return
			}
			if err != nil || got.ID != "c" || got.Secret.Reveal() != "s3cret: %+" || !got.SecretExpires.IsZero() && got.SecretExpires.Unix() != 2000000000 {
				t.Fatalf("got %+v, %v", got, err)
			}
			if got.Metadata["client_secret"] != nil || got.Metadata["registration_access_token"] != nil {
				t.Errorf("the metadata holds a secret: %s", got.Metadata)
			}
		})
	}
}

// A client that is not the one asked for is no use, and must not stay behind;
// where it has to, it is handed over.
func TestRegisterTakesAUselessClientAway(t *testing.T) {
	t.Parallel()
	const useless = `{"client_id":"c","client_secret":"s","registration_access_token":"the-registration-token","redirect_uris":["https://x/"],"registration_client_uri":"HERE/c"}`
	for what, c := range map[string]struct {
		deletion int
		orphan   bool
	}{"deleted": {204, false}, "deleted with 200": {200, false}, "not deleted": {403, true}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, func(_ int, r *http.Request, _ map[string]any) (int, string) {
				if r.Method != http.MethodDelete {
					return 201, useless
				}
				if got := r.Header.Get("Authorization"); got != "Bearer the-registration-token" {
					t.Errorf("got the authorization %q", got)
				}
				return c.deletion, ""
			})
			_, err := d.endpoint().Register(t.Context(), map[string]any{"redirect_uris": []string{"https://127.0.0.1:1/cb"}})
			var o *Orphan
			if !fault.Is(err, fault.Protocol) || errors.As(err, &o) != c.orphan || !slices.Equal(d.seen, []string{"POST /register", "DELETE /c"}) {
				t.Fatalf("got %v after %q, want a refusal and a deletion", err, d.seen)
			}
			if c.orphan && (o.Client.RegistrationToken.Reveal() != "the-registration-token" || o.Client.RegistrationURI != d.URL+"/c") {
				t.Errorf("got the orphan %+v, want its address and token", o.Client)
			}
			if strings.Contains(err.Error(), "the-registration-token") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestMakeTriesTheNextBest(t *testing.T) {
	t.Parallel()
	m := &provider.Metadata{GrantTypes: []string{"authorization_code"}}
	for what, c := range map[string]struct {
		wish  Wish
		say   func(n int, sent map[string]any) (int, string)
		types []any // application_type of each request
		notes int
		id    string // of the error
	}{
		"taken at once": {Wish{}, func(int, map[string]any) (int, string) { return 201, `{"client_id":"c","client_secret":"s"}` }, []any{"web"}, 0, ""},
		"native after web": {Wish{}, func(n int, _ map[string]any) (int, string) {
			if n == 0 {
				return 400, `{"error":"invalid_redirect_uri"}`
			}
			return 201, `{"client_id":"c","client_secret":"s"}`
		}, []any{"web", "native"}, 1, ""},
		"said in other words": {Wish{}, func(n int, _ map[string]any) (int, string) {
			if n == 0 {
				return 400, `{"error":"invalid_client_metadata","error_description":"Redirect URI not allowed"}`
			}
			return 201, `{"client_id":"c","client_secret":"s"}`
		}, []any{"web", "native"}, 1, ""},
		"refused twice": {Wish{}, func(int, map[string]any) (int, string) { return 400, `{"error":"invalid_redirect_uri"}` }, []any{"web", "native"}, 0, "registration.refused"},
		"the person said which": {Wish{Metadata: map[string]any{"application_type": "native", "redirect_uris": []string{"http://127.0.0.1:1/"}}},
			func(int, map[string]any) (int, string) { return 400, `{"error":"invalid_redirect_uri"}` }, []any{"native"}, 0, "registration.refused"},
		"no refresh tokens": {Wish{}, func(_ int, sent map[string]any) (int, string) {
			if list, _ := sent["grant_types"].([]any); len(list) > 1 {
				return 400, `{"error":"invalid_client_metadata","error_description":"grant type refresh_token is not supported"}`
			}
			return 201, `{"client_id":"c","client_secret":"s"}`
		}, []any{"web", "web"}, 1, ""},
		"something else": {Wish{}, func(int, map[string]any) (int, string) {
			return 400, `{"error":"invalid_client_metadata","error_description":"no such contact"}`
		}, []any{"web"}, 0, "registration.refused"},
		"a machine that needs a redirect URI": {Wish{Grant: "client_credentials"}, func(_ int, sent map[string]any) (int, string) {
			if list, _ := sent["redirect_uris"].([]any); len(list) == 0 {
				return 400, `{"error":"invalid_redirect_uri"}`
			}
			return 201, `{"client_id":"c","client_secret":"s"}`
		}, []any{nil, "web"}, 1, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			if c.wish.Grant == "" {
				c.wish.Grant = "authorization_code"
			}
			c.wish.Ports = []int{20001, 20002}
			d := newDesk(t, func(n int, _ *http.Request, sent map[string]any) (int, string) { return c.say(n, sent) })
			plan, err := Choose(m, c.wish)
			if err != nil {
				t.Fatal(err)
			}
			made, err := d.endpoint().Make(t.Context(), plan)
			var types []any
			for _, sent := range d.sent {
				types = append(types, sent["application_type"])
			}
			if !slices.Equal(types, c.types) {
				t.Errorf("got requests as %v, want %v", types, c.types)
			}
			var f *fault.Error
			if errors.As(err, &f) != (c.id != "") || f != nil && f.ID != c.id {
				t.Fatalf("got %v, want %q", err, c.id)
			}
			if err == nil && len(made.Notes) != c.notes {
				t.Errorf("got the notes %q, want %d", made.Notes, c.notes)
			}
		})
	}
}

func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	e := &Endpoint{Provider: &provider.Provider{}}
	_, err := e.Register(t.Context(), nil)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Protocol || !strings.Contains(f.Hint, "--client-id") {
		t.Errorf("got %v, want the way to a client made by hand", err)
	}
}
