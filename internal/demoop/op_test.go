package demoop_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rely/internal/demoop"
)

// An op is a provider that runs for one test, with a clock the test sets.
type op struct {
	*demoop.Server
	t      *testing.T
	issuer string
	http   *http.Client // trusts the provider, follows nothing
	skew   *atomic.Int64
	clock  func() time.Time
}

const callback = "http://127.0.0.1:8765/cb"

// start runs a provider at path under a fresh TLS server.
func start(t *testing.T, path string, change func(*demoop.Options)) *op {
	t.Helper()
	ts := httptest.NewUnstartedServer(nil)
	ts.StartTLS()
	t.Cleanup(ts.Close)
	skew := &atomic.Int64{}
	began := time.Now()
	o := demoop.Options{Issuer: ts.URL + path, Now: func() time.Time { return began.Add(time.Duration(skew.Load())) }}
	if change != nil {
		change(&o)
	}
	s, err := demoop.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	ts.Config.Handler = s
	c := ts.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &op{s, t, ts.URL + path, c, skew, o.Now}
}

func broken(t *testing.T, faults ...string) *op {
	t.Helper()
	return start(t, "", func(o *demoop.Options) { o.Faults = faults })
}

// half is at_hash for a SHA-256 algorithm.
func half(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// total counts all requests.
func (o *op) total() int {
	n := 0
	for _, c := range o.Stats() {
		n += c
	}
	return n
}

// later moves the provider's clock.
func (o *op) later(d time.Duration) { o.skew.Add(int64(d)) }

// A browser keeps cookies.
func (o *op) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	c := *o.http
	c.Jar = jar
	return &c
}

// An answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (o *op) do(c *http.Client, r *http.Request) answer {
	o.t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer{resp, string(b)}
}

func (o *op) get(c *http.Client, uri string) answer {
	o.t.Helper()
	return o.send(c, "GET", uri, "", "")
}

// send sends body; head is "Name: value" lines.
func (o *op) send(c *http.Client, method, uri, body, head string) answer {
	o.t.Helper()
	if strings.HasPrefix(uri, "/") {
		uri = o.issuer + uri
	}
	r, err := http.NewRequestWithContext(o.t.Context(), method, uri, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	for line := range strings.Lines(head) {
		n, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.Header.Set(n, v)
	}
	return o.do(c, r)
}

func (o *op) post(c *http.Client, uri string, form url.Values, head ...string) answer {
	o.t.Helper()
	return o.send(c, "POST", uri, form.Encode(), strings.Join(append(head, "Content-Type: application/x-www-form-urlencoded"), "\n"))
}

// object reads a JSON answer.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("got %q, want a JSON object: %v", a.body, err)
	}
	return m
}

// where gives the parameters of a redirect to the client.
func (a answer) where(t *testing.T) url.Values {
	t.Helper()
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), callback) {
		t.Fatalf("got %d to %q, want a redirect to the client: %s", a.StatusCode, u, a.body)
	}
	if u.RawQuery == "" {
		q, err := url.ParseQuery(u.EscapedFragment())
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	return u.Query()
}

// A pkce is a verifier and its challenge.
type pkce struct{ verifier, challenge string }

func newPKCE() pkce {
	v := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(v))
	return pkce{v, base64.RawURLEncoding.EncodeToString(sum[:])}
}

// request is a good authorization request of the demo client, with changes: an
// empty value takes a parameter away.
func (o *op) request(p pkce, changes ...string) string {
	q := url.Values{"client_id": {"demo"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile email"},
		"state": {"the-state"}, "nonce": {"the-nonce"}, "code_challenge": {p.challenge}, "code_challenge_method": {"S256"}}
	for i := 0; i < len(changes); i += 2 {
		if q.Del(changes[i]); changes[i+1] != "" {
			q.Set(changes[i], changes[i+1])
		}
	}
	return o.issuer + "/authorize?" + q.Encode()
}

var inputs = regexp.MustCompile(`<input [^>]*name="([^"]*)"[^>]* value="([^"]*)"`)
var action = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// fill posts a page's form back with these values.
func (o *op) fill(c *http.Client, pg answer, values ...string) answer {
	o.t.Helper()
	m := action.FindStringSubmatch(pg.body)
	if m == nil {
		o.t.Fatalf("got %d %q, want a page with a form", pg.StatusCode, pg.body)
	}
	f := url.Values{}
	for _, i := range inputs.FindAllStringSubmatch(pg.body, -1) {
		f.Set(i[1], html.UnescapeString(i[2]))
	}
	for i := 0; i < len(values); i += 2 {
		f.Set(values[i], values[i+1])
	}
	return o.post(c, html.UnescapeString(m[1]), f)
}

// signIn walks the pages as alice and gives the parameters of the answer.
func (o *op) signIn(c *http.Client, uri string) url.Values {
	o.t.Helper()
	a := o.get(c, uri)
	for strings.HasPrefix(a.Header.Get("Location"), "/") { // its own pages
		a = o.get(c, a.Header.Get("Location"))
	}
	if strings.Contains(a.body, `name="password"`) {
		a = o.fill(c, a, "username", "alice", "password", "wonderland-1865", "action", "login")
		a = o.get(c, a.Header.Get("Location"))
	}
	if strings.Contains(a.body, `value="allow"`) {
		a = o.fill(c, a, "action", "allow")
	}
	return a.where(o.t)
}

// redeem sends a code of the demo client.
func (o *op) redeem(code string, p pkce) answer {
	o.t.Helper()
	return o.post(o.http, "/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {"demo"},
		"code": {code}, "redirect_uri": {callback}, "code_verifier": {p.verifier}})
}

// tokens signs alice in and redeems the code.
func (o *op) tokens(changes ...string) map[string]any {
	o.t.Helper()
	p := newPKCE()
	a := o.redeem(o.signIn(o.browser(), o.request(p, changes...)).Get("code"), p)
	if a.StatusCode != http.StatusOK {
		o.t.Fatalf("got %d %s, want tokens", a.StatusCode, a.body)
	}
	return a.object(o.t)
}

func (o *op) refresh(token any) answer {
	o.t.Helper()
	return o.post(o.http, "/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {"demo"}, "refresh_token": {token.(string)}})
}

// want fails unless the answer is this error.
func (a answer) want(t *testing.T, code int, id string) {
	t.Helper()
	if a.StatusCode != code || a.object(t)["error"] != id {
		t.Errorf("got %d %s, want %d %s", a.StatusCode, a.body, code, id)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q, want no-store", got)
	}
}
