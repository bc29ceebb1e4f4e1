package tokens

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/registration"
	"rely/internal/wire"
)

// refreshes are about refresh tokens of clients that have nothing to lose.
func refreshes() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L26", Name: "refresh-scope", Title: "a renewal brings no more scope than was granted", Stage: "tokens", Severity: check.Error, Section: "RFC 6749 6",
			Why: "A client helps itself to what the person never agreed to.", Fix: "refuse a scope that was not granted with invalid_scope"}, Login: true, Run: noMoreScope},
		{Check: check.Check{ID: "L30", Name: "introspection-truth", Title: "introspection tells of a token while it lives and no longer, and nobody else revokes it", Stage: "account", Severity: check.Error, Section: "RFC 7662 2.2, 4; RFC 7009 2.1",
			Why: "Resource servers go by it; a stranger's revocation signs people out.", Fix: "answer active as the token is, and compare the client before revoking",
			Unknown: "Whether other clients may look a token up is the provider's to decide: resource servers have to."}, Login: true, Run: introspectionTruth},
		{Check: check.Check{ID: "L25", Name: "refresh-bound", Title: "a refresh token is for its client alone, which has to prove itself", Stage: "tokens", Severity: check.Error, Section: "RFC 6749 6, 10.4",
			Why: "Whoever finds it could use it.", Fix: "authenticate the client, and compare it with the one that the token was issued to",
			Unknown: "Where the first wrong use ends the token, the second tells nothing."}, Login: true, Run: refreshBound},
	}
}

// spent cost the good sign-in its tokens.
func spent() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L23", Name: "refresh-rotation", Title: "a public client's refresh token is rotated, or bound to a key", Stage: "tokens", Severity: check.Error, Section: "RFC 9700 2.2.2, 4.14.2",
			Why: "A public client has no secret: a stolen refresh token is good for as long as the real one, and nobody notices.", Fix: "send a new refresh token with each renewal, or bind it to a key with DPoP"}, Login: true, Run: rotated},
		{Check: check.Check{ID: "L28", Name: "refresh-id-token", Title: "the ID token of a renewal is about the same sign-in", Stage: "tokens", Severity: check.Error, Section: "OIDC Core 12.2",
			Why: "A client that compares them ends the session.", Fix: "keep iss, sub, aud and auth_time as they were"}, Login: true, Given: true, Run: sameSignIn},
		{Check: check.Check{ID: "L24", Name: "refresh-reuse", Title: "an old refresh token of a public client is refused, and ends the newer ones", Stage: "tokens", Severity: check.Warning, Section: "RFC 9700 4.14.2",
			Demands: []check.Demand{{For: "oauth21", Severity: check.Error}},
			Why:     "It is how a stolen one is noticed.", Fix: "rotate refresh tokens, and withdraw the family when an old one comes back", Unknown: "A grace of some seconds is allowed, and looks the same."}, Login: true, Run: refreshReuse},
	}
}

// apart is a client with a secret, and a grant of its own that may be spent.
func apart(ctx context.Context, p *trial.Patient) (*registration.Client, *trial.Grant, error) {
	c, err := p.Another(ctx, "apart", apartClient())
	if err != nil {
		return nil, nil, err
	}
	if g, done := p.Kept["apart"].(*trial.Grant); done {
		return c, g, nil
	}
	g, err := p.SignIn(ctx, c, p.Lasting)
	if err == nil {
		err = p.Take(ctx, c, g)
	}
	if err != nil {
		return nil, nil, err
	}
	p.Kept["apart"] = g
	return c, g, nil
}

func apartClient() map[string]any {
	return map[string]any{"token_endpoint_auth_method": "client_secret_basic"}
}

const errNoRefresh fault.Cause = "the sign-in brought no refresh token"

func noMoreScope(ctx context.Context, p *trial.Patient) error {
	c, g, err := apart(ctx, p)
	if err != nil {
		return err
	}
	if g.Refresh == "" && p.Dry == nil {
		return errNoRefresh
	}
	offered, _ := p.Evidence.List("scopes_supported")
	had := strings.Fields(g.Scope)
	if said, there := trial.Text(g.Tokens, "scope"); there && p.Dry == nil {
		had = strings.Fields(said)
	}
	more := slices.DeleteFunc([]string{"email", "profile", "phone", "address"}, func(s string) bool { return !slices.Contains(offered, s) || slices.Contains(had, s) })
	if len(more) == 0 {
		p.Skip("the provider lists no scope that was not granted already")
		return nil
	}
	a, err := p.Renew(ctx, c, g.Refresh, func(f url.Values) { f.Set("scope", strings.Join(append(had, more[0]), " ")) })
	if err != nil || !granted(a) {
		return err
	}
	scope, said := trial.Text(a, "scope")
	p.Read(g, a)
	switch {
	case !said:
		p.Found("scope", more[0]+" was added, and the answer names no other scope, which means all that was asked for", "invalid_scope, or the scope as it was")
	case slices.Contains(strings.Fields(scope), more[0]):
		p.Found("scope", more[0]+" was added, and granted", "invalid_scope, or the scope as it was")
	}
	return nil
}

// refreshBound is the last thing that the grant is good for.
func refreshBound(ctx context.Context, p *trial.Patient) error {
	c, g, err := apart(ctx, p)
	if err != nil {
		return err
	}
	if g.Refresh == "" && p.Dry == nil {
		return errNoRefresh
	}
	a, err := p.Renew(ctx, p.Client, g.Refresh, asUsual)
	if err != nil {
		return err
	}
	if granted(a) {
		p.Found("client_id", "another client's: "+trial.Described(a), "invalid_grant")
		return nil // it is spent
	}
	// One failure of client authentication, of a client that fails no other.
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	a, err = p.Post(ctx, address, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {g.Refresh}, "client_id": {c.ID}}, nil)
	if err == nil && granted(a) {
		p.Found("client_secret", "none: "+trial.Described(a), "invalid_client")
	}
	return err
}

// An ownToken is one that its client looks up and revokes.
type ownToken struct {
	p      *trial.Patient
	client *registration.Client
	token  string
}

// active asks introspection.
func (t ownToken) active(ctx context.Context) (*wire.Answer, bool, error) {
	at, err := t.p.Endpoint("introspection_endpoint")
	if err != nil {
		return nil, false, err
	}
	form := url.Values{"token": {t.token}}
	a, err := t.p.Post(ctx, at, form, t.p.Proof(t.client, form))
	if err != nil {
		return nil, false, err
	}
	return a, trial.Says(a, "active"), nil
}

func (t ownToken) revoke(ctx context.Context, by *registration.Client) (*wire.Answer, error) {
	at, err := t.p.Endpoint("revocation_endpoint")
	if err != nil {
		return nil, err
	}
	form := url.Values{"token": {t.token}, "token_type_hint": {"access_token"}}
	return t.p.Post(ctx, at, form, t.p.Proof(by, form))
}

// introspectionTruth asks before and after the token is revoked.
func introspectionTruth(ctx context.Context, p *trial.Patient) error {
	for _, name := range []string{"introspection_endpoint", "revocation_endpoint"} {
		if _, err := p.Endpoint(name); err != nil {
			return err
		}
	}
	other, err := p.Another(ctx, "apart", apartClient())
	if err != nil {
		return err
	}
	g, err := p.SignIn(ctx, p.Client, asUsual)
	if err == nil {
		err = p.Take(ctx, p.Client, g)
	}
	if err != nil {
		return err
	}
	t := ownToken{p, p.Client, g.Access}
	switch a, active, err := t.active(ctx); {
	case err != nil:
		return err
	case !active && p.Dry == nil:
		p.Skip("introspection does not tell the client of its own token (%s): it may be for resource servers alone", trial.Described(a))
		return nil
	}
	if _, err := t.revoke(ctx, other); err != nil {
		return err
	}
	if _, active, err := t.active(ctx); err != nil {
		return err
	} else if !active && p.Dry == nil {
		p.Found("revocation_endpoint", "another client revoked the token", "a token is revoked by its own client alone")
		return nil
	}
	a, err := t.revoke(ctx, p.Client)
	if err != nil {
		return err
	}
	if a.Status != 200 && p.Dry == nil {
		p.Skip("the token could not be revoked: %s", trial.Described(a))
		return nil
	}
	_, active, err := t.active(ctx)
	if err == nil && active {
		p.Found("introspection_endpoint", "active is true after the token was revoked", "active false")
	}
	return err
}

// renewed renews the good sign-in's tokens, once for all checks.
func renewed(ctx context.Context, p *trial.Patient) (before, after *trial.Grant, err error) {
	if before, err = p.Whole(ctx); err != nil {
		return nil, nil, err
	}
	if before.Refresh == "" && p.Dry == nil {
		return nil, nil, errNoRefresh
	}
	if g, done := p.Kept["renewed"].(*trial.Grant); done {
		return before, g, nil
	}
	after = &trial.Grant{Scope: before.Scope}
	if after.Tokens, err = p.Renew(ctx, before.Client, before.Refresh, asUsual); err != nil {
		return nil, nil, err
	}
	if !granted(after.Tokens) && p.Dry == nil {
		return nil, nil, fmt.Errorf("the renewal did not work: %s", trial.Described(after.Tokens))
	}
	p.Read(after, after.Tokens)
	p.Kept["renewed"] = after
	return before, after, nil
}

func rotated(ctx context.Context, p *trial.Patient) error {
	before, after, err := renewed(ctx, p)
	if err != nil || p.Dry != nil {
		return err
	}
	if p.NoPublic != nil {
		return fmt.Errorf("the public client cannot be looked at: %w", p.NoPublic)
	}
	kind, _ := trial.Text(after.Tokens, "token_type")
	if (after.Refresh == "" || after.Refresh == before.Refresh) && !strings.EqualFold(kind, "DPoP") {
		p.Found("refresh_token", "the renewal brought no new one, and the old one is bound to no key", "a new one each time")
	}
	return nil
}

func sameSignIn(ctx context.Context, p *trial.Patient) error {
	before, after, err := renewed(ctx, p)
	if err != nil || p.Dry != nil {
		return err
	}
	if after.IDToken == "" {
		p.Skip("the renewal brought no ID token, which is allowed")
		return nil
	}
	prior, _ := p.Ladder(ctx, before.Client, before, func(*idtoken.Expected) {})
	if prior == nil {
		p.Skip("the ID token of the sign-in broke a rule itself, which L15 tells")
		return nil
	}
	_, rungs := p.Ladder(ctx, before.Client, after, func(e *idtoken.Expected) { e.Prior = prior })
	p.Broken(rungs)
	return nil
}

// refreshReuse ends the good sign-in.
func refreshReuse(ctx context.Context, p *trial.Patient) error {
	before, after, err := renewed(ctx, p)
	if err != nil {
		return err
	}
	if p.NoPublic != nil {
		return fmt.Errorf("the public client cannot be looked at: %w", p.NoPublic)
	}
	if p.Dry == nil && (after.Refresh == "" || after.Refresh == before.Refresh) {
		p.Skip("refresh tokens are not rotated, which L23 tells")
		return nil
	}
	again, err := p.Renew(ctx, before.Client, before.Refresh, asUsual)
	if err != nil {
		return err
	}
	if granted(again) {
		p.Found("refresh_token", "the old one works again: "+trial.Described(again), "invalid_grant")
		return nil
	}
	newer, err := p.Renew(ctx, before.Client, after.Refresh, asUsual)
	if err == nil && granted(newer) {
		p.Found("refresh_token", "the newer one works after the old one came back: "+trial.Described(newer), "invalid_grant")
	}
	return err
}
