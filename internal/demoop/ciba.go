package demoop

import (
	"net/http"
	"net/url"
	"strings"

	"rely/internal/demoop/account"
	"rely/internal/demoop/device"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
)

// backchannel begins a sign-in on a device of the user's own (CIBA 7).
func (s *Server) backchannel(r *http.Request) reply.Reply {
	c, no := s.authenticate(r)
	if no != nil {
		return no
	}
	f := r.PostForm
	switch scopes := account.Within(strings.Fields(f.Get("scope")), account.Within(c.AllScopes(), account.UserScopes())); {
	case !c.May(device.Backchannel):
		return reply.Refuse(http.StatusBadRequest, "unauthorized_client", "the client is not registered for this grant type")
	case s.users.Find(f.Get("login_hint")) == nil:
		return reply.Refuse(http.StatusBadRequest, "unknown_user_id", "nobody is known by this login_hint")
	default:
		w := s.elsewhere.Open(c.ID, scopes, s.now())
		w.Asked, w.Message = f.Get("login_hint"), f.Get("binding_message")
		m := map[string]any{"auth_req_id": w.Code, "expires_in": s.o.DeviceTTL.Seconds(), "interval": s.o.DeviceInterval.Seconds()}
		quirk.Bend(s.faults, func(f quirk.Fault) func(map[string]any) { return f.Device }, m)
		return reply.Object(http.StatusOK, m)
	}
}

// pollElsewhere is the client asking (CIBA 10.1). The users are quick: they
// decide between the first request and the second. Whoever is asked with the
// message "deny" says no.
func (s *Server) pollElsewhere(c *Client, f url.Values) reply.Reply {
	g, id, why := s.elsewhere.Poll(f.Get("auth_req_id"), c.ID, s.now())
	if w := s.elsewhere.Held(f.Get("auth_req_id"), s.now()); id == "authorization_pending" && w != nil {
		if w.Message == "deny" {
			w.Deny()
		} else {
			w.Allow(&grant{client: c, user: s.users.Find(w.Asked), scopes: w.Scopes, authTime: s.now(), sid: shelf.Fresh()})
		}
	}
	if id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	return s.answer(g, g.scopes, false)
}
