package front

import (
	"context"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/jose"
)

// objectLife is how long a request object is good for: until the person has
// opened the page.
const objectLife = 5 * time.Minute

// object puts the whole request into one that the client signed (RFC 9101 4),
// and encrypts it where that is wanted. Beside it stay the client's name and
// what OIDC has to see there (OIDC Core 6.1): a provider takes the object's.
func (a *attempt) object(ctx context.Context, p url.Values) (url.Values, error) {
	now := a.Now()
	claims := map[string]any{
		"iss": a.ClientID, "aud": a.Provider.Metadata.Issuer, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(objectLife).Unix(),
		"jti": oauth2.GenerateVerifier(),
	}
	for name, values := range p {
		claims[name] = request.Claim(name, values)
	}
	header := map[string]any{"alg": a.Object.Alg, "typ": "oauth-authz-req+jwt"}
	token, err := jose.Sign(a.Object.Key, header, claims)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "login.request-object", Op: "sign the authorization request", Spec: "RFC 9101 4", Err: err,
			Hint: "look at the parameters that are asked for"}
	}
	text := token.Reveal()
	if !a.Object.Encryption.None() {
		keys, err := a.Provider.Keys(ctx, false)
		if err != nil {
			return nil, err
		}
		if text, err = a.Object.Encryption.Encrypt([]byte(text), "JWT", keys, a.ClientSecret); err != nil {
			return nil, err
		}
	}
	out := url.Values{"client_id": {a.ClientID}, "request": {text}}
	if !a.Push { // a pushed one stands alone (RFC 9126 3)
		for _, name := range []string{"response_type", "scope"} {
			if p.Has(name) {
				out.Set(name, p.Get(name))
			}
		}
	}
	return out, nil
}
