package demoop_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"rely/internal/demoop"
)

const notification = "a-token-that-only-this-client-and-the-provider-know"

// pinged has alice asked by a client that is registered for ping, and gives
// what it hears, and what the token endpoint says to a request that comes then.
func pinged(t *testing.T, faults ...string) seen {
	t.Helper()
	out, done := seen{"heard": 0}, make(chan string, 1)
	var heard []string
	o := start(t, "", func(opt *demoop.Options) {
		opt.Faults = faults
		opt.Ping = func(uri, bearer string, body []byte) string {
			heard = append(heard, uri+" "+bearer+" "+string(body))
			return "204"
		}
		opt.Log = func(line string) {
			if strings.HasPrefix(line, "PING ") {
				done <- line
			}
		}
	})
	id := o.pingClient()
	form := url.Values{"client_id": {id}, "scope": {"openid"}, "login_hint": {"alice"}, "client_notification_token": {notification}}
	_, body := o.look("POST", "/backchannel", "Content-Type: application/x-www-form-urlencoded", form.Encode())
	var m struct {
		ID string `json:"auth_req_id"`
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil || m.ID == "" {
		t.Fatalf("got %s, want an auth_req_id", body)
	}
	out["log"] = <-done // heard is complete, and nobody writes to it any more
	all := strings.Join(heard, "\n")
	out["heard"], out["named"], out["proven"] = len(heard), strings.Contains(all, m.ID), strings.Contains(all, " "+notification+" ")
	out["text"] = o.plain(strings.ReplaceAll(all, id, "CLIENT"))
	_, body = o.look("POST", "/token", "Content-Type: application/x-www-form-urlencoded",
		url.Values{"grant_type": {"urn:openid:params:grant-type:ciba"}, "client_id": {id}, "auth_req_id": {m.ID}}.Encode())
	out["tokens"] = strings.Contains(body, "access_token")
	return out
}

func (o *op) pingClient() string {
	o.t.Helper()
	_, body := o.look("POST", "/register", "Content-Type: application/json", `{"grant_types":["urn:openid:params:grant-type:ciba"],"token_endpoint_auth_method":"none",
		"id_token_signed_response_alg":"ES256","backchannel_token_delivery_mode":"ping","backchannel_client_notification_endpoint":"https://127.0.0.1:8765/ciba"}`)
	var is struct {
		ID string `json:"client_id"`
	}
	if json.Unmarshal([]byte(body), &is) != nil || is.ID == "" {
		o.t.Fatalf("got %s, want a client", body)
	}
	return is.ID
}

func TestPing(t *testing.T) {
	t.Parallel()
	if got := pinged(t); got["heard"] != 1 || got["named"] != true || got["proven"] != true || got["tokens"] != true || got["log"] != "PING https://127.0.0.1:8765/ciba 204" {
		t.Errorf("got %v, want one notification about the request, with its token, and then tokens", got)
	}
}

func TestBackchannelRefusals(t *testing.T) {
	t.Parallel()
	o := start(t, "", nil)
	client := o.pingClient()
	good := url.Values{"client_id": {client}, "scope": {"openid"}, "login_hint": {"alice"}, "client_notification_token": {notification}}
	for what, c := range map[string]struct{ name, value, want string }{
		"no hint":           {"login_hint", "", "invalid_request"},
		"two hints":         {"login_hint_token", "x", "invalid_request"},
		"nobody":            {"login_hint", "nobody", "unknown_user_id"},
		"no openid":         {"scope", "profile", "invalid_scope"},
		"no token":          {"client_notification_token", "", "invalid_request"},
		"a short token":     {"client_notification_token", "short", "invalid_request"},
		"an odd token":      {"client_notification_token", notification + " x", "invalid_request"},
		"a long message":    {"binding_message", strings.Repeat("x", 101), "invalid_binding_message"},
		"a broken object":   {"request", "x", "invalid_request"},
		"nothing is broken": {"acr_values", "x", ""},
	} {
		form := url.Values{}
		for name, values := range good {
			form[name] = values
		}
		form.Set(c.name, c.value)
		_, body := o.look("POST", "/backchannel", "Content-Type: application/x-www-form-urlencoded", form.Encode())
		var is struct{ Error string }
		if json.Unmarshal([]byte(body), &is) != nil || is.Error != c.want {
			t.Errorf("%s: got %s, want %q", what, body, c.want)
		}
	}
	for what, metadata := range map[string]string{
		"no mode":     `"grant_types":["urn:openid:params:grant-type:ciba"]`,
		"push":        `"grant_types":["urn:openid:params:grant-type:ciba"],"backchannel_token_delivery_mode":"push"`,
		"no endpoint": `"grant_types":["urn:openid:params:grant-type:ciba"],"backchannel_token_delivery_mode":"ping"`,
		"http":        `"grant_types":["urn:openid:params:grant-type:ciba"],"backchannel_token_delivery_mode":"ping","backchannel_client_notification_endpoint":"http://127.0.0.1:1/x"`,
		"no grant":    `"redirect_uris":["https://127.0.0.1:1/cb"],"backchannel_token_delivery_mode":"poll"`,
		"HS256":       `"grant_types":["urn:openid:params:grant-type:ciba"],"backchannel_token_delivery_mode":"poll","backchannel_authentication_request_signing_alg":"HS256"`,
	} {
		if s, _ := o.look("POST", "/register", "Content-Type: application/json", `{`+metadata+`}`); s["status"] != 400 {
			t.Errorf("%s: got %v, want a refusal", what, s)
		}
	}
}
