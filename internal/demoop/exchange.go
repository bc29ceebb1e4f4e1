package demoop

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/demoop/account"
	"rely/internal/demoop/assertion"
	"rely/internal/demoop/exchange"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
	"rely/internal/demoop/wish"
)

// withPassword signs a user in by their password alone (RFC 6749 4.3).
func (s *Server) withPassword(c *Client, f url.Values) reply.Reply {
	u := s.users.SignIn(f.Get("username"), f.Get("password"))
	if u == nil {
		return badGrant("the user name or the password is wrong")
	}
	return s.personal(c, u, f)
}

// personal gives a client tokens of a user who was not asked on any page.
func (s *Server) personal(c *Client, u *account.User, f url.Values) reply.Reply {
	scopes := account.Within(strings.Fields(f.Get("scope")), account.Within(c.AllScopes(), account.UserScopes()))
	w, id, why := wish.Read(f)
	if id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	return s.answer(&grant{client: c, user: u, scopes: scopes, wish: w, authTime: s.now(), sid: shelf.Fresh()}, scopes, false)
}

// redeemAssertion redeems an assertion that the client signed: for itself, or for a
// user whom it speaks for (RFC 7523 2.1).
func (s *Server) redeemAssertion(c *Client, f url.Values) reply.Reply {
	sub, err := s.assertions.Granted(f.Get("assertion"), assertion.Client{ID: c.ID, Method: "private_key_jwt", Keys: c.Registered.JWKS}, s.now())
	u := s.users.Find(sub)
	switch {
	case err != nil:
		return badGrant(err.Error())
	case sub == c.ID:
		return s.serve(c, f)
	case u == nil:
		return badGrant("nobody is known under the assertion's sub")
	}
	return s.personal(c, u, f)
}

// exchange gives a token for another one (RFC 8693 2): one of this provider's,
// or an assertion as [Server.redeemAssertion] takes them.
func (s *Server) exchange(c *Client, f url.Values) reply.Reply {
	kind, id, why := exchange.Check(f)
	g, _, ok := s.access.Get(f.Get("subject_token"), s.now())
	w, bad, because := wish.Read(f)
	if id == "" {
		id, why = bad, because
	}
	from := &grant{client: c, wish: w, scopes: account.Within(strings.Fields(f.Get("scope")), account.ServiceScopes())}
	switch sub, err := s.assertions.Granted(f.Get("subject_token"), assertion.Client{ID: c.ID, Method: "private_key_jwt", Keys: c.Registered.JWKS}, s.now()); {
	case id != "":
		return reply.Refuse(http.StatusBadRequest, id, why)
	case f.Get("subject_token_type") == exchange.JWT && err == nil:
		from.user = s.users.Find(sub)
	case ok && !g.revoked && s.alive(g.grant) && f.Get("subject_token_type") == exchange.AccessToken:
		from.user, from.authTime, from.sid, from.scopes = g.user, g.authTime, g.sid, slices.DeleteFunc(slices.Clone(g.scopes), func(s string) bool { return s == "openid" })
	default:
		return reply.Refuse(http.StatusBadRequest, "invalid_request", "the subject token is unknown, too old or of another type")
	}
	if asked := strings.Fields(f.Get("scope")); len(asked) > 0 {
		from.scopes = account.Within(asked, c.AllScopes())
	}
	m, err := s.issue(from, from.scopes, false)
	if err != nil {
		return reply.Refuse(http.StatusInternalServerError, "server_error", "the tokens cannot be made")
	}
	m["issued_token_type"] = kind
	for _, f := range s.faults {
		if f.Traded != nil {
			f.Traded(m)
		}
	}
	return reply.Object(http.StatusOK, m)
}
