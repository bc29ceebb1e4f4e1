package clientauth

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
)

// lifetime is how long one assertion is good for: it is used at once.
const lifetime = 60 * time.Second

// An assertion proves the client with a JWT of its own (RFC 7523 2.2, 3).
type assertion struct {
	Credentials
	key jose.Private
	alg string
}

// Prove makes a new assertion: its jti is used once (OIDC Core 9).
func (a assertion) Prove(_ http.Header, form url.Values) error {
	jti := make([]byte, 32)
	_, _ = rand.Read(jti) // never fails, by its documentation
	now := a.Now()
	token, err := jose.Sign(a.key, map[string]any{"alg": a.alg, "typ": "JWT"}, map[string]any{
		"iss": a.ID, "sub": a.ID, "aud": a.Audience, "jti": base64.RawURLEncoding.EncodeToString(jti),
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	})
	if err != nil {
		return &fault.Error{Kind: fault.Internal, ID: "client-auth.sign", Op: "prove the client " + a.ID, Err: err}
	}
	form.Set("client_id", a.ID)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", token.Reveal())
	return nil
}

// signed chooses the key and the algorithm: the registered one, else the first
// that the key can do and the provider lists (OIDC Discovery 3,
// token_endpoint_auth_signing_alg_values_supported).
func signed(method string, c Credentials, keys []jose.Private) (Method, error) {
	f := &fault.Error{Kind: fault.Config, ID: "client-auth.alg", Op: "prove the client " + c.ID, Spec: "OIDC Core 9 (" + method + ")"}
	var can []string
	for _, key := range keys {
		if key.Kid() != "" && len(c.Kids) > 0 && !slices.Contains(c.Kids, key.Kid()) {
			continue
		}
		for _, alg := range key.SigningAlgorithms() {
			if c.Alg == alg || c.Alg == "" && (len(c.Algs) == 0 || slices.Contains(c.Algs, alg)) {
				return assertion{c, key, alg}, nil
			}
			can = append(can, alg)
		}
	}
	switch {
	case len(can) == 0:
		f.ID, f.Err = "client-auth.kid", errors.New("none of the keys has a kid of the client's registration")
		f.Hint = "use the key that is registered, or register this one's public half with \"rely register update --jwks FILE\""
	case c.Alg != "":
		f.Err = fmt.Errorf("the client is registered for %q, and the key signs with %s", c.Alg, strings.Join(can, ", "))
		f.Hint = "use a key for that algorithm, or run \"rely register update --token-endpoint-auth-signing-alg ALG\""
	default:
		f.Err = fmt.Errorf("the provider lists %q for signed assertions, and the key signs with %s", c.Algs, strings.Join(can, ", "))
		f.Hint = "use a key for one of the provider's algorithms, or another --client-auth"
	}
	return nil, f
}
