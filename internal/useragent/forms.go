package useragent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync"
	"time"

	"rely/internal/fault"
	"rely/internal/recipe"
	"rely/internal/useragent/address"
	"rely/internal/useragent/page"
	"rely/internal/wire"
)

// forms walks login pages by plain HTTP: it keeps cookies, follows redirects
// and fills in HTML forms, as a browser without scripts would.
type forms struct{ o Options }

func newForms(o Options) Agent { return forms{o} }

func (forms) Name() string { return "forms" }

const walkOp = "walk the login page"

// Visit walks from v.URL until a redirect or a form leads to v.RedirectURI,
// sends that request too, and waits for its answer until ctx ends: the
// listener keeps it until the tokens are checked.
//
// It makes at most 30 requests and reads at most 2 MiB of each page. It types
// the user name and the password only into a form that stands on one of
// v.Origins or Options.Origins and is sent to one, over https or on loopback,
// and sends the password once, and one code in each period: asked again, it
// takes that for a refusal.
//
//	Usage       useragent.credentials        a login form, and no user name, password or code to fill in
//	Denied      useragent.password-refused   the provider asked for the password, or the user name, again
//	Denied      useragent.code-refused       the provider asked for a one-time code twice in one period
//	Config      useragent.recipe             a step of the recipe does not fit the page that it matches
//	Denied      useragent.expect             a page is not what the recipe says has to follow
//	Denied      useragent.page               an error page, or one that forms cannot handle; quoted
//	Protocol    useragent.origin             the login form belongs to an origin that may not have the password
//	Protocol    useragent.url                a redirect or form leads to a URL that may not be requested
//	Protocol    useragent.limit              too many requests, or too large a page
//	Network     useragent.network            a request got no answer, or the page is a 5xx (useragent.page)
//	Network     useragent.timeout            a page did not come in full within Options.Timeout
//	Unfinished  useragent.unfinished         ctx reached its deadline
//	Cancelled   useragent.cancelled          ctx was cancelled
func (f forms) Visit(ctx context.Context, v Visit) error {
	w, start, err := begin(f.Name(), f.o, v)
	if err != nil {
		return err
	}
	if v.Begun != nil {
		begun := sync.OnceFunc(v.Begun)
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { begun() }})
	}
	return w.kept(w.walk(ctx, &request{method: http.MethodGet, url: start}))
}

// Begins reports whether a tells when its first request is under way: it is this
// process that sends it, over the connections that everything else takes.
func Begins(a Agent) bool {
	_, ok := a.(forms)
	return ok
}

// walk makes one request after the other, the first of them next.
func (w *walk) walk(ctx context.Context, next *request) (err error) {
	const limit = 30
	for range limit {
		if w.end != nil && address.Same(next.url, w.end) {
			return w.deliver(ctx, next)
		}
		w.last = nil
		if next, err = w.visit(ctx, next); err != nil || next == nil {
			return err
		}
	}
	return &fault.Error{Kind: fault.Protocol, ID: "useragent.limit", Op: walkOp,
		Hint: "open the URL in a browser to see where it leads",
		Err:  fmt.Errorf("no end after %d requests, the last to %s", limit, address.Place(next.url))}
}

// errSlow is why a request was given up that has a time limit of its own.
const errSlow fault.Cause = "the provider's page did not come in time"

// visit makes one exchange with the provider, and says what to send next.
func (w *walk) visit(ctx context.Context, r *request) (*request, error) {
	within, stop := ctx, func() {}
	if w.o.Timeout > 0 {
		within, stop = context.WithTimeoutCause(ctx, w.o.Timeout, errSlow)
	}
	defer stop()
	resp, err := w.send(within, r)
	if err != nil {
		return nil, err
	}
	return w.follow(ctx, resp, r)
}

// A walk is one visit under way.
type walk struct {
	o       Options
	name    string // of the agent
	scripts bool   // the agent runs the pages' scripts
	client  *http.Client
	end     *url.URL // nil: the page after the last form
	came    func() bool
	trust   map[string]bool

	signOut   bool // see [Visit.SignOut]
	named     bool // the user name was sent on a page of its own
	submitted bool // the password was sent
	pressed   bool // a form was sent

	coded    bool         // a one-time code was sent, that of codeStep
	codeStep int64        // see [totp.Key.Step]
	expected *recipe.Step // what it expects of the next page
	last     *seen        // the page at hand
}

// begin gives the walk of one visit, and where it starts.
func begin(name string, o Options, v Visit) (*walk, *url.URL, error) {
	target, err := CheckURL(v.URL)
	if err != nil {
		return nil, nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, nil, &fault.Error{Kind: fault.Internal, ID: "useragent.jar", Op: walkOp, Err: err}
	}
	w := &walk{o: o, name: name, trust: map[string]bool{}, client: &http.Client{
		Transport:     o.HTTP,
		Jar:           loopbackJar{jar},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	start, err := url.Parse(target)
	if err != nil {
		return nil, nil, w.wrongURL(err)
	}
	w.signOut, w.came = v.SignOut, v.Came
	if v.RedirectURI != "" {
		if w.end, err = url.Parse(v.RedirectURI); err != nil {
			return nil, nil, w.wrongURL(errors.New("the redirect URI is not a URL"))
		}
	}
	for _, raw := range slices.Concat(v.Origins, o.Origins) {
		if u, err := url.Parse(raw); err == nil {
			w.trust[address.Origin(u)] = true
		}
	}
	return w, start, nil
}

// loopbackJar sends Secure cookies over plain http on loopback as browsers do
// (Secure Contexts 3.1), which net/http/cookiejar does not. It knows no public
// suffixes: it lives for one visit.
type loopbackJar struct{ *cookiejar.Jar }

func (j loopbackJar) Cookies(u *url.URL) []*http.Cookie {
	if u.Scheme == "http" && wire.Loopback(u.Hostname()) {
		https := *u
		https.Scheme = "https"
		u = &https
	}
	return j.Jar.Cookies(u)
}

// send makes one exchange; the caller reads and closes the body.
func (w *walk) send(ctx context.Context, r *request) (*http.Response, error) {
	req, err := r.build(ctx, w.name)
	if err != nil {
		return nil, w.wrongURL(errors.New("it cannot be requested"))
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, w.unreached(ctx, r.url, err)
	}
	return resp, nil
}

// unreached words a failed exchange. net/http's own wording quotes the whole
// URL, query included, so only what it wraps is kept.
func (w *walk) unreached(ctx context.Context, u *url.URL, err error) error {
	if context.Cause(ctx) == errSlow {
		return &fault.Error{Kind: fault.Network, ID: "useragent.timeout", Op: walkOp, Spec: "rely's own limit on a whole exchange, --timeout",
			Err: fmt.Errorf("%s did not answer in full within %s", address.Place(u), w.o.Timeout), Hint: "try again, or allow more time with --timeout"}
	}
	if err := ended(ctx, walkOp); err != nil {
		return err
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	return &fault.Error{Kind: fault.Network, ID: "useragent.network", Op: walkOp,
		Hint: "check that " + address.Origin(u) + " can be reached from here", Err: fmt.Errorf("%s: %w", address.Place(u), err)}
}

func (w *walk) wrongURL(err error) error {
	return &fault.Error{Kind: fault.Protocol, ID: "useragent.url", Op: walkOp, Spec: "RFC 6749 3.1",
		Hint: "open the URL in a browser to see where it leads", Err: err}
}

// follow reads an answer and says what to send next; nil when nothing is left
// to do.
func (w *walk) follow(ctx context.Context, resp *http.Response, r *request) (*request, error) {
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if resp.Header.Get("Location") != "" {
			// Read to its end, or HTTP/1.1 needs a new connection for the next step.
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
			return w.redirect(resp, r)
		}
	}
	p, err := w.read(ctx, resp, r)
	if err != nil {
		return nil, err
	}
	d, err := w.next(p)
	if err != nil || d == nil {
		return nil, err
	}
	return w.request(d)
}

// request is what a browser would send when the deed is done.
func (w *walk) request(d *deed) (*request, error) {
	if d.to != nil {
		return &request{method: http.MethodGet, url: d.to}, nil
	}
	r, err := newRequest(d.form.Target(d.button), d.page.URL, d.form.Fields(d.button, d.typed))
	if err != nil {
		return nil, w.wrongURL(fmt.Errorf("the form on %s is refused: %w", address.Place(d.page.URL), err))
	}
	r.secret = d.secret
	w.note(d)
	return r, nil
}

// redirect follows as browsers do (Fetch 4.4): 307 and 308 keep method and
// body, everything else becomes a GET.
func (w *walk) redirect(resp *http.Response, r *request) (*request, error) {
	to, err := r.url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return nil, w.wrongURL(fmt.Errorf("%s redirects to something that is not a URL", address.Place(r.url)))
	}
	if to, err = address.Clean(to); err != nil {
		return nil, w.wrongURL(fmt.Errorf("%s redirects to a URL that is refused: %w", address.Place(r.url), err))
	}
	if resp.StatusCode < http.StatusTemporaryRedirect {
		return &request{method: http.MethodGet, url: to}, nil
	}
	again := *r
	again.url = to
	if address.Origin(to) != address.Origin(r.url) {
		again.from = nil // "Origin: null"
		if r.secret {
			return nil, w.wrongOrigin(fmt.Errorf("%s passes the password on to %s", address.Place(r.url), address.Origin(to)))
		}
	}
	return &again, nil
}

// frames asks for what a sign-out page shows in frames, which is how a provider
// tells its clients (OpenID Connect Front-Channel Logout 2). As in a browser,
// one that fails disturbs nothing.
func (w *walk) frames(ctx context.Context, p *page.Page) {
	for _, f := range p.Frames {
		u, err := address.Clean(f)
		if err != nil {
			continue
		}
		within, stop := context.WithTimeout(ctx, 15*time.Second)
		if resp, err := w.send(within, &request{method: http.MethodGet, url: u}); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
			_ = resp.Body.Close()
		}
		stop()
	}
}
