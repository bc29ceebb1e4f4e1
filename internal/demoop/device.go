package demoop

import (
	"net/http"
	"net/url"
	"strings"

	"rely/internal/demoop/account"
	"rely/internal/demoop/device"
	"rely/internal/demoop/page"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
)

// deviceAuthorization begins a sign-in on a device (RFC 8628 3.1, 3.2).
func (s *Server) deviceAuthorization(r *http.Request) reply.Reply {
	if n := repeated(r.PostForm); n != "" {
		return reply.Refuse(http.StatusBadRequest, "invalid_request", n+" is there more than once")
	}
	c, no := s.authenticate(r)
	if no != nil {
		return no
	}
	scopes := account.Within(strings.Fields(r.PostForm.Get("scope")), account.Within(c.AllScopes(), account.UserScopes()))
	switch {
	case !c.May(device.Grant):
		return reply.Refuse(http.StatusBadRequest, "unauthorized_client", "the client is not registered for this grant type")
	case len(scopes) == 0:
		return reply.Refuse(http.StatusBadRequest, "invalid_scope", "no scope that this client may ask for")
	}
	w := s.devices.Open(c.ID, scopes, s.now())
	m := map[string]any{
		"device_code": w.Code, "user_code": w.UserCode, "expires_in": s.o.DeviceTTL.Seconds(), "interval": s.o.DeviceInterval.Seconds(),
		"verification_uri": s.base + "/device", "verification_uri_complete": s.base + "/device?user_code=" + w.UserCode,
	}
	quirk.Bend(s.faults, func(f quirk.Fault) func(map[string]any) { return f.Device }, m)
	return reply.Object(http.StatusOK, m)
}

// device is the page on which a person types the code, or sees the one that
// came with the address (RFC 8628 3.3). They are asked every time whether to
// allow it: somebody else may have sent them here (5.4).
func (s *Server) device(r *http.Request) reply.Reply {
	form := page.Code{Action: s.base + "/device", Typed: r.Form.Get("user_code")}
	if r.Method != http.MethodPost {
		return form.Page().Write
	}
	w := s.devices.Find(form.Typed, s.now())
	if w == nil || s.clients.Get(w.Client) == nil {
		form.Problem = "There is no such code, or it is too old or was used."
		return form.Page().Write
	}
	sess, _ := s.session(r)
	a := &authz{client: s.clients.Get(w.Client), scopes: w.Scopes, prompt: []string{"consent"}, device: w}
	return s.proceed(&pending{authz: a}, "", sess)
}

// poll is a device's token request (RFC 8628 3.4).
func (s *Server) poll(c *Client, f url.Values) reply.Reply {
	g, id, why := s.devices.Poll(f.Get("device_code"), c.ID, s.now())
	switch {
	case id != "":
		return reply.Refuse(http.StatusBadRequest, id, why)
	case !s.alive(g):
		return badGrant("the client is gone")
	}
	return s.answer(g, g.scopes, false)
}

// decided is what the person sees who allowed or denied a device.
func decided(words string) reply.Reply {
	return page.Notice(http.StatusOK, "That was all", words+" You can close this page and go back to the device.").Write
}
