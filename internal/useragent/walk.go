package useragent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"rely/internal/fault"
	"rely/internal/useragent/address"
	"rely/internal/useragent/page"
	"rely/internal/wire"
)

const maxPage = 1 << 20 // bytes, after unpacking

// deliver sends the request that carries the answer, and where that stands in
// the fragment does what the listener's page has a browser do: it posts the
// fragment from there (OAuth 2.0 Multiple Response Types 5). Whether the answer
// was a good one is the listener's to say: a request that never went out is an
// error here, and one that the listener turned away as a stranger's, since this
// agent took it straight from the provider.
func (w *walk) deliver(ctx context.Context, r *request) error {
	status, body, err := w.carry(ctx, r)
	if post := page.Relay(r.url, status, body); err == nil && post != nil {
		status, _, err = w.carry(ctx, &request{method: http.MethodPost, url: r.url, from: r.url, body: post, contentType: "application/x-www-form-urlencoded"})
	}
	if err == nil && status == http.StatusBadRequest {
		return &fault.Error{Kind: fault.Protocol, ID: "useragent.turned-away", Op: walkOp, Spec: "RFC 6749 4.1.2, 10.12",
			Hint: "do not use this provider until this is explained",
			Err:  errors.New("the provider sent the browser back with an answer to another request: its state is missing or not the one that was sent")}
	}
	if err == nil && status == http.StatusMethodNotAllowed {
		return &fault.Error{Kind: fault.Config, ID: "useragent.answer-method", Op: walkOp, Spec: "OAuth 2.0 Form Post Response Mode",
			Hint: "leave response_mode out, or use a --flow that waits for a form",
			Err:  fmt.Errorf("the provider sends the answer with %s, which this sign-in does not wait for", r.method)}
	}
	if err == nil && w.came != nil && ctx.Err() == nil && !w.came() {
		return &fault.Error{Kind: fault.Protocol, ID: "useragent.nothing-came", Op: walkOp, Spec: "OIDC Core 3.1.2.5, 3.1.2.6",
			Hint: "look at what it sends with --trace",
			Err:  errors.New("the provider sent the browser back with neither an answer nor an error")}
	}
	return err
}

// carry sends a request to the listener. Once it is sent, no answer is one too:
// the sign-in may be over by then. Where it is not, the connection was lost
// before the listener had read it, as on a machine that is very busy.
func (w *walk) carry(ctx context.Context, r *request) (status int, body []byte, err error) {
	const most = 3
	for n := 1; ; n++ {
		var sent atomic.Bool
		resp, err := w.send(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			// Called before the last byte leaves, so no listener is ahead of it.
			WroteHeaders: func() { sent.Store(true) },
		}), r)
		if err == nil {
			status, body, err = w.carried(resp)
		}
		lost := w.came != nil && ctx.Err() == nil && !w.came()
		switch {
		case err == nil:
			return status, body, nil
		case lost && n < most:
		case sent.Load() && !lost:
			return 0, nil, nil
		default:
			return 0, nil, err
		}
	}
}

// carried is what the listener says.
func (w *walk) carried(resp *http.Response) (status int, body []byte, err error) {
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return 0, nil, w.unreached(resp.Request.Context(), resp.Request.URL, err)
	}
	return resp.StatusCode, body, nil
}

func (w *walk) read(ctx context.Context, resp *http.Response, r *request) (*page.Page, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage+1))
	switch err = cmp.Or(err, resp.Request.Context().Err()); { // a server that hears that nobody waits may end its answer
	case err != nil:
		return nil, w.unreached(resp.Request.Context(), r.url, err)
	case len(body) > maxPage:
		return nil, &fault.Error{Kind: fault.Protocol, ID: "useragent.limit", Op: walkOp,
			Hint: `use "--browser system"`, Err: fmt.Errorf("%s is a page of more than 1 MiB", address.Place(r.url))}
	}
	mediaType, _, err := mime.ParseMediaType(cmp.Or(resp.Header.Get("Content-Type"), http.DetectContentType(body)))
	if err != nil {
		mediaType = "text/plain"
	}
	p := page.Read(r.url, resp.StatusCode, mediaType, body)
	if w.signOut {
		w.frames(ctx, p)
	}
	return p, w.see(p, mediaType, body)
}

// A deed is what has to be done with a page. Who does it, and how, is another
// matter: forms makes a request of it, chrome types and presses.
type deed struct {
	page   *page.Page
	to     *url.URL // a link or a refresh to follow; nil where a form is sent
	form   *page.Form
	button *page.Control // nil: none is pressed
	typed  map[*page.Control]string
	secret bool // the password or a code is among what is typed
	told   bool // by the recipe
}

// next decides what to do with a page; nil when nothing is left to do. What
// asks for the user comes before what goes on by itself, so that nothing on a
// login page can distract.
func (w *walk) next(p *page.Page) (*deed, error) {
	if w.signOut {
		p.Leave()
	}
	step, err := w.step(p)
	switch {
	case err != nil:
		return nil, err
	case step != nil:
		return w.do(p, step)
	}
	if f, password := p.Login(); f != nil {
		return w.signIn(p, f, password)
	}
	if f, code := p.Code(); f != nil {
		return w.second(p, f, code)
	}
	if f, user := p.Identifier(); f != nil {
		return w.identify(p, f, user)
	}
	// The answer, whatever its status: an error comes with 400 at some providers.
	for _, f := range p.Forms {
		if f.Silent() && w.end != nil && f.Action != nil && address.Same(f.Action, w.end) {
			return w.submit(p, f, nil, nil), nil
		}
	}
	if p.Status >= http.StatusBadRequest {
		return nil, w.refused(p)
	}
	if p.Refresh != nil {
		to, err := address.Clean(p.Refresh)
		if err != nil {
			return nil, w.wrongURL(fmt.Errorf("%s leads to a URL that is refused: %w", address.Place(p.URL), err))
		}
		return &deed{page: p, to: to}, nil
	}
	if f, button := p.Account(w.o.Username); f != nil && button != nil {
		return w.submit(p, f, button, nil), nil
	}
	if f, button := p.Consent(); f != nil {
		return w.submit(p, f, button, nil), nil
	}
	if f := p.Only(); f != nil && p.Scripts {
		return w.submit(p, f, nil, nil), nil
	}
	if to := p.AccountLink(w.o.Username); to != nil {
		if to, err := address.Clean(to); err == nil {
			return &deed{page: p, to: to}, nil
		}
	}
	if w.end == nil && (w.pressed || w.signOut) && len(p.Forms) == 0 {
		return nil, nil
	}
	return nil, w.refused(p)
}

func (w *walk) signIn(p *page.Page, f *page.Form, password *page.Control) (*deed, error) {
	if w.submitted {
		return nil, w.askedAgain(p, "the password")
	}
	user := f.User(password)
	missing := w.o.Password.Empty() || user != nil && user.Value == "" && w.o.Username == ""
	if missing {
		return nil, w.credentials(p)
	}
	button := f.Button()
	if err := w.mayType(p, f.Target(button)); err != nil {
		return nil, err
	}
	if err := w.posts(p, f.Target(button)); err != nil {
		return nil, err
	}
	typed := map[*page.Control]string{password: w.o.Password.Reveal()}
	if user != nil && w.o.Username != "" {
		typed[user] = w.o.Username
	}
	if c := f.Code(); c != nil && (c.Required || !w.o.TOTP.Empty()) {
		text, err := w.code(p)
		if err != nil {
			return nil, err
		}
		f.Spread(c, text, typed)
	}
	if q := f.Unanswered(typed); q != nil {
		return nil, w.asks(p, q)
	}
	d := w.submit(p, f, button, typed)
	d.secret, w.submitted = true, true
	return d, nil
}

// posts refuses a form that would put a secret into a URL: it waits for a
// script. Where scripts run, what is really sent is looked at instead.
func (w *walk) posts(p *page.Page, t page.Form) error {
	if t.Method == "post" || w.scripts {
		return nil
	}
	return w.page(p, "its form would put the password into a URL", w.needsScripts())
}

// needsScripts is the hint for a page that forms cannot walk.
func (w *walk) needsScripts() string {
	if w.scripts {
		return `use "--browser system" to see the page, or write a --recipe for it`
	}
	return `use "--browser chrome": this page needs scripts`
}

// second answers a page that asks for a one-time code, and perhaps who it is.
func (w *walk) second(p *page.Page, f *page.Form, code *page.Control) (*deed, error) {
	button := f.Button()
	if err := w.mayType(p, f.Target(button)); err != nil {
		return nil, err
	}
	if err := w.posts(p, f.Target(button)); err != nil {
		return nil, err
	}
	text, err := w.code(p)
	if err != nil {
		return nil, err
	}
	typed := map[*page.Control]string{}
	f.Spread(code, text, typed)
	if user := f.User(nil); user != nil && user.Value == "" && w.o.Username != "" {
		typed[user] = w.o.Username
	}
	if q := f.Unanswered(typed); q != nil {
		return nil, w.asks(p, q)
	}
	d := w.submit(p, f, button, typed)
	d.secret = true
	return d, nil
}

// code makes a one-time code, one in each period (RFC 6238 5.2).
func (w *walk) code(p *page.Page) (string, error) {
	if w.o.TOTP.Empty() {
		return "", &fault.Error{Kind: fault.Usage, ID: "useragent.credentials", Op: walkOp,
			Hint: "give --totp-secret-file FILE, or set RELY_TOTP_SECRET",
			Err:  fmt.Errorf("%s asks for a one-time code, and no secret to make one is given", address.Place(p.URL))}
	}
	now := w.o.Now()
	step := w.o.TOTP.Step(now)
	if w.coded && step == w.codeStep {
		err := fmt.Errorf("%s asks for a one-time code again", address.Place(p.URL))
		if p.Alert != "" {
			err = fmt.Errorf("%w: %s", err, w.quote(p.Alert))
		}
		return "", &fault.Error{Kind: fault.Denied, ID: "useragent.code-refused", Op: walkOp, Spec: "RFC 6238 5.2",
			Hint: "check the secret of the one-time codes and this machine's clock", Err: err}
	}
	w.coded, w.codeStep = true, step
	return w.o.TOTP.Code(now), nil
}

func (w *walk) identify(p *page.Page, f *page.Form, user *page.Control) (*deed, error) {
	if w.named {
		return nil, w.askedAgain(p, "the user name")
	}
	if user.Value == "" && w.o.Username == "" {
		return nil, w.credentials(p)
	}
	button := f.Button()
	if err := w.mayType(p, f.Target(button)); err != nil {
		return nil, err
	}
	w.named = true
	return w.submit(p, f, button, map[*page.Control]string{user: cmp.Or(w.o.Username, user.Value)}), nil
}

func (w *walk) submit(p *page.Page, f *page.Form, button *page.Control, typed map[*page.Control]string) *deed {
	w.pressed = true
	return &deed{page: p, form: f, button: button, typed: typed}
}

// mayType keeps user name and password to the provider's own pages.
func (w *walk) mayType(p *page.Page, t page.Form) error {
	switch {
	case !w.owns(p.URL):
		return w.wrongOrigin(fmt.Errorf("the login form is on %s, which is not the provider's", address.Origin(p.URL)))
	case t.Action == nil:
		return w.wrongURL(t.BadURL)
	case !w.owns(t.Action):
		return w.wrongOrigin(fmt.Errorf("the login form on %s sends the password to %s", address.Place(p.URL), address.Origin(t.Action)))
	}
	return nil
}

// owns reports an origin that may have the password.
func (w *walk) owns(u *url.URL) bool {
	return w.trust[address.Origin(u)] && (u.Scheme == "https" || u.Scheme == "http" && wire.Loopback(u.Hostname()))
}

func (w *walk) wrongOrigin(err error) error {
	return &fault.Error{Kind: fault.Protocol, ID: "useragent.origin", Op: walkOp,
		Hint: `use "--browser system", or --allow-origin if that origin may have the password`, Err: err}
}

func (w *walk) credentials(p *page.Page) error {
	return &fault.Error{Kind: fault.Usage, ID: "useragent.credentials", Op: walkOp,
		Hint: "give --username NAME and --password-file FILE, or set RELY_PASSWORD",
		Err:  fmt.Errorf("%s asks who signs in, and user name or password are not given", address.Place(p.URL))}
}

func (w *walk) askedAgain(p *page.Page, what string) error {
	err := fmt.Errorf("%s asks for %s again", address.Place(p.URL), what)
	if p.Alert != "" {
		err = fmt.Errorf("%w: %s", err, w.quote(p.Alert))
	}
	return &fault.Error{Kind: fault.Denied, ID: "useragent.password-refused", Op: walkOp,
		Hint: "check user name and password; they were sent once only", Err: err}
}

func (w *walk) asks(p *page.Page, q *page.Control) error {
	name := cmp.Or(q.Label, q.Name, q.ID, q.Kind, "something")
	return w.page(p, "it asks for "+w.quote(name)+", which "+w.name+" cannot answer", `use "--browser system", or write a --recipe for the page`)
}

// refused words a page that ends the walk.
func (w *walk) refused(p *page.Page) error {
	for _, f := range p.Forms {
		if q := f.Question(); q != nil && p.Status < http.StatusBadRequest {
			return w.asks(p, q)
		}
	}
	hint := `use "--browser system" to see the page`
	switch {
	case p.Status >= http.StatusBadRequest && p.Status < http.StatusInternalServerError && !w.pressed:
		hint = "check the client id and the redirect URI that the provider has registered"
	case p.Status < http.StatusBadRequest && p.Scripts:
		hint = w.needsScripts()
	}
	return w.page(p, "", hint)
}

// page quotes a page in an error: what it says, where it was, why it was left.
func (w *walk) page(p *page.Page, why, hint string) error {
	return w.quoted(p, "useragent.page", why, hint)
}

func (w *walk) quoted(p *page.Page, id, why, hint string) error {
	said := cmp.Or(p.Alert, p.Text)
	if p.Title != "" && !strings.HasPrefix(said, p.Title) {
		said = strings.TrimSuffix(p.Title+": "+said, ": ")
	}
	text := fmt.Sprintf("%s answered %d", address.Place(p.URL), p.Status)
	if why != "" {
		text += "; " + why
	}
	if said != "" {
		text += ": " + w.quote(said)
	}
	kind := fault.Denied
	if p.Status >= http.StatusInternalServerError {
		kind = fault.Network
	}
	return &fault.Error{Kind: kind, ID: id, Op: walkOp, Hint: hint, Err: errors.New(text)}
}

// quote keeps the password out of what a page says.
func (w *walk) quote(s string) string {
	if w.o.Password.Empty() {
		return s
	}
	return strings.ReplaceAll(s, w.o.Password.Reveal(), w.o.Password.String())
}
