package flows

import (
	"context"
	"fmt"
	"net/url"

	"rely/internal/fault"
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
	form := url.Values{"grant_type": {"client_credentials"}}
	if r.Scope != "" {
		form.Set("scope", r.Scope)
	}
	t, err := r.redeem(ctx, "get a token for the client", form)
	if err != nil {
		return nil, err
	}
	return t, r.keep(t)
}

func (r *Request) keep(t *Tokens) error {
	if r.Keep == nil {
		return nil
	}
	return r.Keep(t)
}

func impossible(flow string, why error) error {
	return &fault.Error{
		Kind: fault.Config, ID: "flow.impossible", Op: fmt.Sprintf("use the flow %s", flow), Err: why,
		Hint: "choose another --flow, or have the provider offer this one",
	}
}
