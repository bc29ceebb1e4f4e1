package flows

import (
	"context"
	"net/url"

	"rely/internal/provider"
)

// Refresh begins a session with a refresh token that came from elsewhere (RFC
// 6749 6). Who is signed in is what the provider says with it: there is no
// earlier ID token to compare with.
type Refresh struct{}

// Possible implements [Flow].
func (Refresh) Possible(m *provider.Metadata) error {
	return m.Names("token_endpoint")
}

// Run implements [Flow]. A provider that answers no refresh token goes on with
// the one that was given.
func (Refresh) Run(ctx context.Context, r *Request) (*Tokens, error) {
	given, err := r.Given("refresh_token", "the refresh token")
	if err != nil {
		return nil, err
	}
	if given.Empty() {
		return nil, missing("refresh", "a refresh token", "give it with --refresh-token-file FILE, --refresh-token-stdin or RELY_REFRESH_TOKEN")
	}
	t, err := r.Redeem(ctx, "redeem the refresh token", scoped(r, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {given.Reveal()}}))
	if err != nil {
		return nil, err
	}
	if t.Refresh.Empty() {
		t.Refresh = given
	}
	if err := checked(ctx, r, t); err != nil {
		return nil, err
	}
	return t, r.Kept(t)
}

// Renew redeems r.Refresh for new tokens (RFC 6749 6). r.Prior are the claims
// of the ID token that the session began with: a new one must be of the same
// issuer, subject and audience (OIDC Core 12.2). A provider may send no ID
// token and may go on with the same refresh token; both are then the old ones.
//
// r.Keep is called before anything else is done with a good answer, because
// the old refresh token may be dead by now (RFC 9700 4.14.2).
func Renew(ctx context.Context, r *Request) (*Tokens, error) {
	t, err := r.Redeem(ctx, "renew the tokens", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {r.Refresh.Reveal()}})
	if err != nil {
		return nil, err
	}
	if err := r.CheckRenewed(t); err != nil {
		return nil, err
	}
	if t.ID.Empty() {
		return t, r.Kept(t)
	}
	e := r.Expected(t)
	e.Prior = r.Prior
	if err := r.CheckIDToken(ctx, t, e); err != nil {
		return nil, err // nothing of a suspect answer is mixed into the session
	}
	return t, r.Kept(t)
}
