package trace

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rely/internal/secret"
)

func TestTraceStrikesSecretsOut(t *testing.T) {
	t.Parallel()
	const (
		code     = "code-0123456789abcdef"
		verifier = "verifier-0123456789abcdef"
		access   = "access-0123456789abcdef"
		client   = "client-secret-0123456789"
		jwt      = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
	)
	op := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "sid="+access)
		w.Header().Set("Location", "https://rp.example/cb?code="+code+"&scope=openid#access_token="+access)
		_, _ = io.WriteString(w, `{"access_token":"`+access+`","nested":[{"client_secret":"`+client+`"}],"scope":"openid","error_description":"`+client+` is wrong\u001b[31m","hint":"`+jwt+`"}`)
	}))
	defer op.Close()
	var out bytes.Buffer
	tr := &Transport{Base: http.DefaultTransport, Redact: &Redactor{}, Out: &out, Now: time.Now}
	req, _ := http.NewRequest(http.MethodPost, op.URL+"/token?login_hint=alice@op.example", strings.NewReader("grant_type=authorization_code&code="+code+"&code_verifier="+verifier+"&password=pw"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("id", client)
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if !bytes.Contains(body, []byte(access)) {
		t.Error("the answer itself was changed")
	}
	got := out.String()
	for _, s := range []string{code, verifier, access, client, jwt, "password=pw", "\x1b"} {
		if strings.Contains(got, s) {
			t.Errorf("%q shows in\n%s", s, got)
		}
	}
	for _, s := range []string{"> #1 POST", "grant_type=authorization_code", secret.Fingerprint(code), secret.Fingerprint(access), "< #1 200 OK", "scope", "is wrong"} {
		if !strings.Contains(got, s) {
			t.Errorf("%q is missing in\n%s", s, got)
		}
	}
}

func TestRedactorText(t *testing.T) {
	t.Parallel()
	var r Redactor
	r.Learn("a secret+of=mine")
	r.Learn("short")
	for what, c := range map[string]struct{ in, want string }{
		"as it is":            {"bad: a secret+of=mine!", "bad: " + secret.Fingerprint("a secret+of=mine") + "!"},
		"as a URL spells it":  {"?x=a+secret%2Bof%3Dmine", "?x=" + secret.Fingerprint("a secret+of=mine")},
		"too short to strike": {"a short word", "a short word"},
		"no token":            {"eyJ is how they begin", "eyJ is how they begin"},
	} {
		if got := r.Text(c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
}
