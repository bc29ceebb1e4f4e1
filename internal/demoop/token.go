package demoop

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/demoop/account"
	"rely/internal/demoop/assertion"
	"rely/internal/demoop/binding"
	"rely/internal/demoop/device"
	"rely/internal/demoop/discovery"
	"rely/internal/demoop/exchange"
	"rely/internal/demoop/pkce"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
	"rely/internal/demoop/wish"
)

// authenticate tells which client is asking (RFC 6749 2.3). The reply is the
// refusal, or nil.
func (s *Server) authenticate(r *http.Request) (*Client, reply.Reply) {
	if r.PostForm.Has("client_assertion") {
		return s.asserted(r)
	}
	id, given, method := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), "none"
	if given != "" {
		method = "client_secret_post"
	}
	if head := r.Header.Get("Authorization"); head != "" {
		user, pass, ok := r.BasicAuth()
		// Both halves were form-encoded before they were joined (RFC 6749 2.3.1).
		name, err1 := url.QueryUnescape(user)
		pass, err2 := url.QueryUnescape(pass)
		switch {
		case !ok || err1 != nil || err2 != nil:
			return nil, noClient()
		case given != "" || id != "" && id != name:
			return nil, reply.Refuse(http.StatusBadRequest, "invalid_request", "the client proves itself in two ways")
		}
		id, given, method = name, pass, "client_secret_basic"
	}
	c := s.clients.Get(id)
	if c != nil && given == "" && slices.Contains(binding.Methods(), c.AuthMethod) {
		if why := c.Registered.Holder().Unproven(r); why != "" {
			return nil, unproven(why)
		}
		return c, nil
	}
	want := shelf.Fresh()
	if c != nil {
		want = c.Secret.Reveal()
	}
	right := shelf.Same(given, want)
	if c == nil || !right || c.Expired(s.now()) || c.AuthMethod != "" && c.AuthMethod != method || !c.Public() && method == "none" {
		return nil, noClient()
	}
	return c, nil
}

func noClient() reply.Reply {
	return unproven("the client is unknown or did not prove itself as registered")
}

func unproven(why string) reply.Reply {
	return reply.With("WWW-Authenticate", `Basic realm="demo provider", charset="UTF-8"`, reply.Refuse(http.StatusUnauthorized, "invalid_client", why))
}

// token is the token endpoint (RFC 6749 3.2). Parameters come in the body
// only.
func (s *Server) token(r *http.Request) reply.Reply {
	s.confirmed = s.bindings.Confirmation(r)
	if n := repeated(r.PostForm); n != "" {
		return reply.Refuse(http.StatusBadRequest, "invalid_request", n+" is there more than once")
	}
	c, no := s.authenticate(r)
	if no != nil {
		return no
	}
	g := r.PostForm.Get("grant_type")
	switch {
	case g == "":
		return reply.Refuse(http.StatusBadRequest, "invalid_request", "grant_type is missing")
	case !slices.Contains(discovery.GrantTypes(), g):
		return reply.Refuse(http.StatusBadRequest, "unsupported_grant_type", "this provider does not know the grant type")
	case !c.May(g):
		return reply.Refuse(http.StatusBadRequest, "unauthorized_client", "the client is not registered for this grant type")
	case g == "authorization_code":
		return s.redeem(c, r.PostForm)
	case g == "refresh_token":
		return s.renew(c, r.PostForm)
	case g == device.Grant:
		return s.poll(c, r.PostForm)
	case g == device.Backchannel:
		return s.pollElsewhere(c, r.PostForm)
	case g == "password":
		return s.withPassword(c, r.PostForm)
	case g == assertion.Bearer:
		return s.redeemAssertion(c, r.PostForm)
	case g == exchange.Grant:
		return s.exchange(c, r.PostForm)
	}
	return s.serve(c, r.PostForm)
}

func badGrant(why string) reply.Reply {
	return reply.Refuse(http.StatusBadRequest, "invalid_grant", why)
}

// answer issues the tokens of a grant.
func (s *Server) answer(g *grant, scopes []string, again bool) reply.Reply {
	m, err := s.issue(g, scopes, again)
	if err != nil {
		return reply.Refuse(http.StatusInternalServerError, "server_error", "the tokens cannot be made")
	}
	return reply.Object(http.StatusOK, m)
}

// alive reports whether a grant still counts.
func (s *Server) alive(g *grant) bool { return !g.ended && s.clients.Get(g.client.ID) == g.client }

// redeem exchanges a code, once (RFC 6749 4.1.3, 4.1.2; RFC 7636 4.6).
func (s *Server) redeem(c *Client, f url.Values) reply.Reply {
	k, _, ok := s.codes.Get(f.Get("code"), s.now())
	if !ok || k.client != c || !s.alive(k.grant) {
		return badGrant("the code is unknown, too old or another client's")
	}
	if k.used {
		k.ended = true
		return badGrant("the code was used before; everything issued from it is revoked")
	}
	if !k.wish.Covers(f["resource"]) {
		return badTarget()
	}
	if f.Get("redirect_uri") != k.redirect {
		return badGrant("redirect_uri is not the one of the authorization request")
	}
	if why := pkce.Misfit(f.Get("code_verifier"), k.challenge); why != "" {
		return badGrant(why)
	}
	k.used = true
	s.codes.Put(f.Get("code"), k, s.now(), s.now().Add(s.o.RefreshTTL))
	return s.answer(k.grant, k.scopes, false)
}

// renew exchanges a refresh token, once: a second use means that two parties
// hold it, and ends the grant (RFC 9700 4.14.2).
func (s *Server) renew(c *Client, f url.Values) reply.Reply {
	t, _, ok := s.refresh.Get(f.Get("refresh_token"), s.now())
	if !ok || t.client != c || !s.alive(t.grant) {
		return badGrant("the refresh token is unknown, too old, revoked or another client's")
	}
	if !t.used.IsZero() && s.now().Sub(t.used) >= s.o.RefreshGrace {
		t.ended = true
		return badGrant("the refresh token was used before; everything issued with it is revoked")
	}
	if !t.wish.Covers(f["resource"]) {
		return badTarget()
	}
	scopes := t.scopes
	if asked := strings.Fields(f.Get("scope")); len(asked) > 0 {
		scopes = account.Within(asked, t.scopes)
		if len(scopes) != len(account.Within(asked, asked)) {
			return reply.Refuse(http.StatusBadRequest, "invalid_scope", "more than was granted")
		}
	}
	if t.used.IsZero() && !s.keepsRefresh() {
		t.used = s.now()
	}
	return s.answer(t.grant, scopes, true)
}

// serve gives a client a token for itself (RFC 6749 4.4).
func (s *Server) serve(c *Client, f url.Values) reply.Reply {
	if c.Public() {
		return reply.Refuse(http.StatusBadRequest, "unauthorized_client", "a public client cannot have a token for itself")
	}
	allowed := account.Within(c.AllScopes(), account.ServiceScopes())
	scopes := allowed
	if asked := strings.Fields(f.Get("scope")); len(asked) > 0 {
		scopes = account.Within(asked, allowed)
		if len(scopes) != len(account.Within(asked, asked)) {
			return reply.Refuse(http.StatusBadRequest, "invalid_scope", "a scope that this client may not have")
		}
	}
	w, id, why := wish.Read(f)
	if id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	return s.answer(&grant{client: c, scopes: scopes, wish: w}, scopes, false)
}

func badTarget() reply.Reply {
	return reply.Refuse(http.StatusBadRequest, "invalid_target", "a resource that was not granted")
}
