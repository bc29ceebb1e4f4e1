package useragent

import (
	"errors"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"rely/internal/markup"
)

// How much of a page is quoted, and how much of an element is read for its
// label. Both keep a hostile page from costing more than it weighs.
const (
	quoteRunes = 300
	labelBytes = 1 << 10
	labelNodes = 256
)

// A page is what a person without scripts would see of one answer.
type page struct {
	url     *url.URL
	status  int
	title   string
	text    string   // the words on it, folded and cut
	alert   string   // what it marks as an error
	scripts bool     // it loads or holds some
	refresh *url.URL // where it goes by itself within ten seconds
	forms   []*form
}

// A form is an HTML form with the controls that belong to it.
type form struct {
	id, name string // name: everything that names it, for [verdict]
	action   *url.URL
	badURL   error // why action is nil
	method   string
	enctype  string
	controls []*control
}

// A control is an input, button, select or textarea that is not disabled.
type control struct {
	kind         string // the input's type; select, textarea; submit and image for buttons that submit
	name, id     string
	value        string
	values       []string // of a select
	label        string   // what a person reads beside or on it
	autocomplete string
	checked      bool
	required     bool
	readonly     bool
	hidden       bool // type hidden, or not shown
	noscript     bool // for agents without scripts
	over         form // action, method and enctype of a button that has its own
}

// read takes the body of an answer apart. What is not HTML becomes text.
func read(u *url.URL, status int, mediaType string, body []byte) *page {
	p := &page{url: u, status: status}
	if mediaType != "text/html" && mediaType != "application/xhtml+xml" {
		p.text = fold(string(body[:min(len(body), 4*quoteRunes)]))
		return p
	}
	r := reader{page: p, base: u, labels: map[string]string{}, known: map[*markup.Node]*form{}}
	r.visit(markup.Parse(body), scope{})
	p.text = fold(r.words.String())
	for _, c := range r.controls {
		if c.label == "" && c.id != "" {
			c.label = r.labels[c.id]
		}
	}
	ids := map[string]*form{}
	for _, f := range slices.Backward(p.forms) {
		ids[f.id] = f
	}
	for _, o := range r.owned {
		if f := ids[o.form]; f != nil {
			f.controls = append(f.controls, o.control)
		}
	}
	return p
}

// A reader walks the tree once.
type reader struct {
	*page
	base     *url.URL
	words    strings.Builder
	labels   map[string]string
	controls []*control
	owned    []owned
	known    map[*markup.Node]*form
}

// owned is a control that names its form.
type owned struct {
	form    string
	control *control
}

// scope is what an element inherits.
type scope struct {
	label                      string
	hidden, disabled, noscript bool
}

func (r *reader) visit(n *markup.Node, s scope) {
	if n.Text != "" && !s.hidden && r.words.Len() < 8*quoteRunes {
		r.words.WriteString(n.Text)
		r.words.WriteByte(' ')
	}
	if n.Tag != "" && !r.element(n, &s) {
		return
	}
	for _, c := range n.Children {
		r.visit(c, s)
	}
}

// element notes what one element says and reports whether to go into it.
func (r *reader) element(n *markup.Node, s *scope) bool {
	s.hidden = s.hidden || concealed(n)
	if !s.hidden {
		r.note(n)
	}
	switch n.Tag {
	case "script":
		r.scripts = true
		return false
	case "style", "template", "title", "svg":
		return false
	case "noscript":
		s.noscript = true
	case "base":
		if u, err := r.base.Parse(n.Attr("href")); err == nil {
			r.base = u
		}
	case "meta":
		if strings.EqualFold(n.Attr("http-equiv"), "refresh") && r.refresh == nil {
			r.refresh = r.delayed(n.Attr("content"))
		}
	case "form":
		r.form(n)
	case "label":
		s.label, _ = textOf(n)
		r.labels[n.Attr("for")] = s.label
	case "fieldset":
		s.disabled = s.disabled || n.Has("disabled")
	case "input", "button", "select", "textarea":
		r.control(n, *s)
		return false
	}
	return true
}

// note keeps the title and the first error message of the page.
func (r *reader) note(n *markup.Node) {
	if n.Tag == "title" && r.title == "" {
		r.title, _ = textOf(n)
		r.title = fold(r.title)
	}
	names := strings.ToLower(n.Attr("class") + " " + n.Attr("id"))
	if r.alert == "" && (n.Attr("role") == "alert" ||
		strings.Contains(names, "error") || strings.Contains(names, "alert")) {
		// An element around the whole form says that there is an error, not which.
		if text, controls := textOf(n); !controls {
			r.alert = fold(text)
		}
	}
}

func (r *reader) form(n *markup.Node) {
	f := &form{id: n.Attr("id"), name: n.Attr("id") + " " + n.Attr("name") + " " + n.Attr("class")}
	f.action = r.url
	r.target(f, n, "action", "method", "enctype")
	if f.action != nil {
		f.name += " " + path.Base(f.action.Path)
	}
	r.forms = append(r.forms, f)
	r.known[n] = f
}

// target reads where and how a form or its button submits.
func (r *reader) target(f *form, n *markup.Node, action, method, enctype string) {
	f.method, f.enctype = strings.ToLower(n.Attr(method)), strings.ToLower(n.Attr(enctype))
	raw := strings.TrimSpace(n.Attr(action))
	if raw == "" {
		return
	}
	u, err := r.base.Parse(raw)
	if err != nil {
		f.action, f.badURL = nil, errors.New("the form's address is not a URL")
		return
	}
	f.action = u
}

func (r *reader) control(n *markup.Node, s scope) {
	if s.disabled || n.Has("disabled") {
		return
	}
	c := &control{
		kind: strings.ToLower(n.Attr("type")), name: n.Attr("name"), id: n.Attr("id"), value: n.Attr("value"),
		autocomplete: strings.ToLower(n.Attr("autocomplete")), checked: n.Has("checked"),
		required: n.Has("required"), readonly: n.Has("readonly"), noscript: s.noscript,
	}
	c.label = fold(n.Attr("aria-label") + " " + n.Attr("title") + " " + n.Attr("placeholder") + " " + s.label)
	switch n.Tag {
	case "button":
		if c.kind != "reset" && c.kind != "button" {
			c.kind = "submit"
		}
		text, _ := textOf(n)
		c.label = fold(text + " " + c.label)
	case "select":
		c.kind, c.values = "select", chosen(n)
	case "textarea":
		c.kind = "textarea"
		c.value, _ = textOf(n)
		c.value = strings.TrimSuffix(c.value, " ") // which textOf puts behind each piece
	default:
		if c.kind == "submit" || c.kind == "image" {
			c.label = fold(c.value + " " + n.Attr("alt") + " " + c.label)
		}
	}
	c.hidden = s.hidden || c.kind == "hidden" || concealed(n)
	r.target(&c.over, n, "formaction", "formmethod", "formenctype")
	r.controls = append(r.controls, c)
	if owner := n.Attr("form"); owner != "" {
		r.owned = append(r.owned, owned{owner, c})
	} else if f := r.known[n.Form]; f != nil {
		f.controls = append(f.controls, c)
	}
}

// delayed reads a refresh ("0; url=/next"). One that is far off is a session
// that runs out, and one without a URL asks for the same page.
func (r *reader) delayed(content string) *url.URL {
	wait, rest, _ := strings.Cut(strings.Replace(content, ",", ";", 1), ";")
	seconds, err := strconv.ParseFloat(strings.TrimSpace(wait), 64)
	rest = strings.TrimSpace(rest)
	if len(rest) >= 4 && strings.EqualFold(rest[:3], "url") {
		rest = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest[3:]), "="))
	}
	rest = strings.Trim(rest, `"'`)
	if err != nil || seconds > 10 || rest == "" {
		return nil
	}
	u, err := r.base.Parse(rest)
	if err != nil {
		return nil
	}
	return u
}

// chosen gives a select's selection, which is its first option when none is
// marked and only one can be.
func chosen(n *markup.Node) []string {
	var first, marked []string
	nodes := labelNodes * 8
	for o := range n.Descendants() {
		if nodes--; nodes < 0 {
			break
		}
		if o.Tag != "option" || o.Has("disabled") {
			continue
		}
		value := o.Attr("value")
		if !o.Has("value") {
			text, _ := textOf(o)
			value = fold(text)
		}
		if first == nil {
			first = []string{value}
		}
		if o.Has("selected") {
			marked = append(marked, value)
		}
	}
	switch {
	case n.Has("multiple"):
		return marked
	case marked != nil:
		return marked[len(marked)-1:]
	}
	return first
}

// textOf is the text in n, up to a bound, and whether n holds controls.
func textOf(n *markup.Node) (text string, controls bool) {
	var b strings.Builder
	nodes := labelNodes
	for c := range n.Descendants() {
		if nodes--; nodes < 0 || b.Len() > labelBytes {
			break
		}
		switch c.Tag {
		case "input", "button", "select", "textarea", "form":
			controls = true
		}
		if c.Tag == "" {
			b.WriteString(c.Text)
			b.WriteByte(' ')
		}
	}
	return b.String(), controls
}

func concealed(n *markup.Node) bool {
	style := strings.ToLower(strings.ReplaceAll(n.Attr("style"), " ", ""))
	return n.Has("hidden") || strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden")
}

// fold makes one line of s and cuts it where nobody reads on.
func fold(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > quoteRunes {
		return string(runes[:quoteRunes]) + "..."
	}
	return s
}
