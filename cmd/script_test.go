package cmd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rely/internal/app"
	"rely/internal/demoop"
	"rely/internal/demoop/stage"
	"rely/internal/loopback"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// The scripts in testdata/script are the specification. The test binary is
// rely itself, and a person who walks the login page.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"rely":   func() { os.Exit(Main(app.System(), os.Args[1:])) },
		"person": func() { os.Exit(person(os.Args[1:])) },
		"hasty":  func() { os.Exit(hasty(os.Args[1:])) },
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/script")
}

func runScripts(t *testing.T, dir string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"op":       opCommand,
			"expand":   expand,
			"exits":    exits,
			"certfile": certFile,
			"count":    count,
			"nosecret": noSecret,
			"expires":  expires,
			"record":   record,
			"burst":    burst,
			"keyfile":  keyFile,
			"clientid": clientID,
			"stop":     stop,
			"port":     port,
			"signout":  signOutElsewhere,

			"assertion": assertion,
			"github":    github,

			"certificate": certificate,
		},
	})
}

// setup gives each script a home of its own, a password file, and nothing of
// the machine's.
func setup(e *testscript.Env) error {
	e.Setenv("RELY_HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("HOME", filepath.Join(e.WorkDir, "nobody"))
	e.Setenv("GORACE", "atexit_sleep_ms=0")
	e.Setenv("CLOCK", filepath.Join(e.WorkDir, "clock"))
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "SSH_CONNECTION", "SSH_TTY", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy",
		"GITHUB_ACTIONS", "GITLAB_CI", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"} {
		e.Setenv(name, "")
	}
	if runtime.GOOS != "linux" {
		// The keyring would be that of whoever runs the tests.
		e.Setenv("RELY_STORE", "file")
	}
	for name, text := range map[string]string{"alice.pw": demoAlice, "bob.pw": demoBob, "wrong.pw": "not-the-password", "web.secret": "web-secret-0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(e.WorkDir, name), []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// op starts the embedded provider for the rest of the script and sets $ISSUER, and
// $ORIGIN, which has no path:
// op [-http] [-path /PATH] [-ttl DURATION] [-refresh-ttl DURATION] [-grace DURATION] [-sign-in-ttl DURATION] [-secret-ttl DURATION] [-device-ttl DURATION] [-iat TOKEN] [-client SECRET] [FAULT]
func opCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! op")
	}
	o := demoop.Options{DeviceInterval: 100 * time.Millisecond, Now: leapt(filepath.Join(ts.Getenv("WORK"), "clock")), Tick: time.After,
		Notify: func(uri string, form url.Values) { notify(unsafeTransport(), uri, form) },
		Ping: func(uri, bearer string, body []byte) string {
			return tell(unsafeTransport(), uri, "application/json", bearer, body)
		}}
	scheme, path := "https", ""
	for len(args) > 0 {
		switch args[0] {
		case "-legacy":
			o.Legacy = true
		case "-http":
			scheme = "http"
		case "-path":
			args = args[1:]
			path = args[0]
		case "-ttl", "-secret-ttl", "-device-ttl", "-refresh-ttl", "-grace", "-sign-in-ttl":
			d, err := time.ParseDuration(args[1])
			ts.Check(err)
			*map[string]*time.Duration{"-ttl": &o.AccessTTL, "-secret-ttl": &o.SecretTTL, "-device-ttl": &o.DeviceTTL,
				"-refresh-ttl": &o.RefreshTTL, "-grace": &o.RefreshGrace, "-sign-in-ttl": &o.SignInTTL}[args[0]] = d
			args = args[1:]
		case "-iat":
			args = args[1:]
			o.InitialAccessToken = secret.New(args[0])
		case "-client":
			args = args[1:]
			o.Clients = []demoop.Client{{ID: "odd", Secret: secret.New(args[0]), GrantTypes: []string{"authorization_code", "client_credentials"}, Scopes: []string{"api:read"}}}
		default:
			o.Faults = append(o.Faults, args[0])
		}
		args = args[1:]
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	o.Issuer = scheme + "://" + l.Addr().String() + path
	s, err := demoop.New(o)
	ts.Check(err)
	if scheme == "https" {
		// In the script's own state folder, so that rely trusts it.
		authority, err := loopback.OpenAuthority(filepath.Join(ts.Getenv("RELY_HOME"), "state", "authority"), time.Now)
		ts.Check(err)
		cert, err := authority.Certificate()
		ts.Check(err)
		c, err := stage.TLS(*cert, o.Faults)
		ts.Check(err)
		l = tls.NewListener(l, c)
	}
	server := &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() { s.Close(); _ = server.Close() })
	servers.Store(ts.Getenv("WORK"), server)
	ts.Setenv("ISSUER", o.Issuer)
	ts.Setenv("ORIGIN", strings.TrimSuffix(o.Issuer, path))
	ts.Setenv("AUTHORITY", strings.SplitN(o.Issuer, "/", 4)[2])
	current.Store(ts.Getenv("WORK"), s)
}

// servers are the listeners of the providers that "op" started last.
var servers sync.Map

// stop ends the script's provider: nobody answers there any more.
func stop(ts *testscript.TestScript, neg bool, args []string) {
	s, _ := servers.Load(ts.Getenv("WORK"))
	ts.Check(s.(*http.Server).Close())
}

// expand puts variables into a file of the script: expand demosite.cfg
func expand(ts *testscript.TestScript, neg bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// exits checks a command's exit code: exits 6 rely login ...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var x *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &x) {
		got = x.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// count checks how often the provider was asked: count 1 'token refresh_token'
func count(ts *testscript.TestScript, neg bool, args []string) {
	s, _ := current.Load(ts.Getenv("WORK"))
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := s.(*demoop.Server).Stats()[args[1]]; got != want {
		ts.Fatalf("the provider saw %d of %q, want %d", got, args[1], want)
	}
}

// clientSecrets are the secrets and registration tokens in the script's store.
func clientSecrets(ts *testscript.TestScript) []string {
	found, err := filepath.Glob(filepath.Join(ts.Getenv("RELY_HOME"), "state", "clients", "*.json"))
	ts.Check(err)
	var out []string
	for _, path := range found {
		var c struct {
			Secret string `json:"client_secret"`
			Token  string `json:"registration_access_token"`
			Keys   string `json:"keys"`
		}
		data, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(json.Unmarshal(data, &c))
		for _, s := range []string{c.Secret, c.Token} {
			if len(s) > 5 {
				out = append(out, s)
			}
		}
		for _, m := range regexp.MustCompile(`"d":"([^"]+)"`).FindAllStringSubmatch(c.Keys, -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// noSecret fails when the last output holds a secret of the embedded provider,
// of the script's own clients, or anything in the shape of a signed token.
func noSecret(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range []string{"stdout", "stderr"} {
		text := ts.ReadFile(name)
		for _, s := range append(clientSecrets(ts), demoAlice, demoBob, "web-secret-", "service-secret-", "not-the-password") {
			if strings.Contains(text, s) {
				ts.Fatalf("%s holds the secret %q", name, s)
			}
		}
		if token := regexp.MustCompile(`eyJ[\w-]{10,}\.`).FindString(text); token != "" {
			ts.Fatalf("%s holds the token %s", name, token)
		}
	}
}

// record changes a member of a profile's client record, as if it had been
// another one that was kept: record PROFILE MEMBER VALUE
func record(ts *testscript.TestScript, neg bool, args []string) {
	found, err := filepath.Glob(filepath.Join(ts.Getenv("RELY_HOME"), "state", "clients", args[0]+"-*.json"))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d client records of %s", len(found), args[0])
	}
	ts.Check(change(found[0], args[1], args[2]))
}

// expires turns the access token of a profile's session old, as if time had
// passed: expires PROFILE
func expires(ts *testscript.TestScript, neg bool, args []string) {
	found, err := filepath.Glob(filepath.Join(ts.Getenv("RELY_HOME"), "state", "sessions", args[0]+"-*.json"))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d sessions of %s", len(found), args[0])
	}
	ts.Check(age(found[0]))
}

// person is somebody with a browser: person [--jar FILE] [--after-strangers] NAME|--deny|--refuse URL.
// With a FILE the browser keeps its cookies from one visit to the next.
func person(args []string) int {
	transport := unsafeTransport()
	if args[0] == "--jar" {
		transport = &jar{file: args[1], base: transport}
		args = args[2:]
	}
	address := args[len(args)-1]
	u, err := url.Parse(address)
	if err != nil {
		return 2
	}
	switch args[0] {
	case "--deny":
		return deny(u)
	case "--refuse":
		return refuse(u)
	case "--after-strangers":
		if code := intrude(u); code != 0 {
			return code
		}
		args = args[1:]
	}
	passwords := map[string]string{"alice": demoAlice, "bob": demoBob}
	agent, err := useragent.Choose("forms", useragent.Options{HTTP: transport, Username: args[0], Password: secret.New(passwords[args[0]]), Now: time.Now})
	if err != nil {
		return 2
	}
	err = agent.Visit(context.Background(), useragent.Visit{URL: address, RedirectURI: u.Query().Get("redirect_uri"), Origins: []string{u.Scheme + "://" + u.Host}, SignOut: !u.Query().Has("client_id") && !u.Query().Has("user_code")})
	if err != nil {
		fmt.Fprintln(os.Stderr, "person:", err)
		return 1
	}
	if j, is := transport.(*jar); is && j.next != "" {
		return person([]string{"--jar", j.file, args[0], j.next})
	}
	return 0
}

// deny answers the request as a provider does whose user said no.
func deny(u *url.URL) int {
	q := u.Query()
	if q.Has("user_code") {
		return denyDevice(u)
	}
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		return 2
	}
	back.RawQuery = url.Values{"error": {"access_denied"}, "error_description": {"alice said no"}, "state": {q.Get("state")}, "iss": {u.Scheme + "://" + u.Host}}.Encode()
	resp, err := (&http.Client{Transport: unsafeTransport()}).Get(back.String())
	if err != nil {
		fmt.Fprintln(os.Stderr, "person:", err)
		return 1
	}
	_ = resp.Body.Close()
	return 0
}

// unsafeTransport checks no certificate: the person clicks the warning away.
func unsafeTransport() http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DialContext: exampleHere}
}

// current is the provider that each script talks to, by its work folder.
var current sync.Map

// age sets a session file's expiry into the past.
func age(path string) error {
	return change(path, "expiry", time.Now().Add(-time.Minute).UTC().Format(time.RFC3339))
}

// change sets a member of a JSON file.
func change(path, member, value string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var record map[string]any
	if err := json.Unmarshal(data, &record); err != nil {
		return err
	}
	record[member] = value
	if data, err = json.Marshal(record); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
