// Package assertion checks the JWTs with which clients prove themselves to the
// embedded provider (OIDC Core 9, RFC 7523 3): client_secret_jwt and
// private_key_jwt, with keys from the registration only. It fetches no keys
// and shares no code with the client that makes the assertions.
package assertion

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/secret"
)

// Type is the only client_assertion_type there is (RFC 7523 2.2).
const Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// The longest that an assertion may be good for, how far clocks may be apart,
// and how many used ones are remembered.
const (
	longest = 10 * time.Minute
	skew    = 5 * time.Second
	most    = 10000
)

// Methods lists the client authentication methods that this package checks.
func Methods() []string { return []string{"client_secret_jwt", "private_key_jwt"} }

// Algs lists the signing algorithms of a method; nothing for another method.
func Algs(method string) []string {
	switch method {
	case "client_secret_jwt":
		return []string{"HS256"}
	case "private_key_jwt":
		return []string{"ES256", "RS256", "PS256", "EdDSA"}
	}
	return nil
}

// A Client is what was registered.
type Client struct {
	ID     string
	Method string // one of [Methods]
	Alg    string // token_endpoint_auth_signing_alg; empty: any of the method's
	Secret secret.String
	Keys   json.RawMessage // jwks
}

// A Checker remembers what was used. It is not safe for concurrent use.
type Checker struct {
	Audiences []string // any of them will do: the issuer, the token endpoint
	used      map[string]time.Time
}

// Subject is whom an assertion claims to be; nothing is checked yet.
func Subject(token string) string {
	var c claims
	if m, err := jws.Parse([]byte(token), jws.WithCompact()); err == nil {
		_ = json.Unmarshal(m.Payload(), &c)
	}
	return c.Sub
}

type claims struct {
	Iss, Sub, Jti string
	Aud           audience
	Exp           int64
	Nbf, Iat      *int64
}

// audience is one or several (RFC 7519 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// Bearer is the grant type of assertions (RFC 7523 2.1).
const Bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// Check verifies an assertion and takes note of it: it counts once. Its audience
// may be the endpoint as well that it is sent to (RFC 9126 2). Its error says
// what is wrong, for the client's developer.
func (k *Checker) Check(token, endpoint string, c Client, now time.Time) error {
	is, err := read(token, c)
	switch {
	case err != nil:
		return err
	case is.Iss != c.ID || is.Sub != c.ID:
		return errors.New("the assertion's iss and sub must both be the client_id")
	}
	return k.check(is, c, now, append([]string{endpoint}, k.Audiences...)...)
}

// Granted is Check for an assertion about anybody: it gives whom (RFC 7523 3).
func (k *Checker) Granted(token string, c Client, now time.Time) (string, error) {
	is, err := read(token, c)
	switch {
	case err != nil:
		return "", err
	case is.Iss != c.ID:
		return "", errors.New("the assertion's iss must be the client_id")
	case is.Sub == "":
		return "", errors.New("the assertion has no sub")
	}
	return is.Sub, k.check(is, c, now, k.Audiences...)
}

func read(token string, c Client) (is claims, err error) {
	payload, err := verified(token, c)
	if err == nil && json.Unmarshal(payload, &is) != nil {
		err = errors.New("the assertion's claims cannot be read")
	}
	return is, err
}

func (k *Checker) check(is claims, c Client, now time.Time, audiences ...string) error {
	until := time.Unix(is.Exp, 0)
	switch {
	case !slices.ContainsFunc(is.Aud, func(a string) bool { return slices.Contains(audiences, a) }):
		return errors.New("the assertion's aud must be the issuer, the token endpoint or where it is sent")
	case is.Exp == 0 || !now.Before(until.Add(skew)):
		return errors.New("the assertion has expired, or has no exp")
	case until.After(now.Add(longest)):
		return errors.New("the assertion is good for longer than 10 minutes")
	case is.Nbf != nil && now.Add(skew).Before(time.Unix(*is.Nbf, 0)), is.Iat != nil && now.Add(skew).Before(time.Unix(*is.Iat, 0)):
		return errors.New("the assertion is not good yet: its nbf or iat is in the future")
	case is.Jti == "" || len(is.Jti) > 255:
		return errors.New("the assertion has no jti, or one of more than 255 bytes")
	}
	return k.once(c.ID+" "+is.Jti, until.Add(skew), now)
}

func (k *Checker) once(id string, until, now time.Time) error {
	if end, seen := k.used[id]; seen && now.Before(end) {
		return errors.New("the assertion was used before (jti)")
	}
	if k.used == nil {
		k.used = map[string]time.Time{}
	}
	if len(k.used) >= most {
		for old, end := range k.used {
			if !now.Before(end) {
				delete(k.used, old)
			}
		}
	}
	if len(k.used) >= most {
		return errors.New("there are too many assertions at a time")
	}
	k.used[id] = until
	return nil
}

// verified is the payload of an assertion that the client signed. The
// algorithm comes from the registration; the token only picks among those.
func verified(token string, c Client) ([]byte, error) {
	m, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil || len(m.Signatures()) != 1 {
		return nil, errors.New("the assertion is no compact JWS")
	}
	head := m.Signatures()[0].ProtectedHeaders()
	alg := head.Algorithm().String()
	if !slices.Contains(Algs(c.Method), alg) || c.Alg != "" && alg != c.Alg {
		return nil, fmt.Errorf("the assertion must be signed with %s", strings.Join(allowed(c), ", "))
	}
	if c.Method == "client_secret_jwt" {
		payload, err := jws.Verify([]byte(token), jws.WithKey(jwa.HS256, []byte(c.Secret.Reveal())))
		if err != nil {
			return nil, errors.New("the assertion is not signed with the client's secret")
		}
		return payload, nil
	}
	if payload := byKey(token, head, c.Keys); payload != nil {
		return payload, nil
	}
	return nil, errors.New("the assertion is not signed with a key of the client's registration")
}

// byKey is the payload of what one of the keys signed; nil where none did.
func byKey(token string, head jws.Headers, keys json.RawMessage) []byte {
	set, err := jwk.Parse(keys)
	if err != nil {
		return nil
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if head.KeyID() != "" && key.KeyID() != head.KeyID() || key.KeyUsage() == "enc" {
			continue
		}
		if payload, err := jws.Verify([]byte(token), jws.WithKey(head.Algorithm(), key)); err == nil {
			return payload
		}
	}
	return nil
}

// Signed is the payload and the typ of any JWT that a client signed: with its
// secret, or with a key of its registration. alg is the only algorithm; empty
// for any. Its error is the end of a sentence.
func Signed(token, alg string, s secret.String, keys json.RawMessage) (payload []byte, typ string, err error) {
	m, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil || len(m.Signatures()) != 1 {
		return nil, "", errors.New("is no compact JWS")
	}
	head := m.Signatures()[0].ProtectedHeaders()
	is := head.Algorithm().String()
	switch {
	case alg != "" && is != alg || !slices.Contains(append(Algs("private_key_jwt"), "HS256"), is):
		return nil, "", errors.New("is not signed with an algorithm that was registered, or that is supported here")
	case is == "HS256" && !s.Empty():
		payload, err = jws.Verify([]byte(token), jws.WithKey(jwa.HS256, []byte(s.Reveal())))
	case is != "HS256":
		payload = byKey(token, head, keys)
	}
	if err != nil || payload == nil {
		return nil, "", errors.New("is not signed with a key of the client's registration")
	}
	return payload, head.Type(), nil
}

func allowed(c Client) []string {
	if c.Alg != "" {
		return []string{c.Alg}
	}
	return Algs(c.Method)
}

// Unfit says why a method, its algorithm or keys cannot be registered, or
// nothing.
func Unfit(method, alg string, keys json.RawMessage) string {
	methods := append([]string{"none", "client_secret_basic", "client_secret_post", "tls_client_auth", "self_signed_tls_client_auth"}, Methods()...)
	if !slices.Contains(methods, method) {
		return "token_endpoint_auth_method must be one of " + strings.Join(methods, ", ")
	}
	if alg != "" && !slices.Contains(slices.Concat(Algs("client_secret_jwt"), Algs("private_key_jwt")), alg) {
		return "token_endpoint_auth_signing_alg is not supported"
	}
	if Algs(method) != nil && alg != "" && !slices.Contains(Algs(method), alg) {
		return "token_endpoint_auth_signing_alg does not go with " + method
	}
	if len(keys) == 0 {
		if method == "private_key_jwt" {
			return "private_key_jwt needs jwks (this provider fetches no jwks_uri)"
		}
		return ""
	}
	set, err := jwk.Parse(keys)
	if err != nil || set.Len() == 0 || set.Len() > 20 {
		return "jwks must hold 1 to 20 keys"
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if private, err := jwk.IsPrivateKey(key); err != nil || private {
			return "jwks must hold public keys only"
		}
	}
	return ""
}
