package markup

// A set says what an element is, as far as the tree depends on it.
type set uint32

const (
	outer   set = 1 << iota // it is left out, its content is not
	void                    // it has no content
	raw                     // it holds text only
	unread                  // and nobody reads that
	special                 // an end tag inside does not reach past it, unless it is that of a special element
	hard                    // nor does the start of a list item
	scope                   // nor does the end tag of a special one
	table                   // nor does any part of a table
	part                    // it exists in tables only
	section                 // of a table: of rows, or of columns
	row
	cell
	para
	list
	item
	term  // of a dl
	group // of options
	option
	choice
	button
	form
	control // it can belong to a form
	template
	foreign // in it a / at the end of a tag counts

	block   = special | hard
	implied = para | item | term | option | group // closed by the end of a form around them
)

// A kind is how an element behaves: its start closes the open elements in ends,
// unless they are outside of one in within.
type kind struct{ is, ends, within set }

// kindOf is the table of elements. One that it does not know is like span.
func kindOf(tag string) kind {
	switch tag {
	case "html", "head", "body":
		return kind{is: outer}
	case "area", "base", "basefont", "bgsound", "br", "embed", "frame", "hr", "img", "keygen", "link", "meta", "param", "source", "track", "wbr":
		return kind{is: void}
	case "input":
		return kind{void | control, choice, scope}
	case "textarea":
		return kind{is: raw | control}
	case "select":
		return kind{block | scope | choice | control, choice, scope}
	case "button":
		return kind{block | button | control, button, scope}
	case "script", "style", "iframe", "noembed", "noframes":
		return kind{is: raw | unread}
	case "title", "xmp":
		return kind{is: raw}
	case "p":
		return kind{special | para, para | foreign, scope | button}
	case "address", "div":
		return kind{special, para | foreign, scope | button}
	case "article", "aside", "blockquote", "center", "details", "dialog", "dir", "dl", "fieldset", "figcaption", "figure", "footer",
		"h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "listing", "main", "menu", "nav", "pre", "search", "section", "summary":
		return kind{block, para | foreign, scope | button}
	case "ol", "ul":
		return kind{block | list, para | foreign, scope | button}
	case "form":
		return kind{block | form, para, scope | button}
	case "li":
		return kind{block | item, item | para, hard}
	case "dd", "dt":
		return kind{block | term, term | para, hard}
	case "option":
		return kind{option, option, special}
	case "optgroup":
		return kind{group, option | group, special}
	case "table":
		return kind{block | scope | table, table | para | foreign, scope | button}
	case "thead", "tbody", "tfoot", "colgroup":
		return kind{block | part | section, section | row | cell, table}
	case "tr":
		return kind{block | part | row, row | cell, table}
	case "td", "th":
		return kind{block | part | scope | cell, cell, table}
	case "caption":
		return kind{block | part | scope | cell, section | row | cell, table}
	case "col":
		return kind{is: void | part}
	case "template":
		return kind{is: block | scope | template}
	case "applet", "marquee", "object":
		return kind{is: block | scope}
	case "noscript":
		return kind{is: block}
	case "svg", "math":
		return kind{is: foreign}
	}
	return kind{}
}
