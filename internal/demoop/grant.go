package demoop

import (
	"maps"
	"slices"
	"strings"
	"time"

	"rely/internal/demoop/account"
	"rely/internal/demoop/hint"
	"rely/internal/demoop/keys"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/sealing"
	"rely/internal/demoop/shelf"
	"rely/internal/demoop/wish"
	"rely/internal/secret"
)

// A grant is what one person allowed one client, with everything issued from
// it: ending it ends all of that.
type grant struct {
	client   *Client
	user     *account.User // nil for client_credentials
	scopes   []string
	nonce    string
	wish     wish.Wish
	authTime time.Time
	sid      string
	ended    bool
}

type code struct {
	*grant
	redirect  string
	challenge string
	used      bool
}

type access struct {
	*grant
	scopes  []string
	revoked bool
	issued  time.Time
}

type refresh struct {
	*grant
	used time.Time // zero: not yet
}

// newCode makes an authorization code. It stays on the shelf after its use for
// as long as a refresh token lives, so that a second use is noticed.
func (s *Server) newCode(a *authz, sess *session) string {
	c := shelf.Fresh()
	s.codes.Put(c, &code{grant: a.grant(sess), redirect: a.redirect, challenge: a.challenge}, s.now(), s.now().Add(s.o.CodeTTL))
	return c
}

// grant is what the person of a session allowed.
func (a *authz) grant(sess *session) *grant {
	return &grant{client: a.client, user: sess.user, scopes: a.scopes, nonce: a.nonce, wish: a.wish, authTime: sess.authTime, sid: sess.sid}
}

// newAccess makes an access token. again says that it comes of a refresh, cnf
// what it is bound to.
func (s *Server) newAccess(g *grant, scopes []string, again bool, cnf map[string]string) (string, error) {
	until := s.now().Add(s.o.AccessTTL)
	claims := s.describe(g, scopes, until)
	if delete(claims, "active"); cnf != nil {
		claims["cnf"] = cnf
	}
	token, err := quirk.Access(&quirk.Token{Claims: claims, Refresh: again, Ring: s.ring, Now: s.now()}, s.faults)
	s.access.Put(token, &access{grant: g, scopes: scopes, issued: s.now()}, s.now(), until)
	return token, err
}

// issue answers a token request (RFC 6749 5.1). scopes may be fewer than the
// grant's; nonce is the request's, empty on a refresh (OIDC Core 12.2).
func (s *Server) issue(g *grant, scopes []string, again bool) (map[string]any, error) {
	token, err := s.newAccess(g, scopes, again, s.confirmed)
	if err != nil {
		return nil, err
	}
	m := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(s.o.AccessTTL / time.Second),
		"scope": strings.Join(scopes, " ")}
	g.wish.Grant(m)
	// Whoever is registered for the refresh grant gets a refresh token;
	// offline_access decides only whether it outlives the sign-in session.
	if g.user != nil && g.client.May("refresh_token") && !(again && s.keepsRefresh()) {
		next := shelf.Fresh()
		ends := s.now().Add(s.o.RefreshTTL)
		if whole := g.authTime.Add(s.o.SignInTTL); s.o.SignInTTL > 0 && whole.Before(ends) {
			ends = whole
		}
		s.refresh.Put(next, &refresh{grant: g}, s.now(), ends)
		m["refresh_token"] = next
	}
	if g.user != nil && slices.Contains(scopes, "openid") {
		id, err := s.idToken(g, quirk.Token{Access: token, Refresh: again})
		if err != nil {
			return nil, err
		}
		m["id_token"] = id
	}
	quirk.Answer(s.faults, m, again)
	return m, nil
}

// keepsRefresh reports whether a fault has turned rotation off.
func (s *Server) keepsRefresh() bool {
	return slices.ContainsFunc(s.faults, func(f quirk.Fault) bool { return f.Keep })
}

// alg is what a client's ID tokens are signed with: what was registered, or
// what a fault is about.
func (s *Server) alg(c *Client) string {
	alg := quirk.Alg(s.faults, c.IDTokenAlg)
	switch {
	case alg == "HS256" && c.Secret.Empty():
		return "ES256"
	case alg == "":
		return "RS256"
	}
	return alg
}

// idToken makes the ID token (OIDC Core 2, 3.1.3.6, 3.3.2.11, 12.2) that goes
// with an access token and, in the browser, with a code. Where it is all that a
// client gets, it has the claims that the scopes ask for (5.4).
func (s *Server) idToken(g *grant, with quirk.Token) (string, error) {
	alg, now := s.alg(g.client), s.now()
	claims := map[string]any{"iss": s.o.Issuer, "sub": g.user.Name, "aud": g.client.ID, "iat": now.Unix(),
		"exp": now.Add(s.o.AccessTTL).Unix(), "auth_time": g.authTime.Unix(), "sid": g.sid}
	if with.Access != "" {
		claims["at_hash"] = keys.Half(alg, with.Access)
	} else if with.Code == "" {
		maps.Copy(claims, g.user.About(g.scopes))
	}
	if with.Code != "" {
		claims["c_hash"] = keys.Half(alg, with.Code)
	}
	if g.nonce != "" && !with.Refresh {
		claims["nonce"] = g.nonce
	}
	g.wish.Sign(claims, g.user.Claims)
	with.Claims = claims
	out, err := s.sign(g.client, alg, quirk.IDTokens, &with)
	if err != nil {
		return "", err
	}
	return s.sealed(g.client, g.client.Registered.IDTokenWish(), out, "JWT")
}

// sign signs a token of a kind for a client.
func (s *Server) sign(c *Client, alg string, kind quirk.Kind, t *quirk.Token) (out string, err error) {
	if t.Key, err = s.ring.Of(alg, c.Secret); err != nil {
		return "", err
	}
	t.Header, t.Ring, t.Now = quirk.Head(alg, "JWT", t.Key), s.ring, s.now()
	return t.Sign(kind, s.faults)
}

// sealed encrypts what the client registered to have encrypted.
func (s *Server) sealed(c *Client, w sealing.Wish, payload, cty string) (string, error) {
	return sealing.Seal(w, c.Registered.JWKS, c.Secret, payload, cty, quirk.Sealer(s.faults))
}

// hint reads an ID token that comes back, and gives the client that it was
// issued to.
func (s *Server) hint(token string) (hint.Hint, *Client, error) {
	var secrets []secret.String
	for c := range s.clients.All() {
		if s.alg(c) == "HS256" {
			secrets = append(secrets, c.Secret)
		}
	}
	h, err := hint.Read(token, s.o.Issuer, s.ring, secrets)
	for _, id := range h.Audience {
		if c := s.clients.Get(id); c != nil {
			return h, c, err
		}
	}
	return h, nil, err
}
