// Package loopback receives the one redirect that ends a sign-in: a listener
// on a loopback address, the certificate it shows, and the page the person
// sees. Anyone on the machine can reach the port, so a stranger's request is
// answered politely and changes nothing; what counts as the answer is decided
// by the caller. The package knows no token, sends no request, reads no
// environment, shares no port and listens on no other interface unasked.
package loopback

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"rely/internal/fault"
)

const (
	// A busy machine is no attack: the limits are for who never ends.
	headerLimit = 20 * time.Second // TLS handshake and request header, each
	wholeLimit  = 30 * time.Second // a request, and again its answer
	closeLimit  = 5 * time.Second  // what Close waits for a page to be sent

	// Browsers send the cookies of every other server on this host, whatever
	// its port, so an honest header on localhost can be large.
	maxHeader = 64 << 10
	maxBody   = 256 << 10 // tokens come in forms, see [Form] and [Fragment]

	// Beyond this many connections without a request the oldest is dropped,
	// so that the ones which idle never use up the process's files.
	maxSilent = 512
)

// Options says where to listen and what is waited for.
type Options struct {
	// RedirectURI is the URI as the client registered it: http or https, any
	// path, perhaps a query. Port 0 means any free port (RFC 8252 7.3).
	RedirectURI string
	// Bind is an address to listen on instead of the URI's host, with or
	// without a port: "0.0.0.0", "10.0.0.2:9000". It is for a forwarded port,
	// and only ever set because the user said so.
	Bind string
	// Certificate is shown for an https redirect URI; http ignores it.
	Certificate *tls.Certificate
	// AllowHost permits a host that is not loopback by name, such as
	// client.example.com pointing at 127.0.0.1. It needs https and a
	// certificate for that name; without Bind the listener stays on 127.0.0.1.
	AllowHost bool
	// Accept decides whether parameters are the answer waited for: nil for
	// the answer, be it good or one the flow will refuse, an error for a
	// stranger's, which is ignored. It sees repeated parameters as they came.
	// Calls come one at a time, and none after the first nil.
	Accept func(url.Values) error
	// FormPost takes the answer as a POST as well (OAuth 2.0 Form Post
	// Response Mode), from a page with an opaque origin or one of Origins.
	FormPost bool
	Origins  []string
	// Bare takes a visit without any parameters for an answer as well: after a
	// logout without state there are none.
	Bare bool
	// Routes answer further paths, as a notice of logout has one. They decide
	// on methods and bodies themselves; only a caller under another host's name
	// never gets to them.
	Routes map[string]http.HandlerFunc
	// Wait names what is waited for on the pages for strangers; empty is
	// "sign-in".
	Wait string
	// Fragment says that the answer is awaited in the fragment. One that comes
	// there unasked is handed over all the same, for the flow to refuse.
	Fragment bool
}

// A Way is how an answer came: the part of the address, or a posted form.
type Way string

// The ways, by the names of their response modes.
const (
	Query    Way = "query"
	Fragment Way = "fragment"
	Form     Way = "form_post"
)

// A Listener waits for the redirect of one sign-in.
type Listener struct {
	to       *redirect
	accept   func(url.Values) error
	formPost bool
	fragment bool
	origins  []string
	bare     bool
	routes   map[string]http.HandlerFunc
	what     string
	pass     string // one-time: only our own page knows it, see relayPage

	server  *http.Server
	serving sync.WaitGroup
	live    sync.WaitGroup  // connections
	broken  chan error      // the port died under the server
	answers chan *Answer    // holds the one answer
	over    <-chan struct{} // the sign-in has ended, one way or another
	end     func()
	closed  chan struct{} // the port is shut; failed holds
	failed  error

	mu       sync.Mutex // guards answered, and makes calls of accept take turns
	answered bool

	silentMu sync.Mutex
	silent   []net.Conn // connections without a whole request, oldest first
	closing  bool
}

// Listen opens the port and answers on it until Close is called or ctx ends.
// Every error is a [*fault.Error] of the kind Config, with one of the IDs
// loopback.redirect-uri, loopback.bind-address, loopback.certificate,
// loopback.port-busy and loopback.bind.
func Listen(ctx context.Context, o Options) (*Listener, error) {
	to, err := parseRedirect(o.RedirectURI)
	if err != nil {
		return nil, err
	}
	if o.Accept == nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "loopback.accept", Op: op,
			Err: errors.New("nobody decides which answer is the one")}
	}
	hosts, port, err := bindTo(to, o)
	if err != nil {
		return nil, err
	}
	if err := to.fits(o.Certificate); err != nil {
		return nil, err
	}
	ports, err := bind(ctx, hosts, port)
	if err != nil {
		return nil, err
	}
	to.setPort(ports[0].Addr().(*net.TCPAddr).Port)

	l := &Listener{
		to: to, accept: o.Accept, formPost: o.FormPost, fragment: o.Fragment, origins: o.Origins, pass: rand.Text(),
		bare: o.Bare, routes: o.Routes, what: o.Wait,
		broken: make(chan error, len(ports)), answers: make(chan *Answer, 1), closed: make(chan struct{}),
	}
	ctx, l.end = context.WithCancel(ctx)
	l.over = ctx.Done()
	l.serve(ports, o.Certificate)
	// The port never outlives its sign-in, even when a caller forgets it.
	context.AfterFunc(ctx, func() {
		l.failed = l.shut()
		close(l.closed)
	})
	return l, nil
}

func (l *Listener) serve(ports []net.Listener, cert *tls.Certificate) {
	l.server = &http.Server{
		Handler:           http.HandlerFunc(l.handle),
		ReadHeaderTimeout: headerLimit,
		ReadTimeout:       wholeLimit,
		WriteTimeout:      wholeLimit,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnState:         l.watch,
		// OPTIONS * gets the same treatment as everything else.
		DisableGeneralOptionsHandler: true,
	}
	l.server.SetKeepAlivesEnabled(false)
	for _, p := range ports {
		if l.to.url.Scheme == "https" {
			p = tls.NewListener(p, &tls.Config{
				Certificates:           []tls.Certificate{*cert},
				MinVersion:             tls.VersionTLS12,
				NextProtos:             []string{"http/1.1"},
				SessionTicketsDisabled: true,
			})
		}
		l.serving.Go(func() {
			if err := l.server.Serve(p); !errors.Is(err, http.ErrServerClosed) {
				l.broken <- err
			}
		})
	}
}

// watch keeps track of connections that have not sent a whole request. Such
// a one, be it hostile or a browser's preconnect, must neither use up the
// process nor make Close wait.
func (l *Listener) watch(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		l.live.Add(1)
	case http.StateClosed:
		l.live.Done()
	}
	l.silentMu.Lock()
	var drop net.Conn
	switch {
	case s == http.StateNew && l.closing:
		drop = c
	case s == http.StateNew:
		l.silent = append(l.silent, c)
		if len(l.silent) > maxSilent {
			drop, l.silent = l.silent[0], l.silent[1:]
		}
	default:
		for i := range l.silent {
			if l.silent[i] == c {
				l.silent = append(l.silent[:i], l.silent[i+1:]...)
				break
			}
		}
	}
	l.silentMu.Unlock()
	if drop != nil {
		_ = drop.Close()
	}
}

// RedirectURI is the redirect URI with the real port in place of 0, and
// otherwise byte for byte what Listen was given, because the provider
// compares it as a string.
func (l *Listener) RedirectURI() string { return l.to.raw }

// Answer waits for the answer of this sign-in. Every error is a
// [*fault.Error]: Unfinished (loopback.timeout) when ctx ran out of time,
// Cancelled (loopback.cancelled) when it ended otherwise or the listener was
// closed, or the kind of the [*fault.Error] that ended it; Internal
// (loopback.broken) when the port was lost.
func (l *Listener) Answer(ctx context.Context) (*Answer, error) {
	const waiting = "wait for the redirect from the browser"
	select {
	case a := <-l.answers:
		return a, nil
	case err := <-l.broken:
		return nil, &fault.Error{Kind: fault.Internal, ID: "loopback.broken", Op: waiting,
			Hint: "run the command again", Err: err}
	case <-ctx.Done():
		return nil, ended(ctx, waiting)
	case <-l.over:
		if ctx.Err() != nil {
			return nil, ended(ctx, waiting)
		}
		return nil, &fault.Error{Kind: fault.Cancelled, ID: "loopback.cancelled", Op: waiting,
			Err: errors.New("the listener was closed")}
	}
}

func ended(ctx context.Context, waiting string) error {
	e := &fault.Error{Kind: fault.Cancelled, ID: "loopback.cancelled", Op: waiting, Err: context.Cause(ctx)}
	var cause *fault.Error
	switch {
	case errors.As(e.Err, &cause):
		e.Kind, e.ID, e.Hint = cause.Kind, cause.ID, cause.Hint
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.Kind, e.ID = fault.Unfinished, "loopback.timeout"
		e.Hint = "run the command again and finish signing in, or give it more time with --timeout"
		e.Err = errors.New("nobody finished signing in in time")
	}
	return e
}

// An Answer is the redirect that was waited for. The browser that brought it
// is kept waiting until Finish.
type Answer struct {
	// Params are the parameters of the answer, repeated ones included, without
	// those that the registered redirect URI carries itself.
	Params url.Values
	// Way is how they came; of a pasted address, the part they stood in.
	Way Way

	page chan Page
}

// Finish shows the person what really happened. It returns at once, whether
// or not the browser is still there; the first call counts. Call
// [Listener.Close] next: it waits for the page to be sent.
func (a *Answer) Finish(p Page) {
	select {
	case a.page <- p:
	default:
	}
}

const errAnswered fault.Cause = "this sign-in has its answer already"

// offer makes params the answer of this sign-in, if they are it.
func (l *Listener) offer(params url.Values, way Way) (*Answer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answered {
		return nil, errAnswered
	}
	if err := l.accept(params); err != nil {
		return nil, err
	}
	l.answered = true
	a := &Answer{Params: params, Way: way, page: make(chan Page, 1)}
	l.answers <- a
	return a, nil
}

// Answered reports whether the answer of this sign-in has come.
func (l *Listener) Answered() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answered
}

// Paste takes the redirect as the text of a browser's address bar, for a
// browser on another machine. It is checked exactly as one that arrived at
// the port, and whichever comes first is the answer. The error is a
// [*fault.Error] of the kind Usage (loopback.paste) and leaves the sign-in
// as it was, so the person may try again.
func (l *Listener) Paste(text string) error {
	params, way, err := l.to.pasted(text)
	if err == nil {
		_, err = l.offer(params, way)
	}
	if err != nil {
		return &fault.Error{Kind: fault.Usage, ID: "loopback.paste", Op: "read the pasted address", Err: err,
			Hint: fmt.Sprintf("paste the whole address from the browser, it starts with %s", l.to.base())}
	}
	return nil
}

// Close shuts the port. A page that is being sent gets up to five seconds, a
// browser without one is told that the sign-in was given up. Later calls
// return what the first did.
func (l *Listener) Close() error {
	l.end()
	<-l.closed
	return l.failed
}

func (l *Listener) shut() error {
	l.silentMu.Lock()
	l.closing = true
	silent := l.silent
	l.silent = nil
	l.silentMu.Unlock()
	for _, c := range silent {
		_ = c.Close()
	}
	// Shutdown looks every millisecond whether the connections are gone; it
	// only closes the ports here, and the wait is our own.
	at, once := context.WithCancel(context.Background())
	once()
	err := l.server.Shutdown(at)
	l.serving.Wait()
	ctx, gone := context.WithTimeout(context.Background(), closeLimit)
	go func() {
		l.live.Wait()
		gone()
	}()
	<-ctx.Done()
	if errors.Is(err, context.Canceled) {
		err = l.server.Close()
	}
	return err
}
