package demoop_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

type deviceAnswer struct {
	Code     string  `json:"device_code"`
	User     string  `json:"user_code"`
	Page     string  `json:"verification_uri"`
	Complete string  `json:"verification_uri_complete"`
	Expires  float64 `json:"expires_in"`
	Interval float64 `json:"interval"`
}

const formHead = "Content-Type: application/x-www-form-urlencoded\n"

// lookAtDevice begins a sign-in on a device and asks for its tokens once.
func (o *op) lookAtDevice() (authorization, poll seen) {
	var d deviceAnswer
	authorization, body := o.look("POST", "/device_authorization", formHead, "client_id=demo&scope=openid")
	_ = json.Unmarshal([]byte(body), &d)
	authorization["body"] = regexp.MustCompile(`[A-Z]{4}-[A-Z]{4}`).ReplaceAllString(authorization["body"].(string), "CODE")
	form := url.Values{"grant_type": {deviceGrant}, "client_id": {"demo"}, "device_code": {d.Code}}
	poll, _ = o.look("POST", "/token", formHead, form.Encode())
	return authorization, poll
}

func TestDevice(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ login, consent, want string }{
		"allowed":                {"login", "allow", "access_token"},
		"denied at the consent":  {"login", "deny", "access_denied"},
		"denied at the sign-in":  {"deny", "", "access_denied"},
		"nobody has decided yet": {"login", "", "authorization_pending"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := start(t, "", nil)
			var d deviceAnswer
			_, body := o.look("POST", "/device_authorization", formHead, "client_id=demo&scope=openid+email")
			if err := json.Unmarshal([]byte(body), &d); err != nil || d.Expires != 600 || d.Interval != 1 || d.Complete != d.Page+"?user_code="+d.User {
				t.Fatalf("got %s", body)
			}
			b := o.browser()
			page := o.post(b, "/device", url.Values{"user_code": {strings.ToLower(d.User)}})
			page = o.fill(b, page, "username", "alice", "password", "wonderland-1865", "action", c.login)
			if to := page.Header.Get("Location"); to != "" {
				page = o.get(b, to)
			}
			if c.consent != "" {
				if !strings.Contains(page.body, d.User) {
					t.Errorf("the consent page does not show the code: %s", page.body)
				}
				o.fill(b, page, "action", c.consent)
			}
			form := url.Values{"grant_type": {deviceGrant}, "client_id": {"demo"}, "device_code": {d.Code}}
			_, got := o.look("POST", "/token", formHead, form.Encode())
			if !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("who may not, and what is no code", func(t *testing.T) {
		t.Parallel()
		o := start(t, "", nil)
		for form, want := range map[string]string{
			"client_id=web&scope=openid":             "invalid_client",
			"client_id=demo&scope=nothing":           "invalid_scope",
			"client_id=demo&scope=openid&scope=more": "invalid_request",
		} {
			if _, got := o.look("POST", "/device_authorization", formHead, form); !strings.Contains(got, want) {
				t.Errorf("%s: got %s, want %s", form, got, want)
			}
		}
		service := "Authorization: Basic c2VydmljZTpzZXJ2aWNlLXNlY3JldC0wMTIzNDU2Nzg5YWJjZGVm\n"
		if _, got := o.look("POST", "/device_authorization", formHead+service, "scope=api:read"); !strings.Contains(got, "unauthorized_client") {
			t.Errorf("got %s, want unauthorized_client", got)
		}
		if got := o.post(o.http, "/device", url.Values{"user_code": {"BCDF-GHJK"}}).body; !strings.Contains(got, "no such code") {
			t.Errorf("got %s", got)
		}
	})
}
