package page

import (
	"net/url"
	"strings"
)

// Field finds the control that a person means by what: its name, its id, or
// its label as far as that is shown. Buttons are none.
func (f *Form) Field(what string) *Control {
	return named(f.Controls, what, func(c *Control) bool {
		switch c.Kind {
		case "submit", "image", "button", "reset", "file":
			return false
		}
		return true
	})
}

// Press finds the button that a person means by what: its name, its id, or the
// words on it.
func (f *Form) Press(what string) *Control { return named(f.Controls, what, (*Control).submits) }

// Has reports whether one of the page's forms has the field.
func (p *Page) Has(what string) bool {
	for _, f := range p.Forms {
		if f.Field(what) != nil {
			return true
		}
	}
	return false
}

// Follow finds a link by its words.
func (p *Page) Follow(what string) *url.URL {
	for _, l := range p.Links {
		if same(l.Text, what) {
			return l.URL
		}
	}
	for _, l := range p.Links {
		if part(l.Text, what) {
			return l.URL
		}
	}
	return nil
}

func same(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

func part(text, what string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(strings.TrimSpace(what)))
}

// named takes the best of the controls that are of the right kind: a name or an
// id is certain, a whole label better than a part of one.
func named(list []*Control, what string, right func(*Control) bool) *Control {
	for _, is := range []func(*Control) bool{
		func(c *Control) bool { return c.Name == what },
		func(c *Control) bool { return c.ID == what },
		func(c *Control) bool { return !c.Hidden && same(c.Label, what) },
		func(c *Control) bool { return !c.Hidden && c.Label != "" && part(c.Label, what) },
	} {
		for _, c := range list {
			if right(c) && is(c) {
				return c
			}
		}
	}
	return nil
}

// Fill puts a text into the control, as a person would: a select chooses it, a
// checkbox is on or off, and of a group of radio buttons the one with this
// value is marked. What is typed into is left to [Form.Fields]: Fill reports
// false.
func (f *Form) Fill(c *Control, text string) bool {
	switch c.Kind {
	case "select":
		c.Values = []string{text}
	case "checkbox":
		c.Checked = text != "off"
		c.off = !c.Checked
		c.Required = c.Required && c.Checked
	case "radio":
		for _, r := range f.Controls {
			if r.Kind == "radio" && r.Name == c.Name && same(r.Value, text) {
				f.mark(r)
			}
		}
	default:
		return false
	}
	return true
}
