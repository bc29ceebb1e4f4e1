package flows

import (
	"context"

	"rely/internal/flows/front"
	"rely/internal/provider"
)

// Hybrid is the hybrid flow (OIDC Core 3.3): a code, and tokens beside it,
// through the browser; then the code is redeemed as in the code flow, unless
// anything about the first tokens was wrong.
type Hybrid struct{}

// Possible implements [Flow].
func (Hybrid) Possible(m *provider.Metadata) error {
	if err := offers(m, "hybrid", hybridTypes()); err != nil {
		return err
	}
	return m.Names("authorization_endpoint", "token_endpoint", "jwks_uri")
}

// Run implements [Flow].
func (Hybrid) Run(ctx context.Context, r *Request) (*Tokens, error) {
	return front.SignIn(ctx, r, hybridTypes()...)
}

// hybridTypes begin with the one that signs the response and puts no access
// token into the browser.
func hybridTypes() []string { return []string{"code id_token", "code token", "code id_token token"} }
