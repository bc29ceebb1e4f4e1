package markup

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// summary is what two readers of a page must agree on.
type summary struct {
	Controls []string // form, tag, type, name, value
	Words    []string
}

// sorted forgets the order: this package leaves in a table what the rules move
// out of it.
func (s summary) sorted() summary {
	slices.Sort(s.Controls)
	slices.Sort(s.Words)
	return s
}

// silentTag reports elements whose text is not on the page.
func silentTag(tag string) bool {
	switch tag {
	case "script", "style", "iframe", "noembed", "noframes", "svg", "math":
		return true
	}
	return false
}

func isControl(tag string) bool {
	return tag == "input" || tag == "button" || tag == "select" || tag == "textarea"
}

// formName is a form's id, or else its place on the page.
func formName(id string, place int) string {
	if id == "" {
		return fmt.Sprint(place)
	}
	return id
}

func ours(page string) summary {
	var s summary
	forms := map[*Node]string{}
	var visit func(*Node)
	visit = func(n *Node) {
		s.Words = append(s.Words, strings.Fields(n.Text)...)
		switch {
		case silentTag(n.Tag):
			return
		case n.Tag == "form":
			forms[n] = formName(n.Attr("id"), len(forms)+1)
		case isControl(n.Tag):
			s.Controls = append(s.Controls, fmt.Sprintf("%s: %s %q %q %q", forms[n.Form], n.Tag, n.Attr("type"), n.Attr("name"), n.Attr("value")))
		}
		for _, c := range n.Children {
			visit(c)
		}
	}
	visit(Parse([]byte(page)))
	return s
}

// theirs reads the page with the reference parser. Its tree does not say which
// form a control in a table belongs to: pointers does, by the control's name.
func theirs(t *testing.T, page string) summary {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	var s summary
	tied, forms := pointers(page), 0
	var visit func(n *html.Node, form string)
	visit = func(n *html.Node, form string) {
		switch {
		case n.Type == html.TextNode:
			s.Words = append(s.Words, strings.Fields(n.Data)...)
		case n.Type != html.ElementNode:
		case silentTag(n.Data):
			return
		case n.Data == "form":
			forms++
			form = formName(attr(n, "id"), forms)
		case isControl(n.Data):
			owner := cmp.Or(tied[attr(n, "name")], form)
			s.Controls = append(s.Controls, fmt.Sprintf("%s: %s %q %q %q", owner, n.Data, attr(n, "type"), attr(n, "name"), attr(n, "value")))
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			visit(c, form)
		}
	}
	visit(root, "")
	return s
}

func attr(n *html.Node, name string) string {
	if i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name }); i >= 0 {
		return n.Attr[i].Val
	}
	return ""
}

// pointers gives the form whose end tag was still to come when a control came,
// both by name: the form element pointer of HTML 13.2.4.4.
func pointers(page string) map[string]string {
	tied, form := map[string]string{}, ""
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		kind := z.Next()
		token := z.Token()
		attrs := map[string]string{}
		for _, a := range token.Attr {
			attrs[a.Key] = a.Val
		}
		switch {
		case kind == html.ErrorToken:
			return tied
		case kind == html.EndTagToken && token.Data == "form":
			form = ""
		case kind == html.EndTagToken || kind == html.TextToken:
		case token.Data == "noscript":
			z.NextIsNotRawText()
		case token.Data == "form" && form == "":
			form = attrs["id"]
		case isControl(token.Data) && attrs["name"] != "":
			tied[attrs["name"]] = form
		}
	}
}

func fixtures(tb testing.TB) map[string]string {
	tb.Helper()
	files, err := filepath.Glob("../useragent/testdata/*.html")
	if err != nil || len(files) == 0 {
		tb.Fatalf("got %v, %v, want the pages of providers", files, err)
	}
	pages := map[string]string{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		pages[filepath.Base(name)] = string(data)
	}
	return pages
}

func TestParseAgreesOnPagesOfProviders(t *testing.T) {
	t.Parallel()
	for name, page := range fixtures(t) {
		if diff := gocmp.Diff(theirs(t, page), ours(page)); diff != "" {
			t.Errorf("%s (-reference +ours):\n%s", name, diff)
		}
		// Cut anywhere, it says the same as well.
		for n := 0; n < len(page); n += 13 {
			if diff := gocmp.Diff(theirs(t, page[:n]).sorted(), ours(page[:n]).sorted()); diff != "" {
				t.Fatalf("the first %d bytes of %s (-reference +ours):\n%s", n, name, diff)
			}
		}
	}
}

func TestParseAgreesOnGeneratedPages(t *testing.T) {
	t.Parallel()
	for seed := range uint64(800) {
		g := generator{Rand: rand.New(rand.NewPCG(seed, 1)), wild: seed%2 == 1}
		page := g.page()
		if diff := gocmp.Diff(theirs(t, page).sorted(), ours(page).sorted()); diff != "" {
			t.Fatalf("page %d (-reference +ours):\n%s\n%s", seed, diff, page)
		}
	}
}

// A generator writes pages of the kind that people write. A wild one leaves
// out end tags and adds some, short of content between cells, which the rules
// move out of the table, and of headings and formatting
// that have to be mended, and of quirks mode.
type generator struct {
	*rand.Rand
	strings.Builder
	wild  bool
	names int
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) page() string {
	g.WriteString(pick(g, "<!DOCTYPE html>", "<!doctype html><html><head><title>a &amp; b</title></head><body>"))
	for range 4 + g.IntN(8) {
		g.piece(4)
	}
	return g.String()
}

func (g *generator) piece(depth int) {
	if depth == 0 {
		g.words()
		return
	}
	if g.wild && g.IntN(8) == 0 {
		g.WriteString(" </" + pick(g, "p", "div", "li", "ul", "form", "span", "select", "button", "b", "x") + "> ")
	}
	g.WriteString(" ") // a stray tag does not part a word
	switch g.IntN(14) {
	case 0, 1:
		g.form(depth)
	case 2:
		g.table(depth)
	case 3:
		g.element("ul", func() {
			for range 1 + g.IntN(3) {
				g.element("li", func() { g.piece(depth - 1) })
			}
		})
	case 4:
		g.element("select"+g.attributes(), func() {
			for range 1 + g.IntN(3) {
				g.element("option"+g.attributes(), g.words)
			}
		})
	case 5:
		g.element("button"+g.attributes(), g.words)
	case 6:
		g.whole("textarea"+g.attributes(), "<b>&lt;"+g.word())
	case 7, 8:
		g.WriteString("<input" + g.attributes() + pick(g, ">", "/>", " >", " / >"))
	case 9:
		g.WriteString(pick(g, "<!-- <b>x -->", "<!---->", "<!-->", "<!-- a -- b --!>", "<?php x ?>", "<br>", "<hr>", "<img src=x alt=y>", "<![CDATA[x]]>", "< b", "</ x>", "&amp &unknown; &#x41 &copy;x") + " ")
	case 10:
		g.whole(pick(g, "script", "style", "iframe", "noframes"), "if (a<b) {} <p> </div> "+g.word())
	default:
		g.element(pick(g, "p", "div", "span", "section", "label", "fieldset", "noscript", "p", "div", "x-y"), func() {
			for range 1 + g.IntN(3) {
				g.piece(depth - 1)
			}
		})
	}
}

func (g *generator) form(depth int) {
	g.names++
	g.element(fmt.Sprintf("form id=f%d", g.names), func() {
		for range 1 + g.IntN(4) {
			g.piece(depth - 1)
		}
	})
}

func (g *generator) table(depth int) {
	form := g.IntN(4)
	open := func(n int) {
		if form == n {
			g.names++
			fmt.Fprintf(g, "<form id=f%d>", g.names)
		}
	}
	open(0)
	g.element("table", func() {
		open(1)
		for range 1 + g.IntN(3) {
			g.element("tr", func() {
				open(2)
				for range 1 + g.IntN(3) {
					g.element(pick(g, "td", "th"), func() { g.piece(depth - 1) })
				}
			})
			if g.IntN(4) == 0 {
				g.WriteString("</form>")
			}
		}
	})
	g.WriteString("</form>")
}

// element writes an element; a wild generator forgets the end now and then.
func (g *generator) element(start string, content func()) {
	g.WriteString(" <" + start + "> ")
	content()
	if name := strings.Fields(start)[0]; !g.wild || name == "table" || g.IntN(5) > 0 {
		g.WriteString("</" + pick(g, name, strings.ToUpper(name), name+" ") + ">")
	}
}

func (g *generator) whole(start, content string) {
	name := strings.Fields(start)[0]
	g.WriteString("<" + start + ">" + content + "</" + name + ">")
}

func (g *generator) attributes() string {
	g.names++
	all := []string{fmt.Sprintf("name=n%d", g.names), "value=" + g.value(), "TYPE=" + pick(g, "text", "'hidden'", `"submit"`, "Password")}
	all = append(all, pick(g, "disabled", "value=second", "x==y", "a='<b>'", "data-x"), "checked=''")
	return pick(g, " ", "\n", "\t ", " / ") + strings.Join(all[:1+g.IntN(len(all))], pick(g, " ", "\n", "  "))
}

func (g *generator) value() string {
	return pick(g, "plain", `"two words"`, `'q"q'`, `"q'q"`, `""`, "a/b", "?a=1&amp;b=2", `"?a=1&copy=2&lt=3&reg_x"`, `"&#65;&#x42 &amp&copy;&copyx&eacute;"`, "\"a\r\nb\"", "'<>'")
}

func (g *generator) word() string {
	return pick(g, "alpha", "beta", "a&amp;b", "&lt;c&gt;", "&eacute;t&eacute;", "1 < 2", "&notit;", "x&ampy", "d&#233;e")
}

func (g *generator) words() {
	for range 1 + g.IntN(3) {
		g.WriteString(g.word() + pick(g, " ", "\n", "\r\n"))
	}
}
