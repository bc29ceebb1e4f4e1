package cmd

import "context"

// introspect asks what the token is bound to, where that is what the fault is
// about.
func (t *tour) introspect(ctx context.Context) error {
	if t.broken == nil || t.broken.At != "introspect" {
		return nil
	}
	t.next("Ask what the token is bound to", "RFC 7662, RFC 8705 3.2")
	k := t.inside.sessions(false)
	s, err := k.Fresh(ctx, 0, false)
	if err != nil {
		return err
	}
	client, err := k.Client(ctx)
	if err != nil {
		return err
	}
	p, hc, err := k.Proven(ctx, client)
	if err != nil {
		return err
	}
	members, err := p.Introspect(ctx, hc, s.Access, "access_token")
	if err != nil {
		return err
	}
	_, err = k.Bound(client, s, members)
	return err
}
