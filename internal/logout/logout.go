// Package logout ends a person's session at the provider by way of a browser
// (OpenID Connect RP-Initiated Logout 1.0). It revokes nothing, forgets nothing
// here and prints nothing; an ID token never stands in an address that it shows
// or hands to a program.
package logout

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"rely/internal/fault"
	"rely/internal/loopback"
	"rely/internal/secret"
	"rely/internal/useragent"
)

const op = "end the session at the provider"

// A Request says what to ask the provider for, and who takes the person there.
// Endpoint, Agent and Announce must be set.
type Request struct {
	Endpoint  string        // end_session_endpoint
	IDToken   secret.String // id_token_hint; empty where none is sent
	ClientID  string
	Hint      string   // logout_hint; empty where none is sent
	UILocales string   // ui_locales; empty where none is sent
	Redirects []string // registered post_logout_redirect_uris, the best first; none where the browser stays at the provider
	Post      bool     // the request is a form that is posted

	Listen      string // another address to bind, for a forwarded port
	AllowHost   bool   // the redirect may name a host of the user's own
	Certificate func() (*tls.Certificate, error)
	Routes      map[string]http.HandlerFunc // further paths of the listener: the provider's notices
	Hold        func(context.Context)       // runs once the browser is back, while the listener is still open; may be nil

	Agent    useragent.Agent
	Origins  []string // where the agent may type anything
	Person   bool     // somebody may still go on by hand where Agent fails
	Announce func(Announcement)
	Wait     time.Duration // for the person; 0 is 5 minutes
	OpenWait time.Duration // after which a person is told that the browser does not come up; 0 is never
}

// An Announcement is what the person is told meanwhile.
type Announcement struct {
	URL      string // to be opened; it holds no token
	Redirect string // where the browser comes back to; empty where it does not
	Trouble  error  // why the agent could not be started; nil at first
}

// An Outcome is how far it came.
type Outcome struct {
	Returned bool // the browser came back, with the state that was sent
}

// A run is one logout under way.
type run struct {
	*Request
	state, begin string // begin is the path of the page that leads to the provider
	listener     *loopback.Listener
	once         sync.Mutex
	ready        chan struct{} // closed when listener is known
	begun        chan struct{} // closed when the browser was sent to the provider
}

// Run takes the person to the provider's end session endpoint and waits until
// the browser is back, or without a redirect until it is there. Every error is
// a fault: Protocol logout.state where the browser came back with a state that
// is not the one that was sent, Unfinished logout.unfinished where nobody came,
// or the agent's own. In each case the session at the provider may live on.
func (r *Request) Run(ctx context.Context) (Outcome, error) {
	u := &run{Request: r, state: rand.Text(), begin: "/" + rand.Text(), ready: make(chan struct{}), begun: make(chan struct{})}
	if _, err := useragent.CheckURL(r.Endpoint); err != nil {
		return Outcome{}, err
	}
	patience := r.Wait
	if patience == 0 {
		patience = 5 * time.Minute
	}
	waiting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := u.listen(ctx); err != nil {
		return Outcome{}, err
	}
	address := u.endSession().String()
	if u.listener != nil {
		defer func() { _ = u.listener.Close() }()
		if !r.IDToken.Empty() || r.Post {
			address = u.own(u.begin)
		}
	}
	out, err := u.walk(waiting, address)
	if err == nil && r.Hold != nil {
		r.Hold(ctx)
	}
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		err = &fault.Error{Kind: fault.Unfinished, ID: "logout.unfinished", Op: op,
			Err: fmt.Errorf("the browser did not come back within %s", patience), Hint: "sign out at the provider's own pages, or run \"rely login\" and \"rely logout\" again"}
	}
	return out, err
}

// listen opens the port that the browser comes back to, or one of our own for
// a request that no address may hold.
func (u *run) listen(ctx context.Context) error {
	redirects := u.Redirects
	if len(redirects) == 0 {
		if u.IDToken.Empty() && !u.Post {
			return nil
		}
		redirects = []string{"http://127.0.0.1:0/"}
	}
	var first error
	for _, uri := range redirects {
		o := loopback.Options{RedirectURI: uri, Bind: u.Listen, AllowHost: u.AllowHost, Bare: true, Wait: "sign-out", Accept: u.accept, Routes: map[string]http.HandlerFunc{u.begin: u.start}}
		for path, h := range u.Routes {
			o.Routes[path] = h
		}
		if parsed, err := url.Parse(uri); err == nil && parsed.Scheme == "https" {
			if o.Certificate, err = u.Certificate(); err != nil {
				return err
			}
		}
		l, err := loopback.Listen(ctx, o)
		if err == nil {
			u.listener = l
			close(u.ready)
			return nil
		}
		if first == nil {
			first = err
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.ID != "loopback.port-busy" || u.Listen != "" {
			break
		}
	}
	return first
}

// accept takes any visit for the return: a state that is wrong or missing has
// to be told, and waiting on would not bring another.
func (u *run) accept(url.Values) error {
	if len(u.Redirects) == 0 {
		return errors.New("nobody is to come back here")
	}
	return nil
}

// own is an address on the listener.
func (u *run) own(path string) string {
	base, err := url.Parse(u.listener.RedirectURI())
	if err != nil {
		return ""
	}
	return base.Scheme + "://" + base.Host + path
}

// form is the logout request (RP-Initiated Logout 2).
func (u *run) form() url.Values {
	form := url.Values{}
	for name, value := range map[string]string{
		"id_token_hint": u.IDToken.Reveal(), "client_id": u.ClientID, "logout_hint": u.Hint, "ui_locales": u.UILocales,
	} {
		if value != "" {
			form.Set(name, value)
		}
	}
	if len(u.Redirects) > 0 {
		form.Set("post_logout_redirect_uri", u.listener.RedirectURI())
		form.Set("state", u.state)
	}
	return form
}

// endSession is the request as an address. The endpoint may have parameters of
// its own.
func (u *run) endSession() *url.URL {
	to, err := url.Parse(u.Endpoint)
	if err != nil {
		return &url.URL{}
	}
	q := u.form().Encode()
	if to.RawQuery != "" && q != "" {
		q = to.RawQuery + "&" + q
	}
	to.RawQuery = q
	return to
}

// walk sets the agent to work and waits for the browser.
func (u *run) walk(ctx context.Context, address string) (out Outcome, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	v := useragent.Visit{URL: address, Origins: u.Origins, SignOut: true}
	if len(u.Redirects) > 0 {
		v.RedirectURI, v.Came = u.listener.RedirectURI(), u.listener.Answered
	}
	u.Announce(Announcement{URL: address, Redirect: v.RedirectURI})
	// An agent that has done its part is not disturbed: a command may be the
	// person's own browser, which outlives this process.
	agent, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	visited := make(chan error, 1)
	go func() { visited <- u.visit(agent, v) }()
	defer func() {
		if err != nil {
			giveUp()
		}
	}()
	return u.outcome(ctx, visited, fail)
}

func (u *run) outcome(ctx context.Context, visited chan error, fail context.CancelCauseFunc) (Outcome, error) {
	if len(u.Redirects) == 0 {
		return Outcome{}, u.sent(ctx, visited)
	}
	go func() {
		if err := <-visited; err != nil {
			u.troubled(err, fail)
		}
	}()
	a, err := u.listener.Answer(ctx)
	if err != nil {
		if cause := context.Cause(ctx); ctx.Err() != nil && fault.ExitCode(cause) != int(fault.Internal) {
			err = cause
		}
		return Outcome{}, err
	}
	err = u.checkState(a.Params)
	a.Finish(page(err))
	return Outcome{Returned: err == nil}, err
}

// visit gives the agent OpenWait where a person may go on without it.
func (u *run) visit(ctx context.Context, v useragent.Visit) error {
	if !u.Person || u.OpenWait <= 0 {
		return u.Agent.Visit(ctx, v)
	}
	opening, cancel := context.WithTimeout(ctx, u.OpenWait)
	defer cancel()
	err := u.Agent.Visit(opening, v)
	if err == nil && ctx.Err() == nil && opening.Err() != nil {
		return fmt.Errorf("the program that opens the browser is still at it after %s", u.OpenWait)
	}
	return err
}

func (u *run) troubled(err error, fail context.CancelCauseFunc) {
	if u.Person {
		u.Announce(Announcement{Trouble: err})
		return
	}
	fail(err)
}

// sent waits until the browser is at the provider, from where it does not come
// back: a robot until it has pressed the last button, a person until the page
// was asked for.
func (u *run) sent(ctx context.Context, visited chan error) error {
	if !u.Person {
		select {
		case err := <-visited:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if u.listener == nil {
		select {
		case err := <-visited:
			if err != nil {
				u.Announce(Announcement{Trouble: err})
			}
		case <-ctx.Done():
		}
		return nil
	}
	for {
		select {
		case <-u.begun:
			return nil
		case err := <-visited:
			if err != nil {
				u.Announce(Announcement{Trouble: err})
			}
			visited = nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// checkState compares what came back (RP-Initiated Logout 3): once, and the one
// that was sent.
func (u *run) checkState(params url.Values) error {
	got := params["state"]
	f := &fault.Error{Kind: fault.Protocol, ID: "logout.state", Op: op, Spec: "OIDC RP-Initiated Logout 3",
		Hint: "sign out at the provider's own pages: whoever sent the browser back may not have been the provider"}
	switch {
	case len(got) == 0:
		f.Err = errors.New("the browser came back without the state that was sent")
	case len(got) > 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(u.state)) != 1:
		f.Err = errors.New("the browser came back with a state that is not the one that was sent")
	default:
		return nil
	}
	return f
}

func page(err error) loopback.Page {
	if err != nil {
		return loopback.Page{Title: "Perhaps not signed out", Text: "It was stopped here: " + fault.VisibleUpTo(err.Error(), 300) + ".\nThe terminal says what to do next."}
	}
	return loopback.Page{OK: true, Title: "Signed out", Text: "The provider has ended the session. The terminal does the rest: it revokes the tokens and forgets them."}
}

// Origin is an address's scheme, host and port; empty where it has none.
func Origin(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
