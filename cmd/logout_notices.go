package cmd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/idtoken/logouttoken"
	protocol "rely/internal/logout"
	"rely/internal/loopback"
	"rely/internal/provider"
	"rely/internal/registration"
	"rely/internal/store"
)

// listenForNotices opens the ports for what the provider is to send, before it
// has a reason to. Paths on the origin of the sign-out's own listener are that
// one's to answer.
func (l *logout) listenForNotices(ctx context.Context, p *provider.Provider, client *store.Client, s *store.Session) (closeAll func(), err error) {
	var open []*loopback.Listener
	closeAll = func() {
		for _, one := range open {
			_ = one.Close()
		}
	}
	if !l.waitFront && !l.waitBack {
		return closeAll, nil
	}
	if l.notices, err = l.expectedNotices(p, client, s); err != nil {
		return closeAll, err
	}
	own := ""
	if redirects := l.redirects(client); len(redirects) > 0 && !l.localOnly {
		own = protocol.Origin(redirects[0])
	}
	for origin, routes := range l.notices.Routes() {
		if origin == own {
			l.shared = routes
			continue
		}
		o := loopback.Options{RedirectURI: origin + "/" + rand.Text(), Bind: l.values.String("listen"), AllowHost: l.values.String("tls_cert") != "", Routes: routes}
		if strings.HasPrefix(origin, "https://") {
			if o.Certificate, err = l.certificate(); err != nil {
				closeAll()
				return closeAll, err
			}
		}
		one, err := protocol.Listen(ctx, o)
		if err != nil {
			closeAll()
			return closeAll, err
		}
		open = append(open, one)
	}
	return closeAll, nil
}

// expectedNotices is what may come, and what it has to say.
func (l *logout) expectedNotices(p *provider.Provider, client *store.Client, s *store.Session) (*protocol.Notices, error) {
	record := recordOf(client)
	n := &protocol.Notices{Now: l.Now, NeedsSession: record["frontchannel_logout_session_required"] == true, Expected: logouttoken.Expected{
		Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: client.Secret, Keys: p.Keys, Subject: s.Subject,
		Algs:     request.IDTokenAlgs(l.values.String("id_token_signed_response_alg"), p.Metadata.IDTokenAlgs),
		NeedsSID: record["backchannel_logout_session_required"] == true,
	}}
	if claims, err := idtoken.Decode(s.ID); err == nil {
		_ = json.Unmarshal(claims.All["sid"], &n.Expected.Session) // not every provider has one
	}
	for _, w := range []struct {
		wanted       bool
		member, flag string
		given        string
		to           *string
	}{
		{l.waitFront, "frontchannel_logout_uri", "--frontchannel-logout-uri", l.frontURI, &n.Front},
		{l.waitBack, "backchannel_logout_uri", "--backchannel-logout-uri", l.backURI, &n.Back},
	} {
		if !w.wanted {
			continue
		}
		if *w.to = w.given; w.given == "" {
			*w.to = registration.TextOf(record, w.member)
		}
		if *w.to == "" {
			return nil, &fault.Error{Kind: fault.Config, ID: "logout.no-uri", Op: "wait for the provider's notice", Err: fmt.Errorf("the client has no %s", w.member),
				Hint: fmt.Sprintf("register one on loopback with \"rely register update %s https://127.0.0.1:PORT/PATH\", or give %s", w.flag, w.flag)}
		}
		if u, err := url.Parse(*w.to); err != nil || u.Host == "" {
			return nil, usage(fmt.Errorf("%s %q is no address", w.flag, *w.to), "write it as https://127.0.0.1:8910/notice")
		}
		if err := registration.CheckRedirect(*w.to, l.values.String("listen") != ""); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// onlyWait waits for a sign-out that begins elsewhere.
func (l *logout) onlyWait(ctx context.Context, s *store.Session, out *logoutJSON) error {
	client, err := l.sessions(l.secretStdin).Client(ctx)
	if err != nil {
		return err
	}
	p, err := l.discover(ctx, s.Issuer)
	if err != nil {
		return err
	}
	closeAll, err := l.listenForNotices(ctx, p, client, s)
	if err != nil {
		return err
	}
	defer closeAll()
	l.say("Waiting for the provider to tell of a sign-out (up to %s).\n", l.values.Duration("login_timeout"))
	var first error
	l.received(ctx, out, &first, true)
	return first
}

// await waits once for the notices, up to the time that a person has.
func (l *logout) await(ctx context.Context) {
	if l.waited {
		return
	}
	l.waited = true
	within, stop := context.WithTimeout(ctx, l.values.Duration("login_timeout"))
	defer stop()
	l.missing = l.notices.Wait(within, func(n protocol.Notice) { l.got = append(l.got, n) })
}

// received tells what came, and what did not. Without a sign-out there is
// nothing to wait for.
func (l *logout) received(ctx context.Context, out *logoutJSON, first *error, signedOut bool) {
	if signedOut {
		l.await(ctx)
	}
	name := map[protocol.Channel]string{protocol.Front: "frontchannel", protocol.Back: "backchannel"}
	spec := map[protocol.Channel]string{protocol.Front: "OIDC Front-Channel Logout 2", protocol.Back: "OIDC Back-Channel Logout 2.6"}
	for _, n := range l.got {
		s := step(name[n.Channel], spec[n.Channel], n.Err)
		s.Checks = rungs(n.Ladder)
		switch {
		case n.Err != nil:
		case n.Claims != nil:
			s.Claims = n.Claims.Raw
			var sid string
			_ = json.Unmarshal(n.Claims.All["sid"], &sid) // checked: a text, or not there
			s.Detail = "it ends the session of sub " + orNone(n.Claims.Subject) + ", sid " + orNone(sid)
		case n.Session != "":
			s.Detail = "with iss and sid"
		default:
			s.Detail = "without iss and sid: the provider does not say whose session it is"
		}
		l.note(out, first, s, n.Err)
		if l.story == nil {
			l.showLadder(n.Ladder, n.Err != nil)
		}
	}
	for _, c := range l.missing {
		err := error(&fault.Error{Kind: fault.Unfinished, ID: "logout.no-notice", Op: "wait for the provider's notice", Spec: spec[c],
			Err:  fmt.Errorf("no %s notice came within %s", c, l.values.Duration("login_timeout")),
			Hint: "check that the provider has the address registered, reaches it and trusts its certificate"})
		if ctx.Err() != nil {
			err = &fault.Error{Kind: fault.Cancelled, ID: "logout.cancelled", Op: "wait for the provider's notice", Err: errors.New("stopped"), Hint: "run it again when you are ready"}
		}
		l.note(out, first, step(name[c], spec[c], err), err)
	}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
