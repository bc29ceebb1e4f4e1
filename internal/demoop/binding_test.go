package demoop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// A holder makes proofs, good ones or with changed claims.
type holder struct{ key *ecdsa.PrivateKey }

func newHolder(t *testing.T) holder {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return holder{k}
}

func (h holder) proof(o *op, method, address, token string, change map[string]any) string {
	o.t.Helper()
	public, err := jwk.FromRaw(h.key.Public())
	if err != nil {
		o.t.Fatal(err)
	}
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": o.now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for n, v := range change {
		claims[n] = v
	}
	payload, _ := json.Marshal(claims)
	headers := jws.NewHeaders()
	_ = headers.Set("typ", "dpop+jwt")
	_ = headers.Set("jwk", public)
	out, err := jws.Sign(payload, jws.WithKey(jwa.ES256, h.key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		o.t.Fatal(err)
	}
	return string(out)
}

// proven sends a request with a proof, and gives what can be seen of the
// answer, the nonce that it brings, and its body.
func (o *op) proven(h holder, method, path, token, form string, change map[string]any) (seen, string, string) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.issuer+path, strings.NewReader(form))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("DPoP", h.proof(o, method, o.issuer+path, token, change))
	if token != "" {
		r.Header.Set("Authorization", "DPoP "+token)
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := o.http.Do(r)
	if err != nil {
		return seen{"err": true}, "", ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return seen{"status": resp.StatusCode, "challenge": resp.Header.Get("WWW-Authenticate"), "nonce": resp.Header.Get("DPoP-Nonce") != "", "body": o.plain(string(body))},
		resp.Header.Get("DPoP-Nonce"), string(body)
}

// bound has tokens bound to a key: with the server's nonce where it wants one.
func (o *op) bound() seen {
	o.t.Helper()
	h, out := newHolder(o.t), seen{}
	service := url.Values{"grant_type": {"client_credentials"}, "client_id": {"service"}, "client_secret": {"service-secret-0123456789abcdef"}}.Encode()
	first, nonce, body := o.proven(h, "POST", "/token", "", service, nil)
	out["first"] = first
	out["again"], _, _ = o.proven(h, "POST", "/token", "", service, map[string]any{"nonce": nonce})
	var a answered
	if json.Unmarshal([]byte(body), &a) == nil && a.Access != "" && !strings.ContainsAny(a.Access, "\r\n") {
		out["resource"], _, _ = o.proven(h, "GET", "/userinfo", a.Access, "", nil)
		form := url.Values{"client_id": {"service"}, "client_secret": {"service-secret-0123456789abcdef"}, "token": {a.Access}}
		out["introspection"], _ = o.look("POST", "/introspect", "Content-Type: application/x-www-form-urlencoded", form.Encode())
		parts := strings.Split(a.Access+"..", ".")
		claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
		out["token"] = o.plain(string(claims))
	}
	return out
}

func TestBoundTokens(t *testing.T) {
	t.Parallel()
	o := broken(t)
	h, other := newHolder(t), newHolder(t)
	p := newPKCE()
	sign := func() url.Values {
		public, _ := jwk.FromRaw(h.key.Public())
		sum, _ := public.Thumbprint(5) // crypto.SHA256
		code := o.signIn(o.browser(), o.request(p, "dpop_jkt", base64.RawURLEncoding.EncodeToString(sum))).Get("code")
		return url.Values{"grant_type": {"authorization_code"}, "client_id": {"demo"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {p.verifier}}
	}
	form := sign()
	if s, _, _ := o.proven(other, "POST", "/token", "", form.Encode(), nil); s["status"] != 400 {
		t.Errorf("the code with another key: got %v, want a refusal", s)
	}
	s, _, body := o.proven(h, "POST", "/token", "", form.Encode(), nil)
	var a answered
	if err := json.Unmarshal([]byte(body), &a); err != nil || s["status"] != 200 || !strings.Contains(body, `"token_type":"DPoP"`) {
		t.Fatalf("got %v, want a bound token", s)
	}
	if s, _, _ := o.proven(h, "GET", "/userinfo", a.Access, "", nil); s["status"] != 200 {
		t.Errorf("userinfo with its key: got %v", s)
	}
	if s, _, _ := o.proven(other, "GET", "/userinfo", a.Access, "", nil); s["status"] != 401 {
		t.Errorf("userinfo with another key: got %v, want 401", s)
	}
	if got := o.send(o.http, "GET", "/userinfo", "", "Authorization: Bearer "+a.Access); got.StatusCode != 401 {
		t.Errorf("userinfo as a bearer: got %d, want 401", got.StatusCode)
	}
	for what, change := range map[string]map[string]any{
		"another method": {"htm": "PUT"}, "another address": {"htu": o.issuer + "/other"}, "another token": {"ath": "AAAA"}, "no id": {"jti": ""},
		"an hour ago": {"iat": o.now().Unix() - 3600}, "in an hour": {"iat": o.now().Unix() + 3600},
	} {
		if s, _, _ := o.proven(h, "GET", "/userinfo", a.Access, "", change); s["status"] != 401 || !strings.Contains(s["challenge"].(string), "invalid_dpop_proof") {
			t.Errorf("%s: got %v, want invalid_dpop_proof", what, s)
		}
	}
	once := map[string]any{"jti": "once"}
	first, _, _ := o.proven(h, "GET", "/userinfo", a.Access, "", once)
	if again, _, _ := o.proven(h, "GET", "/userinfo", a.Access, "", once); first["status"] != 200 || again["status"] != 401 {
		t.Errorf("a proof twice: got %v and %v, want it once", first, again)
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {"demo"}, "refresh_token": {a.Refresh}}
	o.post(o.http, "/token", refresh).want(t, 400, "invalid_grant")
	if s, _, _ := o.proven(other, "POST", "/token", "", refresh.Encode(), nil); s["status"] != 400 {
		t.Errorf("refresh with another key: got %v, want a refusal", s)
	}
	if s, _, _ := o.proven(h, "POST", "/token", "", refresh.Encode(), nil); s["status"] != 200 {
		t.Errorf("refresh with its key: got %v", s)
	}
	in := o.post(o.http, "/introspect", url.Values{"client_id": {"service"}, "client_secret": {"service-secret-0123456789abcdef"}, "token": {a.Access}}).object(t)
	if cnf, _ := in["cnf"].(map[string]any); in["token_type"] != "DPoP" || cnf["jkt"] == nil {
		t.Errorf("got the introspection %v, want cnf", in)
	}
}
