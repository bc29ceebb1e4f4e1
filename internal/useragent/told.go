package useragent

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"rely/internal/fault"
	"rely/internal/recipe"
	"rely/internal/useragent/address"
	"rely/internal/useragent/page"
)

// step finds what the recipe says about a page, nil where it says nothing,
// once the page is what the step before it expects.
func (w *walk) step(p *page.Page) (*recipe.Step, error) {
	at := recipe.Page{URL: p.URL, Title: p.Title, Text: p.Words, Field: p.Has}
	if e := w.expected; e != nil && !e.Expect.Holds(at) {
		why := "it is not what the recipe's step at line " + fmt.Sprint(e.Line) + " expects"
		if e.Expect.Failure != "" {
			why += " (" + e.Expect.Failure + ")"
		}
		return nil, w.quoted(p, "useragent.expect", why, "see what the page says, or correct the recipe")
	}
	w.expected = nil
	return w.o.Recipe.Find(at), nil
}

// do carries a step out. Origins and the password's one time hold for it as for
// everything else.
func (w *walk) do(p *page.Page, s *recipe.Step) (*deed, error) {
	if len(s.Expect.URL+s.Expect.Title+s.Expect.Text+s.Expect.Field) > 0 {
		w.expected = s
	}
	f, button, err := w.find(p, s)
	if err != nil {
		return nil, err
	}
	if f == nil {
		to, err := address.Clean(p.Follow(s.Click))
		if err != nil {
			return nil, w.wrongURL(fmt.Errorf("%s has a link to a URL that is refused: %w", address.Place(p.URL), err))
		}
		return &deed{page: p, to: to}, nil
	}
	typed, secret, err := w.values(p, f, s)
	if err != nil {
		return nil, err
	}
	if len(s.Fill) > 0 {
		if err := w.mayType(p, f.Target(button)); err != nil {
			return nil, err
		}
	}
	if secret {
		if err := w.posts(p, f.Target(button)); err != nil {
			return nil, err
		}
	}
	d := w.submit(p, f, button, typed)
	d.secret, d.told = secret, true
	return d, nil
}

// find gives the form that has everything the step fills in and presses; none
// where it follows a link.
func (w *walk) find(p *page.Page, s *recipe.Step) (*page.Form, *page.Control, error) {
	missing := ""
	for _, f := range p.Forms {
		lacks := ""
		for _, fill := range s.Fill {
			if f.Field(fill.Field) == nil {
				lacks = cmp.Or(lacks, fill.Field)
			}
		}
		button := f.Button()
		if s.Click != "" {
			if button = f.Press(s.Click); button == nil {
				lacks = cmp.Or(lacks, s.Click)
			}
		}
		if lacks == "" {
			return f, button, nil
		}
		missing = cmp.Or(missing, lacks)
	}
	if len(s.Fill) == 0 && p.Follow(s.Click) != nil {
		return nil, nil, nil
	}
	return nil, nil, w.misfit(p, s, fmt.Errorf("no form on %s has all that it names; %q is missing", address.Place(p.URL), cmp.Or(missing, s.Click, "a form")))
}

func (w *walk) misfit(p *page.Page, s *recipe.Step, err error) error {
	return &fault.Error{Kind: fault.Config, ID: "useragent.recipe", Op: fmt.Sprintf("follow the recipe's step at line %d", s.Line),
		Hint: "correct the step, or what it matches; --save-pages DIR keeps the page", Err: err}
}

// values fills in what the step says. secret reports that a password or a code
// is among it.
func (w *walk) values(p *page.Page, f *page.Form, s *recipe.Step) (typed map[*page.Control]string, secret bool, err error) {
	typed = map[*page.Control]string{}
	for _, fill := range s.Fill {
		c := f.Field(fill.Field)
		switch fill.Value {
		case "":
			if !f.Fill(c, fill.Text) {
				typed[c] = fill.Text
			}
		case "username":
			if w.o.Username == "" {
				return nil, false, w.credentials(p)
			}
			typed[c] = w.o.Username
		case "password":
			switch {
			case w.submitted:
				return nil, false, w.askedAgain(p, "the password")
			case w.o.Password.Empty():
				return nil, false, w.credentials(p)
			}
			typed[c], secret, w.submitted = w.o.Password.Reveal(), true, true
		case "totp":
			code, err := w.code(p)
			if err != nil {
				return nil, false, err
			}
			f.Spread(c, code, typed)
			secret = true
		}
	}
	return typed, secret, nil
}

// note tells Options.Record of a form that was sent, as a step that would do
// the same. It holds names alone, and nothing of what a person typed.
func (w *walk) note(d *deed) {
	p, button := d.page, d.button
	if w.o.Record == nil || d.told || d.form == nil || button == nil && len(d.typed) == 0 {
		return
	}
	s := recipe.Step{Match: recipe.Condition{URL: pattern(p), Title: w.plain(p.Title)}}
	for _, c := range d.form.Controls {
		if _, ok := d.typed[c]; !ok || c.Digit && slices.ContainsFunc(s.Fill, func(f recipe.Fill) bool { return f.Value == "totp" }) {
			continue // the first digit's field stands for all
		}
		fill := recipe.Fill{Field: cmp.Or(c.Name, c.ID, c.Label), Value: "username"}
		switch {
		case c.OneTime():
			fill.Value = "totp"
		case c.Kind == "password":
			fill.Value = "password"
		}
		s.Fill = append(s.Fill, fill)
		s.Match.Field = cmp.Or(s.Match.Field, fill.Field)
	}
	if button != nil {
		s.Click = cmp.Or(w.plain(button.Label), w.plain(button.Name), w.plain(button.ID))
	}
	w.o.Record(s)
}

// plain is a page's text as far as a recipe can have it; empty where the text
// names the person.
func (w *walk) plain(text string) string {
	text = strings.TrimSuffix(w.quote(text), "...")
	const most = 100
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most])
	}
	if strings.ContainsFunc(text, unicode.IsControl) || w.o.Username != "" && strings.Contains(text, w.o.Username) {
		return ""
	}
	return text
}

// pattern is the page's address with stars for what is another every time.
func pattern(p *page.Page) string {
	pieces := strings.Split(p.URL.EscapedPath(), "/")
	for i, s := range pieces {
		if len(s) >= 16 && strings.ContainsFunc(s, unicode.IsDigit) || len(s) >= 20 && !strings.ContainsAny(s, "-_.") {
			pieces[i] = "*"
		}
	}
	return address.Origin(p.URL) + strings.Join(pieces, "/")
}
