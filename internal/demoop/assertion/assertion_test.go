package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/secret"
)

const issuer = "https://op.example"

var now = time.Unix(1900000000, 0)

func keys(t *testing.T, signer crypto.Signer) json.RawMessage {
	t.Helper()
	k, err := jwk.FromRaw(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	set := jwk.NewSet()
	_ = set.AddKey(k)
	js, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func sign(t *testing.T, alg string, key any, change map[string]any) string {
	t.Helper()
	claims := map[string]any{"iss": "c", "sub": "c", "aud": issuer, "jti": "j", "exp": now.Unix() + 60}
	maps.Copy(claims, change)
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.Sign(payload, jws.WithKey(jwa.SignatureAlgorithm(alg), key))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	client := Client{ID: "c", Method: "private_key_jwt", Keys: keys(t, ec)}
	hmac := Client{ID: "c", Method: "client_secret_jwt", Secret: secret.New("s-of-thirty-two-characters-000000")}
	fixed := client
	fixed.Alg = "RS256"
	for what, c := range map[string]struct {
		client Client
		token  string
		want   string // in the refusal; empty: none
	}{
		"ES256":                   {client, sign(t, "ES256", ec, nil), ""},
		"RS256":                   {Client{ID: "c", Method: "private_key_jwt", Keys: keys(t, rs)}, sign(t, "RS256", rs, nil), ""},
		"EdDSA":                   {Client{ID: "c", Method: "private_key_jwt", Keys: keys(t, ed)}, sign(t, "EdDSA", ed, nil), ""},
		"the secret":              {hmac, sign(t, "HS256", []byte(hmac.Secret.Reveal()), nil), ""},
		"the token endpoint":      {client, sign(t, "ES256", ec, map[string]any{"aud": []string{"x", issuer + "/token"}}), ""},
		"where it is sent":        {client, sign(t, "ES256", ec, map[string]any{"aud": "https://op.example/device"}), ""},
		"another key":             {client, sign(t, "ES256", other, nil), "not signed with a key"},
		"another secret":          {hmac, sign(t, "HS256", []byte("another"), nil), "not signed with the client's secret"},
		"a key as a secret":       {client, sign(t, "HS256", []byte(client.Keys), nil), "must be signed with ES256"},
		"a secret's client":       {hmac, sign(t, "ES256", ec, nil), "must be signed with HS256"},
		"another algorithm":       {fixed, sign(t, "ES256", ec, nil), "must be signed with RS256"},
		"not signed at all":       {client, "eyJhbGciOiJub25lIn0.e30.", "must be signed"},
		"no token":                {client, "x", "no compact JWS"},
		"another client":          {client, sign(t, "ES256", ec, map[string]any{"sub": "d"}), "iss and sub"},
		"another issuer of it":    {client, sign(t, "ES256", ec, map[string]any{"iss": "d"}), "iss and sub"},
		"another audience":        {client, sign(t, "ES256", ec, map[string]any{"aud": "https://evil.example"}), "aud"},
		"no audience":             {client, sign(t, "ES256", ec, map[string]any{"aud": nil}), "aud"},
		"expired":                 {client, sign(t, "ES256", ec, map[string]any{"exp": now.Unix() - 6}), "expired"},
		"without an end":          {client, sign(t, "ES256", ec, map[string]any{"exp": nil}), "expired"},
		"good for a day":          {client, sign(t, "ES256", ec, map[string]any{"exp": now.Unix() + 86400}), "longer"},
		"from the future":         {client, sign(t, "ES256", ec, map[string]any{"iat": now.Unix() + 60}), "future"},
		"not yet":                 {client, sign(t, "ES256", ec, map[string]any{"nbf": now.Unix() + 60}), "future"},
		"without jti":             {client, sign(t, "ES256", ec, map[string]any{"jti": ""}), "no jti"},
		"claims of another shape": {client, sign(t, "ES256", ec, map[string]any{"exp": "soon"}), "cannot be read"},
	} {
		k := &Checker{Audiences: []string{issuer, issuer + "/token"}}
		err := k.Check(c.token, "https://op.example/device", c.client, now)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", what, err, c.want)
		}
		if c.want != "" {
			continue
		}
		if Subject(c.token) != "c" {
			t.Errorf("%s: got the subject %q, want c", what, Subject(c.token))
		}
		if err := k.Check(c.token, "https://op.example/device", c.client, now); err == nil || !strings.Contains(err.Error(), "used before") {
			t.Errorf("%s: got %v for the second use, want a refusal", what, err)
		}
	}
}

func TestUnfit(t *testing.T) {
	t.Parallel()
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	public := keys(t, ec)
	whole, _ := jwk.FromRaw(ec)
	private, _ := json.Marshal(map[string]any{"keys": []any{whole}})
	for what, c := range map[string]struct {
		method, alg string
		keys        json.RawMessage
		want        string
	}{
		"keys for private_key_jwt":       {"private_key_jwt", "ES256", public, ""},
		"any algorithm":                  {"private_key_jwt", "", public, ""},
		"a secret":                       {"client_secret_jwt", "HS256", nil, ""},
		"an algorithm that is not used":  {"client_secret_basic", "RS256", nil, ""},
		"no keys":                        {"private_key_jwt", "", nil, "needs jwks"},
		"private keys":                   {"private_key_jwt", "", private, "public keys only"},
		"symmetric keys":                 {"none", "", json.RawMessage(`{"keys":[{"kty":"oct","k":"AAAA"}]}`), "public keys only"},
		"an empty set":                   {"private_key_jwt", "", json.RawMessage(`{"keys":[]}`), "1 to 20"},
		"an unknown method":              {"vendor_proof", "", nil, "must be one of none, "},
		"no set":                         {"private_key_jwt", "", json.RawMessage(`"x"`), "1 to 20"},
		"an unknown algorithm":           {"private_key_jwt", "none", public, "not supported"},
		"an algorithm of another method": {"private_key_jwt", "HS256", public, "does not go with"},
	} {
		if got := Unfit(c.method, c.alg, c.keys); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
}
