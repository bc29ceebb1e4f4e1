package demoop

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"time"

	"rely/internal/demoop/account"
	"rely/internal/demoop/page"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
)

const (
	sessionTTL = 12 * time.Hour
	pendingTTL = 10 * time.Minute
	maxTries   = 10 // wrong passwords for one request
)

// A session is one browser. Nobody is signed in until user is set, and then
// the cookie has changed, so that a cookie known before is worth nothing.
type session struct {
	cookie   string
	sid      string // what ID tokens call it
	csrf     string
	user     *account.User
	authTime time.Time
	granted  map[string][]string // scopes by client
}

// A pending is an authorization or a logout request on which a person is
// working. It belongs to one browser.
type pending struct {
	*authz
	after    string   // where a logout ends
	ends     *session // what it ends
	cookie   string
	authed   bool // signed in for this very request
	approved bool
	tries    int
}

// cookieName differs by issuer, because a browser sends one host's cookies to
// all its ports.
func (s *Server) cookieName() string {
	sum := sha256.Sum256([]byte(s.o.Issuer))
	return "demo-op-" + hex.EncodeToString(sum[:4])
}

func (s *Server) session(r *http.Request) (*session, bool) {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil, false
	}
	sess, _, ok := s.sessions.Get(c.Value, s.now())
	return sess, ok
}

// open starts a session under a new cookie.
func (s *Server) open(sess *session) *session {
	sess.cookie, sess.csrf = shelf.Fresh(), shelf.Fresh()
	s.sessions.Put(sess.cookie, sess, s.now(), s.now().Add(sessionTTL))
	return sess
}

func (s *Server) setCookie(value string, r reply.Reply) reply.Reply {
	path := s.issuer.Path
	if path == "" {
		path = "/"
	}
	c := http.Cookie{Name: s.cookieName(), Value: value, Path: path, HttpOnly: true,
		Secure: s.issuer.Scheme == "https", SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	return reply.With("Set-Cookie", c.String(), r)
}

// proceed takes a request one step further: a page, or the answer. tx is the
// name it is kept under, empty for a new one.
func (s *Server) proceed(p *pending, tx string, sess *session) reply.Reply {
	silent := slices.Contains(p.prompt, "none")
	if s.mustSignIn(p, sess) {
		if silent {
			return s.deny(p.authz, "login_required", "nobody is signed in as this request wants it")
		}
		problem := ""
		if p.authed {
			problem = "The application asks for " + p.hintSub + "."
		}
		return s.showSignIn(p, tx, sess, p.loginHint, problem)
	}
	granted := sess.granted[p.client.ID]
	lacks := slices.ContainsFunc(p.scopes, func(x string) bool { return !slices.Contains(granted, x) })
	if !p.approved && (lacks || slices.Contains(p.prompt, "consent")) {
		if silent {
			return s.deny(p.authz, "consent_required", "the person has not agreed yet")
		}
		return s.showConsent(p, tx, sess)
	}
	s.pending.Drop(tx)
	if p.device != nil {
		p.device.Allow(p.authz.grant(sess))
		return decided("The device is signed in now.")
	}
	return s.fulfil(p.authz, sess)
}

// mustSignIn reports whether the session is not enough (OIDC Core 3.1.2.3).
func (s *Server) mustSignIn(p *pending, sess *session) bool {
	switch {
	case sess == nil || sess.user == nil:
		return true
	case p.hintSub != "" && p.hintSub != sess.user.Name:
		return true
	case p.authed:
		return false
	case slices.Contains(p.prompt, "login") || slices.Contains(p.prompt, "select_account"):
		return true
	}
	return p.maxAge != nil && (*p.maxAge == 0 || s.now().Sub(sess.authTime) > *p.maxAge)
}

// keep remembers a request that waits for its person, and binds it to the
// browser.
func (s *Server) keep(p *pending, tx string, sess *session) string {
	if tx == "" {
		tx = shelf.Fresh()
	}
	p.cookie = sess.cookie
	s.pending.Put(tx, p, s.now(), s.now().Add(pendingTTL))
	return tx
}

func (s *Server) showSignIn(p *pending, tx string, sess *session, name, problem string) reply.Reply {
	if sess == nil {
		sess = s.open(&session{})
	}
	tx = s.keep(p, tx, sess)
	return s.setCookie(sess.cookie, page.SignIn{Action: s.base + "/login", Tx: tx, CSRF: sess.csrf, Client: p.client.Title(),
		Username: name, Problem: problem, Accounts: page.Accounts(s.users)}.Page(page.Target(p.redirect)).Write)
}

func (s *Server) showConsent(p *pending, tx string, sess *session) reply.Reply {
	var items []string
	for _, x := range p.scopes {
		items = append(items, account.InWords(x))
	}
	items = append(items, p.wish.InWords()...)
	where := page.Target(p.redirect)
	if p.device != nil {
		where = "the device that shows " + p.device.UserCode
	}
	return page.Consent{Action: s.base + "/consent", Tx: s.keep(p, tx, sess), CSRF: sess.csrf, Client: p.client.Title(),
		User: sess.user.Name, Where: where, Items: items}.Page(page.Target(p.redirect)).Write
}

// form finds the request that a posted form belongs to. Cookie, hidden token
// and request must be one browser's.
func (s *Server) form(r *http.Request) (*pending, *session, reply.Reply) {
	p, _, ok := s.pending.Get(r.PostForm.Get("tx"), s.now())
	sess, known := s.session(r)
	if !ok || !known || !shelf.Same(p.cookie, sess.cookie) || !shelf.Same(r.PostForm.Get("csrf"), sess.csrf) {
		return nil, nil, page.Notice(http.StatusForbidden, "This page is too old",
			"The form was sent twice, too late or from somewhere else. Nothing was changed. Go back to the application and start again.").Write
	}
	return p, sess, nil
}

// login takes the sign-in form.
func (s *Server) login(r *http.Request) reply.Reply {
	p, sess, no := s.form(r)
	if no != nil || p.authz == nil {
		return or(no)
	}
	tx := r.PostForm.Get("tx")
	if r.PostForm.Get("action") == "deny" {
		s.pending.Drop(tx)
		return s.deny(p.authz, "access_denied", "the person did not sign in")
	}
	name := r.PostForm.Get("username")
	u := s.users.SignIn(name, r.PostForm.Get("password"))
	if u == nil {
		if p.tries++; p.tries >= maxTries {
			s.pending.Drop(tx)
			return s.deny(p.authz, "access_denied", "too many wrong passwords")
		}
		return s.showSignIn(p, tx, sess, name, "User name or password is wrong.")
	}
	s.sessions.Drop(sess.cookie)
	next := &session{sid: shelf.Fresh()[:22], user: u, authTime: s.now(), granted: map[string][]string{}}
	if sess.user == u { // the same person again keeps what was agreed
		next.sid, next.granted = sess.sid, sess.granted
	}
	next = s.open(next)
	p.authed = true
	tx = s.keep(p, tx, next)
	return s.setCookie(next.cookie, reply.To(s.base+"/continue?tx="+tx))
}

// goOn is where a sign-in leads: the next page, or the answer.
func (s *Server) goOn(r *http.Request) reply.Reply {
	tx := r.URL.Query().Get("tx")
	p, _, ok := s.pending.Get(tx, s.now())
	sess, known := s.session(r)
	if !ok || !known || p.authz == nil || !shelf.Same(p.cookie, sess.cookie) {
		return or(nil)
	}
	return s.proceed(p, tx, sess)
}

// consent takes the consent form.
func (s *Server) consent(r *http.Request) reply.Reply {
	p, sess, no := s.form(r)
	if no != nil || p.authz == nil || sess.user == nil {
		return or(no)
	}
	tx := r.PostForm.Get("tx")
	if r.PostForm.Get("action") != "allow" {
		s.pending.Drop(tx)
		return s.deny(p.authz, "access_denied", "the person said no")
	}
	p.approved = true
	sess.granted[p.client.ID] = account.Within(append(p.scopes, sess.granted[p.client.ID]...), account.UserScopes())
	return s.proceed(p, tx, sess)
}

// or is the reply, or the page for a request that is not waiting for this.
func or(r reply.Reply) reply.Reply {
	if r != nil {
		return r
	}
	return wrong("It is not waiting for this step. Go back to the application and start again.", "")
}
