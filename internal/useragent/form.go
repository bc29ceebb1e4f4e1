package useragent

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
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

// login is the form with a password to fill in: rather one that asks for a
// password than one that sets a new one, which asks twice.
func (p *page) login() (*form, *control) {
	var form *form
	var password *control
	for _, f := range p.forms {
		var found []*control
		for _, c := range f.controls {
			if c.kind == "password" && !c.hidden && !mentions(c.autocomplete, "new-password", "one-time-code") {
				found = append(found, c)
			}
		}
		named := mentions(f.name, "register", "signup", "reset")
		if len(found) == 1 && (form == nil || !named) {
			form, password = f, found[0]
			if !named {
				break
			}
		}
	}
	return form, password
}

// identifier is the form that asks who signs in, and nothing secret.
func (p *page) identifier() (*form, *control) {
	for _, f := range p.forms {
		if f.sets() || mentions(f.name, "register", "signup", "reset", "search") {
			continue
		}
		if c := f.user(nil); c != nil {
			return f, c
		}
	}
	return nil, nil
}

// sets reports a form with a password field that login did not take.
func (f *form) sets() bool {
	return slices.ContainsFunc(f.controls, func(c *control) bool { return c.kind == "password" && !c.hidden })
}

// user finds the field for the user name: by its autocomplete, its type, its
// names, and failing those, by standing before the password.
func (f *form) user(password *control) *control {
	var last, named, mail *control
	for _, c := range f.controls {
		if c == password {
			break
		}
		if !c.typed() {
			continue
		}
		all := c.name + " " + c.id + " " + c.label
		switch {
		case slices.Contains(strings.Fields(c.autocomplete), "username"):
			return c
		case mentions(all, "code", "otp", "captcha", "search", "token"):
			continue
		case mail == nil && (c.kind == "email" || c.autocomplete == "email"):
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

// typed reports a field that a person would type a line into.
func (c *control) typed() bool {
	switch c.kind {
	case "", "text", "email", "tel", "number", "search", "url":
		return !c.hidden && !c.readonly
	}
	return false
}

// question is a field that waits for an answer nobody gave us.
func (f *form) question() *control {
	for _, c := range f.controls {
		if c.value == "" && c.typed() || c.kind == "password" && !c.hidden || c.kind == "textarea" && c.required && c.value == "" {
			return c
		}
	}
	return nil
}

// silent reports a form that a script would submit without showing it.
func (f *form) silent() bool {
	return !slices.ContainsFunc(f.controls, func(c *control) bool {
		return !c.hidden && !(c.noscript && c.kind == "submit")
	})
}

// consent is the form and the button that go on: the first that clearly
// approves, else the only one there is that does not refuse.
func (p *page) consent() (*form, *control) {
	var maybe *form
	var button *control
	count := 0
	for _, f := range p.forms {
		if f.question() != nil || mentions(f.name, "deny", "cancel", "reject", "decline", "abort", "lang", "locale", "search") {
			continue
		}
		switch b, does := f.button(); does {
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
func (f *form) choices() int {
	n := 0
	for _, c := range f.controls {
		if c.submits() && c.verdict() != refuses {
			n++
		}
	}
	return n
}

func (c *control) submits() bool { return (c.kind == "submit" || c.kind == "image") && !c.hidden }

// button is the form's best button and what it does; nil when every one refuses.
func (f *form) button() (*control, int) {
	var best *control
	does := refuses
	for _, c := range f.controls {
		if v := c.verdict(); c.submits() && v > does {
			best, does = c, v
		}
	}
	return best, does
}

// verdict reads what a button does. Its words count first, its names only
// where the words say nothing we know.
func (c *control) verdict() int {
	tokens := strings.FieldsFunc(strings.ToLower(c.label), func(r rune) bool { return r < 'a' || r > 'z' })
	says := func(list ...string) bool {
		return slices.ContainsFunc(tokens, func(t string) bool { return slices.Contains(list, t) })
	}
	names := c.name + " " + c.value + " " + c.id
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

// A request is the next thing to send.
type request struct {
	method      string
	url         *url.URL
	body        []byte
	contentType string
	from        *url.URL // the page whose form this is; nil for anything else
	password    bool     // the body holds the password
}

// A pair is one field of a form, in the order of the page.
type pair struct{ name, value string }

// fields are what the form would send when button is pressed (HTML 4.10.22.4).
// typed replaces values. Terms that have to be accepted are.
func (f *form) fields(button *control, typed map[*control]string) []pair {
	var list []pair
	radios := map[string]bool{}
	for _, c := range f.controls {
		if c.kind == "radio" && c.checked {
			radios[c.name] = true
		}
	}
	for _, c := range f.controls {
		value, filled := typed[c]
		if !filled {
			value = c.value
		}
		switch c.kind {
		case "submit":
			if c != button {
				continue
			}
		case "image":
			if c == button {
				list = append(list, pair{dotted(c.name, "x"), "1"}, pair{dotted(c.name, "y"), "1"})
			}
			continue
		case "button", "reset", "file":
			continue
		case "radio", "checkbox":
			on := c.checked || c.required && !radios[c.name]
			if !on {
				continue
			}
			radios[c.name] = radios[c.name] || c.kind == "radio"
			if value == "" {
				value = "on"
			}
		case "select":
			for _, v := range c.values {
				if c.name != "" {
					list = append(list, pair{c.name, v})
				}
			}
			continue
		}
		if c.name != "" {
			list = append(list, pair{c.name, value})
		}
	}
	return list
}

func dotted(name, axis string) string {
	if name == "" {
		return axis
	}
	return name + "." + axis
}

// target is where the form goes and how, the button's own wishes first.
func (f *form) target(button *control) form {
	t := *f
	if button == nil {
		return t
	}
	o := button.over
	if o.action != nil || o.badURL != nil {
		t.action, t.badURL = o.action, o.badURL
	}
	if o.method != "" {
		t.method = o.method
	}
	if o.enctype != "" {
		t.enctype = o.enctype
	}
	return t
}

// request puts the fields on the wire (HTML 4.10.22.3).
func (f form) request(from *url.URL, list []pair) (*request, error) {
	if f.badURL != nil {
		return nil, f.badURL
	}
	u, err := clean(f.action)
	if err != nil {
		return nil, err
	}
	r := &request{method: http.MethodPost, url: u, from: from}
	switch {
	case f.method != "post":
		r.method = http.MethodGet
		u.RawQuery = encode(list)
		u.Fragment, u.RawFragment = "", ""
	case f.enctype == "multipart/form-data":
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for _, p := range list {
			// A bytes.Buffer takes everything.
			_ = w.WriteField(p.name, p.value)
		}
		_ = w.Close()
		r.body, r.contentType = b.Bytes(), w.FormDataContentType()
	default:
		r.body, r.contentType = []byte(encode(list)), "application/x-www-form-urlencoded"
	}
	return r, nil
}

// encode is url.Values.Encode in the order of the page.
func encode(list []pair) string {
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.name) + "=" + url.QueryEscape(p.value))
	}
	return b.String()
}
