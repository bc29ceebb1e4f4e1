package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"rely/internal/fault"
	protocol "rely/internal/logout"
	"rely/internal/provider"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/useragent"
	"rely/internal/wire"
)

const (
	rpInitiated = "OIDC RP-Initiated Logout 2"
	revocation  = "RFC 7009 2"
)

// end signs out of the profile in force. The error is that of the first step
// that failed; whatever it is, the session is gone from here, unless forgetting
// itself failed.
func (l *logout) end(ctx context.Context) (logoutJSON, error) {
	out := logoutJSON{Profile: l.profile, Issuer: l.values.String("issuer"), Steps: []stepJSON{}}
	st, err := l.store()
	if err != nil {
		return out, err
	}
	s, err := st.Session(ctx, l.profile)
	switch {
	case fault.Is(err, fault.Login):
		l.say("Nobody is signed in with profile %s.\n", l.profile)
		return out, nil
	case err != nil:
		return l.unreadable(ctx, st, out, err)
	}
	l.learnSession(s)
	out.Issuer, out.Subject, out.Name = s.Issuer, s.Subject, s.Name
	if l.localOnly {
		err := l.drop(ctx, st, &out, nil)
		if err == nil && (l.waitFront || l.waitBack) {
			err = l.onlyWait(ctx, s, &out)
		}
		l.farewell(out, err != nil)
		return out, err
	}
	first := l.atProvider(ctx, st, s, &out)
	if l.refused {
		return out, first
	}
	// Whoever is told to stop still leaves nothing behind.
	err = l.drop(context.WithoutCancel(ctx), st, &out, first)
	l.farewell(out, err != nil)
	return out, err
}

// unreadable forgets a session that cannot be read: what nobody can use must
// not stay either.
func (l *logout) unreadable(ctx context.Context, st store.Store, out logoutJSON, err error) (logoutJSON, error) {
	if gone := st.DeleteSession(ctx, l.profile); gone == nil {
		l.say("rely: note: the session could not be read, so the provider was not told; it is forgotten here\n")
		out.Forgotten = true
	}
	return out, err
}

// note adds a step and tells it; the first failure is kept.
func (l *logout) note(out *logoutJSON, first *error, s stepJSON, err error) {
	out.Steps = append(out.Steps, s)
	l.tell(s)
	if err != nil && *first == nil {
		*first = err
	}
}

// drop forgets the session, whatever came before.
func (l *logout) drop(ctx context.Context, st store.Store, out *logoutJSON, first error) error {
	unlock, err := st.Lock(ctx, l.profile)
	if err == nil {
		defer unlock()
		err = st.DeleteSession(ctx, l.profile)
	}
	out.Forgotten = err == nil
	l.note(out, &first, step("forget", "", err), err)
	return first
}

// atProvider asks the provider for all it can do: the browser's session first,
// while the tokens could still tell whose it is.
func (l *logout) atProvider(ctx context.Context, st store.Store, s *store.Session, out *logoutJSON) error {
	var first error
	k := l.sessions(l.secretStdin)
	if s.Issuer != l.values.String("issuer") || s.ClientID != l.values.String("client_id") {
		why := fmt.Sprintf("the session is with %s as %s, which the profile no longer names", s.Issuer, s.ClientID)
		l.note(out, &first, skipped("end-session", rpInitiated, why), nil)
		return first
	}
	client, err := k.Client(ctx)
	var p *provider.Provider
	var hc *wire.Client
	if err == nil {
		p, hc, err = k.Proven(ctx, client)
	}
	if p == nil && err != nil {
		l.note(out, &first, step("end-session", rpInitiated, err), err)
		l.note(out, &first, skipped("revoke-refresh-token", revocation, "the provider could not be asked"), nil)
		l.note(out, &first, skipped("revoke-access-token", revocation, "the provider could not be asked"), nil)
		return first
	}
	closeAll, err := l.listenForNotices(ctx, p, client, s)
	if err != nil {
		l.refused = true // nothing was done yet, and what was asked for cannot be
		return err
	}
	defer closeAll()
	sent, err := l.endSession(ctx, p, client, s)
	l.note(out, &first, sent, err)
	if l.notices != nil {
		l.received(ctx, out, &first, err == nil)
	}
	if ctx.Err() != nil {
		return first
	}
	// A renewal may have put other tokens there meanwhile: those of now count.
	if unlock, err := st.Lock(ctx, l.profile); err == nil {
		defer unlock()
		if now, err := st.Session(ctx, l.profile); err == nil {
			l.learnSession(now)
			s = now
		}
	}
	for _, t := range []struct {
		step, hint string
		token      secret.String
	}{{"revoke-refresh-token", "refresh_token", s.Refresh}, {"revoke-access-token", "access_token", s.Access}} {
		switch {
		case t.token.Empty():
			l.note(out, &first, skipped(t.step, revocation, "the session has none"), nil)
		case p.Metadata.RevocationEndpoint == "":
			l.note(out, &first, skipped(t.step, revocation, "the provider names no revocation_endpoint: the token is good until it ends"), nil)
		default:
			err := p.Revoke(ctx, hc, t.token, t.hint)
			l.note(out, &first, step(t.step, revocation, err), err)
		}
	}
	return first
}

// endSession takes the browser to the provider. The step says how far that
// came; an error is that of the step.
func (l *logout) endSession(ctx context.Context, p *provider.Provider, client *store.Client, s *store.Session) (stepJSON, error) {
	const name = "end-session"
	robot := l.robot()
	switch {
	case s.Subject == "":
		return skipped(name, rpInitiated, "nobody signed in: the session is a machine's"), nil
	case p.Metadata.EndSessionEndpoint == "":
		return skipped(name, rpInitiated, "the provider names no end_session_endpoint: whoever is signed in there, in a browser, stays so"), nil
	case !robot && l.values.Bool("non_interactive"):
		return skipped(name, rpInitiated, "a browser is needed, and --non-interactive forbids to open one"), nil
	}
	agent, o, err := l.agent()
	if err != nil {
		return step(name, rpInitiated, err), err
	}
	defer useragent.Dismiss(agent)
	r := &protocol.Request{
		Endpoint: p.Metadata.EndSessionEndpoint, IDToken: s.ID, ClientID: s.ClientID, Hint: l.hint, UILocales: l.locales, Post: l.post,
		Redirects: l.redirects(client), Listen: l.values.String("listen"), AllowHost: l.values.String("tls_cert") != "", Certificate: l.certificate,
		Agent: agent, Person: agent.Name() == "system" || agent.Name() == "none",
		Wait: l.values.Duration("login_timeout"), OpenWait: l.values.Duration("open_timeout"),
	}
	if l.shared != nil {
		r.Routes, r.Hold = l.shared, l.await
	}
	if l.noHint {
		r.IDToken = secret.String{}
	}
	for _, address := range []string{p.Metadata.Issuer, p.Metadata.EndSessionEndpoint} {
		if from := protocol.Origin(address); from != "" && !slices.Contains(r.Origins, from) {
			r.Origins = append(r.Origins, from)
		}
	}
	r.Announce = func(a protocol.Announcement) { l.announce(r, o, a) }
	done, err := r.Run(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		err = &fault.Error{Kind: fault.Cancelled, ID: "logout.cancelled", Op: "end the session at the provider", Err: errors.New("stopped"), Hint: "sign out at the provider's own pages"}
	case err == nil && !done.Returned:
		told := step(name, rpInitiated, nil)
		told.Detail = "the browser is at the provider, which does not send it back: no post_logout_redirect_uri is registered"
		return told, nil
	}
	return step(name, rpInitiated, err), err
}

// redirects are where the browser may come back to: what the person said, else
// what the client has registered.
func (l *logout) redirects(client *store.Client) []string {
	if uri := l.values.String("post_logout_redirect_uri"); uri != "" {
		return []string{uri}
	}
	var out []string
	for _, uri := range registration.ListOf(recordOf(client), "post_logout_redirect_uris") {
		if registration.CheckRedirect(uri, l.values.String("listen") != "") == nil {
			out = append(out, uri)
		}
	}
	return out
}

// announce tells a person where to sign out, and what went wrong on the way
// there.
func (l *logout) announce(r *protocol.Request, o useragent.Options, a protocol.Announcement) {
	switch {
	case a.Trouble != nil:
		l.say("rely: note: %s\n", fault.VisibleUpTo(a.Trouble.Error(), 300))
		l.say("Open the address above in the browser that you signed in with.\n")
		return
	case !r.Person:
		if l.verbose() > 0 {
			l.say("Signing out at %s.\n", fault.Visible(r.Endpoint))
		}
		return
	case l.quiet():
		fmt.Fprintf(l.Stderr, "%s\n", fault.Visible(a.URL)) // or nobody could go on
		return
	}
	around := useragent.Look(o)
	if r.Agent.Name() == "system" {
		l.say("Your browser opens. If it does not, open this address in the one that you signed in with:\n\n  %s\n\n", fault.Visible(a.URL))
	} else {
		l.say("Open this address in the browser that you signed in with:\n\n  %s\n\n", fault.Visible(a.URL))
	}
	if around.SSH {
		l.say("The browser is on another machine? Forward the port first:\n\n  %s\n\n", forward(cmp.Or(a.Redirect, a.URL), l.Env))
	}
	if l.warnsOfCertificate(a.Redirect) {
		l.say("The browser will warn of this machine's own certificate for\n%s: that page is rely's.\n\"rely trust install\" ends that.\n\n", fault.Visible(a.Redirect))
	}
	if a.Redirect != "" {
		l.say("Waiting for the browser to come back to %s (up to %s).\n", fault.Visible(a.Redirect), r.Wait)
	}
}
