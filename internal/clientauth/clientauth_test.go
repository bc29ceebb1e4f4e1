package clientauth

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// odd holds every character that form encoding changes (RFC 6749 2.3.1).
const odd = "p:a%s+s w&=\u00e9\"/"

func TestMethods(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]func(*http.Request) bool{
		"client_secret_basic": func(r *http.Request) bool {
			id, password, ok := r.BasicAuth()
			id, err1 := url.QueryUnescape(id)
			password, err2 := url.QueryUnescape(password)
			return ok && err1 == nil && err2 == nil && id == "my:client" && password == odd && !r.PostForm.Has("client_secret") && !r.PostForm.Has("client_id")
		},
		"client_secret_post": func(r *http.Request) bool {
			return r.PostForm.Get("client_id") == "my:client" && r.PostForm.Get("client_secret") == odd && r.Header.Get("Authorization") == ""
		},
		"none": func(r *http.Request) bool {
			return r.PostForm.Get("client_id") == "my:client" && !r.PostForm.Has("client_secret") && r.Header.Get("Authorization") == ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok := false
			op := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				ok = want(r) && r.PostForm.Get("grant_type") == "refresh_token" && r.PostForm.Get("scope") == "a b" && r.Header.Get("X-Other") == "kept"
			}))
			defer op.Close()
			c := Credentials{ID: "my:client", Secret: secret.New(odd)}
			e, err := Choose(name, nil, c)
			if err != nil {
				t.Fatal(err)
			}
			form := url.Values{"grant_type": {"refresh_token"}, "scope": {"a b"}, "client_id": {"my:client"}}
			req, _ := http.NewRequest(http.MethodPost, op.URL, strings.NewReader(form.Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("X-Other", "kept")
			method, err := e.New(c)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := (&Transport{Base: op.Client().Transport, Method: method}).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if !ok {
				t.Error("the provider did not see the proof, or something else changed")
			}
			if req.Header.Get("Authorization") != "" {
				t.Error("the caller's request was changed")
			}
		})
	}
}

// TestEndpoint: a pushed request keeps the id that is a part of it, and an
// assertion names where it goes when that is asked for.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]func(r *http.Request) bool{
		"client_secret_basic": func(r *http.Request) bool {
			_, _, proven := r.BasicAuth()
			return proven && r.PostForm.Get("client_id") == "c"
		},
		"client_secret_jwt": func(r *http.Request) bool {
			return audience(t, r.PostForm.Get("client_assertion")) == "http://"+r.Host+"/par"
		},
	} {
		ok := false
		op := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			ok = want(r)
		}))
		e, err := Choose(name, nil, Credentials{ID: "c", Secret: secret.New(strings.Repeat("s", 32))})
		if err != nil {
			t.Fatal(err)
		}
		method, err := e.New(Credentials{ID: "c", Secret: secret.New(strings.Repeat("s", 32)), Audience: Endpoint, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequest(http.MethodPost, op.URL+"/par", strings.NewReader("response_type=code&client_id=c"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := (&Transport{Base: op.Client().Transport, Method: method}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		op.Close()
		if !ok {
			t.Errorf("%s: the provider saw something else", name)
		}
	}
}

// audience is the aud of a JWT, which is not checked.
func audience(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Error(err)
	}
	var is struct{ Aud string }
	if err := json.Unmarshal(data, &is); err != nil {
		t.Error(err)
	}
	return is.Aud
}

func TestChoose(t *testing.T) {
	t.Parallel()
	with := Credentials{ID: "c", Secret: secret.New("s")}
	for what, c := range map[string]struct {
		name   string
		listed []string
		creds  Credentials
		want   string
		kind   fault.Kind
	}{
		"no secret is a public client":       {"", []string{"client_secret_basic"}, Credentials{ID: "c"}, "none", 0},
		"nothing listed means basic":         {"", nil, with, "client_secret_basic", 0},
		"only post is listed":                {"", []string{"private_key_jwt", "client_secret_post"}, with, "client_secret_post", 0},
		"the name wins":                      {"client_secret_post", []string{"client_secret_basic"}, with, "client_secret_post", 0},
		"none of those listed takes secrets": {"", []string{"tls_client_auth"}, with, "", fault.Config},
		"a secret is missing":                {"client_secret_basic", nil, Credentials{ID: "c"}, "client_secret_basic", fault.Config},
		"an unknown name":                    {"basic", nil, with, "", fault.Usage},
	} {
		e, err := Choose(c.name, c.listed, c.creds)
		if e.Name != c.want || (c.kind == 0) != (err == nil) || c.kind != 0 && !fault.Is(err, c.kind) {
			t.Errorf("%s: got %q, %v; want %q, kind %v", what, e.Name, err, c.want, c.kind)
		}
	}
}
