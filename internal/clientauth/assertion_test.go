package clientauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/secret"
)

func made(t *testing.T, algs ...string) (keys []jose.Private, text secret.String) {
	t.Helper()
	for _, alg := range algs {
		k, err := jose.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	text, err := jose.PrivateSet(keys)
	if err != nil {
		t.Fatal(err)
	}
	return keys, text
}

func TestAssertions(t *testing.T) {
	t.Parallel()
	keys, text := made(t, "ES256")
	public, _ := jose.PublicSet(keys)
	set, _ := jose.ParseSet(public)
	now := time.Unix(1900000000, 0)
	c := Credentials{ID: "my:client", Secret: secret.New("a-secret-of-thirty-two-characters"), Keys: text, KeysName: "f",
		Audience: "https://op.example", Now: func() time.Time { return now }}
	for name, alg := range map[string]string{"private_key_jwt": "ES256", "client_secret_jwt": "HS256"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := Choose(name, nil, c)
			if err != nil {
				t.Fatal(err)
			}
			m, err := e.New(c)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for range 3 {
				h, form := http.Header{}, url.Values{"grant_type": {"client_credentials"}}
				if err := m.Prove(h, form); err != nil {
					t.Fatal(err)
				}
				if len(h) != 0 || form.Get("client_secret") != "" || form.Get("client_id") != c.ID ||
					form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
					t.Errorf("got %v and %v, want an assertion alone", h, form)
				}
				signed, err := jose.Parse(form.Get("client_assertion"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := signed.Verify(set, []string{alg}, c.Secret); err != nil {
					t.Error(err)
				}
				var is map[string]any
				if err := json.Unmarshal(signed.Payload, &is); err != nil {
					t.Fatal(err)
				}
				jti, _ := is["jti"].(string)
				if len(jti) != 43 || seen[jti] {
					t.Errorf("got the jti %q, want 32 new bytes", jti)
				}
				seen[jti] = true
				delete(is, "jti")
				got, _ := json.Marshal(is)
				if want := `{"aud":"https://op.example","exp":1900000060,"iat":1900000000,"iss":"my:client","sub":"my:client"}`; string(got) != want {
					t.Errorf("got the claims %s, want %s", got, want)
				}
			}
		})
	}
}

func TestChooseWithKeys(t *testing.T) {
	t.Parallel()
	key, both := Credentials{ID: "c", Keys: secret.New("{}")}, Credentials{ID: "c", Keys: secret.New("{}"), Secret: secret.New("s")}
	all := []string{"client_secret_basic", "private_key_jwt", "client_secret_jwt", "none"}
	for what, c := range map[string]struct {
		name   string
		listed []string
		creds  Credentials
		want   string
		id     string
	}{
		"a key is the best proof":               {"", all, both, "private_key_jwt", ""},
		"without a key it is never chosen":      {"", all, Credentials{ID: "c", Secret: secret.New("s")}, "client_secret_basic", ""},
		"a secret signs where nothing else is":  {"", []string{"private_key_jwt", "client_secret_jwt"}, Credentials{ID: "c", Secret: secret.New("s")}, "client_secret_jwt", ""},
		"a key alone, and nothing is listed":    {"", nil, key, "private_key_jwt", ""},
		"a key and a secret, nothing is listed": {"", nil, both, "client_secret_basic", ""},
		"a key alone, and it is not taken":      {"", []string{"client_secret_basic"}, key, "", "client-auth.none-fits"},
		"named, and there is no key":            {"private_key_jwt", nil, Credentials{ID: "c", Secret: secret.New("s")}, "private_key_jwt", "client-auth.no-key"},
		"named, and there is no secret":         {"client_secret_jwt", nil, key, "client_secret_jwt", "client-auth.no-secret"},
	} {
		e, err := Choose(c.name, c.listed, c.creds)
		f, _ := err.(*fault.Error)
		if e.Name != c.want || (c.id == "") != (err == nil) || f != nil && f.ID != c.id {
			t.Errorf("%s: got %q, %v; want %q, %q", what, e.Name, err, c.want, c.id)
		}
	}
}

func TestAlgorithmOfAssertions(t *testing.T) {
	t.Parallel()
	two, text := made(t, "ES256", "RS256")
	_, other := made(t, "ES384")
	for what, c := range map[string]struct {
		method string
		creds  Credentials
		want   string // in the assertion's header, or of the fault
	}{
		"the first key":                         {"private_key_jwt", Credentials{Keys: text}, "ES256"},
		"what is registered":                    {"private_key_jwt", Credentials{Keys: text, Alg: "RS256", Algs: []string{"ES256"}}, "RS256"},
		"what is listed":                        {"private_key_jwt", Credentials{Keys: text, Algs: []string{"PS256", "RS256"}}, "RS256"},
		"the key that is registered":            {"private_key_jwt", Credentials{Keys: text, Kids: []string{two[1].Kid()}}, "RS256"},
		"no key is registered":                  {"private_key_jwt", Credentials{Keys: other, Kids: []string{two[1].Kid()}}, "client-auth.kid"},
		"another algorithm is registered":       {"private_key_jwt", Credentials{Keys: text, Alg: "EdDSA"}, "client-auth.alg"},
		"none is listed that a key can":         {"private_key_jwt", Credentials{Keys: other, Algs: []string{"ES256", "RS256"}}, "client-auth.alg"},
		"no key at all":                         {"private_key_jwt", Credentials{Keys: secret.New("rubbish")}, "key.private"},
		"the secret, with what is listed":       {"client_secret_jwt", Credentials{Algs: []string{"RS256", "HS512"}}, "HS512"},
		"the secret, and only keys are listed":  {"client_secret_jwt", Credentials{Algs: []string{"RS256"}}, "client-auth.alg"},
		"the secret, with what is registered":   {"client_secret_jwt", Credentials{Alg: "HS384"}, "HS384"},
		"the secret, and RS256 is registered":   {"client_secret_jwt", Credentials{Alg: "RS256"}, "client-auth.alg"},
		"the secret, and nothing is said of it": {"client_secret_jwt", Credentials{}, "HS256"},
	} {
		c.creds.ID, c.creds.Secret, c.creds.Now = "c", secret.New("a-secret-of-thirty-two-characters"), func() time.Time { return time.Unix(0, 0) }
		e, err := Choose(c.method, nil, c.creds)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		got := ""
		m, err := e.New(c.creds)
		if f, _ := err.(*fault.Error); f != nil {
			if got = f.ID; f.Kind != fault.Config || f.Hint == "" || strings.Contains(err.Error(), "thirty-two") {
				t.Errorf("%s: got %v, want a fault of the configuration with a hint", what, err)
			}
		} else {
			form := url.Values{}
			if err := m.Prove(nil, form); err != nil {
				t.Fatal(err)
			}
			signed, err := jose.Parse(form.Get("client_assertion"))
			if err != nil {
				t.Fatal(err)
			}
			got = signed.Header.Alg
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", what, got, c.want)
		}
	}
}
