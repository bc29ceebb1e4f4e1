// Package session keeps a profile's tokens usable: it turns settings into a
// flow's request, renews what is about to expire, once however many processes
// ask, and says when only a person can help. It knows no command line, prints
// nothing and prompts nobody.
package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/wire"
)

// A Keeper works on one profile, or on settings without one. All fields must
// be set; Profile is empty where there is none, and then nothing is kept.
type Keeper struct {
	Settings config.Values
	Profile  string
	Digest   string // of the settings files, see [store.Session]
	Store    func() (store.Store, error)
	HTTP     func() (*wire.Client, error)
	Secret   func() (secret.String, error)                  // the client's secret given for this run; empty where there is none
	Key      func() (secret.String, error)                  // the client's private key given for this run; empty where there is none
	Given    func(name, what string) (secret.String, error) // any other secret setting; empty where there is none
	Fed      func(name string) bool                         // whether it was given on standard input
	Prompt   func(question string) (secret.String, error)   // nil where nobody can be asked
	World    func() (*wire.Client, error)                   // for what is no provider: the system's authorities
	Env      func(variable string) string                   // of the process
	Learn    func(secret string)                            // told of every secret, so that nothing shows it
	Note     func(text string)                              // what the person should know and need not act on now
	ReadFile func(path string) ([]byte, error)              // a file that a setting names with @ in front
	Discover func(ctx context.Context, issuer string) (*provider.Provider, error)

	Certificate func(*store.Client) (*tls.Certificate, error) // that the client's connections show; nil where they show none
	Now         func() time.Time
	Sleep       func(ctx context.Context, d time.Duration) error

	whose *string                  // on whose behalf a session has to be obtained, see behalf; nil for anybody's
	jobs  map[string]secret.String // identity tokens of the CI job, by audience
}

// Client is the client that the settings name, with its secret: given now, or
// kept by the profile.
func (k *Keeper) Client(ctx context.Context) (*store.Client, error) {
	c := &store.Client{Issuer: k.Settings.String("issuer"), ClientID: k.Settings.String("client_id")}
	if c.ClientID == "" {
		return nil, &fault.Error{Kind: fault.Usage, ID: "login.client-id", Op: "sign in", Err: errors.New("no client id is given"),
			Hint: "run \"rely register\", or give the id that the provider's administrator has for you with --client-id ID"}
	}
	var err error
	if c.Secret, err = k.Secret(); err != nil || k.Profile == "" {
		return c, err
	}
	s, err := k.Store()
	if err != nil {
		return nil, err
	}
	kept, err := s.Client(ctx, k.Profile)
	if err != nil || kept == nil || kept.Issuer != c.Issuer || kept.ClientID != c.ClientID {
		return c, err // another issuer's secret is never sent (RFC 9700 4.4)
	}
	if !c.Secret.Empty() { // given now: it takes the place of the one kept
		kept.Secret, kept.SecretExpires = c.Secret, time.Time{}
	}
	k.Learn(kept.Secret.Reveal())
	k.Learn(kept.RegistrationToken.Reveal())
	k.Note(k.Expiry(kept))
	return kept, nil
}

// Request is what every flow needs: the provider discovered, the client ready
// to prove itself.
func (k *Keeper) Request(ctx context.Context, entry flows.Entry, client *store.Client) (*flows.Request, error) {
	hc, err := k.HTTP()
	if err != nil {
		return nil, err
	}
	p, err := k.Discover(ctx, client.Issuer)
	if err != nil {
		return nil, err
	}
	published := p.Metadata
	if k.Settings.String("response_type") != "" {
		published.ResponseTypes = nil // one that is named is tried, listed or not
	}
	if err := entry.Flow.Possible(&published); err != nil {
		return nil, err
	}
	creds, err := k.Credentials(client, p)
	if err != nil {
		return nil, err
	}
	prove, err := k.proof(creds, p)
	if err != nil {
		return nil, err
	}
	encryption, own, err := k.encryption("id_token", client)
	if err != nil {
		return nil, err
	}
	r := &flows.Request{
		Provider: p, HTTP: hc, Now: k.Now, Sleep: k.Sleep,
		ClientID: client.ClientID, ClientSecret: client.Secret, Prove: prove,
		IDTokenAlgs: request.IDTokenAlgs(k.Settings.String("id_token_signed_response_alg"), p.Metadata.IDTokenAlgs),
		Encryption:  encryption, OwnKeys: own,
		Scope: k.scope(entry),
		Text:  k.text, List: k.Settings.List, Given: k.given, Ask: k.Prompt, Job: k.Job, Warn: k.Note,
		Own:  func(ctx context.Context) (*flows.Tokens, error) { return k.own(ctx, entry) },
		Keys: creds.Keys, KeysName: creds.KeysName, Audience: creds.Audience,
		ResponseType: k.Settings.String("response_type"), ResponseMode: k.Settings.String("response_mode"),
		ResponseAlgs: request.IDTokenAlgs(k.Settings.String("authorization_signed_response_alg"), p.Metadata.ResponseAlgs),
	}
	if entry.Person && strings.HasSuffix(r.ResponseMode, "jwt") {
		if r.ResponseEncryption, r.ResponseKeys, err = k.encryption("authorization", client); err != nil {
			return nil, err
		}
	}
	if err := k.ask(ctx, r, entry, client); err != nil {
		return nil, err
	}
	if r.Behalf, err = k.behalf(ctx, entry); err != nil {
		return nil, err
	}
	return r, k.bind(r, nil)
}

// scope is what was asked for; a person's sign-in without any asks who they
// are.
func (k *Keeper) scope(entry flows.Entry) string {
	scope := strings.Join(strings.Fields(k.Settings.String("scope")), " ")
	if scope == "" && (entry.Person || entry.Elsewhere) {
		return "openid profile email"
	}
	return scope
}

// Fresh is the profile's session with at least minTTL left, renewed where it
// has less or force says so. However many processes ask at once, one renews:
// the others wait for it and read what it kept.
func (k *Keeper) Fresh(ctx context.Context, minTTL time.Duration, force bool) (*store.Session, error) {
	entry, err := flows.Find(k.Settings.String("flow"))
	if err != nil {
		return nil, err
	}
	if err := k.Fits(entry); err != nil {
		return nil, err
	}
	if setting := k.overridden(entry); setting != "" && k.Profile != "" && !entry.Again() {
		return nil, &fault.Error{Kind: fault.Usage, ID: "session.overridden", Op: "find the session", Err: fmt.Errorf("the session of profile %s was obtained without %s", k.Profile, setting),
			Hint: "leave " + setting + " out, or sign in anew with \"rely login\""}
	} else if k.Profile == "" || setting != "" {
		return k.unkept(ctx, entry)
	}
	who, err := k.behalf(ctx, entry)
	if err != nil {
		return nil, err
	}
	k.whose = &who
	st, err := k.Store()
	if err != nil {
		return nil, err
	}
	before, err := st.Session(ctx, k.Profile)
	if err == nil && !force && k.usable(before, minTTL) {
		return before, nil
	}
	if err != nil && (!entry.Again() || !fault.Is(err, fault.Login)) {
		return nil, err
	}
	unlock, err := st.Lock(ctx, k.Profile)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now, err := st.Session(ctx, k.Profile)
	switch {
	case err == nil && k.usable(now, minTTL) && (!force || before == nil || now.Access.Reveal() != before.Access.Reveal()):
		return now, nil // another process was first
	case err != nil && (!entry.Again() || !fault.Is(err, fault.Login)):
		return nil, err
	}
	if err := st.Writable(k.Profile); err != nil {
		return nil, err
	}
	return k.obtain(ctx, st, entry, now)
}

// usable reports whether a session is the settings' own and lives long enough.
// A token without a known end counts as alive: the provider will say. A sign-in
// that brought an ID token alone, and so no type of access token, lives as long
// as that.
func (k *Keeper) usable(s *store.Session, minTTL time.Duration) bool {
	alone := s != nil && !s.ID.Empty() && s.TokenType == ""
	return k.belongs(s) && (!s.Access.Empty() || alone) && (s.Expiry.IsZero() || s.Expiry.Sub(k.Now()) >= minTTL)
}

// belongs reports whether a session was obtained from the issuer and for the
// client that the settings name, and on behalf of the same subject: tokens never
// cross over (RFC 9700 4.4).
func (k *Keeper) belongs(s *store.Session) bool {
	return s != nil && s.Issuer == k.Settings.String("issuer") && s.ClientID == k.Settings.String("client_id") && (k.whose == nil || *k.whose == s.Behalf)
}

// obtain renews a session, or fetches a new one where no person is needed. The
// caller holds the profile's lock.
func (k *Keeper) obtain(ctx context.Context, st store.Store, entry flows.Entry, old *store.Session) (*store.Session, error) {
	if !entry.Again() {
		if err := k.renewable(old); err != nil {
			return nil, err
		}
	}
	client, err := k.Client(ctx)
	if err != nil {
		return nil, err
	}
	r, err := k.Request(ctx, entry, client)
	if err != nil {
		return nil, err
	}
	if err := k.bind(r, old); err != nil {
		return nil, err
	}
	var s *store.Session
	r.Keep = func(t *flows.Tokens) error {
		s = k.renewed(entry.Name, old, t)
		return unkeptFault(st.PutSession(ctx, k.Profile, s))
	}
	if entry.Again() && (old == nil || old.Refresh.Empty() || k.renewable(old) != nil) {
		_, err = entry.Flow.Run(ctx, r)
		return s, k.Explain(client, err)
	}
	r.Refresh, r.Scope = old.Refresh, old.Scope
	if !old.ID.Empty() { // plain OAuth 2.0 has none
		if r.Prior, err = idtoken.Decode(old.ID); err != nil {
			return nil, err
		}
	}
	if _, err = flows.Renew(ctx, r); err != nil {
		err = k.dead(ctx, st, old, k.Explain(client, err))
		if entry.Again() && fault.Is(err, fault.Login) {
			r.Scope = k.scope(entry)
			_, err = entry.Flow.Run(ctx, r)
		}
		return s, err
	}
	return s, nil
}

// unkeptFault says what a failed write means after a renewal: the provider may
// have replaced the refresh token, and the new one is lost.
func unkeptFault(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	return &fault.Error{Kind: f.Kind, ID: f.ID, Op: "keep the renewed tokens", Spec: "RFC 9700 4.14.2", Err: f,
		Hint: "mend that (" + f.Hint + "); if the next renewal is refused, sign in again, because the provider replaces refresh tokens"}
}

// renewable says why a session cannot go on without a person.
func (k *Keeper) renewable(s *store.Session) error {
	f := &fault.Error{Kind: fault.Login, ID: "session.expired", Op: "renew the tokens", Hint: fmt.Sprintf("run \"rely login -p %s\"", k.Profile)}
	switch {
	case !k.belongs(s):
		f.ID = "session.other"
		f.Err = fmt.Errorf("the session of profile %s is with %s as %s, which the profile no longer names", k.Profile, s.Issuer, s.ClientID)
	case s.Refresh.Empty():
		f.Err = errors.New("the access token has expired, and the session has no refresh token")
		switch {
		case s.Access.Empty():
			f.Err = errors.New("the ID token has expired, and it came alone")
		case k.usable(s, 0):
			f.Err = errors.New("the session has no refresh token; the access token is still good")
		}
		// The implicit flow never brings one (RFC 6749 4.2.2).
		if s.Flow != "implicit" && !slices.Contains(strings.Fields(k.Settings.String("scope")), "offline_access") {
			f.Hint += "; many providers want the scope offline_access for a refresh token"
		}
	default:
		return nil
	}
	return f
}

// dead turns a refused refresh token into "sign in again", and takes it out of
// the session so that it is not sent once more. Any other failure leaves the
// session as it is.
func (k *Keeper) dead(ctx context.Context, st store.Store, old *store.Session, err error) error {
	var f *fault.Error
	var over *net.OpError
	switch {
	case !errors.As(err, &f), errors.As(err, &over) && over.Op == "dial": // nothing was sent
		return err
	case f.Kind == fault.Network && f.Spec == "":
		// The request may have got through, and the refresh token be replaced.
		return &fault.Error{Kind: f.Kind, ID: f.ID, Op: f.Op, Spec: "RFC 9700 4.14.2", Err: f.Err, Hint: f.Hint + "; if the next renewal is refused, sign in again, because the provider may have replaced the refresh token"}
	case f.ID == "token.refused":
		// Some providers refuse a dead refresh token without a word. It may be
		// something else, so the token stays; what helps is the same.
		return &fault.Error{Kind: fault.Login, ID: "session.refused", Op: f.Op, Spec: f.Spec, Err: f.Err, Hint: fmt.Sprintf("run \"rely login -p %s\"", k.Profile)}
	case f.ID != "token.invalid_grant":
		return err
	}
	without := *old
	without.Refresh = secret.String{}
	if kept := st.PutSession(ctx, k.Profile, &without); kept != nil {
		return kept
	}
	return &fault.Error{Kind: fault.Login, ID: "session.ended", Op: f.Op, Spec: f.Spec, Err: f.Err, Hint: fmt.Sprintf("run \"rely login -p %s\"", k.Profile)}
}

// renewed is the session after a renewal; what the answer left out stays as it
// was (RFC 6749 6, OIDC Core 12.2).
func (k *Keeper) renewed(flow string, old *store.Session, t *flows.Tokens) *store.Session {
	s := k.New(flow, t)
	if old == nil || !k.belongs(old) {
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
func (k *Keeper) unkept(ctx context.Context, entry flows.Entry) (*store.Session, error) {
	if entry.Person || entry.Elsewhere {
		return nil, &fault.Error{Kind: fault.Login, ID: "session.none", Op: "find the session", Err: errors.New("there is no current profile"),
			Hint: "run \"rely login ISSUER --client-id ID\", or give --flow client-credentials with RELY_ISSUER, RELY_CLIENT_ID and RELY_CLIENT_SECRET"}
	}
	client, err := k.Client(ctx)
	if err != nil {
		return nil, err
	}
	r, err := k.Request(ctx, entry, client)
	if err != nil {
		return nil, err
	}
	t, err := entry.Flow.Run(ctx, r)
	if err != nil {
		return nil, err
	}
	if given, err := k.Given("refresh_token", "the refresh token"); err == nil && entry.Once && given.Reveal() != t.Refresh.Reveal() {
		k.Note("the provider gave a new refresh token, which is not kept without a profile; the one that was given may be dead now")
	}
	return k.New(entry.Name, t), nil
}

// New is a session made of tokens just obtained.
func (k *Keeper) New(flow string, t *flows.Tokens) *store.Session {
	s := &store.Session{
		Profile: k.Profile, Issuer: k.Settings.String("issuer"), ClientID: k.Settings.String("client_id"), Flow: flow,
		Scope: t.Scope, TokenType: t.TokenType, Access: t.Access, Refresh: t.Refresh, ID: t.ID,
		Expiry: t.Expiry, Obtained: k.Now().UTC().Truncate(time.Second), RedirectURI: t.RedirectURI,
		Settings: k.Digest, DPoPKey: t.DPoPKey, Behalf: t.Behalf,
	}
	if s.Behalf != "" || k.Settings.Source("min_ttl") != config.FromDefault || k.Settings.String("output") != "" {
		s.Settings = "" // quickTokens knows the defaults alone, and nobody's subject
	}
	if t.Claims != nil && t.Access.Empty() {
		s.Expiry = t.Claims.Expiry
	}
	if t.Claims != nil {
		s.Subject, s.Name = t.Claims.Subject, request.DisplayName(t.Claims)
	}
	return s
}
