package demoop_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/demoop"
)

// notices signs alice in and out, and gives what her client is told: the frame
// in the browser, and the logout token with what its dates are from now.
func notices(t *testing.T, faults ...string) map[string]any {
	t.Helper()
	out := map[string]any{}
	o := start(t, "", func(opt *demoop.Options) {
		opt.Faults = faults
		opt.Notify = func(uri string, form url.Values) { out["to"], out["token"] = uri, form.Get("logout_token") }
	})
	tokens, browser, id := o.registered(`"frontchannel_logout_uri":"http://127.0.0.1:8765/front","backchannel_logout_uri":"http://127.0.0.1:8765/back"`)
	hint, _ := tokens["id_token"].(string)

	// Another browser than the one that signed in: the hint says whose session.
	page := o.fill(browser, o.get(browser, "/logout?"+url.Values{"id_token_hint": {hint}}.Encode()), "action", "logout")
	frame := regexp.MustCompile(`<iframe [^>]*src="([^"]*)"`).FindStringSubmatch(page.body)
	if out["to"] != "http://127.0.0.1:8765/back" || frame == nil {
		t.Fatalf("got %v and the page %s, want a logout token and a frame", out["to"], page.body)
	}
	out["frame"] = o.plain(strings.ReplaceAll(frame[1], id, "CLIENT"))
	parts := strings.Split(out["token"].(string)+"..", ".")
	for n, name := range []string{"header", "claims"} {
		b, _ := base64.RawURLEncoding.DecodeString(parts[n])
		out[name] = o.plain(strings.ReplaceAll(string(b), id, "CLIENT"))
		var dates map[string]any
		if n == 1 && json.Unmarshal(b, &dates) == nil {
			for _, d := range []string{"iat", "exp"} {
				if at, ok := dates[d].(float64); ok {
					out[d] = at - float64(o.now().Unix())
				}
			}
		}
	}
	// The signature is of the good length and alphabet; whether it is right
	// needs the keys.
	set := o.get(o.http, "/jwks").body
	out["signed"] = len(parts[2]) > 0 && verified(out["token"].(string), set)
	delete(out, "token")
	return out
}

func TestHintOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	o := start(t, "", nil)
	m := o.tokens()
	stranger := o.browser()
	page := o.get(stranger, "/logout?"+url.Values{"id_token_hint": {m["id_token"].(string)}}.Encode())
	if !strings.Contains(page.body, "signed in as <strong>alice</strong>") {
		t.Fatalf("got %s, want to be asked about alice", page.body)
	}
	if a := o.fill(stranger, page, "action", "stay"); !strings.Contains(a.body, "Still signed in") {
		t.Errorf("got %s, want nothing changed", a.body)
	}
	page = o.get(stranger, "/logout?"+url.Values{"id_token_hint": {m["id_token"].(string)}}.Encode())
	o.fill(stranger, page, "action", "logout")
	if a := o.send(o.http, "GET", "/userinfo", "", "Authorization: Bearer "+m["access_token"].(string)); a.StatusCode != 401 {
		t.Errorf("got %d for the access token of an ended session, want 401", a.StatusCode)
	}
}

// verified reports whether a published key made the token's signature.
func verified(token, jwks string) bool {
	set, err := jwk.Parse([]byte(jwks))
	if err == nil {
		_, err = jws.Verify([]byte(token), jws.WithKeySet(set, jws.WithRequireKid(false)))
	}
	return err == nil
}

// registered makes a client with further metadata, and signs alice in to it.
func (o *op) registered(metadata string) (tokens map[string]any, browser *http.Client, id string) {
	o.t.Helper()
	made := o.send(o.http, "POST", "/register", `{"redirect_uris":["`+callback+`"],"application_type":"native","token_endpoint_auth_method":"none","id_token_signed_response_alg":"ES256",`+
		metadata+`}`, "Content-Type: application/json").object(o.t)
	id, _ = made["client_id"].(string)
	p := newPKCE()
	browser = o.browser()
	answer := o.signIn(browser, o.request(p, "client_id", id))
	tokens = o.post(o.http, "/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {id}, "code": {answer.Get("code")},
		"redirect_uri": {callback}, "code_verifier": {p.verifier}}).object(o.t)
	return tokens, browser, id
}

// signedUserInfo is what a client gets that registered to have it signed.
func signedUserInfo(t *testing.T, faults ...string) map[string]any {
	t.Helper()
	o := broken(t, faults...)
	tokens, _, id := o.registered(`"userinfo_signed_response_alg":"ES256"`)
	access, _ := tokens["access_token"].(string)
	a := o.send(o.http, "GET", "/userinfo", "", "Authorization: Bearer "+access)
	out := map[string]any{"type": a.Header.Get("Content-Type"), "signed": verified(a.body, o.get(o.http, "/jwks").body)}
	for n, part := range strings.SplitN(a.body, ".", 3) {
		if b, err := base64.RawURLEncoding.DecodeString(part); err == nil && n < 2 {
			out[fmt.Sprint(n)] = o.plain(strings.ReplaceAll(string(b), id, "CLIENT"))
		}
	}
	return out
}

// sources is what a client gets that asked for claims which others vouch for.
func sources(t *testing.T, faults ...string) map[string]any {
	t.Helper()
	o := broken(t, faults...)
	if len(faults) > 0 && strings.HasSuffix(faults[0], "-hang") {
		o.Close() // lets go of what would not end
	}
	tokens := o.tokens("claims", `{"userinfo":{"payment_info":null,"credit_score":null}}`)
	info := o.send(o.http, "GET", "/userinfo", "", "Authorization: Bearer "+tokens["access_token"].(string))
	var in struct {
		Sources map[string]struct {
			JWT, Endpoint string
			Token         string `json:"access_token"`
		} `json:"_claim_sources"`
	}
	if err := json.Unmarshal([]byte(info.body), &in); err != nil {
		t.Fatal(err)
	}
	jwks := o.get(o.http, "/bureau/jwks").body
	answer, body := o.look("GET", "/bureau/claims", "Authorization: Bearer "+in.Sources["scores"].Token)
	out := map[string]any{"userinfo": o.plain(info.body), "answer": answer}
	for name, token := range map[string]string{"bureau": in.Sources["bureau"].JWT, "scores": body} {
		out[name+" signed"] = verified(token, jwks)
		for n, part := range strings.SplitN(token, ".", 3) {
			if b, err := base64.RawURLEncoding.DecodeString(part); err == nil && n < 2 {
				var claims map[string]any
				_ = json.Unmarshal(b, &claims)
				exp, _ := claims["exp"].(float64)
				out[fmt.Sprint(name, n)], out[fmt.Sprint(name, n, " over")] = o.plain(string(b)), exp < float64(o.now().Unix())
			}
		}
	}
	return out
}
