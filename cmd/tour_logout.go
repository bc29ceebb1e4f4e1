package cmd

import "context"

// signOut ends the demo's session as "rely logout" does; what it says is part
// of the story.
func (t *tour) signOut(ctx context.Context) error {
	t.next("Sign alice out", "OIDC RP-Initiated Logout, RFC 7009")
	l := &logout{invocation: t.inside, story: t.tell}
	_, err := l.end(ctx)
	return err
}
