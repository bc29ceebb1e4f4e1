package demoop

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"rely/internal/demoop/account"
	"rely/internal/demoop/bearer"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/wish"
)

// bearer finds the access token of a request and demands one of the scopes. The
// reply is the refusal, or nil.
func (s *Server) bearer(r *http.Request, scopes ...string) (*access, reply.Reply) {
	token, no := bearer.Token(r)
	if no != nil {
		return nil, no
	}
	a, _, ok := s.access.Get(token, s.now())
	switch {
	case !ok || a.revoked || !s.alive(a.grant):
		return nil, reply.Challenge(http.StatusUnauthorized, "invalid_token", "the access token is unknown, too old or revoked")
	case a.user == nil || len(account.Within(scopes, a.scopes)) == 0:
		return nil, reply.Challenge(http.StatusForbidden, "insufficient_scope", "the access token lacks the scope "+strings.Join(scopes, " or "))
	}
	return a, nil
}

// userinfo says who is signed in (OIDC Core 5.3).
func (s *Server) userinfo(r *http.Request) reply.Reply {
	a, no := s.bearer(r, "openid")
	if no != nil {
		return no
	}
	m := a.user.About(a.scopes)
	wish.Tell(m, a.wish.UserInfo, a.user.Claims)
	if err := s.bureau.Tell(m, a.user.Name, a.wish.UserInfo); err != nil {
		return reply.Refuse(http.StatusInternalServerError, "server_error", "the claims cannot be gathered")
	}
	quirk.Bend(s.faults, func(f quirk.Fault) func(map[string]any) { return f.Claims }, m)
	is := a.client.Registered
	if is.UserinfoAlg == "" && is.UserinfoKeyAlg == "" {
		return reply.Object(http.StatusOK, m)
	}
	text, cty, err := quirk.Wrap(s.ring, is.UserinfoAlg, a.client.Secret, s.o.Issuer, a.client.ID, m, s.now(), s.faults)
	if err == nil {
		text, err = s.sealed(a.client, is.UserinfoWish(), text, cty)
	}
	if err != nil {
		return reply.Refuse(http.StatusInternalServerError, "server_error", "the claims cannot be wrapped")
	}
	return reply.JWT(text)
}

// introspect tells a confidential client about a token (RFC 7662 2). Whatever
// is wrong with the token, the answer is the same.
func (s *Server) introspect(r *http.Request) reply.Reply {
	c, no := s.authenticate(r)
	switch {
	case no != nil:
		return no
	case c.Public():
		return noClient()
	case r.PostForm.Get("token") == "":
		return reply.Refuse(http.StatusBadRequest, "invalid_request", "token is missing")
	}
	token := r.PostForm.Get("token")
	if a, until, ok := s.access.Get(token, s.now()); ok && !a.revoked && s.alive(a.grant) {
		m := s.describe(a.grant, a.scopes, until)
		m["token_type"], m["iat"] = "Bearer", a.issued.Unix()
		return reply.Object(http.StatusOK, m)
	}
	if t, until, ok := s.refresh.Get(token, s.now()); ok && t.used.IsZero() && s.alive(t.grant) {
		return reply.Object(http.StatusOK, s.describe(t.grant, t.scopes, until))
	}
	return reply.Object(http.StatusOK, map[string]any{"active": false})
}

func (s *Server) describe(g *grant, scopes []string, until time.Time) map[string]any {
	m := map[string]any{"active": true, "iss": s.o.Issuer, "client_id": g.client.ID, "scope": strings.Join(scopes, " "),
		"exp": until.Unix(), "sub": g.client.ID}
	if len(g.wish.Resources) > 0 {
		m["aud"] = g.wish.Resources
	}
	if g.user != nil {
		m["sub"], m["username"] = g.user.Name, g.user.Name
	}
	return m
}

// revoke ends an access token, or with a refresh token the whole grant (RFC
// 7009 2.1). A token nobody knows is no mistake.
func (s *Server) revoke(r *http.Request) reply.Reply {
	c, no := s.authenticate(r)
	switch {
	case no != nil:
		return no
	case r.PostForm.Get("token") == "":
		return reply.Refuse(http.StatusBadRequest, "invalid_request", "token is missing")
	}
	token := r.PostForm.Get("token")
	if t, _, ok := s.refresh.Get(token, s.now()); ok {
		if t.client != c {
			return badGrant("the token is another client's")
		}
		t.ended = true
	}
	if a, _, ok := s.access.Get(token, s.now()); ok {
		if a.client != c {
			return badGrant("the token is another client's")
		}
		a.revoked = true
	}
	return reply.Empty(http.StatusOK)
}

// endSession ends what depends on a sign-in: grants without offline_access
// (OIDC Core 11).
func (s *Server) endSession(sid string) {
	end := func(g *grant) {
		if g.user != nil && g.sid == sid && !slices.Contains(g.scopes, "offline_access") {
			g.ended = true
		}
	}
	for _, i := range s.access.All() {
		end(i.grant)
	}
	for _, i := range s.refresh.All() {
		end(i.grant)
	}
	for _, i := range s.codes.All() {
		end(i.grant)
	}
}
