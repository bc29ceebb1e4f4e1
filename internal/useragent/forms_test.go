package useragent

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"rely/internal/fault"
	"rely/internal/secret"
)

const password = "pass & wOrd+1"

// A site imitates a provider and the listener. pages maps a path to its
// answer: HTML, "303 /next", or "401 " and HTML. SITE, OTHER (the same server
// under another name) and CALLBACK stand for addresses. A request for /done is
// redirected to CALLBACK.
type site struct {
	*httptest.Server
	pages map[string]string

	mu       sync.Mutex
	requests []string // method, path and form as received, in order
}

func newSite(t *testing.T, pages map[string]string) *site {
	t.Helper()
	s := &site{pages: pages}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *site) callback() string { return s.URL + "/callback" }

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	line := r.Method + " " + r.URL.RequestURI()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if err := r.ParseMultipartForm(1 << 20); err == nil {
			body = []byte("multipart:" + url.Values(r.MultipartForm.Value).Encode())
		}
	}
	if len(body) > 0 {
		line += " " + string(body)
	}
	s.mu.Lock()
	s.requests = append(s.requests, line)
	s.mu.Unlock()
	page, ok := s.pages[r.Method+" "+r.URL.Path]
	if !ok {
		page, ok = s.pages[r.URL.Path]
	}
	switch {
	case !ok && r.URL.Path == "/done":
		page = "303 CALLBACK?code=c0de&state=s1"
	case !ok && r.URL.Path == "/callback":
		page = "thanks"
	case !ok:
		page = "404 not here"
	}
	if file, ok := strings.CutPrefix(page, "file:"); ok {
		data, err := os.ReadFile("testdata/" + file + ".html")
		if err != nil {
			panic(err)
		}
		page = string(data)
	}
	s.answer(w, page)
}

func (s *site) answer(w http.ResponseWriter, page string) {
	other := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	page = strings.NewReplacer("SITE", s.URL, "OTHER", other, "CALLBACK", s.callback()).Replace(page)
	status := 200
	if n, err := fmt.Sscanf(page, "%d ", &status); n == 1 && err == nil {
		page = page[4:]
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1", Path: "/", Secure: true, HttpOnly: true})
	if status/100 == 3 {
		w.Header().Set("Location", page)
		page = ""
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page)
}

// visit walks from /start with a test user.
func (s *site) visit(ctx context.Context, change func(*Options, *Visit)) error {
	o := Options{HTTP: s.Client().Transport, Username: "alice@example.com", Password: secret.New(password)}
	v := Visit{URL: s.URL + "/start?client_id=c&state=s1", RedirectURI: s.callback(), Origins: []string{s.URL}}
	if change != nil {
		change(&o, &v)
	}
	return newForms(o).Visit(ctx, v)
}

// after gives the requests behind the first.
func (s *site) after() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.requests[1:], "\n")
}

const (
	login   = `<form method=post action=/done><input name=user><input type=password name=pw><button>Sign in</button></form>`
	userPW  = "user=alice%40example.com&pw=pass+%26+wOrd%2B1"
	landing = "\nGET /callback?code=c0de&state=s1"
)

func TestFormsSignsIn(t *testing.T) {
	t.Parallel()
	consent := func(buttons string) map[string]string {
		return map[string]string{"/start": `<form method=post action=/done><input type=hidden name=csrf value=x>` + buttons + `</form>`}
	}
	tests := map[string]struct {
		pages map[string]string
		want  string // every request behind the first
	}{
		"one page with user name and password": {map[string]string{"/start": login}, "POST /done " + userPW + landing},
		"a login form answered with 401":       {map[string]string{"/start": "401 " + login}, "POST /done " + userPW + landing},
		"identifier first, then password": {map[string]string{
			"/start": `<form method=post action=/id><input type=email name=identifier><button>Next</button><button name=create value=1>Create account</button></form>`,
			"/id": `<form method=post action=/done><input name=identifier value="alice@example.com" readonly>
				<input type=password name=pw autocomplete=current-password><button>Sign in</button></form>`,
		}, "POST /id identifier=alice%40example.com\nPOST /done identifier=alice%40example.com&pw=pass+%26+wOrd%2B1" + landing},
		"a hidden password field waits behind the user name": {map[string]string{
			"/start": `<form method=post action=/id><input name=login><input type=password name=pw style="display: none"><button>Next</button></form>`,
			"/id":    login,
		}, "POST /id login=alice%40example.com&pw=\nPOST /done " + userPW + landing},
		"a form without action comes back to its page": {map[string]string{
			"GET /start":  `<form method=post><input type=hidden name=t value="1 2"><input name=user><input type=password name=pw></form>`,
			"POST /start": "303 /done",
		}, "POST /start?client_id=c&state=s1 t=1+2&" + userPW + "\nGET /done" + landing},
		"a GET form replaces the query": {map[string]string{
			"/start": `<form action="/id?old=1"><input name=user id=login><button name=go value=1>Next</button></form>`, "/id": login,
		}, "GET /id?user=alice%40example.com&go=1\nPOST /done " + userPW + landing},
		"a multipart form": {map[string]string{
			"/start": strings.Replace(login, "<form", `<form enctype="multipart/form-data"`, 1),
		}, "POST /done multipart:pw=pass+%26+wOrd%2B1&user=alice%40example.com" + landing},
		"a meta refresh": {map[string]string{
			"/start": `<meta http-equiv="Refresh" content="0; URL='/next?a=1&amp;b=2'"><p>one moment`, "/next": login,
		}, "GET /next?a=1&b=2\nPOST /done " + userPW + landing},
		"the refresh of a session that runs out is not followed": {map[string]string{
			"/start": `<meta http-equiv=refresh content="1800;url=/expired">` + login}, "POST /done " + userPW + landing},
		"a base address": {map[string]string{
			"/start": `<base href="/deep/">` + strings.Replace(login, "/done", "../done", 1)}, "POST /done " + userPW + landing},
		"a form in a table, which the parser takes apart": {map[string]string{
			"/start": `<table><form method=post action=/done><tr><td><input name=user><td><input type=password name=pw></tr></form></table>`,
		}, "POST /done " + userPW + landing},
		"controls that name their form": {map[string]string{
			"/start": `<form id=f method=post action=/done></form><input form=f name=user><input form=f type=password name=pw><button form=f name=b value=1>Log in</button>`,
		}, "POST /done " + userPW + "&b=1" + landing},
		"the register form beside it is left alone": {map[string]string{
			"/start": `<form id=register method=post action=/reg><input name=email><input type=password name=a><input type=password name=b></form>` + login,
		}, "POST /done " + userPW + landing},
		"terms have to be accepted, the rest stays as it is": {map[string]string{
			"/start": `<form method=post action=/done><input name=user><input type=password name=pw>
				<label><input type=checkbox name=terms required> I accept the terms</label><input type=checkbox name=news value=y>
				<input type=checkbox name=keep value=k checked><select name=lang><option value=en>English<option value=sv selected>Svenska</select>
				<select name=zone><option disabled>choose<option>UTC</select><input name=off value=1 disabled>
				<textarea name=note>hi</textarea><button name=cancel value=1>Cancel</button><input type=submit name=go value="Log in"></form>`,
		}, "POST /done " + userPW + "&terms=on&keep=k&lang=sv&zone=UTC&note=hi&go=Log+in" + landing},
		"terms that are not marked as required": {map[string]string{
			"/start": `<form method=post action=/done><label><input type=checkbox name=terms value=yes> I agree to the Terms of Use</label>
				<label><input type=checkbox name=news> Tell me about offers and conditions</label><button>Continue</button></form>`,
		}, "POST /done terms=yes" + landing},
		"a button with an address of its own": {map[string]string{
			"/start": `<form method=post action=/nowhere><input name=user><input type=password name=pw><button formaction=/done>Sign in</button></form>`,
		}, "POST /done " + userPW + landing},
		"another provider's button is not pressed": {map[string]string{
			"/start": `<form method=post action=/done><button name=p value=x>Sign in with Example</button><input name=user><input type=password name=pw><button name=p value=own>Go</button></form>`,
		}, "POST /done " + userPW + "&p=own" + landing},
		"consent, allow before deny": {consent(`<button name=d value=allow>Allow</button><button name=d value=deny>Deny</button>`),
			"POST /done csrf=x&d=allow" + landing},
		"consent, deny before allow": {consent(`<button name=d value=deny>Deny</button><button name=d value=allow>Allow</button>`),
			"POST /done csrf=x&d=allow" + landing},
		"consent by inputs": {consent(`<input type=submit name=no value="Don't allow"><input type=submit name=yes value="Yes, go on">`),
			"POST /done csrf=x&yes=Yes%2C+go+on" + landing},
		"consent in a language that only its names tell": {consent(`<button name=deny>Ablehnen</button><button name=accept>Zulassen</button>`),
			"POST /done csrf=x&accept=" + landing},
		"consent by an image": {consent(`<input type=image alt=Continue name=go>`), "POST /done csrf=x&go.x=1&go.y=1" + landing},
		"consent in two forms": {map[string]string{"/start": `<form method=post action=/deny><button>Continue without</button></form>
			<form method=post action=/done><button name=a value=1>Grant</button></form>`}, "POST /done a=1" + landing},
		"the only button": {consent(`<button>Weiter</button>`), "POST /done csrf=x" + landing},
		"a page that submits itself": {map[string]string{
			"/start": `<body onload="document.forms[0].submit()"><script>1</script><form method=post action=/done><input type=hidden name=SAMLRequest value=abc></form>`,
		}, "POST /done SAMLRequest=abc" + landing},
		"form_post": {map[string]string{"/start": "file:form-post"}, "POST /callback code=c0de&state=s%261"},
		"form_post with an error, as oidc-provider sends it": {map[string]string{
			"/start": `400 <body onload="document.forms[0].submit()"><form method=post action=CALLBACK><input type=hidden name=error value=login_required></form>`,
		}, "POST /callback error=login_required"},
		"307 keeps method and body": {map[string]string{"/start": login, "/done": "307 /again", "/again": "303 CALLBACK?code=c0de&state=s1"}, "POST /done " + userPW + "\nPOST /again " + userPW + landing},
		"302 makes a GET":           {map[string]string{"/start": login, "/done": "302 CALLBACK?code=c0de&state=s1"}, "POST /done " + userPW + landing},
		"a fragment answer":         {map[string]string{"/start": "303 CALLBACK#access_token=x"}, "GET /callback"},
		"the answer's refusal is the flow's to tell": {map[string]string{"/start": "303 /done", "/callback": "403 no"},
			"GET /done" + landing},
		"oidc-provider":                {map[string]string{"/start": "file:oidc-provider-login"}, "POST /done login=alice%40example.com&password=pass+%26+wOrd%2B1&otp=" + landing},
		"oidc-provider's own page":     {map[string]string{"/start": "file:oidc-provider-interactions"}, "POST /done prompt=login&login=alice%40example.com&password=pass+%26+wOrd%2B1" + landing},
		"Keycloak":                     {map[string]string{"/start": "file:keycloak-login"}, "POST /done?session_code=x&execution=y&tab_id=z username=alice%40example.com&password=pass+%26+wOrd%2B1&credentialId=&login=Sign+In" + landing},
		"Keycloak's consent":           {map[string]string{"/start": "file:keycloak-consent"}, "POST /done code=the-code&accept=Yes" + landing},
		"the consent page of Hydra":    {map[string]string{"/start": "file:hydra-consent"}, "POST /done challenge=abc&_csrf=t0k%22en&grant_scope=openid&submit=Allow+access" + landing},
		"a page hidden against frames": {map[string]string{"/start": `<body style="display:none">` + login}, "POST /done " + userPW + landing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.pages)
			if err := s.visit(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if got := s.after(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestFormsRefuses(t *testing.T) {
	t.Parallel()
	none := func(o *Options, _ *Visit) { o.Username, o.Password = "", secret.String{} }
	tests := map[string]struct {
		pages  map[string]string
		change func(*Options, *Visit)
		kind   fault.Kind
		id     string
		says   []string // in the error or its hint
		after  string   // the requests behind the first
	}{
		"a wrong password": {pages: map[string]string{"/start": "file:keycloak-login", "/done": "file:keycloak-refused"},
			kind: fault.Denied, id: "useragent.password-refused", says: []string{"SITE/done asks for the password again: Invalid username or password."},
			after: "POST /done?session_code=x&execution=y&tab_id=z username=alice%40example.com&password=pass+%26+wOrd%2B1&credentialId=&login=Sign+In"},
		"a wrong user name": {pages: map[string]string{"/start": `<form method=post><input name=email><p role=alert>no such user</p></form>`},
			kind: fault.Denied, id: "useragent.password-refused", says: []string{"the user name again: no such user"},
			after: "POST /start?client_id=c&state=s1 email=alice%40example.com"},
		"a page that repeats the password": {pages: map[string]string{"/start": login, "/done": "400 <p class=error>pass &amp; wOrd+1 is wrong"},
			kind: fault.Denied, id: "useragent.page", says: []string{"[secret, 13 bytes] is wrong"}, after: "POST /done " + userPW},
		"no user name": {pages: map[string]string{"/start": login}, change: none,
			kind: fault.Usage, id: "useragent.credentials", says: []string{"--username NAME", "RELY_PASSWORD"}},
		"no user name for an identifier": {pages: map[string]string{"/start": `<form><input name=email></form>`}, change: none,
			kind: fault.Usage, id: "useragent.credentials"},
		"a form that sends the password elsewhere": {pages: map[string]string{"/start": strings.Replace(login, "/done", "OTHER/done", 1)},
			kind: fault.Protocol, id: "useragent.origin", says: []string{"SITE/start sends the password to OTHER"}},
		"a button that sends the password elsewhere": {pages: map[string]string{"/start": strings.Replace(login, "<button", "<button formaction=OTHER/done", 1)},
			kind: fault.Protocol, id: "useragent.origin", says: []string{"OTHER"}},
		"a login page elsewhere": {pages: map[string]string{"/start": "302 OTHER/login", "/login": login},
			kind: fault.Protocol, id: "useragent.origin", says: []string{"OTHER"}, after: "GET /login"},
		"an action on plain http": {pages: map[string]string{"/start": strings.Replace(login, "/done", "http://op.example/done", 1)},
			change: func(_ *Options, v *Visit) { v.Origins = append(v.Origins, "http://op.example") },
			kind:   fault.Protocol, id: "useragent.origin", says: []string{"http://op.example"}},
		"a password passed on to another origin": {pages: map[string]string{"/start": login, "/done": "307 OTHER/steal"},
			kind: fault.Protocol, id: "useragent.origin", says: []string{"OTHER"}, after: "POST /done " + userPW},
		"a password in a URL": {pages: map[string]string{"/start": strings.Replace(login, "method=post", "", 1)},
			kind: fault.Denied, id: "useragent.page", says: []string{"put the password into a URL", "needs scripts"}},
		"an action that is a script": {pages: map[string]string{"/start": `<form action="javascript:go()"><button>Continue</button></form>`},
			kind: fault.Protocol, id: "useragent.url", says: []string{"javascript"}},
		"a redirect to a file":       {pages: map[string]string{"/start": "302 file:///etc/passwd"}, kind: fault.Protocol, id: "useragent.url"},
		"a redirect with a user":     {pages: map[string]string{"/start": "302 https://a:b@op.example/"}, kind: fault.Protocol, id: "useragent.url"},
		"a redirect to plain http":   {pages: map[string]string{"/start": "302 http://op.example/"}, kind: fault.Protocol, id: "useragent.url"},
		"a refresh to data":          {pages: map[string]string{"/start": `<meta http-equiv=refresh content="0;url=data:text/html,x">`}, kind: fault.Protocol, id: "useragent.url"},
		"a start that is no web URL": {pages: nil, change: func(_ *Options, v *Visit) { v.URL = "file:///etc/passwd" }, kind: fault.Protocol, id: "useragent.url"},
		"a redirect loop": {pages: map[string]string{"/start": "302 /start"},
			kind: fault.Protocol, id: "useragent.limit", says: []string{"no end after 30 requests"}, after: strings.TrimSuffix(strings.Repeat("GET /start\n", 29), "\n")},
		"an error page": {pages: map[string]string{"/start": "400 <title>Oops</title><nav>menu</nav><p>invalid \x1b[31m redirect_uri<button>Continue</button>"},
			kind: fault.Denied, id: "useragent.page", says: []string{"SITE/start answered 400: Oops: menu invalid \x1b[31m redirect_uri", "redirect URI that the provider has registered"}},
		"a broken provider": {pages: map[string]string{"/start": "500 <title>Down</title><p>for maintenance"},
			kind: fault.Network, id: "useragent.page", says: []string{"answered 500: Down: for maintenance"}},
		"a page without a form": {pages: map[string]string{"/start": "<p>Hello"}, kind: fault.Denied, id: "useragent.page", says: []string{"answered 200: Hello", "--browser system"}},
		"a page that asks for a code": {pages: map[string]string{"/start": `<form method=post><label for=c>Code</label><input id=c name=otp><button>Verify</button></form>`},
			kind: fault.Usage, id: "useragent.credentials", says: []string{"asks for a one-time code", "--totp-secret-file"}},
		"a login form that asks for a code": {pages: map[string]string{"/start": strings.Replace(login, "<button", "<input name=otp required><button", 1)},
			kind: fault.Usage, id: "useragent.credentials", says: []string{"--totp-secret-file"}},
		"a code form in a URL": {pages: map[string]string{"/start": `<form><input name=otp><button>Verify</button></form>`}, change: withCode,
			kind: fault.Denied, id: "useragent.page", says: []string{"into a URL"}},
		"a code that is sent elsewhere": {pages: map[string]string{"/start": `<form method=post action=OTHER/done><input name=otp><button>Verify</button></form>`}, change: withCode,
			kind: fault.Protocol, id: "useragent.origin", says: []string{"OTHER"}},
		"a code that is refused": {pages: map[string]string{"/start": `<form method=post action=/start><p role=alert>wrong code</p><input name=otp><button>Verify</button></form>`}, change: withCode,
			kind: fault.Denied, id: "useragent.code-refused", says: []string{"asks for a one-time code again: wrong code", "this machine's clock"}},
		"the code of a device is not ours to give": {pages: map[string]string{"/start": `<form method=post><input name=user_code><button>Continue</button></form>`}, change: withCode,
			kind: fault.Denied, id: "useragent.page", says: []string{"it asks for user_code"}},

		"a login form that asks for more": {pages: map[string]string{"/start": strings.Replace(login, "<button", "<input name=tenant required><button", 1)},
			kind: fault.Denied, id: "useragent.page", says: []string{"it asks for tenant"}},
		"a new password is wanted": {pages: map[string]string{"/start": `<form method=post><input type=password name=a aria-label="New password"><input type=password name=b><button>Submit</button></form>`},
			kind: fault.Denied, id: "useragent.page", says: []string{"it asks for New password"}},
		"only a way to refuse": {pages: map[string]string{"/start": `<form method=post><button>Cancel</button></form>`}, kind: fault.Denied, id: "useragent.page"},
		"two buttons, both unknown": {pages: map[string]string{"/start": `<form method=post><button>Links</button><button>Rechts</button></form>`},
			kind: fault.Denied, id: "useragent.page"},
		"PingOne needs scripts": {pages: map[string]string{"/start": "file:pingone"},
			kind: fault.Denied, id: "useragent.page", says: []string{"PingOne: You need to enable JavaScript", "this page needs scripts"}},
		"Okta needs scripts": {pages: map[string]string{"/start": "file:okta"},
			kind: fault.Denied, id: "useragent.page", says: []string{"Example - Sign In: Javascript is required", "this page needs scripts"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.pages)
			err := s.visit(t.Context(), tt.change)
			f := wantFault(t, err, tt.kind, tt.id)
			names := strings.NewReplacer("SITE", s.URL, "OTHER", strings.Replace(s.URL, "127.0.0.1", "localhost", 1))
			for _, want := range tt.says {
				if got := f.Error() + "\n" + f.Hint; !strings.Contains(got, names.Replace(want)) {
					t.Errorf("got %q, want %q in it", got, names.Replace(want))
				}
			}
			if got := f.Error() + f.Hint; strings.Contains(got, password) || strings.Contains(got, "state=s1") {
				t.Errorf("got %q, want neither password nor query in it", got)
			}
			if tt.change == nil {
				if got := s.after(); got != tt.after {
					t.Errorf("got requests\n%s\nwant\n%s", got, tt.after)
				}
			}
		})
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, id string) *fault.Error {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault %s", err, id)
	}
	if f.Kind != kind || f.ID != id {
		t.Fatalf("got %s %s (%v), want %s %s", f.Kind, f.ID, err, kind, id)
	}
	return f
}

func TestFormsReadsAPageOfLimitedSize(t *testing.T) {
	t.Parallel()
	tests := map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for line := []byte(strings.Repeat("<p>more", 1000)); ; {
				if _, err := w.Write(line); err != nil {
					return
				}
			}
		},
		"small until it is unpacked": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, maxPage+1))
			_ = z.Close()
		},
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			err := newForms(Options{HTTP: server.Client().Transport}).Visit(t.Context(), Visit{URL: server.URL})
			wantFault(t, err, fault.Protocol, "useragent.limit")
		})
	}
}
