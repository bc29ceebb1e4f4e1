package flows

import (
	"context"
	"errors"
	"net/url"

	"rely/internal/fault"
	"rely/internal/provider"
)

// Password is the grant of clients that know the person's password (RFC 6749
// 4.3). RFC 9700 2.4 forbids it; it is here because there are providers and
// machines that have nothing else, and it warns each time.
type Password struct{}

// Possible implements [Flow].
func (Password) Possible(m *provider.Metadata) error {
	return m.Names("token_endpoint")
}

// Run implements [Flow].
func (Password) Run(ctx context.Context, r *Request) (*Tokens, error) {
	name := r.Text("username")
	if name == "" {
		return nil, missing("password", "a user name", "give it with --username NAME")
	}
	password, err := r.Given("password", "the password")
	if err == nil && password.Empty() && r.Ask != nil {
		password, err = r.Ask("Password of " + fault.VisibleUpTo(name, 100) + ": ")
	}
	if err != nil {
		return nil, err
	}
	if password.Empty() {
		return nil, &fault.Error{Kind: fault.Login, ID: "password.missing", Op: "use the flow password", Err: errors.New("there is no password, and nobody to ask for it"),
			Hint: "give it with --password-file FILE, --password-stdin or RELY_PASSWORD"}
	}
	r.Warn("the flow password hands the person's password to this program, which RFC 9700 2.4 forbids; use --flow code or device where the provider has them")
	t, err := r.Redeem(ctx, "sign in with the password", scoped(r, url.Values{"grant_type": {"password"}, "username": {name}, "password": {password.Reveal()}}))
	if err != nil {
		return nil, err
	}
	if err := checked(ctx, r, t); err != nil {
		return nil, err
	}
	return t, r.Kept(t)
}
