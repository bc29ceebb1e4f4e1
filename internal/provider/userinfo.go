package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/secret"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// Asking is a question to the UserInfo endpoint, and the form of the answer
// that the client is registered for.
type Asking struct {
	Access  secret.String
	Scheme  string           // of the Authorization header: Bearer, or DPoP
	Subject string           // "sub" of the ID token, which the answer must repeat (OIDC Core 5.3.2)
	Post    bool             // asked by POST, the token in the header all the same (5.3.1)
	Now     func() time.Time // for the dates of a signed answer; nil looks at none

	Algs       []string        // that it has to be signed with; none: it is not signed
	Encryption jose.Encryption // that it has to be encrypted with; the zero value: it is not
	OwnKeys    []jose.Private  // that decrypt

	ClientID     string        // the audience of a signed answer
	ClientSecret secret.String // key of HS256 and of a symmetric Encryption
}

// Userinfo asks through hc who the access token belongs to (OIDC Core 5.3).
//
// Errors: Denied where the provider refused the token, Protocol where the
// answer broke a rule, Network where it was not reached.
func (p *Provider) Userinfo(ctx context.Context, hc *wire.Client, ask Asking) (map[string]json.RawMessage, error) {
	const op = "ask the provider who is signed in"
	address, err := p.Need("userinfo_endpoint", op)
	if err != nil {
		return nil, err
	}
	method := http.MethodGet
	if ask.Post {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "wire.url", Op: op, Err: err}
	}
	req.Header.Set("Accept", ask.accepts())
	req.Header.Set("Authorization", ask.Scheme+" "+ask.Access.Reveal())
	a, err := hc.Do(ctx, op, req, wire.Userinfo)
	switch {
	case err != nil:
		return nil, err
	case a.Status/100 == 4 && a.Status != http.StatusTooManyRequests:
		return nil, refused(op, a)
	case a.Status != http.StatusOK:
		return nil, a.Unexpected(op)
	}
	claims, err := p.claims(ctx, op, ask, a)
	if err != nil {
		return nil, err
	}
	return claims, checkSubject(op, claims, ask.Subject)
}

// checkSubject is OIDC Core 5.3.2: the "sub" of UserInfo must exactly match
// the ID token's, or the answer must not be used.
func checkSubject(op string, claims map[string]json.RawMessage, want string) error {
	f := &fault.Error{
		Kind: fault.Protocol, ID: "userinfo.sub", Op: op, Spec: "OIDC Core 5.3.2",
		Hint: "do not use these claims: they may belong to somebody else",
	}
	var sub string
	if !strictjson.Read(claims["sub"], &sub) || sub == "" {
		f.Err = errors.New("the answer has no \"sub\"")
		return f
	}
	if want != "" && sub != want {
		f.Err = fmt.Errorf("\"sub\" is %q, and the ID token says %q", sub, want)
		return f
	}
	return nil
}

// refused words a 4xx of a protected resource (RFC 6750 3), in the provider's
// own words where it has any.
func refused(op string, a *wire.Answer) error {
	code, text := challenge(a.Header.Get("WWW-Authenticate"))
	if code == "" {
		if members, err := strictjson.Object(a.Body); err == nil {
			_ = strictjson.Read(members["error"], &code)
			_ = strictjson.Read(members["error_description"], &text)
		}
	}
	said := fmt.Sprintf("the provider answered %d", a.Status)
	if code != "" {
		said += " " + code
	}
	if text != "" {
		said += ": " + text
	}
	f := &fault.Error{Kind: fault.Denied, ID: "userinfo.refused", Op: op, Spec: "RFC 6750 3.1", Err: errors.New(said),
		Hint: "get a new access token with \"rely tokens --force\", or sign in again with \"rely login\""}
	if code == "insufficient_scope" {
		f.ID, f.Hint = "userinfo.scope", "sign in again and ask for the scope openid"
	}
	return f
}

// challenge reads error and error_description from a WWW-Authenticate header
// (RFC 6750 3).
func challenge(header string) (code, description string) {
	value := func(name string) string {
		_, rest, ok := strings.Cut(header, name+"=\"")
		if !ok {
			return ""
		}
		v, _, _ := strings.Cut(rest, "\"")
		return v
	}
	return value("error"), value("error_description")
}
