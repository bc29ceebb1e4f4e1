package useragent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"rely/internal/fault"
	"rely/internal/recipe"
	"rely/internal/secret"
	"rely/internal/useragent/capture"
	"rely/internal/useragent/chrome"
)

// browse is visit with a real browser, in a temporary folder that has to be
// empty afterwards.
func (s *site) browse(ctx context.Context, t *testing.T, change func(*Options, *Visit)) error {
	t.Helper()
	var agent Agent
	o := Options{HTTP: s.Client().Transport, Username: "alice@example.com", Password: secret.New(password), Env: os.Environ(), Getenv: os.Getenv, Root: os.Geteuid() == 0}
	v := Visit{URL: s.URL + "/start?client_id=c&state=s1", RedirectURI: s.callback(), Origins: []string{s.URL}}
	if change != nil {
		change(&o, &v)
	}
	if _, err := chrome.Find(runtime.GOOS, o.getenv); err != nil {
		t.Skipf("no browser here: %v", err)
	}
	at := seats()
	at <- struct{}{}
	defer func() { <-at }()
	agent = newChromium(o)
	defer Dismiss(agent)
	return agent.Visit(ctx, v)
}

// seats are for browsers: more of them than processors, and each is late.
var seats = sync.OnceValue(func() chan struct{} { return make(chan struct{}, max(2, runtime.NumCPU()/2)) })

// late draws a page with a script, after a while and without a form of HTML.
const late = `<div id=root>Loading</div><script>
setTimeout(() => { document.getElementById("root").innerHTML =
  '<p role=alert id=e></p><label>User name <input id=u></label><label>Password <input type=password id=p></label><div role=button id=b>Sign in</div>';
  b.onclick = async () => { const r = await fetch("/api", {method: "POST", body: JSON.stringify({u: u.value, p: p.value})});
    if (r.ok) location = "/done"; else e.textContent = "Nobody of that name"; };
}, 600)</script>`

func TestChromeSignsIn(t *testing.T) {
	t.Parallel()
	api := "\nPOST /api {\"u\":\"alice@example.com\",\"p\":\"pass & wOrd+1\"}"
	tests := map[string]struct {
		pages map[string]string
		want  string
	}{
		"a form without scripts": {map[string]string{"/start": login}, "POST /done " + userPW + landing},
		"a page that a script draws late": {map[string]string{"/start": late, "/api": "200 "},
			strings.TrimPrefix(api, "\n") + "\nGET /done" + landing},
		"who first, then the password, then a code a digit each, then consent": {map[string]string{
			"/start":    `<form method=post action=/password><input name=username autocomplete=username><button type=button>Help</button><button>Next</button></form>`,
			"/password": `<form method=post action=/code><input type=password name=password><label><input type=checkbox name=tos required>I accept the terms</label><button>Sign in</button></form>`,
			"/code": `<form method=post action=/consent id=f>` + strings.Repeat(`<input maxlength=1 inputmode=numeric>`, 6) + `<input type=hidden name=code id=c></form>
				<script>const all = [...document.querySelectorAll("input[maxlength]")];
				all.forEach((e, i) => e.addEventListener("input", () => { c.value = all.map((e) => e.value).join(""); if (c.value.length === 6) f.submit(); else if (i < 5) all[i + 1].focus(); }));</script>`,
			"/consent": `<form method=post action=/done><select name=s><option>x<option selected>y</select><input type=checkbox name=scope value=email><button name=no>Cancel</button><button name=ok value=1>Allow</button></form>`,
		}, "POST /password username=alice%40example.com\nPOST /code password=pass+%26+wOrd%2B1&tos=on\nPOST /consent code=287082\nPOST /done s=y&scope=email&ok=1" + landing},
		"fields in a shadow root": {map[string]string{"/start": `<x-login></x-login><script>customElements.define("x-login", class extends HTMLElement {
			connectedCallback() { this.attachShadow({mode: "open"}).innerHTML = '<form method=post action=/done><input name=user><input type=password name=pw><button>Log in</button></form>' } })</script>`},
			"POST /done user=alice%40example.com&pw=pass+%26+wOrd%2B1" + landing},
		"a form in a frame of the provider's": {map[string]string{"/start": `<iframe src=/frame></iframe>`, "/frame": strings.Replace(login, "<form", "<form target=_top", 1)},
			"GET /frame\nPOST /done " + userPW + landing},
		"an answer that a script sends": {map[string]string{"/start": `<form method=post action=CALLBACK><input type=hidden name=code value=c0de></form><script>document.forms[0].submit()</script>`},
			"POST /callback code=c0de"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.pages)
			if err := s.browse(t.Context(), t, withCode); err != nil {
				t.Fatalf("%v, after\n%s", err, s.after())
			}
			if got := s.after(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// What a hostile or broken page may not have.
func TestChromeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pages map[string]string
		kind  fault.Kind
		id    string
		says  string
	}{
		"a wrong password":           {map[string]string{"/start": late, "/api": "401 "}, fault.Denied, "useragent.password-refused", "Nobody of that name"},
		"a page of another origin":   {map[string]string{"/start": "303 OTHER/evil", "/evil": login}, fault.Protocol, "useragent.origin", "localhost"},
		"a frame of another origin":  {map[string]string{"/start": `<script></script><iframe src="OTHER/evil"></iframe>`, "/evil": login}, fault.Denied, "useragent.page", "answered 200"},
		"a form to another origin":   {map[string]string{"/start": strings.Replace(login, "/done", "OTHER/done", 1)}, fault.Protocol, "useragent.origin", "localhost"},
		"a script to another origin": {map[string]string{"/start": strings.Replace(late, `"/api"`, `"OTHER/api"`, 1)}, fault.Protocol, "useragent.origin", "sends the password to"},
		"a redirect with the body":   {map[string]string{"/start": strings.Replace(login, "/done", "/on", 1), "/on": "307 OTHER/done"}, fault.Protocol, "useragent.origin", "localhost"},
		"a password in a URL":        {map[string]string{"/start": strings.Replace(login, "method=post", "", 1)}, fault.Protocol, "useragent.origin", "into a URL"},
		"a page that says nothing":   {map[string]string{"/start": `<title>Hm</title><script></script><p>Look at the camera.`}, fault.Denied, "useragent.page", "Look at the camera."},
		"an error page":              {map[string]string{"/start": `400 <h1>Unknown client</h1>`}, fault.Denied, "useragent.page", "answered 400: Unknown client"},
		"a page that is plain http":  {map[string]string{"/start": `303 http://op.example/`}, fault.Protocol, "useragent.url", "not on loopback"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.pages)
			f := wantFault(t, s.browse(t.Context(), t, nil), tt.kind, tt.id)
			if !strings.Contains(f.Error(), tt.says) || strings.Contains(f.Error(), password) {
				t.Errorf("got %q, want %q in it and no password", f, tt.says)
			}
			for _, line := range strings.Split(s.after(), "\n") {
				if path, _, _ := strings.Cut(line, " "); strings.Contains(line, url.QueryEscape(password)) && (strings.Contains(line, "?") || path == "GET") {
					t.Errorf("got %q sent", line)
				}
			}
		})
	}
}

func TestChromeFollowsARecipe(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"/start": `<p>Welcome</p><a href=/done?who=guest>alice@example.com</a>
		<script>setTimeout(() => document.body.insertAdjacentHTML("beforeend", '<a href="/tenant">Another tenant</a>'), 500)</script>`,
		"/tenant": `<form method=post action=/done><select name=t><option>a<option>b</select><input type=checkbox name=c checked><input name=who><button>Go</button></form>`})
	err := s.browse(t.Context(), t, recipeOf(t, `
  - match: {text: Welcome}
    wait: {text: Another tenant, for: 5s}
    click: Another tenant
    expect: {field: t}
  - match: {field: t}
    fill: [{field: t, text: b}, {field: c, text: "off"}, {field: who, value: username}]
    click: Go`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.after(), "GET /tenant\nPOST /done t=b&who=alice%40example.com"+landing; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What chrome recorded at a page of scripts does the same again.
func TestChromeRecords(t *testing.T) {
	t.Parallel()
	pages := map[string]string{"/start": late, "/api": "200 "}
	var draft recipe.Recipe
	first := newSite(t, pages)
	if err := first.browse(t.Context(), t, func(o *Options, _ *Visit) { o.Record = func(s recipe.Step) { draft.Steps = append(draft.Steps, s) } }); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(draft.YAML()), first.URL, "")
	if strings.Contains(text, password) || strings.Contains(text, "alice") {
		t.Errorf("got %s, want neither password nor name in it", text)
	}
	again, err := recipe.Parse("draft.yaml", []byte(text))
	if err != nil || len(again.Steps) != 1 {
		t.Fatalf("got %v and %d steps from %s, want 1", err, len(again.Steps), text)
	}
	s := newSite(t, pages)
	if err := s.browse(t.Context(), t, func(o *Options, _ *Visit) { o.Recipe = again }); err != nil {
		t.Fatal(err)
	}
}

// The page is kept with a picture; neither shows what was typed.
func TestChromeKeepsThePage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newSite(t, map[string]string{"/start": strings.Replace(login, "/done", "/second", 1),
		"/second": `<title>Odd one</title><p>You typed pass &amp; wOrd+1</p><input value=287082><p>Look at the camera.`})
	err := s.browse(t.Context(), t, func(o *Options, _ *Visit) {
		o.Pages = &capture.Folder{Dir: dir, Redact: func(s string) string { return strings.ReplaceAll(s, password, "[secret]") }}
	})
	f := wantFault(t, err, fault.Denied, "useragent.page")
	for _, end := range []string{".html", ".png"} {
		path := filepath.Join(dir, "001-odd-one"+end)
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(f.Error(), path) {
			t.Fatalf("got %v and %q, want the file %s named", err, f, path)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
		}
		if end == ".png" && !strings.HasPrefix(string(data), "\x89PNG") || end == ".html" && strings.Contains(string(data), "wOrd") {
			t.Errorf("got %.80q in %s", data, path)
		}
	}
}

// Nothing is left behind, whatever ends the browser. Not parallel: TMPDIR is
// the process's.
func TestChromeLeavesNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it kills with a signal")
	}
	dir, err := os.MkdirTemp("/tmp", "rely") // t's own is too long for a browser's sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	own := t.TempDir()
	t.Setenv("TMPDIR", dir)
	left := func(what string) {
		t.Helper()
		if there, err := os.ReadDir(dir); err != nil || len(there) > 0 {
			t.Errorf("%s: got %v, %v left in the temporary folder, want nothing", what, there, err)
		}
	}
	s := newSite(t, map[string]string{"/start": login})
	if err := s.browse(t.Context(), t, nil); err != nil {
		t.Fatal(err)
	}
	left("a sign-in")

	ctx, cancel := context.WithCancel(t.Context())
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	err = s.browse(ctx, t, func(_ *Options, v *Visit) { v.URL = hanging.URL })
	wantFault(t, err, fault.Cancelled, "useragent.cancelled")
	left("Ctrl-C")

	// The browser is killed while it asks for a page.
	real, err := chrome.Find(runtime.GOOS, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	pid, wrapper := filepath.Join(own, "pid"), filepath.Join(own, "wrapper")
	if err := os.WriteFile(wrapper, []byte("#!/bin/sh\necho $$ >"+pid+"\nexec "+real+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	deadly := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n int
		data, _ := os.ReadFile(pid)
		if _, err := fmt.Sscan(string(data), &n); err == nil && n > 1 {
			if p, err := os.FindProcess(n); err == nil {
				_ = p.Kill()
			}
		}
		<-r.Context().Done()
	}))
	t.Cleanup(deadly.Close)
	err = s.browse(t.Context(), t, func(o *Options, v *Visit) {
		v.URL, o.Getenv = deadly.URL, func(name string) string { return map[string]string{chrome.Variable: wrapper}[name] }
	})
	if f := wantFault(t, err, fault.Config, "useragent.chrome"); !strings.Contains(f.Error(), "ended by itself") {
		t.Errorf("got %q, want it to say that the browser ended", f)
	}
	left("a crash")

	// A program that is no browser, and says what it was given.
	note := filepath.Join(own, "note")
	program := filepath.Join(own, "chrome")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nenv >"+note+"\necho \"$*\" >>"+note+"\necho no luck today >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	err = s.browse(t.Context(), t, func(o *Options, _ *Visit) {
		o.Getenv = func(name string) string { return map[string]string{chrome.Variable: program}[name] }
		o.Env = append(os.Environ(), "AWS_SECRET_ACCESS_KEY=hush-hush")
	})
	if f := wantFault(t, err, fault.Config, "useragent.chrome"); !strings.Contains(f.Error(), "no luck today") {
		t.Errorf("got %q, want what the program said", f)
	}
	left("a browser that does not start")
	given, err := os.ReadFile(note)
	if err != nil || strings.Contains(string(given), "hush-hush") || strings.Contains(string(given), password) || !strings.Contains(string(given), "PATH=") {
		t.Errorf("got the environment and arguments %s (%v), want no secret in them", given, err)
	}
	for _, flag := range []string{"--ignore-certificate-errors", "--remote-debugging-port", "--disable-web-security"} {
		if strings.Contains(string(given), flag) {
			t.Errorf("got %s among the arguments", flag)
		}
	}
}

// A certificate that Options.HTTP does not trust is no more trusted here.
func TestChromeTrustsNoOtherCertificate(t *testing.T) {
	t.Parallel()
	s := &site{pages: map[string]string{"/start": login}}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	err := s.browse(t.Context(), t, func(o *Options, _ *Visit) { o.HTTP = http.DefaultTransport })
	wantFault(t, err, fault.Network, "useragent.network")
	if err := s.browse(t.Context(), t, nil); err != nil {
		t.Errorf("got %v from one that trusts it, want nil", err)
	}
}

func TestChromeIsFound(t *testing.T) {
	t.Parallel()
	_, err := chrome.Find("linux", func(string) string { return "/no/such/chrome" })
	if err == nil || !strings.Contains(err.Error(), "CHROME_PATH") {
		t.Errorf("got %v, want the variable named", err)
	}
	err = chromiumPossible(Options{OS: "linux", Getenv: func(name string) string { return "/no/such/" + name }})
	if f := wantFault(t, err, fault.Config, "useragent.impossible"); !strings.Contains(f.Hint, "Chromium") || errors.Is(f, fs.ErrExist) {
		t.Errorf("got the hint %q, want it to say what to install", f.Hint)
	}
}
