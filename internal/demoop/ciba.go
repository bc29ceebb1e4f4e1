package demoop

import (
	"net/http"
	"net/url"
	"strings"

	"rely/internal/demoop/account"
	"rely/internal/demoop/ciba"
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
	if !c.May(device.Backchannel) {
		return reply.Refuse(http.StatusBadRequest, "unauthorized_client", "the client is not registered for this grant type")
	}
	f, id, why := c.Registered.Asker(c.ID).Read(r.PostForm, s.o.Issuer, s.now())
	if id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	who := f.Get("login_hint")
	if hint, _, err := s.hint(f.Get("id_token_hint")); err == nil {
		who = hint.Subject
	}
	if s.users.Find(who) == nil {
		return reply.Refuse(http.StatusBadRequest, "unknown_user_id", "nobody is known by this hint")
	}
	w := s.elsewhere.Open(c.ID, account.Within(strings.Fields(f.Get("scope")), account.Within(c.AllScopes(), account.UserScopes())), s.now())
	w.Asked, w.Message = who, f.Get("binding_message")
	m := map[string]any{"auth_req_id": w.Code, "expires_in": s.o.DeviceTTL.Seconds(), "interval": s.o.DeviceInterval.Seconds()}
	quirk.Bend(s.faults, func(f quirk.Fault) func(map[string]any) { return f.Device }, m)
	answer := reply.Object(http.StatusOK, m)
	if c.Registered.Delivery != ciba.Ping {
		return answer
	}
	n := ciba.Word(c.Registered.PingURI, f.Get("client_notification_token"), w.Code)
	quirk.Bend(s.faults, func(f quirk.Fault) func(*ciba.Notice) { return f.Ping }, n)
	return func(to http.ResponseWriter) {
		answer(to)
		go s.ping(c, w.Code, n)
	}
}

// ping tells a client that the person has decided (CIBA 10.2), outside the lock.
func (s *Server) ping(c *Client, id string, n *ciba.Notice) {
	s.mu.Lock()
	w := s.elsewhere.Held(id, s.now())
	if w != nil && !n.Early {
		s.decide(c, w)
	}
	s.mu.Unlock()
	if w == nil || w.Message != "wait" {
		s.o.Log("PING " + n.URI + " " + n.Send(s.o.Ping))
	}
}

func (s *Server) decide(c *Client, w *device.Waiting[*grant]) {
	ciba.Decide(w, func() *grant {
		return &grant{client: c, user: s.users.Find(w.Asked), scopes: w.Scopes, authTime: s.now(), sid: shelf.Fresh()}
	})
}

// pollElsewhere is the client asking (CIBA 10.1). The users are quick: they
// decide between the first request and the second.
func (s *Server) pollElsewhere(c *Client, f url.Values) reply.Reply {
	g, id, why := s.elsewhere.Poll(f.Get("auth_req_id"), c.ID, s.now())
	if w := s.elsewhere.Held(f.Get("auth_req_id"), s.now()); id == "authorization_pending" && w != nil {
		s.decide(c, w)
	}
	if id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	return s.answer(g, g.scopes, false)
}
