package useragent

import (
	"bytes"
	"errors"
	"net/url"
	"path"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
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
	// Without scripting the parser shows what noscript holds, which is meant
	// for us. It refuses a page nested deeper than 512 elements.
	root, err := html.ParseWithOptions(bytes.NewReader(body), html.ParseOptionEnableScripting(false))
	if err != nil {
		p.text = fold(err.Error())
		return p
	}
	r := reader{page: p, base: u, labels: map[string]string{}}
	r.visit(root, scope{})
	p.text = fold(r.words.String())
	for _, c := range r.controls {
		if c.label == "" && c.id != "" {
			c.label = r.labels[c.id]
		}
	}
	for _, o := range r.owned {
		for _, f := range p.forms {
			if f.id == o.form {
				f.controls = append(f.controls, o.control)
				break
			}
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
	orphaned *form // a form that the parser left empty; see visit
}

// owned is a control that names its form.
type owned struct {
	form    string
	control *control
}

// scope is what an element inherits.
type scope struct {
	form                       *form
	label                      string
	hidden, disabled, noscript bool
}

func (r *reader) visit(n *html.Node, s scope) {
	if n.Type == html.TextNode && !s.hidden && r.words.Len() < 8*quoteRunes {
		r.words.WriteString(n.Data)
		r.words.WriteByte(' ')
	}
	if n.Type == html.ElementNode && !r.element(n, &s) {
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		r.visit(c, s)
	}
}

// element notes what one element says and reports whether to go into it.
func (r *reader) element(n *html.Node, s *scope) bool {
	body := n.DataAtom == atom.Body || n.DataAtom == atom.Html // shown by a script that guards against frames
	s.hidden = s.hidden || !body && concealed(n)
	if !s.hidden {
		r.note(n)
	}
	switch n.DataAtom {
	case atom.Script:
		r.scripts = true
		return false
	case atom.Style, atom.Template, atom.Title, atom.Svg:
		return false
	case atom.Noscript:
		s.noscript = true
	case atom.Base:
		if u, err := r.base.Parse(attr(n, "href")); err == nil {
			r.base = u
		}
	case atom.Meta:
		if strings.EqualFold(attr(n, "http-equiv"), "refresh") && r.refresh == nil {
			r.refresh = r.delayed(attr(n, "content"))
		}
	case atom.Form:
		s.form = r.form(n)
	case atom.Label:
		s.label, _ = textOf(n)
		r.labels[attr(n, "for")] = s.label
	case atom.Fieldset:
		s.disabled = s.disabled || has(n, "disabled")
	case atom.Input, atom.Button, atom.Select, atom.Textarea:
		r.control(n, *s)
		return false
	}
	return true
}

// note keeps the title and the first error message of the page.
func (r *reader) note(n *html.Node) {
	if n.DataAtom == atom.Title && r.title == "" {
		r.title, _ = textOf(n)
		r.title = fold(r.title)
	}
	names := strings.ToLower(attr(n, "class") + " " + attr(n, "id"))
	if r.alert == "" && (attr(n, "role") == "alert" ||
		strings.Contains(names, "error") || strings.Contains(names, "alert")) {
		// An element around the whole form says that there is an error, not which.
		if text, controls := textOf(n); !controls {
			r.alert = fold(text)
		}
	}
}

func (r *reader) form(n *html.Node) *form {
	f := &form{id: attr(n, "id"), name: attr(n, "id") + " " + attr(n, "name") + " " + attr(n, "class")}
	f.action = r.url
	r.target(f, n, "action", "method", "enctype")
	if f.action != nil {
		f.name += " " + path.Base(f.action.Path)
	}
	r.forms = append(r.forms, f)
	// In a table the parser cannot put the cells into the form, and leaves it
	// without children; browsers tie the following controls to it all the same.
	r.orphaned = nil
	if n.FirstChild == nil {
		r.orphaned = f
	}
	return f
}

// target reads where and how a form or its button submits.
func (r *reader) target(f *form, n *html.Node, action, method, enctype string) {
	f.method, f.enctype = strings.ToLower(attr(n, method)), strings.ToLower(attr(n, enctype))
	raw := strings.TrimSpace(attr(n, action))
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

func (r *reader) control(n *html.Node, s scope) {
	if s.disabled || has(n, "disabled") {
		return
	}
	c := &control{
		kind: strings.ToLower(attr(n, "type")), name: attr(n, "name"), id: attr(n, "id"), value: attr(n, "value"),
		autocomplete: strings.ToLower(attr(n, "autocomplete")), checked: has(n, "checked"),
		required: has(n, "required"), readonly: has(n, "readonly"), noscript: s.noscript,
	}
	c.label = fold(attr(n, "aria-label") + " " + attr(n, "title") + " " + attr(n, "placeholder") + " " + s.label)
	switch n.DataAtom {
	case atom.Button:
		if c.kind != "reset" && c.kind != "button" {
			c.kind = "submit"
		}
		text, _ := textOf(n)
		c.label = fold(text + " " + c.label)
	case atom.Select:
		c.kind, c.values = "select", chosen(n)
	case atom.Textarea:
		c.kind = "textarea"
		c.value, _ = textOf(n)
	default:
		if c.kind == "submit" || c.kind == "image" {
			c.label = fold(c.value + " " + attr(n, "alt") + " " + c.label)
		}
	}
	c.hidden = s.hidden || c.kind == "hidden" || concealed(n)
	r.target(&c.over, n, "formaction", "formmethod", "formenctype")
	r.controls = append(r.controls, c)
	switch owner := attr(n, "form"); {
	case owner != "":
		r.owned = append(r.owned, owned{owner, c})
	case s.form != nil:
		s.form.controls = append(s.form.controls, c)
	case r.orphaned != nil:
		r.orphaned.controls = append(r.orphaned.controls, c)
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
func chosen(n *html.Node) []string {
	var first, marked []string
	nodes := labelNodes * 8
	for o := range n.Descendants() {
		if nodes--; nodes < 0 {
			break
		}
		if o.DataAtom != atom.Option || has(o, "disabled") {
			continue
		}
		value := attr(o, "value")
		if !has(o, "value") {
			text, _ := textOf(o)
			value = fold(text)
		}
		if first == nil {
			first = []string{value}
		}
		if has(o, "selected") {
			marked = append(marked, value)
		}
	}
	switch {
	case has(n, "multiple"):
		return marked
	case marked != nil:
		return marked[len(marked)-1:]
	}
	return first
}

// textOf is the text in n, up to a bound, and whether n holds controls.
func textOf(n *html.Node) (text string, controls bool) {
	var b strings.Builder
	nodes := labelNodes
	for c := range n.Descendants() {
		if nodes--; nodes < 0 || b.Len() > labelBytes {
			break
		}
		switch c.DataAtom {
		case atom.Input, atom.Button, atom.Select, atom.Textarea, atom.Form:
			controls = true
		}
		if c.Type == html.TextNode && c.Parent.DataAtom != atom.Script && c.Parent.DataAtom != atom.Style {
			b.WriteString(c.Data)
			b.WriteByte(' ')
		}
	}
	return b.String(), controls
}

func concealed(n *html.Node) bool {
	style := strings.ToLower(strings.ReplaceAll(attr(n, "style"), " ", ""))
	return has(n, "hidden") || strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return true
		}
	}
	return false
}

// fold makes one line of s and cuts it where nobody reads on.
func fold(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > quoteRunes {
		return string(runes[:quoteRunes]) + "..."
	}
	return s
}
