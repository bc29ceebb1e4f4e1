// Package markup reads HTML as far as somebody needs who fills in forms: any
// bytes become a light tree, in time that grows with their length only, and
// nothing is an error. It follows the parsing rules of HTML 13.2 where they
// decide what is on the page and which form a control belongs to. It refuses to
// be a browser: it runs nothing, decodes no character set, knows no quirks mode,
// moves nothing out of tables and mends neither headings nor misnested
// formatting.
package markup

import (
	"html"
	"iter"
	"slices"
	"strings"
)

// MaxDepth is how deep elements are nested. What a page nests deeper becomes a
// child of the deepest element that can have some.
const MaxDepth = 512

// A Node is an element, or a piece of text.
//
// The elements html, head and body are left out, and their content stands in
// their place. What script, style, iframe, noembed and noframes hold is left
// out as well; noscript holds elements, as it does without scripts.
type Node struct {
	Tag      string  // in lower case (ASCII); empty for text and for the root
	Attrs    []Attr  // as on the page, repetitions and all
	Text     string  // of a text; character references are resolved
	Form     *Node   // the form that a control belongs to, and any other element stands in; a form's own is itself
	Children []*Node // none for a text
}

// An Attr is one attribute of a start tag.
type Attr struct {
	Name  string // in lower case (ASCII)
	Value string // character references are resolved
}

// Attr is the value of an attribute: of the first when it is repeated, and
// empty when there is none.
func (n *Node) Attr(name string) string {
	if i := n.index(name); i >= 0 {
		return n.Attrs[i].Value
	}
	return ""
}

// Has reports whether the element has the attribute, be its value empty or not.
func (n *Node) Has(name string) bool { return n.index(name) >= 0 }

func (n *Node) index(name string) int {
	return slices.IndexFunc(n.Attrs, func(a Attr) bool { return a.Name == name })
}

// Descendants are all nodes below n, in the order of the page.
func (n *Node) Descendants() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { n.walk(yield) }
}

// walk calls itself at most [MaxDepth] times.
func (n *Node) walk(yield func(*Node) bool) bool {
	for _, c := range n.Children {
		if !yield(c) || !c.walk(yield) {
			return false
		}
	}
	return true
}

// Parse reads a page in UTF-8 and returns its root, which has no tag. The
// caller limits how long a page is: the tree weighs up to a hundred times as
// much.
func Parse(page []byte) *Node {
	root := &Node{}
	input := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\ufffd").Replace(string(page))
	r := reader{rest: input, open: []element{{node: root}}}
	for r.rest != "" {
		if words := r.take(markup(r.rest)); words != "" {
			r.add(&Node{Text: html.UnescapeString(words)})
		}
		r.markup()
	}
	return root
}

// A reader builds the tree while it consumes the page.
type reader struct {
	rest string    // what is still to read
	open []element // from the root to the innermost
	form *Node     // the form whose end tag is still to come (HTML 13.2.4.4)
}

// element is an open element. It is the parent of what comes next as long as
// it is the last one.
type element struct {
	node  *Node
	form  *Node // the innermost form around it, or itself
	is    set
	has   set // what this one is and all around it are
	depth int
}

func (r *reader) top() *element { return &r.open[len(r.open)-1] }

func (r *reader) add(n *Node) { r.top().node.Children = append(r.top().node.Children, n) }

// within reports whether an element of such a kind is open.
func (r *reader) within(s set) bool { return r.top().has&s != 0 }

// markup reads the tag or comment that the rest begins with.
func (r *reader) markup() {
	switch s := r.rest; {
	case s == "":
	case strings.HasPrefix(s, "<!--"):
		r.take(4 + comment(s[4:]))
	case letter(s[1]):
		r.take(1)
		if n, empty := r.tag(); n != nil {
			r.start(n, empty)
		}
	case s[1] == '/' && letter(s[2]):
		r.take(2)
		if n, _ := r.tag(); n != nil {
			r.end(n.Tag)
		}
	default: // a doctype, a CDATA section, a processing instruction, a mistake
		r.take(cut(s, ">") + 1)
	}
}

func (r *reader) start(n *Node, empty bool) {
	k := kindOf(n.Tag)
	switch {
	case k.is&outer != 0, k.is&part != 0 && !r.within(table), k.is&form != 0 && r.form != nil && !r.within(template):
		return
	}
	if r.leave(k) && k.is&choice != 0 {
		return // a select in a select is taken for its end tag
	}
	parent := *r.top()
	inside := parent.form
	if k.is&form != 0 {
		inside = n
		if !r.within(template) {
			r.form = n
		}
	}
	n.Form = inside
	if k.is&control != 0 && r.form != nil {
		n.Form = r.form
	}
	r.add(n)
	switch {
	case k.is&void != 0, empty && (k.is|parent.has)&foreign != 0:
	case k.is&raw != 0:
		r.raw(n, k.is)
	case k.is&form != 0 && parent.is&(table|section|row) != 0:
		// Cells cannot stand in a form that begins between them.
	case parent.depth < MaxDepth-1:
		r.open = append(r.open, element{n, inside, k.is, parent.has | k.is, parent.depth + 1})
	}
}

// leave closes what the start of an element closes without saying so, and
// reports whether there was something.
func (r *reader) leave(k kind) bool {
	closed := len(r.open)
	for i := closed - 1; i > 0 && r.open[i].has&k.ends != 0; i-- {
		if r.open[i].is&k.ends != 0 {
			closed = i
		} else if r.open[i].is&k.within != 0 {
			break
		}
	}
	had := len(r.open)
	r.open = r.open[:closed]
	return closed < had
}

// end closes an element and all in it. An end tag without an element to close
// in reach has no effect.
func (r *reader) end(tag string) {
	is := kindOf(tag).is
	limit := special
	switch {
	case is&form != 0 && !r.within(template):
		r.endForm()
		return
	case is&(table|part) != 0:
		limit = table
	case is&item != 0:
		limit = scope | list
	case is&para != 0:
		limit = scope | button
	case is&special != 0 && tag != "noscript": // which the rules for end tags do not mention
		limit = scope
	}
	for i := len(r.open) - 1; i > 0; i-- {
		if r.open[i].node.Tag == tag {
			r.open = r.open[:i]
			return
		}
		if r.open[i].is&limit != 0 {
			return
		}
	}
}

// endForm lets go of the form. Elements that were opened in it and are not
// closed stay open (HTML 13.2.6.4.7, an end tag whose tag name is "form").
func (r *reader) endForm() {
	f := r.form
	r.form = nil
	for i := len(r.open) - 1; i > 0; i-- {
		switch {
		case r.open[i].node == f:
			for len(r.open)-1 > i && r.top().is&implied != 0 {
				r.open = r.open[:len(r.open)-1]
			}
			r.open = slices.Delete(r.open, i, i+1)
			return
		case r.open[i].is&scope != 0:
			return
		}
	}
}
