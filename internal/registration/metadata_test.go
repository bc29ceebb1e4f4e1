package registration

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/provider"
)

func TestMembersTable(t *testing.T) {
	t.Parallel()
	names, flags := map[string]bool{}, map[string]bool{}
	for _, m := range Members() {
		if m.Name == "" || m.Help == "" || m.Spec == "" || names[m.Name] || m.Flag != "" && flags[m.Flag] || given(m.Name) {
			t.Errorf("got %+v, want a name and a flag of its own, help and a section", m)
		}
		names[m.Name], flags[m.Flag] = true, true
		if dashed := strings.ReplaceAll(m.Name, "_", "-"); m.Flag != "" && m.Flag != dashed && m.Name != "token_endpoint_auth_method" && m.Kind != List {
			t.Errorf("got the flag %s for %s", m.Flag, m.Name)
		}
	}
}

func TestPair(t *testing.T) {
	t.Parallel()
	for pair, want := range map[string]any{
		"client_name=true":                   "true",
		"client_name=a=b":                    "a=b",
		"software_version=2":                 "2",
		"contacts=me@example.com":            []string{"me@example.com"},
		`contacts=["a","b"]`:                 []string{"a", "b"},
		"default_max_age=60":                 uint64(60),
		"require_auth_time=true":             true,
		"vendor.thing=plain":                 "plain",
		`vendor={"a":[1]}`:                   map[string]any{"a": []any{json.Number("1")}},
		"vendor=null":                        nil,
		"client_name#de=Werkzeug":            "Werkzeug",
		"scope=null":                         nil,
		"client_name=":                       "",
		"vendor_number=12345678901234567890": json.Number("12345678901234567890"),
	} {
		_, got, err := Pair(pair)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v, want %#v", pair, got, err, want)
		}
	}
	for _, pair := range []string{"x", "=x", "client_id=x", "registration_access_token=x", "default_max_age=1.5", "default_max_age=-1", "require_auth_time=perhaps",
		`jwks={"keys":[{"kty":"RSA","d":"x"}]}`, "jwks=text{"} {
		if _, _, err := Pair(pair); pair != "jwks=text{" && !fault.Is(err, fault.Usage) {
			t.Errorf("%s: got %v, want a refusal", pair, err)
		}
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		text string
		ok   bool
	}{
		"JSON":             {`{"client_name":"x","default_max_age":60}`, true},
		"YAML":             {"client_name: x\ncontacts: [a, b]\nrequire_auth_time: yes\n", false},
		"YAML with true":   {"client_name: x\nrequire_auth_time: true\ndefault_max_age: 60\nvendor: {a: 1}\n", true},
		"repeated in JSON": {`{"client_name":"x","client_name":"y"}`, false},
		"repeated in YAML": {"client_name: x\nclient_name: y\n", false},
		"a list":           {`["x"]`, false},
		"empty":            {``, false},
		"half":             {`{"client_name":`, false},
		"a wrong type":     {`{"redirect_uris":"x"}`, false},
		"a secret":         {`{"client_secret":"x"}`, false},
		"two documents":    {"a: 1\n---\nb: 2\n", true}, // yaml reads the first
		"an alias bomb":    {"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			got, err := File("f", []byte(c.text))
			if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Config) && !fault.Is(err, fault.Usage) {
				t.Errorf("got %v, %v, want it read: %v", got, err, c.ok)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	code := Wish{Grant: "authorization_code", Ports: []int{20001}}
	for what, c := range map[string]struct {
		m    provider.Metadata
		w    Wish
		want map[string]string
	}{
		"says nothing":        {provider.Metadata{}, code, map[string]string{"grant_types": `["authorization_code","refresh_token"]`, "token_endpoint_auth_method": `"client_secret_basic"`, "id_token_signed_response_alg": `"RS256"`, "response_types": `["code"]`}},
		"post alone":          {provider.Metadata{ClientAuth: []string{"private_key_jwt", "client_secret_post"}}, code, map[string]string{"token_endpoint_auth_method": `"client_secret_post"`}},
		"public alone":        {provider.Metadata{ClientAuth: []string{"none"}}, code, map[string]string{"token_endpoint_auth_method": `"none"`}},
		"no RS256":            {provider.Metadata{IDTokenAlgs: []string{"none", "HS256", "EdDSA", "PS256"}}, code, map[string]string{"id_token_signed_response_alg": `"PS256"`}},
		"a machine":           {provider.Metadata{}, Wish{Grant: "client_credentials"}, map[string]string{"grant_types": `["client_credentials"]`, "response_types": `[]`, "id_token_signed_response_alg": `null`}},
		"the person knows":    {provider.Metadata{}, Wish{Grant: "authorization_code", Metadata: map[string]any{"client_name": "n", "token_endpoint_auth_method": "private_key_jwt", "grant_types": []string{"implicit"}, "response_types": []string{"id_token"}}}, map[string]string{"client_name": `"n"`, "token_endpoint_auth_method": `"private_key_jwt"`, "grant_types": `["implicit"]`, "response_types": `["id_token"]`}},
		"the person wants it": {provider.Metadata{}, Wish{Grant: "authorization_code", Metadata: map[string]any{"client_name": nil, "grant_types": nil}}, map[string]string{"client_name": `null`, "grant_types": `null`}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p, err := Choose(&c.m, c.w)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.want {
				if got, _ := json.Marshal(p.Metadata[name]); string(got) != want {
					t.Errorf("got %s %s, want %s", name, got, want)
				}
			}
			for _, choice := range p.Choices {
				if choice.Why == "" {
					t.Errorf("%s has no reason", choice.Member)
				}
			}
		})
	}
	pairwise := Wish{Grant: "authorization_code", Ports: []int{1, 2}, Metadata: map[string]any{"subject_type": "pairwise"}}
	if p, err := Choose(&provider.Metadata{}, pairwise); err != nil || len(p.Redirects[0].URIs) != 1 {
		t.Errorf("got %v, %v, want one redirect URI for pairwise subjects", p, err)
	}
	if _, err := Choose(&provider.Metadata{ClientAuth: []string{"private_key_jwt"}}, code); !fault.Is(err, fault.Config) {
		t.Errorf("got %v, want a provider whose methods rely cannot do to be named", err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	ports := []int{20001, 20002}
	for what, c := range map[string]struct {
		wanted  []string
		kind    string
		machine bool
		want    string
	}{
		"nothing said": {nil, "", false, "web https://127.0.0.1:20001/callback https://127.0.0.1:20002/callback; native http://127.0.0.1:20001/callback http://127.0.0.1:20002/callback"},
		"web":          {nil, "web", false, "web https://127.0.0.1:20001/callback https://127.0.0.1:20002/callback; web http://127.0.0.1:20001/callback http://127.0.0.1:20002/callback"},
		"native":       {nil, "native", false, "native http://127.0.0.1:20001/callback http://127.0.0.1:20002/callback; native https://127.0.0.1:20001/callback https://127.0.0.1:20002/callback"},
		"https":        {[]string{"https://localhost:1/x"}, "", false, "web https://localhost:1/x; native https://localhost:1/x"},
		"http":         {[]string{"http://[::1]:0/x?a=b"}, "", false, "native http://[::1]:20001/x?a=b; web http://[::1]:20001/x?a=b"},
		"both said":    {[]string{"http://[::1]:1/x"}, "web", false, "web http://[::1]:1/x"},
		"a machine":    {nil, "", true, "; web https://127.0.0.1:20001/callback https://127.0.0.1:20002/callback"},
	} {
		var parts []string
		for _, r := range Redirects(c.wanted, c.kind, c.machine, ports) {
			parts = append(parts, strings.TrimSpace(r.Type+" "+strings.Join(r.URIs, " ")))
			if r.Why == "" {
				t.Errorf("%s: no reason", what)
			}
		}
		if got := strings.Join(parts, "; "); got != c.want {
			t.Errorf("%s: got %s, want %s", what, got, c.want)
		}
	}
}

func TestCheckRedirect(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"https://127.0.0.1:1/cb", "http://localhost/cb", "http://[::1]:0/", "https://127.9.9.9/x?y=z"} {
		if err := CheckRedirect(uri, false); err != nil {
			t.Errorf("got %v for %s", err, uri)
		}
	}
	for _, uri := range []string{"", "callback", "/cb", "https:///cb", "https://127.0.0.1/cb#", "https://127.0.0.1/#x", "https://u@127.0.0.1/", "https://rp.example/cb",
		"https://127.0.0.1:99999/", "com.example:/cb", "javascript://127.0.0.1/x", "https://127.0.0.1/\x1b", "https://127.0.0.1/ x", "https://10.0.0.1/"} {
		if err := CheckRedirect(uri, false); !fault.Is(err, fault.Usage) {
			t.Errorf("got %v for %q, want a refusal", err, uri)
		}
	}
	if err := CheckRedirect("https://client.example.com/cb", true); err != nil {
		t.Errorf("got %v with --listen", err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	asked := map[string]any{"client_name": "x", "scope": "openid email", "contacts": []string{"a", "b"}, "redirect_uris": []string{}, "default_max_age": uint64(60), "tos_uri": "https://x/", "vendor": map[string]any{"b": 1, "a": 2}}
	var got map[string]json.RawMessage
	if err := json.Unmarshal([]byte(`{"client_id":"c","client_id_issued_at":1,"client_name":"y","scope":"email openid","contacts":["b","a"],"default_max_age":60,"subject_type":"public","logo_uri":"","vendor":{"a":2,"b":1}}`), &got); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range Compare(asked, got) {
		all = append(all, fmt.Sprintf("%s %s", d.Member, d.What))
	}
	if said, want := strings.Join(all, ", "), "client_name changed, tos_uri dropped, subject_type added"; said != want {
		t.Errorf("got %s, want %s", said, want)
	}
	jwks := map[string]any{"jwks": json.RawMessage(`{"keys":[{"kty":"EC","kid":"a","x":"1"},{"kty":"EC","kid":"b","x":"2"}]}`)}
	for answer, want := range map[string]int{
		`{"keys":[{"kid":"b","kty":"EC","x":"2","x5t":"z"},{"kty":"EC","kid":"a","x":"1"}]}`: 0, `{"keys":[{"kty":"EC","kid":"a","x":"1"}]}`: 1, `{"keys":"x"}`: 1,
	} {
		if d := Compare(jwks, map[string]json.RawMessage{"jwks": json.RawMessage(answer)}); len(d) != want {
			t.Errorf("%s: got %d differences, want %d", answer, len(d), want)
		}
	}
	got["redirect_uris"] = json.RawMessage(`"not a list"`)
	if is := Record(asked, got); TextOf(is, "client_name") != "y" || TextOf(is, "tos_uri") != "https://x/" || len(ListOf(is, "redirect_uris")) != 0 || is["client_id"] != nil {
		t.Errorf("got the record %v", is)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	m := &provider.Metadata{Raw: map[string]json.RawMessage{
		"token_endpoint_auth_signing_alg_values_supported": json.RawMessage(`["RS256","PS256"]`),
		"dpop_signing_alg_values_supported":                json.RawMessage(`["ES256"]`),
		"id_token_encryption_alg_values_supported":         json.RawMessage(`["RSA-OAEP","ECDH-ES"]`),
	}}
	for use, c := range map[string]struct {
		says   map[string]any
		public int
	}{
		"auth":       {map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256"}, 1},
		"mtls":       {map[string]any{"token_endpoint_auth_method": "self_signed_tls_client_auth"}, 1},
		"dpop":       {map[string]any{"dpop_bound_access_tokens": true}, 0},
		"encryption": {map[string]any{"id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": "A256GCM"}, 1},
	} {
		t.Run(use, func(t *testing.T) {
			t.Parallel()
			metadata := map[string]any{}
			private, err := Keys(m, []string{use}, metadata, time.Unix(1800000000, 0))
			if err != nil || strings.Contains(private.Reveal(), `"d":`) != (use != "dpop") { // which each sign-in makes anew
				t.Fatalf("got %v, want a private key", err)
			}
			for name, want := range c.says {
				if metadata[name] != want {
					t.Errorf("got %s %v, want %v", name, metadata[name], want)
				}
			}
			js, err := json.Marshal(metadata)
			if err != nil || strings.Contains(string(js), `"d":`) || strings.Count(string(js), `"kid"`) != c.public {
				t.Errorf("got %s, %v, want %d public keys and nothing private", js, err, c.public)
			}
		})
	}
	for what, metadata := range map[string]map[string]any{
		"jwks_uri": {"jwks_uri": "https://x/"}, "an algorithm without a key": {"token_endpoint_auth_signing_alg": "HS256"},
	} {
		if _, err := Keys(m, []string{"auth"}, metadata, time.Unix(1, 0)); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: got %v, want a refusal", what, err)
		}
	}
}
