package demoop_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/demoop"
)

// seen is what one exchange showed.
type seen map[string]any

// walk notes what every endpoint answers, with all that is random taken out.
func walk(t *testing.T, faults ...string) map[string]seen {
	t.Helper()
	o := broken(t, faults...)
	if len(faults) > 0 && (strings.HasSuffix(faults[0], "-hang") || strings.HasSuffix(faults[0], "-slow") || strings.HasSuffix(faults[0], "-late")) {
		o.Close() // lets go of what would not end
	}
	out := map[string]seen{}
	id, secret := "demo", ""
	if slices.Contains(faults, "good-hs256") {
		id, secret = "web", "web-secret-0123456789abcdef"
	}
	out["discovery"], _ = o.look("GET", "/.well-known/openid-configuration", "")
	out["register"], _ = o.look("POST", "/register", "Content-Type: application/json",
		`{"redirect_uris":["https://127.0.0.1:1/cb"],"client_name":"walk"}`)
	out["discovery again"], _ = o.look("GET", "/.well-known/oauth-authorization-server", "")
	out["webfinger"], _ = o.look("GET", "/.well-known/webfinger?resource="+url.QueryEscape(o.issuer+"/alice"), "")
	keys, raw := o.look("GET", "/jwks", "")
	out["jwks"] = keys
	out["ciba"], _ = o.look("POST", "/backchannel", "Content-Type: application/x-www-form-urlencoded", "client_id=demo&scope=openid&login_hint=alice")
	out["device"], out["poll"] = o.lookAtDevice()
	basic := base64.StdEncoding.EncodeToString([]byte("web:web-secret-0123456789abcdef"))
	confidential, _ := o.look("POST", "/device_authorization", formHead+"Authorization: Basic "+basic, "scope=openid")
	out["device by Basic"] = seen{"status": confidential["status"]}
	page, _ := o.look("GET", strings.TrimPrefix(o.request(newPKCE()), o.issuer), "")
	out["authorize"] = seen{"status": page["status"]}
	out["bound"] = o.bound()
	if len(faults) == 0 || slices.ContainsFunc(demoop.Faults(), func(f demoop.Fault) bool {
		return f.Name == faults[0] && (f.Group == "front" || f.Group == "jarm" || slices.Contains([]string{"hybrid", "jarm"}, f.Needs))
	}) { // a sign-in costs time, and most faults show without these
		out["front"], out["jarm"] = o.inFront(id, raw)
	}
	if len(faults) == 0 || strings.HasPrefix(faults[0], "jarm-encrypted") || strings.HasPrefix(faults[0], "good-jarm-encrypted") {
		out["sealed response"] = o.sealedResponse(raw)
	}
	out["encrypted"], out["sealed userinfo"] = o.encrypted(raw)
	p := newPKCE()
	out["pushed"], _ = o.look("POST", "/par", "Content-Type: application/x-www-form-urlencoded", strings.SplitN(o.request(p), "?", 2)[1])
	answer := o.signIn(o.browser(), o.request(p, "client_id", id, "max_age", "1000", "acr_values", "urn:rely:demo:acr:password",
		"claims", `{"id_token":{"email":{"essential":true}}}`, "authorization_details", `[{"type":"demo_payment"}]`))
	out["response"] = seen{"all": o.plain(answer.Encode())}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {answer.Get("code")}, "redirect_uri": {callback}, "code_verifier": {p.verifier}}
	login, refresh := o.ask(id, secret, form, raw)
	out["token"], out["login"] = login, seen{"r": out["response"], "t": login}
	form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Refresh}}
	out["refresh"], _ = o.ask(id, secret, form, raw)
	access := strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, refresh.Access)
	out["userinfo"], _ = o.look("GET", "/userinfo", "Authorization: Bearer "+access)
	out["exchange"], _ = o.ask(id, secret, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {access}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}}, raw)
	out["logout"], _ = o.look("GET", "/logout?"+url.Values{"client_id": {id}, "post_logout_redirect_uri": {callback}, "state": {"bye"}}.Encode(), "")
	out["revoke"], _ = o.look("POST", "/revoke", "Content-Type: application/x-www-form-urlencoded", "client_id=demo")
	return out
}

// doors notes how the pages of a sign-in are answered, for faults behind which
// nobody comes.
func doors(t *testing.T, faults ...string) []any {
	t.Helper()
	o := broken(t, faults...)
	if len(faults) > 0 {
		o.Close() // lets go of what would not end
	}
	page, _ := o.look("GET", strings.TrimPrefix(o.request(newPKCE()), o.issuer), "")
	form, _ := o.look("POST", "/login", formHead, "username=alice")
	return []any{page["status"], page["type"], form["status"], form["type"]}
}

// inFront notes what comes through the browser beside a code, and what the
// second ID token says; then a signed response, and the ways.
func (o *op) inFront(client, jwks string) (front, jarm seen) {
	o.t.Helper()
	p, b := newPKCE(), o.browser()
	answer := o.signIn(b, o.request(p, "client_id", client, "response_type", "code id_token token"))
	front = seen{"all": o.plain(answer.Encode()), "first": o.token(answer.Get("id_token"), answer, jwks)}
	if client == "demo" {
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"demo"}, "code": {answer.Get("code")}, "redirect_uri": {callback}, "code_verifier": {p.verifier}}
		_, second := o.look("POST", "/token", "Content-Type: application/x-www-form-urlencoded", form.Encode())
		m := map[string]any{}
		_ = json.Unmarshal([]byte(second), &m)
		id, _ := m["id_token"].(string)
		front["second"] = o.token(id, answer, jwks)
	}
	front["implicit"] = o.plain(o.signIn(b, o.request(p, "client_id", client, "response_type", "id_token token")).Encode())
	a := o.get(b, o.request(p, "client_id", client, "response_type", "id_token"))
	front["way"] = strings.ContainsAny(a.Header.Get("Location"), "#")
	front["form"] = o.get(b, o.request(p, "client_id", client, "response_mode", "form_post")).StatusCode
	a = o.get(b, o.request(p, "client_id", client))
	front["query"] = strings.ContainsAny(a.Header.Get("Location"), "#")
	a = o.get(b, o.request(p, "client_id", client, "response_mode", "jwt"))
	return front, seen{"to": o.plain(a.Header.Get("Location")), "jwt": o.token(a.where(o.t).Get("response"), answer, jwks)}
}

// token notes what a signed token says.
func (o *op) token(compact string, with url.Values, jwks string) seen {
	parts := strings.Split(compact+"..", ".")
	s := seen{"parts": len(strings.Split(compact, ".")), "signed": len(parts[2])}
	set, err := jwk.Parse([]byte(jwks))
	if err == nil {
		_, err = jws.Verify([]byte(compact), jws.WithKeySet(set, jws.WithRequireKid(false)))
	}
	s["signature"] = err == nil
	var claims map[string]any
	for i, n := range []string{"header", "claims"} {
		b, _ := base64.RawURLEncoding.DecodeString(parts[i])
		s[n] = o.plain(string(b))
		_ = json.Unmarshal(b, &claims)
	}
	for _, date := range []string{"exp", "iat", "auth_time"} {
		if v, ok := claims[date].(float64); ok {
			s[date] = v - float64(o.now().Unix())
		}
	}
	s["at_hash"] = fmt.Sprint(claims["at_hash"]) == half(with.Get("access_token"))
	s["c_hash"] = fmt.Sprint(claims["c_hash"]) == half(with.Get("code"))
	return s
}

// look asks and reads a part of the answer.
func (o *op) look(method, path, head string, body ...string) (seen, string) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.issuer+path, strings.NewReader(strings.Join(body, "")))
	if err != nil {
		o.t.Fatal(err)
	}
	for line := range strings.Lines(head) {
		n, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.Header.Set(n, v)
	}
	resp, err := o.http.Do(r)
	if err != nil {
		return seen{"err": true}, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 32<<10))
	date, err2 := http.ParseTime(resp.Header.Get("Date"))
	return seen{"today": err2 == nil && time.Since(date).Abs() < time.Hour, "cache": resp.Header.Get("Cache-Control"), "cors": resp.Header.Get("Access-Control-Allow-Origin"),
		"status": resp.StatusCode, "type": resp.Header.Get("Content-Type"), "to": resp.Header.Get("Location"), "cut": err != nil,
		"body": o.plain(string(b)), "after": resp.Header.Get("Retry-After")}, string(b)
}

// answered is what the rest of a walk needs of a token response.
type answered struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

// ask makes a token request and takes the ID token apart.
func (o *op) ask(id, secret string, form url.Values, jwks string) (seen, answered) {
	o.t.Helper()
	head := "Content-Type: application/x-www-form-urlencoded\n"
	if secret == "" {
		form.Set("client_id", id)
	} else {
		head += "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret)) + "\n"
	}
	s, body := o.look("POST", "/token", head, form.Encode())
	var a answered
	if json.Unmarshal([]byte(body), &a) != nil || a.ID == "" {
		return s, a
	}
	set, err := jwk.Parse([]byte(jwks))
	if err == nil {
		_, err = jws.Verify([]byte(a.ID), jws.WithKeySet(set, jws.WithRequireKid(false)))
	}
	s["signature"] = err == nil
	parts := strings.Split(a.ID+"..", ".")
	for i, n := range []string{"header", "claims"} {
		b, _ := base64.RawURLEncoding.DecodeString(parts[i])
		s[n] = o.plain(string(b))
		var claims map[string]any
		if n != "claims" || json.Unmarshal(b, &claims) != nil {
			continue
		}
		for _, date := range []string{"exp", "iat", "nbf", "auth_time"} {
			if v, ok := claims[date].(float64); ok {
				s[date] = v - float64(o.now().Unix())
			}
		}
		s["at_hash"] = fmt.Sprint(claims["at_hash"]) == half(a.Access)
	}
	return s, a
}

func (o *op) now() time.Time { return o.clock() }

var random = regexp.MustCompile(`[A-Za-z0-9_-]{20,}|[A-Z2-7]{12}|\b1[0-9]{9}\b`)

// plain takes out what differs from run to run.
func (o *op) plain(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, o.issuer, "ISSUER"), url.QueryEscape(o.issuer), "ISSUER")
	return random.ReplaceAllString(s, "RANDOM")
}
