package demoop

import (
	"net/http"
	"net/url"
	"strings"

	"rely/internal/demoop/page"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
)

// logout is the end session endpoint (RP-Initiated Logout 2). The person is
// always asked when there is a session: a page that signs people out by being
// loaded is a nuisance.
func (s *Server) logout(r *http.Request) reply.Reply {
	q := r.URL.Query()
	if r.Method == http.MethodPost {
		q = r.PostForm
	}
	if n := repeated(q); n != "" {
		return wrong("A parameter is there more than once.", n)
	}
	id, sid := q.Get("client_id"), ""
	if token := q.Get("id_token_hint"); token != "" {
		h, c, err := s.hint(token)
		switch {
		case err != nil:
			return wrong("The id_token_hint is not from this provider.", "")
		case c == nil || id != "" && id != c.ID:
			return wrong("The id_token_hint was issued to another client.", "client_id: "+id)
		}
		id, sid = c.ID, h.Session
	}
	c := s.clients.Get(id)
	after := q.Get("post_logout_redirect_uri")
	switch {
	case id != "" && c == nil:
		return wrong("The application is not registered here.", "client_id: "+id)
	case after != "" && (c == nil || !c.Among(after, c.PostLogoutRedirectURIs)):
		return wrong("The application asked to go on to an address that it has not registered.", "post_logout_redirect_uri: "+after)
	}
	if state := q.Get("state"); after != "" && state != "" {
		glue := "?"
		if strings.Contains(after, "?") {
			glue = "&"
		}
		back := url.Values{"state": {state}}
		quirk.Bend(s.faults, func(f quirk.Fault) func(url.Values) { return f.Back }, back)
		after += glue + back.Encode()
	}
	// A browser that signed in elsewhere may end what its hint is about.
	browser, ok := s.session(r)
	ending := browser
	if !ok || browser.user == nil {
		if ending = s.hintedSession(sid); ending == nil {
			return signedOut(after)
		}
	}
	if !ok {
		browser = s.open(&session{})
	}
	name := ""
	if c != nil {
		name = c.Title()
	}
	tx := s.keep(&pending{after: after, ends: ending}, "", browser)
	return s.setCookie(browser.cookie, page.SignOut{Action: s.base + "/logout/confirm", Tx: tx, CSRF: browser.csrf, Client: name, User: ending.user.Name}.
		Page(page.Target(after)).Write)
}

// logoutConfirm takes the sign-out form.
func (s *Server) logoutConfirm(r *http.Request) reply.Reply {
	p, sess, no := s.form(r)
	if no != nil || p.authz != nil {
		return or(no)
	}
	s.pending.Drop(r.PostForm.Get("tx"))
	if r.PostForm.Get("action") != "logout" {
		return page.Notice(http.StatusOK, "Still signed in", "Nothing was changed. You can close this page.").Write
	}
	s.sessions.Drop(sess.cookie)
	return s.setCookie("", s.ended(p.ends, p.after))
}

func signedOut(after string) reply.Reply {
	if after != "" {
		return reply.To(after)
	}
	return page.Notice(http.StatusOK, "Signed out", "You are signed out of the demo provider. You can close this page.").Write
}
