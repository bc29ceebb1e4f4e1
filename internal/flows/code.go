package flows

import (
	"context"

	"rely/internal/flows/front"
	"rely/internal/provider"
)

// Code is the authorization code flow (OIDC Core 3.1) with PKCE (RFC 7636),
// state, nonce and the issuer in the response (RFC 9207).
type Code struct{}

// Possible implements [Flow].
func (Code) Possible(m *provider.Metadata) error {
	if err := offers(m, "code", codeTypes()); err != nil {
		return err
	}
	return m.Names("authorization_endpoint", "token_endpoint", "jwks_uri")
}

// Run implements [Flow].
func (Code) Run(ctx context.Context, r *Request) (*Tokens, error) {
	return front.SignIn(ctx, r, codeTypes()...)
}

func codeTypes() []string { return []string{"code"} }
