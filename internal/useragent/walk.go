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
	"rely/internal/wire"
)

const maxPage = 1 << 20 // bytes, after unpacking

// deliver sends the request that carries the answer. Whether it was a good
// one is the listener's to say: a request that never went out is an error
// here, and one that the listener turned away as a stranger's, since this
// agent took it straight from the provider.
func (w *walk) deliver(ctx context.Context, r *request) error {
	var sent atomic.Bool
	resp, err := w.send(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// Called before the last byte leaves, so no listener is ahead of it.
		WroteHeaders: func() { sent.Store(true) },
	}), r)
	switch {
	case err == nil:
	case sent.Load():
		return nil
	default:
		return err
	}
	defer resp.Body.Close()
	// Parameters in r.url's fragment stay here: a browser would run the
	// answer's script, which posts them to the listener (OAuth 2.0 Multiple
	// Response Types 5). This is where to do that in its place.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxPage))
	if resp.StatusCode == http.StatusBadRequest {
		return &fault.Error{Kind: fault.Protocol, ID: "useragent.turned-away", Op: walkOp, Spec: "RFC 6749 4.1.2, 10.12",
			Hint: "do not use this provider until this is explained",
			Err:  errors.New("the provider sent the browser back with an answer to another request: its state is missing or not the one that was sent")}
	}
	return nil
}

func (w *walk) read(resp *http.Response, r *request) (*page, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage+1))
	switch {
	case err != nil:
		return nil, w.unreached(resp.Request.Context(), r.url, err)
	case len(body) > maxPage:
		return nil, &fault.Error{Kind: fault.Protocol, ID: "useragent.limit", Op: walkOp,
			Hint: `use "--browser system"`, Err: fmt.Errorf("%s is a page of more than 1 MiB", place(r.url))}
	}
	mediaType, _, err := mime.ParseMediaType(cmp.Or(resp.Header.Get("Content-Type"), http.DetectContentType(body)))
	if err != nil {
		mediaType = "text/plain"
	}
	return read(r.url, resp.StatusCode, mediaType, body), nil
}

// next decides what to do with a page. What asks for the user comes before
// what goes on by itself, so that nothing on a login page can distract.
func (w *walk) next(p *page) (*request, error) {
	if f, password := p.login(); f != nil {
		return w.signIn(p, f, password)
	}
	if f, user := p.identifier(); f != nil {
		return w.identify(p, f, user)
	}
	if p.status >= http.StatusBadRequest {
		return nil, w.refused(p)
	}
	for _, f := range p.forms {
		if f.silent() && w.end != nil && f.action != nil && same(f.action, w.end) {
			return w.submit(p, f, nil, nil)
		}
	}
	if p.refresh != nil {
		to, err := clean(p.refresh)
		if err != nil {
			return nil, w.wrongURL(fmt.Errorf("%s leads to a URL that is refused: %w", place(p.url), err))
		}
		return &request{method: http.MethodGet, url: to}, nil
	}
	if f, button := p.consent(); f != nil {
		return w.submit(p, f, button, nil)
	}
	if f := p.only(); f != nil && p.scripts {
		return w.submit(p, f, nil, nil)
	}
	if w.end == nil && w.pressed && len(p.forms) == 0 {
		return nil, nil
	}
	return nil, w.refused(p)
}

// only is the one form that a script would submit.
func (p *page) only() *form {
	var found *form
	for _, f := range p.forms {
		if !f.silent() {
			continue
		}
		if found != nil {
			return nil
		}
		found = f
	}
	return found
}

func (w *walk) signIn(p *page, f *form, password *control) (*request, error) {
	if w.submitted {
		return nil, w.askedAgain(p, "the password")
	}
	user := f.user(password)
	missing := w.o.Password.Empty() || user != nil && user.value == "" && w.o.Username == ""
	if missing {
		return nil, w.credentials(p)
	}
	button, _ := f.button()
	if err := w.mayType(p, f.target(button)); err != nil {
		return nil, err
	}
	if f.target(button).method != "post" {
		// Such a form waits for a script; sent as it is, the password would
		// stand in a URL.
		return nil, w.page(p, "its form would put the password into a URL", `use "--browser system": this page needs scripts`)
	}
	typed := map[*control]string{password: w.o.Password.Reveal()}
	if user != nil && w.o.Username != "" {
		typed[user] = w.o.Username
	}
	if q := f.unanswered(typed); q != nil {
		return nil, w.asks(p, q)
	}
	r, err := w.submit(p, f, button, typed)
	if err != nil {
		return nil, err
	}
	r.password, w.submitted = true, true
	return r, nil
}

// unanswered is a field besides typed that the page will not go on without.
func (f *form) unanswered(typed map[*control]string) *control {
	for _, c := range f.controls {
		if _, ok := typed[c]; !ok && c.required && c.value == "" && c.typed() {
			return c
		}
	}
	return nil
}

func (w *walk) identify(p *page, f *form, user *control) (*request, error) {
	if w.named {
		return nil, w.askedAgain(p, "the user name")
	}
	if user.value == "" && w.o.Username == "" {
		return nil, w.credentials(p)
	}
	button, _ := f.button()
	if err := w.mayType(p, f.target(button)); err != nil {
		return nil, err
	}
	w.named = true
	return w.submit(p, f, button, map[*control]string{user: cmp.Or(w.o.Username, user.value)})
}

func (w *walk) submit(p *page, f *form, button *control, typed map[*control]string) (*request, error) {
	r, err := f.target(button).request(p.url, f.fields(button, typed))
	if err != nil {
		return nil, w.wrongURL(fmt.Errorf("the form on %s is refused: %w", place(p.url), err))
	}
	w.pressed = true
	return r, nil
}

// mayType keeps user name and password to the provider's own pages.
func (w *walk) mayType(p *page, t form) error {
	own := func(u *url.URL) bool {
		return w.trust[origin(u)] && (u.Scheme == "https" || u.Scheme == "http" && wire.Loopback(u.Hostname()))
	}
	switch {
	case !own(p.url):
		return w.wrongOrigin(fmt.Errorf("the login form is on %s, which is not the provider's", origin(p.url)))
	case t.action == nil:
		return w.wrongURL(t.badURL)
	case !own(t.action):
		return w.wrongOrigin(fmt.Errorf("the login form on %s sends the password to %s", place(p.url), origin(t.action)))
	}
	return nil
}

func (w *walk) wrongOrigin(err error) error {
	return &fault.Error{Kind: fault.Protocol, ID: "useragent.origin", Op: walkOp,
		Hint: `use "--browser system" if that origin is right`, Err: err}
}

func (w *walk) credentials(p *page) error {
	return &fault.Error{Kind: fault.Usage, ID: "useragent.credentials", Op: walkOp,
		Hint: "give --username NAME and --password-file FILE, or set RELY_PASSWORD",
		Err:  fmt.Errorf("%s asks who signs in, and user name or password are not given", place(p.url))}
}

func (w *walk) askedAgain(p *page, what string) error {
	err := fmt.Errorf("%s asks for %s again", place(p.url), what)
	if p.alert != "" {
		err = fmt.Errorf("%w: %s", err, w.quote(p.alert))
	}
	return &fault.Error{Kind: fault.Denied, ID: "useragent.password-refused", Op: walkOp,
		Hint: "check user name and password; they were sent once only", Err: err}
}

func (w *walk) asks(p *page, q *control) error {
	name := cmp.Or(q.label, q.name, q.id, q.kind, "something")
	return w.page(p, "it asks for "+w.quote(name)+", which forms cannot answer", `use "--browser system"`)
}

// refused words a page that ends the walk.
func (w *walk) refused(p *page) error {
	for _, f := range p.forms {
		if q := f.question(); q != nil && p.status < http.StatusBadRequest {
			return w.asks(p, q)
		}
	}
	hint := `use "--browser system" to see the page`
	switch {
	case p.status >= http.StatusBadRequest && p.status < http.StatusInternalServerError && !w.pressed:
		hint = "check the client id and the redirect URI that the provider has registered"
	case p.status < http.StatusBadRequest && p.scripts:
		hint = `use "--browser system": this page needs scripts`
	}
	return w.page(p, "", hint)
}

// page quotes a page in an error: what it says, where it was, why it was left.
func (w *walk) page(p *page, why, hint string) error {
	said := cmp.Or(p.alert, p.text)
	if p.title != "" && !strings.HasPrefix(said, p.title) {
		said = strings.TrimSuffix(p.title+": "+said, ": ")
	}
	text := fmt.Sprintf("%s answered %d", place(p.url), p.status)
	if why != "" {
		text += "; " + why
	}
	if said != "" {
		text += ": " + w.quote(said)
	}
	kind := fault.Denied
	if p.status >= http.StatusInternalServerError {
		kind = fault.Network
	}
	return &fault.Error{Kind: kind, ID: "useragent.page", Op: walkOp, Hint: hint, Err: errors.New(text)}
}

// quote keeps the password out of what a page says.
func (w *walk) quote(s string) string {
	if w.o.Password.Empty() {
		return s
	}
	return strings.ReplaceAll(s, w.o.Password.Reveal(), w.o.Password.String())
}
