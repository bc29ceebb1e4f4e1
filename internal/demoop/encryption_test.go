package demoop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// encrypted signs alice in for a client that registered to have its answers
// encrypted, and notes what the ID token and UserInfo are, outside and inside.
func (o *op) encrypted(jwks string) (id, info seen) {
	o.t.Helper()
	client, raw, s := o.recipient("id_token", "userinfo")
	if client == "" {
		return s, seen{}
	}
	p := newPKCE()
	code := o.signIn(o.browser(), o.request(p, "client_id", client)).Get("code")
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {p.verifier}, "client_id": {client}}
	_, body := o.look("POST", "/token", "Content-Type: application/x-www-form-urlencoded", form.Encode())
	var a answered
	if json.Unmarshal([]byte(body), &a) != nil {
		return seen{"body": o.plain(body)}, seen{}
	}
	info, body = o.look("GET", "/userinfo", "Authorization: Bearer "+strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, a.Access))
	delete(info, "body")
	return o.opened(a.ID, raw, jwks), seen{"all": info, "in": o.opened(body, raw, jwks)}
}

// sealedResponse is an encrypted response JWT, outside and inside.
func (o *op) sealedResponse(jwks string) seen {
	o.t.Helper()
	client, raw, s := o.recipient("authorization")
	if client == "" {
		return s
	}
	return o.opened(o.signIn(o.browser(), o.request(newPKCE(), "client_id", client, "response_mode", "jwt")).Get("response"), raw, jwks)
}

// recipient registers a client that has its answers of some kinds encrypted.
func (o *op) recipient(kinds ...string) (id string, raw *ecdsa.PrivateKey, s seen) {
	o.t.Helper()
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	public, err := jwk.FromRaw(raw.Public())
	if err != nil {
		o.t.Fatal(err)
	}
	_ = public.Set("use", "enc")
	_ = public.Set("kid", "k")
	key, err := json.Marshal(public)
	if err != nil {
		o.t.Fatal(err)
	}
	metadata := `{"redirect_uris":["http://127.0.0.1:8765/cb"],"application_type":"native","authorization_signed_response_alg":"ES256",
		"token_endpoint_auth_method":"none","id_token_signed_response_alg":"ES256","jwks":{"keys":[` + string(key) + `]}`
	for _, kind := range kinds {
		metadata += `,"` + kind + `_encrypted_response_alg":"ECDH-ES+A256KW","` + kind + `_encrypted_response_enc":"A256GCM"`
	}
	s, body := o.look("POST", "/register", "Content-Type: application/json", metadata+"}")
	var is struct {
		ID string `json:"client_id"`
	}
	_ = json.Unmarshal([]byte(body), &is)
	return is.ID, raw, s
}

// opened is what an answer shows of itself, and what the key shows.
func (o *op) opened(token string, key *ecdsa.PrivateKey, jwks string) seen {
	s := seen{"parts": strings.Count(token, ".") + 1}
	if len(token) < 100 {
		s["whole"] = token
	}
	var h struct{ Alg, Enc, Kid, Cty, Zip string }
	b, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if json.Unmarshal(b, &h) == nil {
		s["header"] = h
	}
	inner, err := jwe.Decrypt([]byte(token), jwe.WithKey(jwa.KeyEncryptionAlgorithm("ECDH-ES+A256KW"), key))
	if err != nil {
		return s
	}
	s["opened"], s["start"] = true, string(inner[:min(2, len(inner))])
	if set, err := jwk.Parse([]byte(jwks)); err == nil {
		_, err = jws.Verify(inner, jws.WithKeySet(set, jws.WithRequireKid(false)))
		s["signed"] = err == nil
	}
	return s
}

func TestEncryptedAnswers(t *testing.T) {
	t.Parallel()
	o := broken(t)
	_, jwks := o.look("GET", "/jwks", "")
	id, info := o.encrypted(jwks)
	if id["opened"] != true || id["signed"] != true {
		t.Errorf("got the ID token %v, want one that opens and is signed", id)
	}
	if in := info["in"].(seen); in["opened"] != true || in["start"] != `{"` {
		t.Errorf("got UserInfo %v, want encrypted claims", info)
	}
	if response := o.sealedResponse(jwks); response["opened"] != true || response["signed"] != true {
		t.Errorf("got the response JWT %v, want one that opens and is signed", response)
	}
	for what, metadata := range map[string]string{
		"no key":          `"id_token_encrypted_response_alg":"RSA-OAEP"`,
		"no response key": `"authorization_encrypted_response_alg":"RSA-OAEP"`,
		"enc alone":       `"userinfo_encrypted_response_enc":"A256GCM"`,
		"RSA1_5":          `"id_token_encrypted_response_alg":"RSA1_5"`,
		"no secret":       `"token_endpoint_auth_method":"none","id_token_encrypted_response_alg":"dir"`,
		"no signing alg":  `"userinfo_signed_response_alg":"none"`,
	} {
		if s, _ := o.look("POST", "/register", "Content-Type: application/json", `{"redirect_uris":["https://127.0.0.1:1/cb"],`+metadata+`}`); s["status"] != 400 {
			t.Errorf("%s: got %v, want a refusal", what, s)
		}
	}
}
