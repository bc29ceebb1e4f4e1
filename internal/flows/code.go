package flows

import (
	"context"
	"fmt"
	"slices"

	"rely/internal/flows/front"
	"rely/internal/provider"
)

// Code is the authorization code flow (OIDC Core 3.1) with PKCE (RFC 7636),
// state, nonce and the issuer in the response (RFC 9207).
type Code struct{}

// Possible implements [Flow].
func (Code) Possible(m *provider.Metadata) error {
	if len(m.ResponseTypes) > 0 && !slices.Contains(m.ResponseTypes, "code") {
		return impossible("code", fmt.Errorf("the provider lists the response types %q, not code", m.ResponseTypes))
	}
	return m.Names("authorization_endpoint", "token_endpoint", "jwks_uri")
}

// Run implements [Flow].
func (Code) Run(ctx context.Context, r *Request) (*Tokens, error) {
	return front.SignIn(ctx, r)
}
