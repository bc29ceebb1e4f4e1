package registration

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

func TestRead(t *testing.T) {
	t.Parallel()
	known := Client{ID: "c", Secret: secret.New("old secret"), SecretExpires: time.Unix(1900000000, 0)}
	for what, c := range map[string]struct {
		status              int
		body                string
		id                  string // of the error
		secret, token, path string // afterwards
		expires             int64
	}{
		"as it was":          {200, `{"client_id":"c"}`, "", "old secret", "the-registration-token", "/client", 1900000000},
		"all turned":         {200, `{"client_id":"c","client_secret":"new secret","client_secret_expires_at":0,"registration_access_token":"new token","registration_client_uri":"HERE/new"}`, "", "new secret", "new token", "/new", 0},
		"a bad new address":  {200, `{"client_id":"c","registration_client_uri":"http://op.example/x"}`, "", "old secret", "the-registration-token", "/client", 1900000000},
		"another client":     {200, `{"client_id":"d"}`, "registration.other-client", "", "", "", 0},
		"no client":          {200, `{}`, "registration.answer", "", "", "", 0},
		"gone":               {401, ``, "registration.gone", "", "", "", 0},
		"gone, as some say":  {404, ``, "registration.gone", "", "", "", 0},
		"gone, as others do": {403, `{"error":"access_denied"}`, "registration.gone", "", "", "", 0},
		"not offered":        {405, ``, "registration.unmanaged", "", "", "", 0},
		"a web page":         {200, `<html>`, "wire.json", "", "", "", 0},
		"broken":             {503, ``, "wire.unavailable", "", "", "", 0},
		"redirected":         {302, ``, "wire.status", "", "", "", 0},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, func(int, *http.Request, map[string]any) (int, string) { return c.status, c.body })
			got, err := d.manager(known).Read(t.Context())
			var f *fault.Error
			if errors.As(err, &f) != (c.id != "") || f != nil && f.ID != c.id {
				t.Fatalf("got %v, want %q", err, c.id)
			}
			if err != nil {
				return
			}
			expires := int64(0)
			if !got.SecretExpires.IsZero() {
				expires = got.SecretExpires.Unix()
			}
			if got.Secret.Reveal() != c.secret || got.RegistrationToken.Reveal() != c.token || got.RegistrationURI != d.URL+c.path || expires != c.expires {
				t.Errorf("got %q %q %q %d", got.Secret.Reveal(), got.RegistrationToken.Reveal(), got.RegistrationURI, expires)
			}
		})
	}
}

// The whole record goes back with client_id and client_secret, and without
// what RFC 7592 2.2 forbids.
func TestUpdate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(int, *http.Request, map[string]any) (int, string) {
		return 200, `{"client_id":"c","client_secret":"new","token_endpoint_auth_method":"client_secret_basic"}`
	})
	record := map[string]any{"client_name": "x", "redirect_uris": []string{"https://127.0.0.1:1/"}, "gone": nil,
		"registration_access_token": "t", "registration_client_uri": "u", "client_secret_expires_at": 0, "client_id_issued_at": 1}
	got, err := d.manager(Client{ID: "c", Secret: secret.New("old")}).Update(t.Context(), record)
	if err != nil || got.Secret.Reveal() != "new" {
		t.Fatalf("got %+v, %v", got, err)
	}
	sent := d.sent[0]
	for name, want := range map[string]any{"client_id": "c", "client_secret": "old", "client_name": "x"} {
		if sent[name] != want {
			t.Errorf("got %s %v, want %v", name, sent[name], want)
		}
	}
	for _, name := range []string{"gone", "registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"} {
		if _, there := sent[name]; there {
			t.Errorf("%s was sent", name)
		}
	}
}

func TestUpdateToAPublicClientForgetsTheSecret(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(int, *http.Request, map[string]any) (int, string) { return 200, `{"client_id":"c"}` })
	got, err := d.manager(Client{ID: "c", Secret: secret.New("old")}).Update(t.Context(), map[string]any{"token_endpoint_auth_method": "none"})
	if err != nil || !got.Secret.Empty() || d.sent[0]["client_secret"] != nil {
		t.Errorf("got %+v, %v after %v, want no secret", got, err, d.sent)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	for status, id := range map[int]string{204: "", 200: "", 401: "registration.gone", 405: "registration.unmanaged", 500: "wire.unavailable"} {
		d := newDesk(t, func(int, *http.Request, map[string]any) (int, string) { return status, "" })
		err := d.manager(Client{ID: "c"}).Delete(t.Context())
		var f *fault.Error
		if errors.As(err, &f) != (id != "") || f != nil && f.ID != id || !slices.Equal(d.seen, []string{"DELETE /client"}) {
			t.Errorf("%d: got %v after %q, want %q", status, err, d.seen, id)
		}
	}
	m := &Manager{Issuer: "https://op.example", Known: Client{ID: "c"}}
	if err := m.Delete(t.Context()); !fault.Is(err, fault.Config) {
		t.Errorf("got %v, want a client that nobody can delete from here", err)
	}
}
