// Package page reads one HTML page as a person without scripts would see it:
// its words, its forms, and what each of them is for. It sends nothing, and it
// decides nothing about passwords: who may have one is for the caller to say.
package page

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
// label. All of them keep a hostile page from costing more than it weighs.
const (
	quoteRunes = 300
	labelBytes = 1 << 10
	labelNodes = 256
	maxWords   = 16 << 10
)

// A Page is what a person without scripts would see of one answer.
type Page struct {
	URL     *url.URL
	Status  int
	Title   string
	Text    string   // the words on it, folded and cut
	Words   string   // the same, up to 16 KiB
	Alert   string   // what it marks as an error
	Scripts bool     // it loads or holds some
	Refresh *url.URL // where it goes by itself within ten seconds
	Forms   []*Form
	Links   []Link     // the first hundred
	Frames  []*url.URL // what it shows inside itself, the first twenty
}

// A Link is one that a person could follow.
type Link struct {
	Text string
	URL  *url.URL
}

// A Form is an HTML form with the controls that belong to it.
type Form struct {
	ID, Name string   // Name: everything that names it, its address included
	Action   *url.URL // nil where BadURL says why
	BadURL   error
	Method   string // in lower case, as Enctype
	Enctype  string
	Controls []*Control
}

// A Control is an input, button, select or textarea that is not disabled.
type Control struct {
	Kind         string // the input's type; select, textarea; submit and image for buttons that submit
	Name, ID     string
	Value        string
	Values       []string // of a select
	Label        string   // what a person reads beside or on it
	Autocomplete string
	Checked      bool
	Required     bool
	Readonly     bool
	Hidden       bool // type hidden, or not shown
	Noscript     bool // for agents without scripts
	Digit        bool // one of a row of fields that take a character each
	Ref          int  // the value of data-rely, by which a live page's element is known
	length       int  // at most; 0 is no limit
	off          bool // a person left it unmarked
	Over         Form // action, method and enctype of a button that has its own

	leaves bool // see [Page.Leave]
}

// Read takes the body of an answer apart. What is not HTML becomes text.
func Read(u *url.URL, status int, mediaType string, body []byte) *Page {
	p := &Page{URL: u, Status: status}
	if mediaType != "text/html" && mediaType != "application/xhtml+xml" {
		p.Words = strings.Join(strings.Fields(string(body[:min(len(body), maxWords)])), " ")
		p.Text = fold(p.Words)
		return p
	}
	r := reader{Page: p, base: u, labels: map[string]string{}, known: map[*markup.Node]*Form{}}
	r.visit(markup.Parse(body), scope{})
	p.Words = strings.Join(strings.Fields(r.words.String()), " ")
	p.Text = fold(p.Words)
	for _, c := range r.controls {
		if c.Label == "" && c.ID != "" {
			c.Label = r.labels[c.ID]
		}
	}
	ids := map[string]*Form{}
	for _, f := range slices.Backward(p.Forms) {
		ids[f.ID] = f
	}
	for _, o := range r.owned {
		if f := ids[o.form]; f != nil {
			f.Controls = append(f.Controls, o.control)
		}
	}
	for _, f := range p.Forms {
		f.digits()
	}
	return p
}

// A reader walks the tree once.
type reader struct {
	*Page
	base     *url.URL
	words    strings.Builder
	labels   map[string]string
	controls []*Control
	owned    []owned
	known    map[*markup.Node]*Form
}

// owned is a control that names its form.
type owned struct {
	form    string
	control *Control
}

// scope is what an element inherits.
type scope struct {
	label                      string
	hidden, disabled, noscript bool
}

func (r *reader) visit(n *markup.Node, s scope) {
	if n.Text != "" && !s.hidden && r.words.Len() < maxWords {
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
		r.Scripts = true
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
		if strings.EqualFold(n.Attr("http-equiv"), "refresh") && r.Refresh == nil {
			r.Refresh = r.delayed(n.Attr("content"))
		}
	case "form":
		r.form(n)
	case "iframe":
		if u, err := r.base.Parse(strings.TrimSpace(n.Attr("src"))); err == nil && n.Has("src") && len(r.Frames) < 20 {
			r.Frames = append(r.Frames, u)
		}
		return false
	case "a":
		r.link(n, s.hidden)
	case "label":
		s.label = textOf(n)
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
	if n.Tag == "title" && r.Title == "" {
		r.Title = textOf(n)
		r.Title = fold(r.Title)
	}
	names := strings.ToLower(n.Attr("class") + " " + n.Attr("id"))
	if r.Alert == "" && (n.Attr("role") == "alert" ||
		strings.Contains(names, "error") || strings.Contains(names, "alert")) {
		// An element around the whole form says that there is an error, not which.
		if text, fields := spoken(n); !fields {
			r.Alert = fold(text)
		}
	}
}

func (r *reader) link(n *markup.Node, hidden bool) {
	const most = 100
	if hidden || len(r.Links) == most || !n.Has("href") {
		return
	}
	if u, err := r.base.Parse(strings.TrimSpace(n.Attr("href"))); err == nil {
		text := textOf(n)
		r.Links = append(r.Links, Link{fold(text + " " + n.Attr("aria-label")), u})
	}
}

func (r *reader) form(n *markup.Node) {
	f := &Form{ID: n.Attr("id"), Name: n.Attr("id") + " " + n.Attr("name") + " " + n.Attr("class")}
	f.Action = r.URL
	r.target(f, n, "action", "method", "enctype")
	if f.Action != nil {
		f.Name += " " + path.Base(f.Action.Path)
	}
	r.Forms = append(r.Forms, f)
	r.known[n] = f
}

// target reads where and how a form or its button submits.
func (r *reader) target(f *Form, n *markup.Node, action, method, enctype string) {
	f.Method, f.Enctype = strings.ToLower(n.Attr(method)), strings.ToLower(n.Attr(enctype))
	raw := strings.TrimSpace(n.Attr(action))
	if raw == "" {
		return
	}
	u, err := r.base.Parse(raw)
	if err != nil {
		f.Action, f.BadURL = nil, errors.New("the form's address is not a URL")
		return
	}
	f.Action = u
}

func (r *reader) control(n *markup.Node, s scope) {
	if s.disabled || n.Has("disabled") {
		return
	}
	c := &Control{
		Kind: strings.ToLower(n.Attr("type")), Name: n.Attr("name"), ID: n.Attr("id"), Value: n.Attr("value"),
		Autocomplete: strings.ToLower(n.Attr("autocomplete")), Checked: n.Has("checked"),
		Required: n.Has("required"), Readonly: n.Has("readonly"), Noscript: s.noscript,
	}
	c.length, _ = strconv.Atoi(n.Attr("maxlength"))
	c.Ref, _ = strconv.Atoi(n.Attr("data-rely"))
	c.Label = fold(n.Attr("aria-label") + " " + n.Attr("title") + " " + n.Attr("placeholder") + " " + s.label)
	switch n.Tag {
	case "button":
		if c.Kind != "reset" && c.Kind != "button" {
			c.Kind = "submit"
		}
		text := textOf(n)
		c.Label = fold(text + " " + c.Label)
	case "select":
		c.Kind, c.Values = "select", chosen(n)
	case "textarea":
		c.Kind = "textarea"
		c.Value = textOf(n)
		c.Value = strings.TrimSuffix(c.Value, " ") // which textOf puts behind each piece
	default:
		if c.Kind == "submit" || c.Kind == "image" {
			c.Label = fold(c.Value + " " + n.Attr("alt") + " " + c.Label)
		}
	}
	c.Hidden = s.hidden || c.Kind == "hidden" || concealed(n)
	r.target(&c.Over, n, "formaction", "formmethod", "formenctype")
	r.controls = append(r.controls, c)
	if owner := n.Attr("form"); owner != "" {
		r.owned = append(r.owned, owned{owner, c})
	} else if f := r.known[n.Form]; f != nil {
		f.Controls = append(f.Controls, c)
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
			text := textOf(o)
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

// textOf is the text in n, up to a bound.
func textOf(n *markup.Node) string {
	var b strings.Builder
	nodes := labelNodes
	for c := range n.Descendants() {
		if nodes--; nodes < 0 || b.Len() > labelBytes {
			break
		}
		if c.Tag == "" {
			b.WriteString(c.Text)
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// spoken is the text in n up to a bound, that of buttons (which close it) left
// out, and whether n holds anything to fill in.
func spoken(n *markup.Node) (text string, fields bool) {
	var b strings.Builder
	nodes := labelNodes
	var visit func(n *markup.Node)
	visit = func(n *markup.Node) {
		for _, c := range n.Children {
			if nodes--; nodes < 0 || b.Len() > labelBytes {
				return
			}
			switch c.Tag {
			case "button", "script", "style":
				continue
			case "input", "select", "textarea", "form":
				fields = true
			case "":
				b.WriteString(c.Text + " ")
			}
			visit(c)
		}
	}
	visit(n)
	return b.String(), fields
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
