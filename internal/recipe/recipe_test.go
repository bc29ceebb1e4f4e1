package recipe

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rely/internal/fault"
)

const whole = `# a tenant that asks for more
allow_origin: [https://Login.example, "https://login.example:8443/"]
steps:
  - match: {url: /interaction/*/login, title: Sign in, text: one moment}
    fill:
      - {field: login, value: username}
      - {field: Password, value: password}
      - field: tenant
        text: 0123
    click: Sign in
    wait: {field: login, for: 5s}
    expect: {text: Welcome, failure: this tenant is closed}
  - match: {text: More}
    click: later
    wait: {text: later}
  - match: {field: otp}
    fill: [{field: otp, value: totp}]
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := Parse("r.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := Recipe{
		AllowOrigin: []string{"https://login.example", "https://login.example:8443"},
		Steps: []Step{
			{
				Line:  4,
				Match: Condition{URL: "/interaction/*/login", Title: "Sign in", Text: "one moment"},
				Fill:  []Fill{{"login", "username", ""}, {"Password", "password", ""}, {"tenant", "", "0123"}},
				Click: "Sign in", Wait: Wait{Field: "login", For: 5 * time.Second},
				Expect: Expect{Condition{Text: "Welcome"}, "this tenant is closed"},
			},
			{Line: 13, Match: Condition{Text: "More"}, Click: "later", Wait: Wait{Text: "later", For: 10 * time.Second}},
			{Line: 16, Match: Condition{Field: "otp"}, Fill: []Fill{{"otp", "totp", ""}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	step := func(more string) string { return "steps:\n  - match: {url: /login}\n" + more }
	tests := map[string]struct{ text, id, says string }{
		"nothing":                     {"", "value", "r.yaml: there is nothing"},
		"nothing but a comment":       {"# later\n", "value", "nothing in it"},
		"no steps":                    {"allow_origin: []\n", "value", "no steps"},
		"a list":                      {"- a\n", "type", "the file is no mapping"},
		"an unknown key":              {"step: []\n", "unknown", `r.yaml:1: the file has no key "step"`},
		"an unknown key in a step":    {step("    press: ok\n"), "unknown", `r.yaml:3: step has no key "press"`},
		"a key twice":                 {step("    click: a\n    click: b\n"), "duplicate", "r.yaml:4"},
		"a step without a match":      {"steps:\n  - click: ok\n", "value", "r.yaml:2: the step has no match"},
		"an empty match":              {"steps:\n  - match: {}\n    click: ok\n", "value", "none of url, title, text and field"},
		"a step that does nothing":    {step(""), "value", "neither fills in nor clicks"},
		"a url of another kind":       {"steps:\n  - match: {url: op.example}\n    click: a\n", "value", "begins neither"},
		"a fill without a field":      {step("    fill: [{value: username}]\n"), "value", "names no field"},
		"a fill without a value":      {step("    fill: [{field: a}]\n"), "value", "either value or text"},
		"a fill with two values":      {step("    fill: [{field: a, value: totp, text: b}]\n"), "value", "either value or text"},
		"a value that nobody has":     {step("    fill: [{field: a, value: pin}]\n"), "value", `"pin" is none of username, password, totp`},
		"a fill that is no list":      {step("    fill: {field: a, value: totp}\n"), "type", "fill is no list"},
		"a text that is a list":       {step("    click: [a]\n"), "type", "r.yaml:3: a plain text"},
		"a text that is none":         {step("    click:\n"), "type", "a plain text"},
		"a tagged text":               {step("    click: !!binary aGk=\n"), "type", "a plain text"},
		"an alias":                    {step("    click: &a ok\n  - match: {text: *a}\n    click: ok\n"), "type", "a plain text"},
		"too long a text":             {step("    click: " + strings.Repeat("a", 2000) + "\n"), "value", "1 to 1024 bytes"},
		"a control character":         {step("    click: \"a\\eb\"\n"), "value", "control character"},
		"too long a wait":             {step("    click: a\n    wait: {for: 2m}\n"), "value", `"2m" is no time`},
		"a wait for nothing":          {step("    click: a\n    wait: {}\n"), "value", "wait has none"},
		"an expectation of nothing":   {step("    click: a\n    expect: {failure: x}\n"), "value", "expect has none"},
		"an origin with a path":       {"allow_origin: [https://a.example/b]\n", "value", "more than scheme"},
		"an origin of a whole domain": {"allow_origin: ['https://*.example']\n", "value", "no single host"},
		"an origin of another scheme": {"allow_origin: ['file://a']\n", "value", "not https"},
		"no YAML":                     {"steps: [\n", "syntax", "r.yaml"},
		"two documents":               {whole + "---\n" + whole, "syntax", "second"},
		"too many steps":              {"steps:\n" + strings.Repeat("  - {match: {text: a}, click: b}\n", 101), "value", "more than 100"},
		"too large a file":            {strings.Repeat("#", MaxSize+1), "size", "more than 65536 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("r.yaml", []byte(tt.text))
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Config || f.ID != "recipe."+tt.id || !strings.Contains(f.Error(), tt.says) {
				t.Errorf("got %v, want recipe.%s with %q", err, tt.id, tt.says)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		c    Condition
		want bool
	}{
		"the beginning of the address":       {Condition{URL: "https://op.example/int"}, true},
		"the whole address":                  {Condition{URL: "https://op.example/interaction/a1b2/login"}, true},
		"more than the address":              {Condition{URL: "https://op.example/interaction/a1b2/login/x"}, false},
		"another origin":                     {Condition{URL: "https://op.example:8443/"}, false},
		"the path":                           {Condition{URL: "/interaction/"}, true},
		"part of the path":                   {Condition{URL: "/login"}, false},
		"a star for a piece":                 {Condition{URL: "/interaction/*/log"}, true},
		"a star for a part of a piece":       {Condition{URL: "https://*.example/i*n/a*2"}, true},
		"a star passes no slash":             {Condition{URL: "/*/login"}, false},
		"the query is left out":              {Condition{URL: "/interaction/a1b2/login?a"}, false},
		"the title, whatever its case":       {Condition{Title: "sign  IN"}, true},
		"another title":                      {Condition{Title: "Welcome"}, false},
		"text":                               {Condition{Text: "who are"}, true},
		"text and title both have to hold":   {Condition{Text: "who are", Title: "Welcome"}, false},
		"a field":                            {Condition{Field: "login"}, true},
		"another field":                      {Condition{Field: "password"}, false},
		"many stars cost no more than a few": {Condition{URL: "/" + strings.Repeat("*a", 200) + "b"}, false},
	}
	u, err := url.Parse("https://op.example/interaction/a1b2/login?a=1")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		if got := tt.c.Holds(Page{u, "Sign in - Example", "Who\n are you?", func(s string) bool { return s == "login" }}); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	r := Recipe{Steps: []Step{{Line: 1, Match: Condition{Text: "nobody"}}, {Line: 2, Match: Condition{Text: "who"}}, {Line: 3, Match: Condition{Text: "who"}}}}
	if got := r.Find(Page{URL: u, Text: "Who?"}); got == nil || got.Line != 2 {
		t.Errorf("got step %v, want the first that matches", got)
	}
	if got := (Recipe{}).Find(Page{}); got != nil {
		t.Errorf("got %v of no recipe", got)
	}
}

func TestShippedRecipes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/recipes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want recipes", files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(name, data); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("steps:\n  - {match: {text: \"\\U0001F600\"}, click: \"\\\"'\\\\\"}\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse("r.yaml", []byte(text))
		if err != nil {
			return
		}
		again, err := Parse("r.yaml", r.YAML())
		if err != nil {
			t.Fatalf("%v in what was written:\n%s", err, r.YAML())
		}
		if diff := cmp.Diff(r, again, cmpopts.IgnoreFields(Step{}, "Line"), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}
