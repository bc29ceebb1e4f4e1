package useragent

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"rely/internal/fault"
	"rely/internal/recipe"
	"rely/internal/useragent/address"
	"rely/internal/useragent/chrome"
	"rely/internal/useragent/page"
)

// How long a page that is not understood may take to become another one, and a
// page to show that a button was pressed.
const patience = 10 * time.Second

// A tab is the one page of a visit.
type tab struct {
	*walk
	b     *chrome.Browser
	visit context.Context    // the whole visit
	over  context.Context    // ends when there is nothing left to do on the page
	stop  context.CancelFunc // ends over

	aside     chan error  // why a request of the page ended the walk
	answering atomic.Bool // the answer is on its way, or was
	sent      chan error  // what became of it
	typed     atomic.Bool // the password was
}

// run walks from start until the answer is on its way, or nothing is left to do.
func (t *tab) run(start *url.URL) error {
	err := t.b.Go(t.over, start.String())
	if err == nil {
		err = t.pages()
	} else {
		err = t.unreached(t.over, start, err)
	}
	select {
	case err := <-t.aside:
		return err
	default:
	}
	if over := ended(t.visit, walkOp); over != nil {
		return over
	}
	switch {
	case t.answering.Load():
		return nil
	case t.b.Gone():
		return &fault.Error{Kind: fault.Config, ID: "useragent.chrome", Op: walkOp, Err: errors.New("the browser ended by itself"),
			Hint: "run it again, or set " + chrome.Variable + " to another browser"}
	}
	return err
}

// pages does with one page after the other what has to be done.
func (t *tab) pages() error {
	const limit = 30
	for range limit {
		before := *t.walk
		d, f, err := t.decide()
		if err != nil || d == nil {
			return err
		}
		if d.to != nil {
			if err := t.b.Go(t.over, d.to.String()); err != nil {
				return t.unreached(t.over, d.to, err)
			}
			continue
		}
		t.typed.Store(t.submitted)
		done, err := t.b.Do(t.over, f, deeds(d))
		switch {
		case err != nil:
			return t.page(d.page, "the browser could not type or press on it", `use "--browser system" to see the page`)
		case !done:
			*t.walk = before // it was another page by then, and nothing was typed
			continue
		}
		t.note(d)
		t.b.Change(t.over, patience)
	}
	return &fault.Error{Kind: fault.Protocol, ID: "useragent.limit", Op: walkOp, Hint: "use --save-pages DIR -v and see where it goes in circles",
		Err: fmt.Errorf("no end after %d pages", limit)}
}

// decide waits for a page that it understands, for as long as it changes, and
// says what to do in which frame.
func (t *tab) decide() (*deed, chrome.Frame, error) {
	var spells spells
	defer spells.end()
	for {
		if err := t.b.Settle(t.over); err != nil {
			return nil, chrome.Frame{}, err
		}
		frames, err := t.b.Frames(t.over)
		switch {
		case t.over.Err() != nil:
			return nil, chrome.Frame{}, t.over.Err()
		case err != nil && t.b.Change(spells.of(t.over, "reading", patience), patience):
			continue
		case err != nil:
			return nil, chrome.Frame{}, err
		}
		pages := make([]*page.Page, len(frames))
		for i, f := range frames {
			pages[i] = t.readFrame(f)
		}
		if s := t.waits(pages); s != nil {
			if spell := spells.of(t.over, fmt.Sprint("line ", s.Line), s.Wait.For); spell.Err() == nil {
				t.b.Change(spell, s.Wait.For)
				continue
			}
		}
		d, at, err := t.choose(pages)
		if err != nil && t.mayChange(pages[0], err) && t.b.Change(spells.of(t.over, "understanding", patience), patience) {
			continue
		}
		if failed := t.seeFrame(pages[at], frames[at]); failed != nil && err == nil {
			err = failed
		}
		return d, frames[at], err
	}
}

// spells are the times that something may take on one page, each from when it
// was first asked for.
type spells struct {
	known map[string]context.Context
	ends  []context.CancelFunc
}

func (s *spells) of(ctx context.Context, what string, limit time.Duration) context.Context {
	if s.known == nil {
		s.known = map[string]context.Context{}
	}
	if s.known[what] == nil {
		spell, cancel := context.WithTimeout(ctx, limit)
		s.known[what], s.ends = spell, append(s.ends, cancel)
	}
	return s.known[what]
}

func (s *spells) end() {
	for _, cancel := range s.ends {
		cancel()
	}
}

// readFrame reads what a frame shows as forms would read it.
func (t *tab) readFrame(f chrome.Frame) *page.Page {
	u, err := url.Parse(f.URL)
	if err != nil {
		u = &url.URL{}
	}
	return page.Read(u, cmp.Or(f.Status, http.StatusOK), "text/html", []byte(f.HTML))
}

// waits gives the recipe's step that has to wait for what is not there yet.
func (t *tab) waits(pages []*page.Page) *recipe.Step {
	for _, p := range pages {
		s := t.o.Recipe.Find(recipe.Page{URL: p.URL, Title: p.Title, Text: p.Words, Field: p.Has})
		if s != nil && s.Wait.For > 0 && !(s.Wait.Text+s.Wait.Field != "" &&
			(recipe.Condition{Text: s.Wait.Text}).Holds(recipe.Page{Text: p.Words}) && (s.Wait.Field == "" || p.Has(s.Wait.Field))) {
			return s
		}
	}
	return nil
}

// choose takes the first frame that it knows what to do with. Where it knows of
// none, what is wrong with a login form counts more than that the page has none.
func (t *tab) choose(pages []*page.Page) (*deed, int, error) {
	var first error
	at := 0
	for i, p := range pages {
		before := *t.walk
		d, err := t.next(p)
		if err == nil {
			return d, i, nil
		}
		*t.walk = before
		if first == nil || idOf(first) == "useragent.page" && idOf(err) != "useragent.page" {
			first, at = err, i
		}
	}
	return nil, at, first
}

// mayChange reports whether a page that ends the walk could still become
// another: by its scripts, unless it says what is wrong.
func (t *tab) mayChange(p *page.Page, err error) bool {
	id := idOf(err)
	return p.Scripts && t.over.Err() == nil && id != "useragent.credentials" && id != "useragent.origin" &&
		!(p.Alert != "" && (id == "useragent.password-refused" || id == "useragent.code-refused"))
}

// seeFrame notes the page at hand, and how to photograph it.
func (t *tab) seeFrame(p *page.Page, f chrome.Frame) error {
	err := t.see(p, "text/html", []byte(f.Whole))
	if t.last != nil {
		t.last.picture = func(redact func(string) string) ([]byte, error) {
			ctx, cancel := context.WithTimeout(t.visit, patience)
			defer cancel()
			return t.b.Picture(ctx, redact)
		}
	}
	return err
}

// deeds are what has to be typed and pressed in the live page.
func deeds(d *deed) chrome.Deeds {
	out := chrome.Deeds{Fills: []chrome.Fill{}, Marks: []chrome.Mark{}, Choices: []chrome.Choice{}, Press: -1, Submit: -1}
	marks := d.form.Marks()
	for i, c := range d.form.Controls {
		if i == 0 {
			out.Submit = c.Ref
		}
		if text, ok := d.typed[c]; ok {
			out.Fills = append(out.Fills, chrome.Fill{At: c.Ref, Text: text})
		}
		if on, ok := marks[c]; ok {
			out.Marks = append(out.Marks, chrome.Mark{At: c.Ref, On: on})
		}
		if c.Kind == "select" {
			out.Choices = append(out.Choices, chrome.Choice{At: c.Ref, Values: c.Values})
		}
	}
	if d.button != nil {
		out.Press = d.button.Ref
	}
	return out
}

// serve answers what the page asks for. The answer to this sign-in is sent to
// the listener here, and ends the walk.
func (t *tab) serve(r *http.Request, main bool) (*http.Response, error) {
	fail := func(err error) (*http.Response, error) {
		if r.Context().Err() == nil && (main || idOf(err) == "useragent.origin") {
			select {
			case t.aside <- err:
			default: // there is a reason already
			}
			t.stop()
		}
		return nil, err
	}
	to, err := address.Clean(r.URL)
	if err != nil {
		return fail(t.wrongURL(fmt.Errorf("the page leads to a URL that is refused: %w", err)))
	}
	var body []byte
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if main && t.end != nil && address.Same(to, t.end) {
		if !t.answering.Swap(true) {
			from, _ := url.Parse(r.Header.Get("Origin"))
			if from != nil && from.Host == "" {
				from = nil
			}
			answer := &request{method: r.Method, url: to, body: body, contentType: r.Header.Get("Content-Type"), from: from}
			go func() { t.sent <- t.deliver(t.visit, answer) }()
			t.stop()
		}
		return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
	}
	if err := t.leaks(r, to, body); err != nil {
		return fail(err)
	}
	resp, err := t.o.HTTP.RoundTrip(r)
	if err != nil {
		return fail(t.unreached(r.Context(), to, err))
	}
	return resp, nil
}

// leaks refuses a request that carries the password where it does not belong: in
// a URL, or to an origin that may not have it.
func (t *tab) leaks(r *http.Request, to *url.URL, body []byte) error {
	if !t.typed.Load() {
		return nil
	}
	password := t.o.Password.Reveal()
	for _, values := range to.Query() {
		if slices.Contains(values, password) {
			return t.wrongOrigin(fmt.Errorf("%s would put the password into a URL", address.Place(to)))
		}
	}
	if t.owns(to) || !chrome.Carries(r.Header.Get("Content-Type"), body, password) {
		return nil
	}
	return t.wrongOrigin(fmt.Errorf("the page sends the password to %s", address.Origin(to)))
}

// idOf is a fault's ID, empty for anything else.
func idOf(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return ""
	}
	return f.ID
}
