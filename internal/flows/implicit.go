package flows

import (
	"context"

	"rely/internal/flows/front"
	"rely/internal/provider"
)

// Implicit is the implicit flow (OIDC Core 3.2): the tokens come through the
// browser, and no token request follows. It is there for providers that still
// have clients of it to debug; OAuth 2.1 has no such flow any more.
type Implicit struct{}

// Possible implements [Flow].
func (Implicit) Possible(m *provider.Metadata) error {
	if err := offers(m, "implicit", implicitTypes()); err != nil {
		return err
	}
	return m.Names("authorization_endpoint", "jwks_uri")
}

// Run implements [Flow].
func (Implicit) Run(ctx context.Context, r *Request) (*Tokens, error) {
	return front.SignIn(ctx, r, implicitTypes()...)
}

// implicitTypes begin with the one that says who signed in and gives a token to
// use as well.
func implicitTypes() []string { return []string{"id_token token", "id_token", "token"} }
