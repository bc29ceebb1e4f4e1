package quirk

import (
	"slices"

	"rely/internal/demoop/shelf"
	"rely/internal/secret"
)

// Access is an access token: letters that mean nothing, or where a fault is
// about that a JWT of RFC 9068 with the claims.
func Access(t *Token, faults []Fault) (string, error) {
	if !slices.ContainsFunc(faults, func(f Fault) bool { return f.AccessToken != nil && (f.At != "tokens" || t.Refresh) }) {
		return shelf.Fresh(), nil
	}
	key, err := t.Ring.Of("ES256", secret.String{})
	if err != nil {
		return "", err
	}
	t.Header, t.Key = Head("ES256", "at+jwt", key), key
	if t.Claims["aud"] == nil {
		t.Claims["aud"] = t.Claims["iss"] // UserInfo, in lack of another resource (RFC 9068 3)
	}
	t.Claims["jti"], t.Claims["iat"] = shelf.Fresh(), t.Now.Unix()
	return t.Sign(func(f Fault) (func(*Token) error, func(string, *Token) (string, error)) { return f.AccessToken, nil }, faults)
}
