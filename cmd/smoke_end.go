package cmd

import (
	"context"
	"strings"

	"rely/internal/fault"
	"rely/internal/registration"
	"rely/internal/secret"
)

func (s *smoke) revokeAccess(ctx context.Context) (string, error) {
	return s.revoke(ctx, s.session.Access, "access_token")
}

func (s *smoke) revokeRefresh(ctx context.Context) (string, error) {
	if s.session.Refresh.Empty() {
		return leave("the provider gave no refresh token")
	}
	return s.revoke(ctx, s.session.Refresh, "refresh_token")
}

func (s *smoke) revoke(ctx context.Context, token secret.String, hint string) (string, error) {
	if !s.names("revocation_endpoint") {
		return leave("the provider names no revocation_endpoint")
	}
	p, hc, err := s.inside.sessions(false).Proven(ctx, s.client)
	if err != nil {
		return "", err
	}
	return "", p.Revoke(ctx, hc, token, hint)
}

// accessDead asks everybody who has to know: introspection and UserInfo.
func (s *smoke) accessDead(ctx context.Context) (string, error) {
	var asked []string
	if !s.failed["introspect"] {
		good, _, err := s.active(ctx, s.session.Access, "access_token")
		switch {
		case err != nil:
			return "", err
		case good:
			return "", broken("smoke.access-alive", "RFC 7009 2", "introspection says that the revoked access token is active", "have the provider end revoked access tokens at once")
		}
		asked = append(asked, "introspection says that it is not active")
	}
	if !s.failed["userinfo"] {
		_, err := s.inside.sessions(false).Userinfo(ctx, s.provider, s.session)
		switch {
		case err == nil:
			return "", broken("smoke.access-alive", "RFC 7009 2", "UserInfo still takes the revoked access token", "have the provider look up access tokens at UserInfo, or end them within seconds")
		case !fault.Is(err, fault.Denied):
			return "", err
		}
		asked = append(asked, "UserInfo refuses it")
	}
	if len(asked) == 0 {
		return leave("neither introspection nor UserInfo can be asked")
	}
	return strings.Join(asked, ", "), nil
}

// refreshDead tries to renew with what was revoked.
func (s *smoke) refreshDead(ctx context.Context) (string, error) {
	old := *s.session
	if err := s.inside.kept.PutSession(ctx, s.inside.profile, &old); err != nil {
		return "", err
	}
	now, err := s.inside.sessions(false).Fresh(ctx, 0, true)
	switch {
	case err == nil:
		s.inside.learnSession(now)
		s.session = now
		return "", broken("smoke.refresh-alive", "RFC 7009 2", "the revoked refresh token still brings tokens", "have the provider end refresh tokens when they are revoked")
	case fault.Is(err, fault.Login), fault.Is(err, fault.Denied):
		return "renewing is refused", nil
	}
	return "", err
}

// logout ends the person's session as "rely logout" does.
func (s *smoke) logout(ctx context.Context) (string, error) {
	l := &logout{invocation: s.inside, story: func(string, ...any) {}}
	told, err := l.endSession(ctx, s.provider, s.client, s.session)
	if told.Status == "skipped" {
		return leave(told.Detail)
	}
	if err == nil && told.Detail == "" {
		told.Detail = "the browser came back"
	}
	return told.Detail, err
}

// delete takes the client away at the provider, also after Ctrl-C, and proves
// that it is gone.
func (s *smoke) delete(ctx context.Context) {
	if s.made == nil {
		return
	}
	step := smokeStep{Name: "delete", What: "delete the client", Spec: "RFC 7592 2.3"}
	ctx = context.WithoutCancel(ctx)
	began := s.Now()
	step.Said, step.err = s.remove(ctx)
	step.took(s.Now().Sub(began))
	s.note(step)
}

func (s *smoke) remove(ctx context.Context) (string, error) {
	hc, err := s.inside.http()
	if err != nil {
		return "", err
	}
	m := registration.Manager{HTTP: hc, Issuer: s.inside.values.String("issuer"), Known: *s.made.Client}
	if err := m.Delete(ctx); err != nil {
		s.handOver(s.made.Client, err)
		if s.made.RegistrationURI == "" {
			return leave("the provider has no management of clients: its administrator has to delete " + s.made.ID)
		}
		return "", err
	}
	if _, err := m.Read(ctx); err == nil {
		return "", broken("smoke.client-alive", "RFC 7592 2.3", "the deleted client can still be read", "have the provider delete clients, and end their registration access tokens")
	}
	return "it is gone", nil
}

// handOver tells how a client that stays can be deleted.
func (s *smoke) handOver(c *registration.Client, why error) {
	(&register{invocation: s.invocation}).handOver(c, why)
}
