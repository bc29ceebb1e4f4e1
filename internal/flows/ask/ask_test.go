package ask

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/provider"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               ``,
		"email":                          `{"id_token":{"email":null}}`,
		"email! userinfo:name":           `{"id_token":{"email":{"essential":true}},"userinfo":{"name":null}}`,
		"acr=a,b!":                       `{"id_token":{"acr":{"essential":true,"values":["a","b"]}}}`,
		"id_token:sub=248":               `{"id_token":{"sub":{"value":"248"}}}`,
		"https://x.example/roles":        `{"id_token":{"https://x.example/roles":null}}`,
		"name#de":                        `{"id_token":{"name#de":null}}`,
		`{"userinfo":{"email":null}}`:    `{"userinfo":{"email":null}}`,
		` { "id_token" : {"a":null} }  `: `{ "id_token" : {"a":null} }`,
	} {
		entries := []string{text}
		if text == "" {
			entries = nil
		}
		if got, err := Claims(entries); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"!", "=x", "userinfo:", "a a!", `{"a":1,"a":2}`, `{`, `{}{}`} {
		if got, err := Claims([]string{bad}); err == nil {
			t.Errorf("%s: got %s, want an error", bad, got)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []url.Values{
		{"prompt": {"login none"}}, {"max_age": {"-1"}}, {"max_age": {"99999999999"}}, {"display": {"tv"}}, {"resource": {"x"}}, {"resource": {"https://a/#b"}},
		{"claims": {"email"}}, {"claims": {`{"id_token":[]}`}}, {"claims": {`{}`}}, {"authorization_details": {`[]`}}, {"authorization_details": {`[{}]`}},
		{"authorization_details": {`[{"type":1}]`}}, {"id_token_hint": {"x"}}, {"acr_values": {"a", "b"}},
	} {
		if _, err := Read(bad, nil); !fault.Is(err, fault.Usage) {
			t.Errorf("%v: got %v, want a usage fault", bad, err)
		}
	}
}

func TestRegisteredDefaults(t *testing.T) {
	t.Parallel()
	a, err := Read(url.Values{}, json.RawMessage(`{"default_max_age":60,"default_acr_values":["gold"],"require_auth_time":true}`))
	if err != nil || a.MaxAge == nil || *a.MaxAge != time.Minute || len(a.ACR) != 1 || len(a.IDToken) != 1 {
		t.Errorf("got %+v, %v, want what was registered", a, err)
	}
	a, err = Read(url.Values{"max_age": {"5"}, "acr_values": {"silver"}}, json.RawMessage(`{"default_max_age":60,"default_acr_values":["gold"]}`))
	if err != nil || *a.MaxAge != 5*time.Second || a.ACR[0] != "silver" {
		t.Errorf("got %+v, %v, want what the request says", a, err)
	}
}

func TestPossible(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		asked, published string
		refused          bool
		note             string
	}{
		"nothing published":              {"prompt=create", `{}`, false, ""},
		"a prompt that is listed":        {"prompt=login", `{"prompt_values_supported":["login"]}`, false, ""},
		"a prompt that is not":           {"prompt=create", `{"prompt_values_supported":["login"]}`, true, ""},
		"an acr that is not":             {"acr_values=a+b", `{"acr_values_supported":["a"]}`, false, "list b"},
		"claims, and they can":           {`claims={"id_token":{"email":null}}`, `{"claims_parameter_supported":true,"claims_supported":["email"]}`, false, ""},
		"claims, and they cannot":        {`claims={"id_token":{"email":null}}`, `{"claims_parameter_supported":false}`, true, ""},
		"claims, and nothing is said":    {`claims={"id_token":{"email":null}}`, `{}`, false, "does not say"},
		"claims that nobody has":         {`claims={"id_token":{"shoe":null}}`, `{"claims_parameter_supported":true,"claims_supported":["email"]}`, false, "list shoe"},
		"details of a known type":        {`authorization_details=[{"type":"a"}]`, `{"authorization_details_types_supported":["a"]}`, false, ""},
		"details of another":             {`authorization_details=[{"type":"b"}]`, `{"authorization_details_types_supported":["a"]}`, true, ""},
		"details, and nothing is said":   {`authorization_details=[{"type":"b"}]`, `{}`, false, "may ignore"},
		"a list of the wrong type, as 0": {"prompt=create", `{"prompt_values_supported":"login"}`, false, ""},
	} {
		name, value, _ := strings.Cut(c.asked, "=")
		p := url.Values{name: {strings.ReplaceAll(value, "+", " ")}}
		m := &provider.Metadata{}
		if err := json.Unmarshal([]byte(c.published), &m.Raw); err != nil {
			t.Fatal(err)
		}
		a, err := Read(p, nil)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		notes, err := a.Possible(p, m)
		if (err != nil) != c.refused || err != nil && !fault.Is(err, fault.Config) {
			t.Errorf("%s: got %v, want it refused: %t", what, err, c.refused)
		}
		if got := strings.Join(notes, "; "); (got == "") != (c.note == "") || !strings.Contains(got, c.note) {
			t.Errorf("%s: got the note %q, want %q in it", what, got, c.note)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		asked, claims, members string
		name                   string
		status                 idtoken.Status // "" where there is no rung
	}{
		"nothing asked":                     {"", `{"sub":"a"}`, `{}`, "asked-claims", ""},
		"a claim with its value":            {`claims={"id_token":{"org":{"essential":true,"value":7}}}`, `{"sub":"a","org":7.0}`, `{}`, "asked-claims", idtoken.Passed},
		"a value within a list":             {`claims={"id_token":{"groups":{"essential":true,"value":"x"}}}`, `{"sub":"a","groups":["y","x"]}`, `{}`, "asked-claims", idtoken.Passed},
		"a claim with another value":        {`claims={"id_token":{"org":{"essential":true,"values":["x"]}}}`, `{"sub":"a","org":"y"}`, `{}`, "asked-claims", idtoken.Noted},
		"a voluntary claim has no rung":     {`claims={"id_token":{"org":null}}`, `{"sub":"a"}`, `{}`, "asked-claims", ""},
		"the essential acr":                 {`claims={"id_token":{"acr":{"essential":true,"values":["x","y"]}}}`, `{"sub":"a","acr":"y"}`, `{}`, "asked-acr", idtoken.Passed},
		"another than the essential acr":    {`claims={"id_token":{"acr":{"essential":true,"value":"x"}}}`, `{"sub":"a","acr":"y"}`, `{}`, "asked-acr", idtoken.Failed},
		"another than the voluntary acr":    {`claims={"id_token":{"acr":{"value":"x"}}}`, `{"sub":"a","acr":"y"}`, `{}`, "asked-acr", idtoken.Noted},
		"no acr for acr_values":             {"acr_values=x", `{"sub":"a"}`, `{}`, "asked-acr", idtoken.Noted},
		"the person":                        {`claims={"id_token":{"sub":{"value":"a"}}}`, `{"sub":"a"}`, `{}`, "asked-subject", idtoken.Passed},
		"another person":                    {`claims={"id_token":{"sub":{"value":"A"}}}`, `{"sub":"a"}`, `{}`, "asked-subject", idtoken.Failed},
		"details":                           {`authorization_details=[{"type":"p"}]`, `{"sub":"a"}`, `{"authorization_details":[{"type":"p","more":1}]}`, "asked-details", idtoken.Passed},
		"details of another type":           {`authorization_details=[{"type":"p"}]`, `{"sub":"a"}`, `{"authorization_details":[{"type":"q"}]}`, "asked-details", idtoken.Failed},
		"no details":                        {`authorization_details=[{"type":"p"}]`, `{"sub":"a"}`, `{}`, "asked-details", idtoken.Failed},
		"no token response, so no details":  {`authorization_details=[{"type":"p"}]`, `{"sub":"a"}`, `null`, "asked-details", ""},
		"a resource in a token nobody read": {"resource=https://a.example", `{"sub":"a"}`, `{}`, "asked-resource", idtoken.Skipped},
	} {
		p, err := url.ParseQuery(c.asked)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Read(p, nil)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got := Answer{Claims: &idtoken.Claims{}}
		if err := json.Unmarshal([]byte(c.claims), &got.Claims.All); err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal(got.Claims.All["sub"], &got.Claims.Subject)
		_ = json.Unmarshal(got.Claims.All["acr"], &got.Claims.Acr) // absent is empty
		if err := json.Unmarshal([]byte(c.members), &got.Members); err != nil {
			t.Fatal(err)
		}
		rungs, err := a.Compare(got)
		var status idtoken.Status
		for _, r := range rungs {
			if r.Name == c.name {
				status = r.Status
			}
		}
		if status != c.status || (err != nil) != (c.status == idtoken.Failed) || err != nil && !fault.Is(err, fault.Protocol) {
			t.Errorf("%s: got %q, %v, want %q", what, status, err, c.status)
		}
	}
}
