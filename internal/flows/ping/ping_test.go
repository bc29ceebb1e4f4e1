package ping

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
)

// open is a desk on a port of its own, and who was warned of what.
func open(t *testing.T) (d *Desk, post func(method, bearer, kind, body string) int, warned *[]string) {
	t.Helper()
	said := httptest.NewUnstartedServer(nil)
	said.StartTLS()
	cert := said.TLS.Certificates[0]
	said.Close()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	_ = l.Close()
	warned = new([]string)
	r := &request.Request{Certificate: func() (*tls.Certificate, error) { return &cert, nil }, Warn: func(text string) { *warned = append(*warned, text) }}
	d, err = Open(t.Context(), r, "https://"+host+"/ciba")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	return d, func(method, bearer, kind, body string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(context.Background(), method, "https://"+host+"/ciba", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		if bearer != "" {
			req.Header.Set("Authorization", bearer)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if rest, _ := io.ReadAll(resp.Body); len(rest) > 0 {
			t.Errorf("got the body %q, want none", rest)
		}
		return resp.StatusCode
	}, warned
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	d, post, warned := open(t)
	d.Expect("the-one")
	token, body := "Bearer "+d.Token().Reveal(), `{"auth_req_id":"the-one"}`
	if len(d.Token().Reveal()) < 43 {
		t.Errorf("got a token of %d characters, want 256 bits", len(d.Token().Reveal()))
	}
	for what, c := range map[string]struct {
		method, bearer, kind, body string
		want                       int
	}{
		"no token":           {"POST", "", "application/json", body, 401},
		"another token":      {"POST", "Bearer guess", "application/json", body, 401},
		"a prefix":           {"POST", token[:len(token)-1], "application/json", body, 401},
		"another scheme":     {"POST", "Basic " + d.Token().Reveal(), "application/json", body, 401},
		"a token in a query": {"POST", "", "application/json", body, 401},
		"GET":                {"GET", token, "application/json", "", 405},
		"a form":             {"POST", token, "application/x-www-form-urlencoded", "auth_req_id=the-one", 415},
		"too large":          {"POST", token, "application/json", `{"auth_req_id":"` + strings.Repeat("x", most) + `"}`, 413},
		"no JSON":            {"POST", token, "application/json", "auth_req_id", 400},
		"a list":             {"POST", token, "application/json", `["the-one"]`, 400},
		"two of them":        {"POST", token, "application/json", `{"auth_req_id":"the-one","auth_req_id":"another"}`, 400},
		"a number":           {"POST", token, "application/json", `{"auth_req_id":1}`, 400},
		"no id":              {"POST", token, "application/json", `{}`, 400},
		"another request":    {"POST", token, "application/json", `{"auth_req_id":"another"}`, 400},
		"tokens":             {"POST", token, "application/json", `{"auth_req_id":"the-one","access_token":"x"}`, 400},
	} {
		if got := post(c.method, c.bearer, c.kind, c.body); got != c.want {
			t.Errorf("%s: got %d, want %d", what, got, c.want)
		}
	}
	select {
	case <-d.Came():
		t.Error("got a notification that was believed, want none")
	default:
	}
	if got := d.Rung(); got.Status != idtoken.Noted {
		t.Errorf("got %+v, want a note", got)
	}
	if len(*warned) != 1 {
		t.Errorf("got %d warnings, want one however many strangers come: %q", len(*warned), *warned)
	}
	if got := post("POST", "bearer "+d.Token().Reveal(), "application/json; charset=utf-8", body); got != 204 {
		t.Fatalf("got %d for the provider's own, want 204", got)
	}
	<-d.Came()
	if got := d.Rung(); got.Status != idtoken.Passed {
		t.Errorf("got %+v, want a pass", got)
	}
}

// A provider may be quicker than its own answer.
func TestEarly(t *testing.T) {
	t.Parallel()
	d, post, _ := open(t)
	answered := make(chan int)
	go func() {
		answered <- post("POST", "Bearer "+d.Token().Reveal(), "application/json", `{"auth_req_id":"the-one"}`)
	}()
	d.Expect("the-one")
	if got := <-answered; got != 204 {
		t.Errorf("got %d, want 204", got)
	}
	<-d.Came()
}

func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"", "http://127.0.0.1:1/x", "https://127.0.0.1:1", "https://127.0.0.1:1/", "https://u@127.0.0.1:1/x", "https://127.0.0.1:1/x#y", "::"} {
		if _, err := Open(t.Context(), &request.Request{}, uri); !fault.Is(err, fault.Config) {
			t.Errorf("%q: got %v, want a Config fault", uri, err)
		}
	}
}
