package demoop

import (
	"net/http"
	"net/url"
	"slices"

	"rely/internal/demoop/notice"
	"rely/internal/demoop/page"
	"rely/internal/demoop/reply"
)

// A told is a notice that is ready to be sent.
type told struct{ uri, token string }

// ended ends a session and everything that depends on it, and tells the
// clients that were part of it. The back-channel notices go out before the
// browser goes on, outside the lock; the frames are on the page.
func (s *Server) ended(sess *session, after string) reply.Reply {
	var tokens []told
	var frames []string
	end := notice.Ended{Issuer: s.o.Issuer, Subject: sess.user.Name, Session: sess.sid, Now: s.now(), Ring: s.ring, Faults: s.faults}
	for _, c := range s.participants(sess.sid) {
		if uri := c.Registered.BackLogout; uri != "" {
			alg := s.alg(c)
			key, err := s.ring.Of(alg, c.Secret)
			if err != nil {
				continue // a client that cannot be told
			}
			if token, err := end.Token(c.ID, key, alg); err == nil {
				tokens = append(tokens, told{uri, token})
			}
		}
		if uri := c.Registered.FrontLogout; uri != "" {
			frames = append(frames, end.Frame(uri))
		}
	}
	s.sessions.Drop(sess.cookie)
	s.endSession(sess.sid)
	return func(w http.ResponseWriter) {
		for _, t := range tokens {
			s.o.Notify(t.uri, url.Values{"logout_token": {t.token}})
		}
		if len(frames) > 0 {
			page.Leaving(frames, after).Write(w)
			return
		}
		signedOut(after)(w)
	}
}

// participants are the clients that this session signed in to.
func (s *Server) participants(sid string) []*Client {
	var out []*Client
	add := func(g *grant) {
		if g.user != nil && g.sid == sid && !slices.Contains(out, g.client) && s.clients.Get(g.client.ID) == g.client {
			out = append(out, g.client)
		}
	}
	for _, i := range s.access.All() {
		add(i.grant)
	}
	for _, i := range s.refresh.All() {
		add(i.grant)
	}
	return out
}

// hintedSession is the session that an ID token was issued in; nil where it is over.
// Whoever holds the token may end it, after being asked.
func (s *Server) hintedSession(sid string) *session {
	for _, sess := range s.sessions.All() {
		if sid != "" && sess.sid == sid && sess.user != nil {
			return sess
		}
	}
	return nil
}
