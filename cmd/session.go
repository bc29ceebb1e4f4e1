package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rely/internal/clientauth"
	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/idtoken"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/store"
)

// client is the client that the settings name, with its secret: given now, or
// kept by the profile.
func (i *invocation) client(ctx context.Context, stdin bool) (*store.Client, error) {
	c := &store.Client{Issuer: i.values.String("issuer"), ClientID: i.values.String("client_id")}
	if c.ClientID == "" {
		return nil, &fault.Error{Kind: fault.Usage, ID: "login.client-id", Op: "sign in", Err: errors.New("no client id is given"),
			Hint: "give the id that the provider's administrator has for you with --client-id ID"}
	}
	var err error
	if c.Secret, err = i.secretOnce(stdin, "client_secret", "the client's secret"); err != nil || !c.Secret.Empty() || i.profile == "" {
		return c, err
	}
	s, err := i.store()
	if err != nil {
		return nil, err
	}
	kept, err := s.Client(ctx, i.profile)
	if err != nil || kept == nil || kept.Issuer != c.Issuer || kept.ClientID != c.ClientID {
		return c, err // another issuer's secret is never sent (RFC 9700 4.4)
	}
	i.redact.Learn(kept.Secret.Reveal())
	return kept, nil
}

// request is what every flow needs: the provider discovered, the client ready
// to prove itself.
func (i *invocation) request(ctx context.Context, entry flows.Entry, client *store.Client) (*flows.Request, error) {
	hc, err := i.http()
	if err != nil {
		return nil, err
	}
	p, err := provider.Discover(ctx, hc, client.Issuer)
	if err != nil {
		return nil, err
	}
	if err := entry.Flow.Possible(&p.Metadata); err != nil {
		return nil, err
	}
	creds := clientauth.Credentials{ID: client.ClientID, Secret: client.Secret}
	method, err := clientauth.Choose(i.values.String("client_auth"), p.Metadata.ClientAuth, creds)
	if err != nil {
		return nil, err
	}
	r := &flows.Request{
		Provider: p, HTTP: hc, Now: i.Now, Sleep: i.Sleep,
		ClientID: client.ClientID, ClientSecret: client.Secret, Prove: method.New(creds),
		IDTokenAlgs: flows.IDTokenAlgs(i.values.String("id_token_signed_response_alg"), p.Metadata.IDTokenAlgs),
		Scope:       i.scope(entry),
	}
	if r.Param, err = flows.Parameters("param", i.values.List("param")); err != nil {
		return nil, err
	}
	r.TokenParam, err = flows.Parameters("token-param", i.values.List("token_param"))
	return r, err
}

// scope is what was asked for; a person's sign-in without any asks who they
// are.
func (i *invocation) scope(entry flows.Entry) string {
	scope := strings.Join(strings.Fields(i.values.String("scope")), " ")
	if scope == "" && entry.Person {
		return "openid profile email"
	}
	return scope
}

// fresh is the profile's session with at least minTTL left, renewed where it
// has less or force says so. However many processes ask at once, one renews:
// the others wait for it and read what it kept.
func (i *invocation) fresh(ctx context.Context, minTTL time.Duration, force bool) (*store.Session, error) {
	entry, err := flows.Find(i.values.String("flow"))
	if err != nil {
		return nil, err
	}
	if setting := i.overridden(); setting != "" && i.profile != "" && entry.Person {
		return nil, &fault.Error{Kind: fault.Usage, ID: "session.overridden", Op: "find the session", Err: fmt.Errorf("the session of profile %s was obtained with its own %s", i.profile, setting),
			Hint: "leave " + i.values.Where(setting) + " out, or sign in anew with \"rely login\""}
	} else if i.profile == "" || setting != "" {
		return i.unkept(ctx, entry)
	}
	st, err := i.store()
	if err != nil {
		return nil, err
	}
	before, err := st.Session(ctx, i.profile)
	if err == nil && !force && i.usable(before, minTTL) {
		return before, nil
	}
	if err != nil && (entry.Person || !fault.Is(err, fault.Login)) {
		return nil, err
	}
	unlock, err := st.Lock(ctx, i.profile)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now, err := st.Session(ctx, i.profile)
	switch {
	case err == nil && i.usable(now, minTTL) && (!force || before == nil || now.Access.Reveal() != before.Access.Reveal()):
		return now, nil // another process was first
	case err != nil && (entry.Person || !fault.Is(err, fault.Login)):
		return nil, err
	}
	return i.obtain(ctx, st, entry, now)
}

// overridden is a setting that the profile has and the command line or a
// variable replaces for this run; empty where there is none. What such a run
// obtains is another client's or another scope's, and is not kept.
func (i *invocation) overridden() string {
	for _, name := range []string{"issuer", "client_id", "client_auth", "flow", "scope", "token_param"} {
		if src := i.values.Source(name); src == config.FromFlag || src == config.FromVariable {
			return name
		}
	}
	return ""
}

// usable reports whether a session is the settings' own and lives long enough.
// A token without a known end counts as alive: the provider will say.
func (i *invocation) usable(s *store.Session, minTTL time.Duration) bool {
	return i.belongs(s) && !s.Access.Empty() && (s.Expiry.IsZero() || s.Expiry.Sub(i.Now()) >= minTTL)
}

// belongs reports whether a session was obtained from the issuer and for the
// client that the settings name: tokens never cross over (RFC 9700 4.4).
func (i *invocation) belongs(s *store.Session) bool {
	return s != nil && s.Issuer == i.values.String("issuer") && s.ClientID == i.values.String("client_id")
}

// obtain renews a session, or fetches a new one where no person is needed. The
// caller holds the profile's lock.
func (i *invocation) obtain(ctx context.Context, st store.Store, entry flows.Entry, old *store.Session) (*store.Session, error) {
	if entry.Person {
		if err := i.renewable(old); err != nil {
			return nil, err
		}
	}
	client, err := i.client(ctx, false)
	if err != nil {
		return nil, err
	}
	r, err := i.request(ctx, entry, client)
	if err != nil {
		return nil, err
	}
	var s *store.Session
	r.Keep = func(t *flows.Tokens) error {
		s = i.renewed(entry.Name, old, t)
		return st.PutSession(ctx, i.profile, s)
	}
	if !entry.Person {
		_, err = entry.Flow.Run(ctx, r)
		return s, err
	}
	r.Refresh, r.Scope = old.Refresh, old.Scope
	if r.Prior, err = idtoken.Decode(old.ID); err != nil {
		return nil, err
	}
	if _, err = flows.Renew(ctx, r); err != nil {
		return nil, i.dead(ctx, st, old, err)
	}
	return s, nil
}

// renewable says why a session cannot go on without a person.
func (i *invocation) renewable(s *store.Session) error {
	f := &fault.Error{Kind: fault.Login, ID: "session.expired", Op: "renew the tokens", Hint: fmt.Sprintf("run \"rely login -p %s\"", i.profile)}
	switch {
	case !i.belongs(s):
		f.ID = "session.other"
		f.Err = fmt.Errorf("the session of profile %s is with %s as %s, which the profile no longer names", i.profile, s.Issuer, s.ClientID)
	case s.Refresh.Empty():
		f.Err = errors.New("the access token has expired, and the provider gave no refresh token")
	default:
		return nil
	}
	return f
}

// dead turns a refused refresh token into "sign in again", and takes it out of
// the session so that it is not sent once more. Any other failure leaves the
// session as it is.
func (i *invocation) dead(ctx context.Context, st store.Store, old *store.Session, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.ID != "token.invalid_grant" {
		return err
	}
	without := *old
	without.Refresh = secret.String{}
	if kept := st.PutSession(ctx, i.profile, &without); kept != nil {
		return kept
	}
	return &fault.Error{Kind: fault.Login, ID: "session.ended", Op: f.Op, Spec: f.Spec, Err: f.Err, Hint: fmt.Sprintf("run \"rely login -p %s\"", i.profile)}
}

// renewed is the session after a renewal; what the answer left out stays as it
// was (RFC 6749 6, OIDC Core 12.2).
func (i *invocation) renewed(flow string, old *store.Session, t *flows.Tokens) *store.Session {
	s := i.newSession(flow, t)
	if old == nil || !i.belongs(old) {
		return s
	}
	if s.Refresh.Empty() {
		s.Refresh = old.Refresh
	}
	if s.ID.Empty() {
		s.ID, s.Subject, s.Name = old.ID, old.Subject, old.Name
	}
	if s.RedirectURI == "" {
		s.RedirectURI = old.RedirectURI
	}
	return s
}

// unkept is a token for settings that come from flags and variables alone: a
// CI job's. It is fetched and not stored.
func (i *invocation) unkept(ctx context.Context, entry flows.Entry) (*store.Session, error) {
	if entry.Person {
		return nil, &fault.Error{Kind: fault.Login, ID: "session.none", Op: "find the session", Err: errors.New("there is no current profile"),
			Hint: "run \"rely login ISSUER --client-id ID\", or give --flow client-credentials with RELY_ISSUER, RELY_CLIENT_ID and RELY_CLIENT_SECRET"}
	}
	client, err := i.client(ctx, false)
	if err != nil {
		return nil, err
	}
	r, err := i.request(ctx, entry, client)
	if err != nil {
		return nil, err
	}
	t, err := entry.Flow.Run(ctx, r)
	if err != nil {
		return nil, err
	}
	return i.newSession(entry.Name, t), nil
}
