package page

import (
	"slices"
	"strings"
)

// What a button does, best last. Only the words on it and its names tell.
const (
	refuses   = iota // never pressed
	elsewhere        // "Sign in with Example"
	unclear
	approves
)

// Login is the form with a password to fill in: rather one that asks for a
// password than one that sets a new one, which asks twice.
func (p *Page) Login() (*Form, *Control) {
	var form *Form
	var password *Control
	for _, f := range p.Forms {
		var found []*Control
		for _, c := range f.Controls {
			if c.Kind == "password" && !c.Hidden && !mentions(c.Autocomplete, "new-password") && !c.OneTime() {
				found = append(found, c)
			}
		}
		named := mentions(f.Name, "register", "signup", "reset")
		if len(found) == 1 && (form == nil || !named) {
			form, password = f, found[0]
			if !named {
				break
			}
		}
	}
	return form, password
}

// Identifier is the form that asks who signs in, and nothing secret.
func (p *Page) Identifier() (*Form, *Control) {
	for _, f := range p.Forms {
		if f.sets() || mentions(f.Name, "register", "signup", "reset", "search") {
			continue
		}
		if c := f.User(nil); c != nil {
			return f, c
		}
	}
	return nil, nil
}

// sets reports a form with a password field that login did not take.
func (f *Form) sets() bool {
	return slices.ContainsFunc(f.Controls, func(c *Control) bool { return c.Kind == "password" && !c.Hidden && !c.OneTime() })
}

// User finds the field for the user name: by its autocomplete, its type, its
// names, and failing those, by standing before the password.
func (f *Form) User(password *Control) *Control {
	var last, named, mail *Control
	for _, c := range f.Controls {
		if c == password {
			break
		}
		if !c.Typed() || c.OneTime() {
			continue
		}
		all := c.Name + " " + c.ID + " " + c.Label
		switch {
		case slices.Contains(strings.Fields(c.Autocomplete), "username"):
			return c
		case mentions(all, "code", "otp", "captcha", "search", "token"):
			continue
		case mail == nil && (c.Kind == "email" || c.Autocomplete == "email"):
			mail = c
		case named == nil && mentions(all, "user", "login", "mail", "identifier", "account", "upn", "principal", "uid"):
			named = c
		}
		last = c
	}
	switch {
	case mail != nil:
		return mail
	case named != nil:
		return named
	case password != nil:
		return last
	}
	return nil
}

// Typed reports a field that a person would type a line into.
func (c *Control) Typed() bool {
	switch c.Kind {
	case "", "text", "email", "tel", "number", "search", "url":
		return !c.Hidden && !c.Readonly
	}
	return false
}

// Question is a field that waits for an answer nobody gave us.
func (f *Form) Question() *Control {
	for _, c := range f.Controls {
		if c.Value == "" && c.Typed() || c.Kind == "password" && !c.Hidden || c.Kind == "textarea" && c.Required && c.Value == "" {
			return c
		}
	}
	return nil
}

// Silent reports a form that a script would submit without showing it.
func (f *Form) Silent() bool {
	return !slices.ContainsFunc(f.Controls, func(c *Control) bool {
		return !c.Hidden && !(c.Noscript && c.Kind == "submit")
	})
}

// Consent is the form and the button that go on: the first that clearly
// approves, else the only one there is that does not refuse.
func (p *Page) Consent() (*Form, *Control) {
	var maybe *Form
	var button *Control
	count := 0
	for _, f := range p.Forms {
		if f.Question() != nil || mentions(f.Name, "deny", "cancel", "reject", "decline", "abort", "lang", "locale", "search") {
			continue
		}
		switch b, does := f.best(); does {
		case approves:
			return f, b
		case unclear, elsewhere:
			maybe, button = f, b
			count++
			if f.choices() > 1 {
				count++
			}
		}
	}
	if count == 1 {
		return maybe, button
	}
	return nil, nil
}

// choices counts the buttons that do not refuse.
func (f *Form) choices() int {
	n := 0
	for _, c := range f.Controls {
		if c.submits() && c.verdict() != refuses {
			n++
		}
	}
	return n
}

func (c *Control) submits() bool { return (c.Kind == "submit" || c.Kind == "image") && !c.Hidden }

// Button is the form's best button; nil when every one refuses.
func (f *Form) Button() *Control {
	best, _ := f.best()
	return best
}

// best is Button and what it does.
func (f *Form) best() (*Control, int) {
	var best *Control
	does := refuses
	for _, c := range f.Controls {
		if v := c.verdict(); c.submits() && v > does {
			best, does = c, v
		}
	}
	return best, does
}

// Leave makes the page one for ending a session: the button that signs out is
// then the one that goes on.
func (p *Page) Leave() {
	for _, f := range p.Forms {
		for _, c := range f.Controls {
			c.leaves = true
		}
	}
}

// leaving is the verdict on a button where a session is to end.
func (c *Control) leaving() int {
	tokens := strings.FieldsFunc(strings.ToLower(c.Label), func(r rune) bool { return r < 'a' || r > 'z' })
	says := func(list ...string) bool {
		return slices.ContainsFunc(tokens, func(t string) bool { return slices.Contains(list, t) })
	}
	names := c.Name + " " + c.Value + " " + c.ID
	switch {
	case says("no", "not", "don", "dont", "stay", "cancel", "keep", "back", "remain", "abort", "never"):
		return refuses
	case says("yes", "out", "off", "logout", "signout", "logoff", "end", "continue", "confirm", "ok", "okay", "proceed", "next"):
		return approves
	case mentions(names, "cancel", "stay", "abort", "deny"):
		return refuses
	case mentions(names, "logout", "signout", "logoff", "confirm", "yes"):
		return approves
	}
	return unclear
}

// verdict reads what a button does. Its words count first, its names only
// where the words say nothing we know.
func (c *Control) verdict() int {
	if c.leaves {
		return c.leaving()
	}
	tokens := strings.FieldsFunc(strings.ToLower(c.Label), func(r rune) bool { return r < 'a' || r > 'z' })
	says := func(list ...string) bool {
		return slices.ContainsFunc(tokens, func(t string) bool { return slices.Contains(list, t) })
	}
	names := c.Name + " " + c.Value + " " + c.ID
	switch {
	case len(tokens) > 0 && tokens[0] == "yes":
		return approves
	case says("no", "not", "don", "dont", "deny", "cancel", "decline", "reject", "refuse", "abort", "disagree", "disallow",
		"back", "never", "logout", "out", "register", "signup", "up", "create", "forgot", "forgotten", "reset", "recover",
		"help", "different", "another", "other", "switch", "delete", "remove", "restart"):
		return refuses
	case says("with", "via", "using"):
		return elsewhere
	case says("allow", "accept", "confirm", "continue", "authorize", "authorise", "approve", "grant", "submit", "agree",
		"consent", "ok", "okay", "next", "proceed", "login", "signin", "in", "finish", "enter"):
		return approves
	case mentions(names, "deny", "cancel", "reject", "decline", "abort", "refuse"):
		return refuses
	case mentions(names, "allow", "accept", "approve", "confirm", "authorize", "consent", "grant", "continue", "login", "yes"):
		return approves
	}
	return unclear
}

// mentions reports whether one of the words stands anywhere in s.
func mentions(s string, words ...string) bool {
	s = strings.ToLower(s)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}

// A Pair is one field of a form, in the order of the page.
type Pair struct{ Name, Value string }

// Fields are what the form would send when button is pressed (HTML 4.10.22.4).
// Typed replaces values. Terms that have to be accepted are.
func (f *Form) Fields(button *Control, typed map[*Control]string) []Pair {
	var list []Pair
	marks := f.Marks()
	for _, c := range f.Controls {
		value, filled := typed[c]
		if !filled {
			value = c.Value
		}
		switch c.Kind {
		case "submit":
			if c != button {
				continue
			}
		case "image":
			if c == button {
				list = append(list, Pair{dotted(c.Name, "x"), "1"}, Pair{dotted(c.Name, "y"), "1"})
			}
			continue
		case "button", "reset", "file":
			continue
		case "radio", "checkbox":
			if !marks[c] {
				continue
			}
			if value == "" {
				value = "on"
			}
		case "select":
			for _, v := range c.Values {
				if c.Name != "" {
					list = append(list, Pair{c.Name, v})
				}
			}
			continue
		}
		if c.Name != "" {
			list = append(list, Pair{c.Name, value})
		}
	}
	return list
}

// Marks says of each checkbox and radio button whether it has to be on.
func (f *Form) Marks() map[*Control]bool {
	radios := map[string]bool{}
	for _, c := range f.Controls {
		if c.Kind == "radio" && c.Checked {
			radios[c.Name] = true
		}
	}
	// Where nothing is granted the page leaves it to the person, whom the client
	// has asked for all of it.
	granted := slices.ContainsFunc(f.Controls, func(c *Control) bool { return c.grants() && (c.Checked || c.off) })
	marks := map[*Control]bool{}
	for _, c := range f.Controls {
		if c.Kind != "radio" && c.Kind != "checkbox" {
			continue
		}
		marks[c] = c.Checked || c.Required && !radios[c.Name] || c.terms() && !c.off || c.grants() && !granted
		radios[c.Name] = radios[c.Name] || c.Kind == "radio" && marks[c]
	}
	return marks
}

// terms reports a checkbox that accepts terms of use, which many pages ask for
// without marking it as required.
func (c *Control) terms() bool {
	return c.Kind == "checkbox" && !c.Hidden && mentions(c.Label, "terms", "conditions") && mentions(c.Label, "accept", "agree")
}

// grants reports a checkbox of a consent page that lets the client have
// something it asked for.
func (c *Control) grants() bool {
	return c.Kind == "checkbox" && !c.Hidden && slices.ContainsFunc(parts(c.Name+" "+c.ID), func(w string) bool {
		return w == "scope" || w == "scopes" || w == "grant" || w == "granted"
	})
}

func dotted(name, axis string) string {
	if name == "" {
		return axis
	}
	return name + "." + axis
}

// Target is where the form goes and how, the button's own wishes first.
func (f *Form) Target(button *Control) Form {
	t := *f
	if button == nil {
		return t
	}
	o := button.Over
	if o.Action != nil || o.BadURL != nil {
		t.Action, t.BadURL = o.Action, o.BadURL
	}
	if o.Method != "" {
		t.Method = o.Method
	}
	if o.Enctype != "" {
		t.Enctype = o.Enctype
	}
	return t
}

// Unanswered is a field besides typed that the page will not go on without.
func (f *Form) Unanswered(typed map[*Control]string) *Control {
	for _, c := range f.Controls {
		if _, ok := typed[c]; !ok && c.Required && c.Value == "" && c.Typed() {
			return c
		}
	}
	return nil
}

// Only is the one form that a script would submit.
func (p *Page) Only() *Form {
	var found *Form
	for _, f := range p.Forms {
		if !f.Silent() {
			continue
		}
		if found != nil {
			return nil
		}
		found = f
	}
	return found
}
