package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rely/internal/fault"
)

func folder(t *testing.T, files map[string]string) Files {
	t.Helper()
	f := Files{Dir: filepath.Join(t.TempDir(), "config")}
	for name, text := range files {
		p := filepath.Join(f.Dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func environment(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := pairs[name]
		return v, ok
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStrictReading(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text string
		line int // 0: of no line
		id   string
		want string // in error or hint
	}{
		"a misspelt key":           {"issuer: https://x\nclinet_id: a\n", 2, "config.unknown", `write "client_id", or remove the line`},
		"a key spelt as a flag":    {"client-id: a\n", 1, "config.unknown", `write "client_id", or remove the line`},
		"a key from nowhere":       {"zzzzzzzz: a\n", 1, "config.unknown", "zzzzzzzz"},
		"capitals":                 {"Issuer: https://x\n", 1, "config.unknown", `write "issuer", or remove the line`},
		"a key twice":              {"scope: a\n\nscope: b\n", 3, "config.duplicate", "line 1"},
		"a client secret":          {"client_secret: hunter2hunter2\n", 1, "config.secret", "--client-secret-file"},
		"a password":               {"password: hunter2hunter2\n", 1, "config.secret", "--password-file"},
		"a way round a check":      {"insecure_skip_nonce: true\n", 1, "config.insecure", "flag"},
		"what only a variable has": {"non_interactive: true\n", 1, "config.unknown", "RELY_NON_INTERACTIVE"},
		"the current profile":      {"current_profile: a\n", 1, "config.unknown", "config.yaml"},
		"a map for a text":         {"scope:\n  a: b\n", 2, "config.type", "scope"},
		"a list for a text":        {"scope: [a]\n", 1, "config.type", "scope"},
		"a text for a list":        {"param: a=b\n", 1, "config.type", "param"},
		"no value":                 {"scope:\n", 1, "config.type", "no value"},
		"an alias":                 {"scope: &a x\nflow: *a\n", 2, "config.type", "flow"},
		"a tag":                    {"scope: !!binary aGk=\n", 1, "config.type", "scope"},
		"a merge":                  {"<<: {scope: a}\n", 1, "config.unknown", "<<"},
		"a list of maps":           {"param:\n  - a=b\n  - c: d\n", 3, "config.type", "param"},
		"an entry that is no pair": {"param:\n  - a\n", 2, "config.value", "k=v"},
		"no duration":              {"min_ttl: 60\n", 1, "config.value", "90s"},
		"a negative duration":      {"timeout: -1s\n", 1, "config.value", "90s"},
		"no URL":                   {"issuer: op.example\n", 1, "config.value", "absolute URL"},
		"a control character":      {"scope: \"a\\x1b[31m\"\n", 1, "config.value", "control"},
		"a tab":                    {"param:\n\t- a=b\n", 2, "config.syntax", "tab"},
		"half a quote":             {"scope: 'a\n", 2, "config.syntax", "unexpected end"},
		"no mapping":               {"- a\n", 1, "config.type", "mapping"},
		"garbage":                  {"hello\n", 1, "config.type", "mapping"},
		"two documents":            {"scope: a\n---\nscope: b\n", 2, "config.syntax", "second"},
		"NULs":                     {strings.Repeat("\x00", 40), 0, "config.syntax", "control characters"},
		"a huge file":              {"# " + strings.Repeat("x", maxSize), 0, "config.size", "1 MiB"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := folder(t, map[string]string{"profiles/work.yaml": c.text})
			_, err := f.Load("work", nil, environment(nil))
			var why *fault.Error
			if !errors.As(err, &why) || why.Kind != fault.Config || why.ID != c.id {
				t.Fatalf("got %#v, want %s", err, c.id)
			}
			want := f.Path("work")
			if c.line > 0 {
				want += fmt.Sprintf(":%d:", c.line)
			}
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error()+why.Hint, c.want) || why.Hint == "" {
				t.Errorf("got %v (%s), want %s and %q", err, why.Hint, want, c.want)
			}
			if strings.Contains(err.Error()+why.Hint, "hunter2") {
				t.Errorf("got the secret in %v", err)
			}
			if err := f.Set("work", []Change{{"flow", []string{"code"}}}); err == nil {
				t.Error("got a change of a file that cannot be read")
			}
			if got := text(t, f.Path("work")); got != c.text {
				t.Error("got the file changed")
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{
		"config.yaml":             "current_profile: Work.2\nscope: p\nflow: p\nclient_id: p\nbrowser: p\nparam: [p=1]\n",
		"profiles/Work.2.yaml":    "client_id: 0123\nflow: f\nbrowser: f\nissuer: https://OP.example/Case\nparam:\n  - A=b c\n  - x==\n",
		"profiles/defective.yaml": "nonsense",
	})
	env := environment(map[string]string{"RELY_FLOW": "v", "RELY_BROWSER": "v", "RELY_SCOPE": "", "RELY_CLIENT_SECRET": "s3cret",
		"RELY_TOKEN_PARAM": "a=1\nb=2 3", "RELY_QUIET": "1"})
	v, err := f.Load("", map[string][]string{"browser": {"flag"}}, env)
	if err != nil {
		t.Fatal(err)
	}
	if v.Profile != "Work.2" || !v.Exists {
		t.Errorf("got profile %s, %v, want Work.2", v.Profile, v.Exists)
	}
	file := f.Path("Work.2")
	want := map[string][2]string{
		"browser":   {"flag", "--browser"},
		"flow":      {"v", "RELY_FLOW"},
		"client_id": {"0123", file + ":1"},
		"issuer":    {"https://OP.example/Case", file + ":4"},
		"scope":     {"p", f.Preferences() + ":2"},
		"min_ttl":   {"60s", "default"},
		"ca_cert":   {"", ""},
	}
	for name, w := range want {
		if got := [2]string{v.String(name), v.Where(name)}; got != w {
			t.Errorf("%s: got %q, want %q", name, got, w)
		}
	}
	if diff := cmp.Diff([]string{"A=b c", "x=="}, v.List("param")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a=1", "b=2 3"}, v.List("token_param")); diff != "" {
		t.Error(diff)
	}
	if v.Duration("login_timeout") != 5*time.Minute || !v.Bool("quiet") || v.Bool("trace") {
		t.Errorf("got %v, %v, %v, want 5m, true, false", v.Duration("login_timeout"), v.Bool("quiet"), v.Bool("trace"))
	}
	if v.Secret("client_secret").Reveal() != "s3cret" || strings.Contains(fmt.Sprintf("%+v", v), "s3cret") {
		t.Error("got the secret in the open, or not at all")
	}
	if v.Source("flow") != FromVariable || v.Source("scope") != FromPreferences || v.Source("ca_cert") != Unset {
		t.Errorf("got sources %v %v %v", v.Source("flow"), v.Source("scope"), v.Source("ca_cert"))
	}
}

func TestWhichProfile(t *testing.T) {
	t.Parallel()
	files := map[string]string{"config.yaml": "current_profile: gone\n", "profiles/here.yaml": "scope: a\n"}
	cases := map[string]struct {
		none  bool
		name  string
		env   string
		want  string
		error string
	}{
		"the one asked for":                   {name: "here", want: "here"},
		"the variable's":                      {env: "here", want: "here"},
		"the current one, though missing":     {want: "gone"},
		"a missing one asked for":             {name: "other", want: "other", error: "config.missing"},
		"a missing one of the variable":       {env: "other", want: "other", error: "config.missing"},
		"a name that is none":                 {name: "../x", error: "config.name"},
		"no folder":                           {none: true, want: "default"},
		"no folder and one that is asked for": {none: true, name: "work", want: "work", error: "config.missing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := folder(t, files)
			if c.none {
				f = Files{}
			}
			v, err := f.Load(c.name, map[string][]string{"scope": {"flag"}}, environment(map[string]string{"RELY_PROFILE": c.env}))
			var why *fault.Error
			if errors.As(err, &why) != (c.error != "") || why != nil && why.ID != c.error {
				t.Fatalf("got %v, want %q", err, c.error)
			}
			if v.Profile != c.want || c.want != "" && v.String("scope") != "flag" {
				t.Errorf("got %s with %q, want %s with all values", v.Profile, v.String("scope"), c.want)
			}
		})
	}
}

// A flag or a variable that repeats the profile replaces nothing.
func TestReplaced(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"profiles/here.yaml": "scope: a b\nresource:\n  - urn:a\n  - urn:b\nclient_id: c\n"})
	v, err := f.Load("here", map[string][]string{"scope": {"a b"}, "resource": {"urn:a"}, "flow": {"code"}, "audience": {"x"}},
		environment(map[string]string{"RELY_CLIENT_ID": "c", "RELY_CLIENT_AUTH": "none"}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"scope": false, "client_id": false, "flow": false, "issuer": false, "resource": true, "audience": true, "client_auth": true} {
		if got := v.Replaced(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestValuesFromOutsideAreChecked(t *testing.T) {
	t.Parallel()
	_, err := Files{}.Load("", map[string][]string{"min_ttl": {"soon"}}, environment(nil))
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "--min-ttl") {
		t.Errorf("got %v, want misuse of --min-ttl", err)
	}
	_, err = Files{}.Load("", nil, environment(map[string]string{"RELY_ISSUER": "nowhere"}))
	if !fault.Is(err, fault.Config) || !strings.Contains(err.Error(), "RELY_ISSUER") {
		t.Errorf("got %v, want a word of RELY_ISSUER", err)
	}
}

func TestQuickAgreesWithCurrent(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text string
		ok   bool
	}{
		"nothing":                   {"", true},
		"as rely writes it":         {"# mine\n\nscope: openid email # c\nparam:\n  - a=b\ncurrent_profile: Work.2\n", true},
		"with line ends of Windows": {"scope: a\r\ncurrent_profile: work\r\n", true},
		"quoted":                    {"current_profile: \"work\"\n", false},
		"with a comment":            {"current_profile: work # c\n", false},
		"twice":                     {"current_profile: a\ncurrent_profile: b\n", false},
		"in flow style":             {"{current_profile: a}\n", false},
		"indented":                  {"  current_profile: a\n", false},
		"over two lines":            {"current_profile:\n  a\n", false},
		"in a folded text":          {"scope: >-\n  a\ncurrent_profile: b\n", false},
		"null":                      {"current_profile: null\n", false},
		"in the second document":    {"scope: a\n---\ncurrent_profile: b\n", false},
		"with no space":             {"current_profile:work\n", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := folder(t, map[string]string{"config.yaml": c.text})
			got, ok := f.Quick()
			if ok != c.ok {
				t.Fatalf("got %q, %v, want %v", got, ok, c.ok)
			}
			if want, err := f.Current(); ok && (got != want || err != nil) {
				t.Errorf("got %q, want %q, %v", got, want, err)
			}
		})
	}
	for _, f := range []Files{{}, folder(t, nil)} {
		if got, ok := f.Quick(); got != "" || !ok {
			t.Errorf("got %q, %v, want no current profile", got, ok)
		}
	}
}

func TestTableIsSound(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Settings() {
		if seen[s.Name] || strings.HasPrefix(s.Name, "insecure") || s.Help == "" || s.Secret && s.Profile {
			t.Errorf("got %+v, want each once, with help, no secret in a profile", s)
		}
		seen[s.Name] = true
		if s.Default != "" && s.check([]string{s.Default}) != nil {
			t.Errorf("%s: got the default %s, want one of its shape", s.Name, s.Default)
		}
	}
	if Flag("client_id") != "client-id" || Variable("client_id") != "RELY_CLIENT_ID" {
		t.Error("got other spellings than the contract's")
	}
}

// Only the profile's own file can be said to keep a value, whatever overrules it.
func TestKept(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"config.yaml": "scope: openid\nacr_values: high\n", "profiles/work.yaml": "scope: openid email\nclient_id: me\nparam:\n  - a=b\n  - c=d\n"})
	flags := map[string][]string{"client_id": {"you"}, "scope": {"openid email"}, "acr_values": {"high"}, "param": {"a=b", "c=d"}}
	v, err := f.Load("work", flags, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"scope": true, "param": true, "client_id": false, "acr_values": false, "prompt": false} {
		if got := v.Kept(name, flags[name]); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if !v.Kept("client_id", []string{"me"}) {
		t.Error("client_id: what the file says is not kept")
	}
}
