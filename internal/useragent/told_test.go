package useragent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/recipe"
	"rely/internal/secret"
	"rely/internal/totp"
	"rely/internal/useragent/capture"
)

// withCode gives the key of RFC 6238, appendix B, at its first moment: the code
// is 287082.
func withCode(o *Options, _ *Visit) {
	key, err := totp.Parse(secret.New("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))
	if err != nil {
		panic(err)
	}
	o.TOTP, o.Now = key, func() time.Time { return time.Unix(59, 0) }
}

func TestFormsTypesOneTimeCodes(t *testing.T) {
	t.Parallel()
	second := func(field string) map[string]string {
		return map[string]string{"/start": strings.Replace(login, "/done", "/second", 1),
			"/second": `<form method=post action=/done><label for=x>Enter it</label>` + field + `<button name=cancel>Cancel</button><button>Verify</button></form>`}
	}
	tests := map[string]struct {
		pages map[string]string
		want  string
	}{
		"on the login page": {map[string]string{"/start": strings.Replace(login, "<button", "<input name=otp><button", 1)},
			"POST /done " + userPW + "&otp=287082" + landing},
		"on a page of its own":            {second(`<input name=x autocomplete=one-time-code>`), "POST /second " + userPW + "\nPOST /done x=287082" + landing},
		"by its name":                     {second(`<input type=tel name=totpCode>`), "POST /second " + userPW + "\nPOST /done totpCode=287082" + landing},
		"by its label":                    {second(`<input id=x name=field1 aria-label="Authenticator app">`), "POST /second " + userPW + "\nPOST /done field1=287082" + landing},
		"in a password field":             {second(`<input type=password name=mfa>`), "POST /second " + userPW + "\nPOST /done mfa=287082" + landing},
		"a voucher is no code":            {map[string]string{"/start": strings.Replace(login, "<button", "<input name=promo_code><button", 1)}, "POST /done " + userPW + "&promo_code=" + landing},
		"with the user name, no password": {map[string]string{"/start": `<form method=post action=/done><input name=user><input name=otp><button>Sign in</button></form>`}, "POST /done user=alice%40example.com&otp=287082" + landing},
		"choose an account by its button": {map[string]string{"/start": `<form method=post action=/done><button name=a value=1>bob@example.com</button>
			<button name=a value=2>Alice Liddell (alice@example.com)</button><button name=a value=new>Use another account</button></form>`}, "POST /done a=2" + landing},
		"choose an account by its mark": {map[string]string{"/start": `<form method=post action=/done><input type=radio name=a value=bob checked>
			<input type=radio name=a value=ALICE@example.com><button>Continue</button></form>`}, "POST /done a=ALICE%40example.com" + landing},
		"choose an account by its link": {map[string]string{"/start": `<h1>Choose an account</h1><a href=/done?a=1>bob@example.com</a>
			<a href="/done?a=2">Alice (alice@example.com)</a><a href=/logout>Sign out alice@example.com</a><a href=/new>Use another account</a>`}, "GET /done?a=2" + landing},
		"a digit in each field": {second(strings.Repeat(`<input name=d maxlength=1>`, 6)), "POST /second " + userPW + "\nPOST /done d=2&d=8&d=7&d=0&d=8&d=2" + landing},
		"scopes that nobody marked": {map[string]string{"/start": `<form method=post action=/done><input type=checkbox name=grant_scope value=a><input type=checkbox name=grant_scope value=b>
			<input type=checkbox name=news><button>Allow</button></form>`}, "POST /done grant_scope=a&grant_scope=b" + landing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.pages)
			if err := s.visit(t.Context(), withCode); err != nil {
				t.Fatal(err)
			}
			if got := s.after(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestFormsSendsAnotherCodeInTheNextPeriod(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"/start": `<form method=post action=/second><input name=otp><button>Verify</button></form>`,
		"/second": `<form method=post action=/done><input name=otp><button>Verify</button></form>`})
	now := int64(29)
	err := s.visit(t.Context(), func(o *Options, v *Visit) {
		withCode(o, v)
		o.Now = func() time.Time { now += 30; return time.Unix(now, 0) }
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.after(), "POST /second otp=287082\nPOST /done otp=359152"+landing; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func recipeOf(t *testing.T, steps string) func(*Options, *Visit) {
	t.Helper()
	r, err := recipe.Parse("r.yaml", []byte("steps:\n"+steps))
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options, v *Visit) {
		withCode(o, v)
		o.Recipe = r
	}
}

func TestFormsFollowsARecipe(t *testing.T) {
	t.Parallel()
	odd := `<title>Odd</title><form method=post action=/done><input name=a><input type=password name=b><input name=c>
		<select name=d><option>x<option>y</select><input type=checkbox name=e checked><input type=radio name=f value=1 checked><input type=radio name=f value=2>
		<button name=g value=1>Links</button><button name=g value=2>Rechts</button></form>`
	tests := map[string]struct{ page, steps, want string }{
		"fills and clicks": {odd, `  - match: {title: odd}
    fill:
      - {field: a, value: username}
      - {field: b, value: password}
      - {field: c, value: totp}
      - {field: d, text: y}
      - {field: e, text: off}
      - {field: f, text: "2"}
    click: Rechts
`, "POST /done a=alice%40example.com&b=pass+%26+wOrd%2B1&c=287082&d=y&f=2&g=2" + landing},
		"a literal, and the best button": {odd, `  - match: {url: /start}
    fill: [{field: a, text: x}, {field: b, value: password}]
`, "POST /done a=x&b=pass+%26+wOrd%2B1&c=&d=x&e=on&f=1&g=1" + landing},
		"terms that a person does not accept": {`<form method=post action=/done><label><input type=checkbox name=terms> I accept the terms</label><button>Later</button></form>`,
			`  - {match: {field: terms}, fill: [{field: terms, text: off}], click: Later}
`, "POST /done" + landing},
		"the first step that matches": {odd, `  - {match: {text: nowhere}, click: Rechts}
  - {match: {field: a}, click: Links}
  - {match: {field: a}, click: Rechts}
`, "POST /done a=&b=&c=&d=x&e=on&f=1&g=1" + landing},
		"follows a link": {`<a href="/next?a=1">Use a <b>password</b></a>`, `  - {match: {url: /start}, click: use a password}
`, "GET /next?a=1\nPOST /done " + userPW + landing},
		"the defaults do the rest": {login, `  - {match: {url: /consent}, click: Allow}
`, "POST /done " + userPW + landing},
		"what is expected comes": {`<a href="/next">on</a>`, `  - {match: {url: /start}, click: on, expect: {field: pw}}
`, "GET /next\nPOST /done " + userPW + landing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]string{"/start": tt.page, "/next": login})
			if err := s.visit(t.Context(), recipeOf(t, tt.steps)); err != nil {
				t.Fatal(err)
			}
			if got := s.after(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestRecipesKeepTheRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		page, steps string
		kind        fault.Kind
		id, says    string
	}{
		"a password for another origin": {`<form method=post action=OTHER/done><input name=b></form>`, `  - {match: {url: /}, fill: [{field: b, value: password}]}
`, fault.Protocol, "useragent.origin", "sends the password to"},
		"a password in a URL": {`<form><input name=b></form>`, `  - {match: {url: /}, fill: [{field: b, value: password}]}
`, fault.Denied, "useragent.page", "into a URL"},
		"a password twice": {`<form method=post action=/start><input name=b></form>`, `  - {match: {url: /}, fill: [{field: b, value: password}]}
`, fault.Denied, "useragent.password-refused", "again"},
		"a field that is not there": {login, `  - {match: {url: /}, fill: [{field: nothing, text: x}]}
`, fault.Config, "useragent.recipe", `line 2: no form on`},
		"a button that is not there": {login, `  - {match: {url: /}, click: nothing}
`, fault.Config, "useragent.recipe", `"nothing" is missing`},
		"a link to a script": {`<a href="javascript:go()">on</a>`, `  - {match: {url: /}, click: on}
`, fault.Protocol, "useragent.url", "javascript"},
		"another page than expected": {login, `  - {match: {url: /start}, click: Sign in, expect: {title: Welcome, failure: the tenant is closed}}
`, fault.Denied, "useragent.expect", "line 2 expects (the tenant is closed): sorry"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]string{"/start": tt.page, "/done": "<p>sorry"})
			f := wantFault(t, s.visit(t.Context(), recipeOf(t, tt.steps)), tt.kind, tt.id)
			if !strings.Contains(f.Error(), tt.says) {
				t.Errorf("got %q, want %q in it", f, tt.says)
			}
		})
	}
}

func TestAllowedOriginMayHaveThePassword(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"/start": "302 OTHER/login", "GET /login": login})
	other := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	err := s.visit(t.Context(), func(o *Options, _ *Visit) { o.Origins = []string{other} })
	if err != nil {
		t.Fatal(err)
	}
}

// What is recorded from the defaults does the same when it is followed.
func TestRecordedRecipeReplays(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"/start":                          "302 /interaction/a1b2c3d4e5f6g7h8i9",
		"/interaction/a1b2c3d4e5f6g7h8i9": `<title>Hello alice@example.com</title>` + strings.Replace(login, "/done", "/second", 1),
		"/second":                         `<form method=post action=/consent><input name=otp><button>Verify</button></form>`,
		"/consent":                        `<form method=post action=/done><input type=hidden name=csrf value=tok><button name=d value=no>Deny</button><button name=d value=yes>Allow</button></form>`,
	}
	var r recipe.Recipe
	s := newSite(t, pages)
	err := s.visit(t.Context(), func(o *Options, v *Visit) {
		withCode(o, v)
		o.Record = func(s recipe.Step) { r.Steps = append(r.Steps, s) }
	})
	if err != nil {
		t.Fatal(err)
	}
	text := string(r.YAML())
	for _, unwanted := range []string{"alice", password, "287082", "tok", "a1b2c3"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("got %q in\n%s", unwanted, text)
		}
	}
	if !strings.Contains(text, `/interaction/*"`) || len(r.Steps) != 3 {
		t.Errorf("got\n%s", text)
	}
	want := s.after()
	again := newSite(t, pages)
	text = strings.ReplaceAll(text, s.URL, again.URL)
	if r, err = recipe.Parse("r.yaml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	err = again.visit(t.Context(), func(o *Options, v *Visit) {
		withCode(o, v)
		o.Recipe = r
		o.Record = func(s recipe.Step) { t.Errorf("got %v recorded of a recipe", s) }
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := again.after(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPagesAreKept(t *testing.T) {
	t.Parallel()
	pages := map[string]string{"/start": login, "/done": `<title>Step 2</title><form method=post><input type=hidden name=t value=tok><input name=pet><p>you typed pass &amp; wOrd+1</p></form>`}
	for every, count := range map[bool]int{false: 1, true: 2} {
		dir := t.TempDir()
		s := newSite(t, pages)
		err := s.visit(t.Context(), func(o *Options, _ *Visit) {
			hide := strings.NewReplacer(o.Password.Reveal(), "[secret]").Replace
			o.Pages, o.EveryPage = &capture.Folder{Dir: dir, Redact: hide}, every
		})
		f := wantFault(t, err, fault.Denied, "useragent.page")
		found, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(found) != count {
			t.Fatalf("got %v, %v, want %d pages", found, err, count)
		}
		last := found[count-1]
		if !strings.HasSuffix(last, "-step-2.html") || !strings.Contains(f.Error(), "(the page is saved as "+last+")") {
			t.Errorf("got %s and %q", last, f)
		}
		data, err := os.ReadFile(last)
		if err != nil || strings.Contains(string(data), "tok") || strings.Contains(string(data), "wOrd") || !strings.Contains(string(data), "pet") {
			t.Errorf("got %s, %v", data, err)
		}
	}
}

func TestPagesThatCannotBeKept(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, map[string]string{"/start": "<p>odd"})
	for every, id := range map[bool]string{false: "useragent.page", true: "useragent.save"} {
		err := s.visit(t.Context(), func(o *Options, _ *Visit) { o.Pages, o.EveryPage = &capture.Folder{Dir: file}, every })
		kind := fault.Denied
		if every {
			kind = fault.Config
		}
		if f := wantFault(t, err, kind, id); !strings.Contains(f.Error(), "save") {
			t.Errorf("got %q", f)
		}
	}
}
