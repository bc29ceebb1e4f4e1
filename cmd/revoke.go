package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"rely/internal/output"
	"rely/internal/secret"
)

// revoke ends a token at the provider (RFC 7009).
type revoke struct{ present }

type revokeJSON struct {
	Revoked   string `json:"revoked"` // access_token, refresh_token, or token where the kind is not known
	Forgotten bool   `json:"forgotten"`
}

func newRevoke(i *invocation) *cobra.Command {
	r := &revoke{present{invocation: i}}
	c := &cobra.Command{
		Use:   "revoke [FILE|-]",
		Short: "End a token at the provider",
		Long: `Ends a token at the provider's revocation endpoint (RFC 7009): the session's
access token, with --refresh its refresh token, or one from a FILE or standard
input ("-"). Most providers end with a refresh token everything that was issued
with it.

What was revoked is forgotten here as well. A revoked access token is fetched
anew with the refresh token when it is next needed; to end the whole session run
"rely logout".`,
		Example: "  rely revoke\n  rely revoke --refresh\n  rely revoke old-token.txt --token-type-hint refresh_token",
		Args:    arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.open(c, false); err != nil {
				return err
			}
			return r.run(c.Context(), args)
		},
	}
	r.flags(c, "end")
	return c
}

func (r *revoke) run(ctx context.Context, args []string) error {
	if err := r.forms("text", "json", "yaml"); err != nil {
		return err
	}
	token, err := r.token(ctx, "revoke the token", args)
	if err != nil {
		return err
	}
	p, hc, err := r.proven(ctx)
	if err != nil {
		return err
	}
	if err := p.Revoke(ctx, hc, token, r.hint); err != nil {
		return err
	}
	out := revokeJSON{Revoked: r.hint}
	if out.Revoked == "" {
		out.Revoked = "token"
	}
	if out.Forgotten, err = r.forget(context.WithoutCancel(ctx), token); err != nil {
		return err
	}
	words := map[string]string{"access_token": "the access token", "refresh_token": "the refresh token", "token": "the token"}
	after := ""
	if out.Forgotten {
		after = ", and forgot it"
	}
	r.say("Revoked %s%s.\n", words[out.Revoked], after)
	if r.format() == "text" {
		return nil
	}
	return output.Print(r.Stdout, r.format(), output.Result{Schema: "revocation/1", JSON: out})
}

// forget takes a revoked token out of the profile's session, wherever the
// token came from. What another process put there meanwhile stays.
func (r *revoke) forget(ctx context.Context, token secret.String) (bool, error) {
	if r.kept == nil {
		return false, nil
	}
	unlock, err := r.st.Lock(ctx, r.profile)
	if err != nil {
		return false, err
	}
	defer unlock()
	s, err := r.st.Session(ctx, r.profile)
	if err != nil {
		return false, nil // somebody signed out meanwhile
	}
	switch token.Reveal() {
	case s.Access.Reveal():
		s.Access = secret.String{}
	case s.Refresh.Reveal():
		s.Refresh = secret.String{}
		if r.refresh { // the provider ends what was issued with it (RFC 7009 2.1)
			s.Access = secret.String{}
		}
	default:
		return false, nil
	}
	return true, r.st.PutSession(ctx, r.profile, s)
}
