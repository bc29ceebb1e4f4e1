package flows

import (
	"context"
	"net/url"

	"rely/internal/provider"
)

// ClientCredentials is the grant of a machine that acts for itself (RFC 6749
// 4.4). There is nobody signed in, so there is no ID token to check.
type ClientCredentials struct{}

// Possible implements [Flow].
func (ClientCredentials) Possible(m *provider.Metadata) error {
	return m.Names("token_endpoint")
}

// Run implements [Flow].
func (ClientCredentials) Run(ctx context.Context, r *Request) (*Tokens, error) {
	t, err := r.Redeem(ctx, "get a token for the client", scoped(r, url.Values{"grant_type": {"client_credentials"}}))
	if err != nil {
		return nil, err
	}
	if err := r.CheckAsked(t); err != nil {
		return nil, err
	}
	return t, r.Kept(t)
}
