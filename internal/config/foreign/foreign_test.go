package foreign

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/secret"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden is a record as a person would check it: secrets in the open, since
// they are the test's own.
type golden struct {
	*Record
	Secret, Token string
}

// TestFiles reads a sample of each format and compares all that came of it.
func TestFiles(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Glob("testdata/*[gn]")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range samples {
		if strings.HasSuffix(file, ".golden.json") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Read(filepath.Base(file), data)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		found[r.Format] = true
		got, err := json.MarshalIndent(golden{r, r.ClientSecret.Reveal(), r.RegistrationToken.Reveal()}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		name := file + ".golden.json"
		if *update {
			if err := os.WriteFile(name, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSpace(strings.ReplaceAll(string(want), "\r\n", "\n")), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
		for name, values := range r.Settings {
			if s, ok := config.Find(name); !ok || !s.Profile || s.Secret {
				t.Errorf("%s: %s is no setting of a profile", file, name)
			} else if s.Kind != config.List && len(values) != 1 {
				t.Errorf("%s: %s has %d values", file, name, len(values))
			}
		}
	}
	for _, f := range Formats() {
		if !found[f.Name] {
			t.Errorf("no sample of %s in testdata", f.Name)
		}
	}
}

// TestValues tries the readers' corners: what stands behind one key.
func TestValues(t *testing.T) {
	t.Parallel()
	oxd := func(lines string) string { return "[client]\nop_host = https://op.example\n" + lines }
	ping := func(lines string) string {
		return "AUTH_URL = 'https://op.example'\nENVIRONMENT_ID = 'e'\n" + lines
	}
	setting := func(name string, want ...string) func(*Record) string {
		return func(r *Record) string { return cmp.Diff(want, r.Settings[name]) }
	}
	isSecret := func(want string) func(*Record) string {
		return func(r *Record) string { return cmp.Diff(want, r.ClientSecret.Reveal()) }
	}
	unknown := func(want ...Key) func(*Record) string {
		return func(r *Record) string { return cmp.Diff(want, r.Unknown) }
	}
	noted := func(want string) func(*Record) string {
		return func(r *Record) string {
			if strings.Contains(strings.Join(r.Notes, "\n"), want) {
				return ""
			}
			return fmt.Sprintf("no note says %q, only %q", want, r.Notes)
		}
	}
	cases := map[string]struct {
		text string
		ok   func(*Record) string
	}{
		"oxd: a colon separates as well":            {oxd("scope: openid,email"), setting("scope", "openid email")},
		"oxd: a % is a %":                           {oxd("client_secret = %(x)s%%"), isSecret("%(x)s%%")},
		"oxd: keys in capitals":                     {oxd("CLIENT_ID = a"), setting("client_id", "a")},
		"oxd: quotes are part of the value":         {oxd("client_id = \"a\""), setting("client_id", `"a"`)},
		"oxd: a value goes on":                      {oxd("scope = openid,\n   email\n\n  ; no\n   profile"), setting("scope", "openid email profile")},
		"oxd: no comment behind a value":            {oxd("client_secret = a ; b"), isSecret("a ; b")},
		"oxd: and the person is told":               {oxd("client_secret = a ; b"), noted("line 3")},
		"oxd: lines of Windows":                     {strings.ReplaceAll(oxd("client_id = a\n"), "\n", "\r\n"), setting("client_id", "a")},
		"oxd: a byte order mark":                    {"\xef\xbb\xbf" + oxd("client_id = a"), setting("client_id", "a")},
		"oxd: defaults":                             {"[DEFAULT]\nclient_id = a\n" + oxd(""), setting("client_id", "a")},
		"oxd: defaults are overruled":               {"[DEFAULT]\nclient_id = a\n" + oxd("client_id = b"), setting("client_id", "b")},
		"oxd: an issuer without scheme":             {"[client]\nop_host = op.example", setting("issuer", "https://op.example")},
		"oxd: an issuer with a slash":               {"[client]\nop_host = https://op.example/", setting("issuer", "https://op.example")},
		"oxd: an issuer with a path keeps it":       {"[client]\nop_host = https://op.example/a/", setting("issuer", "https://op.example/a/")},
		"oxd: an empty value says nothing":          {oxd("client_id ="), setting("client_id")},
		"oxd: a foreign section is named":           {oxd("[uma]\nx = 1"), unknown(Key{Name: "[uma] x", Line: 4})},
		"oxd: the client is with the oxd server":    {"[oxd]\nid = 1\n" + oxd(""), noted("oxd server")},
		"oxd: only for machines":                    {oxd("grant_types = client_credentials"), setting("flow", "client-credentials")},
		"oxd: a redirect URI elsewhere":             {oxd("authorization_redirect_uri = https://rp.example/cb"), noted("not on this machine")},
		"pingone: escapes":                          {ping(`CLIENT_SECRET = 'a\'b\\c\x41\u00e9\q'`), isSecret(`a'b\cA` + "\u00e9" + `\q`)},
		"pingone: raw strings":                      {ping(`CLIENT_SECRET = r'a\n'`), isSecret(`a\n`)},
		"pingone: three quotes":                     {ping(`CLIENT_SECRET = """a'"b"""`), isSecret(`a'"b`)},
		"pingone: a # inside a string":              {ping(`CLIENT_SECRET = 'a#b' # c`), isSecret(`a#b`)},
		"pingone: strings side by side":             {ping(`SCOPE = 'openid' ' email'`), setting("scope", "openid email")},
		"pingone: a joined line":                    {ping("SCOPE = 'openid' \\\n  ' email'"), setting("scope", "openid email")},
		"pingone: a name used again":                {"BASE = 'https://op.example'\nAUTH_URL = BASE + '/x'\nENVIRONMENT_ID = 'e'", setting("issuer", "https://op.example/x/e/as")},
		"pingone: a list":                           {ping("SCOPE = ['openid',\n  'email', # why\n]"), setting("scope", "openid email")},
		"pingone: lists joined":                     {ping("SCOPE = ['openid'] + ['email']"), setting("scope", "openid email")},
		"pingone: a tuple":                          {ping("SCOPE = ('openid', 'email')"), setting("scope", "openid email")},
		"pingone: None says nothing":                {ping("PROMPT = None"), setting("param")},
		"pingone: a number":                         {ping("MAX_AGE = 3600\nPROMPT='login'"), setting("param", "max_age=3600", "prompt=login")},
		"pingone: the later one counts":             {ping("CLIENT_ID = 'a'\nCLIENT_ID = 'b'"), setting("client_id", "b")},
		"pingone: code is not run":                  {ping("CLIENT_SECRET = os.environ['X']"), unknown(Key{"CLIENT_SECRET", 3, notRun})},
		"pingone: nor in an f-string":               {ping("CLIENT_ID = f'{x}'"), unknown(Key{"CLIENT_ID", 3, notRun})},
		"pingone: nor in a block":                   {ping("if x:\n  CLIENT_ID = 'a'"), unknown(Key{"if", 3, notRun}, Key{"CLIENT_ID", 4, "it stands inside a block, which is not run"})},
		"pingone: nor behind a semicolon":           {ping("CLIENT_ID = 'a'; x()"), unknown(Key{"CLIENT_ID", 3, notRun})},
		"pingone: a whole redirect URI":             {ping("OAUTH_REDIRECT_PATH = 'http://127.0.0.1:1/cb'"), setting("redirect_uri", "http://127.0.0.1:1/cb")},
		"pingone: a path goes to the sample's host": {ping("OAUTH_REDIRECT_PATH = '/cb'"), setting("redirect_uri", "http://localhost:8080/cb")},
		"pingone: or to Flask's":                    {ping("SERVER_NAME='localhost:5000'\nOAUTH_REDIRECT_PATH = '/cb'"), setting("redirect_uri", "http://localhost:5000/cb")},
		"pingone: implicit":                         {ping("GRANT_TYPE='implicit'"), setting("flow", "implicit")},
		"google: another provider's addresses":      {`{"web":{"client_id":"a","auth_uri":"https://op.example/"}}`, setting("issuer")},
		"google: no scheme of its own":              {`{"installed":{"redirect_uris":["urn:ietf:wg:oauth:2.0:oob","http://localhost"]}}`, setting("redirect_uri", "http://localhost:0")},
		"keycloak: another credential is named":     {`{"realm":"r","auth-server-url":"https://a","credentials":{"jwt":{"a":1}}}`, unknown(Key{Name: "credentials.jwt", Line: 1})},
		"keycloak: bearer-only":                     {`{"realm":"r","auth-server-url":"https://a","bearer-only":true}`, noted("cannot sign")},
		"keycloak-client: a client for machines":    {`{"clientId":"a","protocol":"openid-connect","serviceAccountsEnabled":true}`, setting("flow", "client-credentials")},
		"keycloak-client: keys":                     {`{"clientId":"a","clientAuthenticatorType":"client-jwt"}`, setting("client_auth", "private_key_jwt")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Read("f", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if wrong := c.ok(r); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 100)
	cases := map[string]struct{ text, want string }{
		"nothing":                  {"", "none of the files"},
		"prose":                    {"Dear reader,\n", "none of the files"},
		"a service account":        {`{"type":"service_account"}`, "none of the files"},
		"other INI":                {"[core]\nx = 1\n", "none of the files"},
		"too large":                {strings.Repeat("#", MaxSize+1), "1 MiB"},
		"binary":                   {"[client]\n\x00", "no text"},
		"Latin-1":                  {"[client]\nclient_name = \xe9", "no text"},
		"a line without a key":     {"[client]\nhunter2hunter2\n", "f:2: the line is no"},
		"a line before a section":  {"# x\nx = 1\n[client]\n", "none of the files"},
		"a key twice":              {"[client]\nop_host = a\n\nOP_HOST = b\n", "f:4: [client] op_host: the key stands on line 2"},
		"a section twice":          {"[client]\n[oxd]\n[client]\n", "f:3: [client]: the section stands on line 1"},
		"several client ids":       {"[client]\nclient_id = a\n  b\n", "f:2: [client] client_id: it has several"},
		"an issuer that is none":   {"[client]\nop_host = https://\n", "f:2: [client] op_host"},
		"a script for an issuer":   {"[client]\nop_host = javascript://x\n", "f:2: [client] op_host"},
		"a password in the issuer": {"[client]\nop_host = https://u:hunter2hunter2@op.example\n", "f:2: [client] op_host"},
		"a registration URI":       {"[client]\nclient_registration_client_uri = x\n", "f:2: [client] client_registration_client_uri"},
		"an open string":           {"AUTH_URL = 'x\nCLIENT_ID = 'y'\n", "f:1: AUTH_URL: a string or a bracket"},
		"an open list":             {"AUTH_URL = 'x'\nSCOPE = ['a'\n", "f:2: SCOPE: a string or a bracket"},
		"an open call":             {"AUTH_URL = 'x'\nSCOPE = f('a'\n", "f:2: SCOPE: a string or a bracket"},
		"a placeholder":            {"ENVIRONMENT_ID = '<ENVIRONMENT_ID>'\nAUTH_URL = 'https://a'", "f:1: ENVIRONMENT_ID: it still holds"},
		"a control character":      {"ENVIRONMENT_ID = 'a\\x07'\nAUTH_URL = 'https://a'", "f:1: ENVIRONMENT_ID: it holds"},
		"JSON with a comma more":   {"{\n\"web\": {},\n}", "f:3: "},
		"a member twice":           {`{"web":{"client_id":"a","client_id":"b"}}`, "client_id"},
		"JSON that goes deep":      {deep, "f:1"},
		"an object for a text":     {`{"web":{"client_id":{}}}`, "f:1: web.client_id: it is an object"},
		"objects for texts":        {`{"web":{"redirect_uris":[{}]}}`, "f:1: web.redirect_uris: it is no list"},
		"two clients of Google's":  {`{"web":{"a":1},"installed":{"a":1}}`, "two clients"},
		"a client for SAML":        {`{"clientId":"a","protocol":"saml"}`, "f:1: protocol: it is no client for OpenID Connect"},
		"an adapter without realm": {`{"auth-server-url":"https://a"}`, "have to say"},
		"a variable in an adapter": {`{"auth-server-url":"${env.X}","realm":"r"}`, "filled in by the adapter"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Read("f", []byte(c.text))
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Config || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want a fault of kind config with %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
}

// TestHostile keeps cheap what could be made to cost.
func TestHostile(t *testing.T) {
	t.Parallel()
	double := "CLIENT_ID = 'aaaaaaaaaaaaaaaa'\nAUTH_URL = 'https://a'\n" + strings.Repeat("CLIENT_ID = CLIENT_ID + CLIENT_ID\n", 10000)
	for name, text := range map[string]string{
		"doubling":      double,
		"many keys":     `{"web":{` + strings.Repeat("\"a\":1,\n", 1) + `"x":[` + strings.Repeat("1,\n", 100000) + `1]}}`,
		"brackets":      "AUTH_URL = " + strings.Repeat("(", 200000) + "1" + strings.Repeat(")", 200000) + "\nENVIRONMENT_ID = 'a'",
		"defaults":      "[DEFAULT]\n" + lines(100000) + "[client]\n",
		"redirects":     "[client]\nredirect_uris = " + strings.ReplaceAll(lines(100000), "\n", ","),
		"continuations": "[client]\nscope = a\n" + strings.Repeat(" b\n", 100000),
	} {
		if _, err := Read(name, []byte(text)); err != nil {
			t.Logf("%s: %v", name, err) // a refusal is as good
		}
	}
}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d=\n", i)
	}
	return b.String()
}

// TestSecretsDoNotPrint holds a record against the ways of printing it.
func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/demosite.cfg")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Read("demosite.cfg", data)
	if err != nil {
		t.Fatal(err)
	}
	said, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s", *r, *r, *r, said)
	for _, s := range []secret.String{r.ClientSecret, r.RegistrationToken} {
		if s.Empty() || strings.Contains(all, s.Reveal()) {
			t.Errorf("a secret of %d bytes is missing or shows", len(s.Reveal()))
		}
	}
}

// FuzzRead looks for input that panics, or whose settings a profile would not
// take.
func FuzzRead(f *testing.F) {
	samples, _ := filepath.Glob("testdata/*[gn]")
	for _, name := range samples {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read("f", data)
		var refused *fault.Error
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("got %T, want a fault", err)
		}
		if err != nil {
			return
		}
		for name, values := range r.Settings {
			for _, v := range values {
				if strings.ContainsAny(v, "\x00\n\r\x1b") {
					t.Errorf("%s holds %q", name, v)
				}
			}
		}
		for _, k := range r.Unknown {
			if k.Name == "" || k.Line < 1 {
				t.Errorf("a key without name or line: %+v", k)
			}
		}
	})
}
