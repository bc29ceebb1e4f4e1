package markup

import (
	"fmt"
	"strings"
	"testing"
)

// outline writes a tree as one line: tag(attributes)[content], 'text'. A
// control says which form it belongs to, counted from 1.
func outline(root *Node) string {
	var b strings.Builder
	forms := map[*Node]int{nil: 0}
	var write func(*Node)
	write = func(n *Node) {
		if n.Tag == "" {
			fmt.Fprintf(&b, "'%s' ", n.Text)
			return
		}
		b.WriteString(n.Tag)
		for _, a := range n.Attrs {
			fmt.Fprintf(&b, "(%s=%s)", a.Name, a.Value)
		}
		if n.Tag == "form" {
			forms[n] = len(forms)
		}
		if kindOf(n.Tag).is&control != 0 {
			fmt.Fprintf(&b, "@%d", forms[n.Form])
		}
		if len(n.Children) > 0 {
			b.WriteString("[ ")
			for _, c := range n.Children {
				write(c)
			}
			b.WriteByte(']')
		}
		b.WriteByte(' ')
	}
	for _, c := range root.Children {
		write(c)
	}
	return strings.TrimSpace(b.String())
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ page, want string }{
		"nothing":                          {"", ""},
		"text only":                        {"a b", "'a b'"},
		"names in lower case":              {"<A HREF=X>y</A>", "a(href=X)[ 'y' ]"},
		"lower case is that of ASCII":      {"<b \u212aEY=1>", "b(\u212aey=1)"},
		"quotes and none":                  {`<b a='1 "' b="2 '" c=3/ d e="">`, `b(a=1 ")(b=2 ')(c=3/)(d=)(e=)`},
		"blanks around the equals sign":    {"<b a = 1 b\n=\n'2'>", "b(a=1)(b=2)"},
		"attributes without blanks":        {`<b a="1"b='2'/c>`, "b(a=1)(b=2)(c=)"},
		"an equals sign that names":        {"<b =x=1 y==2>", "b(=x=1)(y==2)"},
		"a value in quotes that holds >":   {`<b a=">">x`, "b(a=>)[ 'x' ]"},
		"an end tag with attributes":       {`<b>x</b a=">">y`, "b[ 'x' ] 'y'"},
		"a tag that the page cuts":         {"x<b a='1", "'x'"},
		"a quote that never ends":          {`<b a=">x</b><p>`, ""},
		"line ends":                        {"a\r\nb\rc<b t='1\r\n2'>", "'a\nb\nc' b(t=1\n2)"},
		"zero bytes":                       {"a\x00b<\x00b>", "'a\ufffdb<\ufffdb>'"},
		"a < that is text":                 {"1 < 2 <3 << </", "'1 < 2 <3 << </'"},
		"references in text":               {"&lt;&amp;&#65;&#x42;&eacute;&copy2 &nope; &", "'<&AB\u00e9\u00a92 &nope; &'"},
		"references in attributes":         {`<b a="&lt;&#65;b&#x42;&fjlig;&semi;&nope;&;&">`, "b(a=<AbBfj;&nope;&;&)"},
		"queries in attributes":            {`<b a="?a=1&amp;b=2&copy=3&copyx=4&copyx;&copy;&copy&copy">`, "b(a=?a=1&b=2&copy=3&copyx=4&copyx;\u00a9\u00a9\u00a9)"},
		"comments":                         {"a<!-- <b> -- - > -->b<!-->c<!--->d<!---->e<!--x--!>f<!--g>", "'a' 'b' 'c' 'd' 'e' 'f'"},
		"what is no element":               {"<!DOCTYPE html>a<?php x?>b<![CDATA[c>d</ e>f</>g<!>h", "'a' 'b' 'd' 'f' 'g' 'h'"},
		"html, head and body":              {"<html><head><title>t</title></head><body class=x>a</body></html>b", "title[ 't' ] 'a' 'b'"},
		"scripts and styles":               {"<script>if (a<b) '</scripty>'</SCRIPT >x<style><p></style>y<script>", "script 'x' style 'y' script"},
		"what is not shown in frames":      {"<iframe><p></iframe><noframes><p></noframes><noembed><p></noembed>x", "iframe noframes noembed 'x'"},
		"a title holds text only":          {"<title>a<b>&amp;</i></title>c", "title[ 'a<b>&</i>' ] 'c'"},
		"a textarea holds text only":       {"<textarea>\n\na<b>&lt;</textarea><textarea></textarea>", "textarea@0[ '\na<b><' ] textarea@0"},
		"xmp holds text as it is":          {"<xmp>a<b>&lt;</xmp>", "xmp[ 'a<b>&lt;' ]"},
		"noscript holds elements":          {"<noscript><b>x</b></noscript>", "noscript[ b[ 'x' ] ]"},
		"void elements":                    {"<br>a<img src=x>b<hr/>c<input>d</input>", "br 'a' img(src=x) 'b' hr 'c' input@0 'd'"},
		"a / at the end says nothing":      {"<div/>x", "div[ 'x' ]"},
		"but in a drawing":                 {"<svg><path/><g>x</g></svg>y<svg/>z", "svg[ path g[ 'x' ] ] 'y' svg 'z'"},
		"a drawing without end":            {"<svg><g><p>x", "svg[ g ] p[ 'x' ]"},
		"paragraphs":                       {"<p>a<p>b<b>c<div>d</div>e", "p[ 'a' ] p[ 'b' b[ 'c' ] ] div[ 'd' ] 'e'"},
		"a paragraph in a button":          {"<p>a<button><p>b</button>c", "p[ 'a' button@0[ p[ 'b' ] ] 'c' ]"},
		"list items":                       {"<ul><li>a<li>b<ul><li>c</ul><li><div><li>d", "ul[ li[ 'a' ] li[ 'b' ul[ li[ 'c' ] ] ] li[ div ] li[ 'd' ] ]"},
		"a list item ends a paragraph":     {"<p>a<li>b<div>c</div>d", "p[ 'a' ] li[ 'b' div[ 'c' ] 'd' ]"},
		"definitions":                      {"<dl><dt>a<dd>b<dt>c", "dl[ dt[ 'a' ] dd[ 'b' ] dt[ 'c' ] ]"},
		"options":                          {"<select><option>a<option>b<optgroup><option>c<optgroup>d</select>e", "select@0[ option[ 'a' ] option[ 'b' ] optgroup[ option[ 'c' ] ] optgroup[ 'd' ] ] 'e'"},
		"a select that a control ends":     {"<select><option>a<input><select><option>b<select>c", "select@0[ option[ 'a' ] ] input@0 select@0[ option[ 'b' ] ] 'c'"},
		"a button ends a button":           {"<button>a<b>b<button>c", "button@0[ 'a' b[ 'b' ] ] button@0[ 'c' ]"},
		"rows and cells":                   {"<table><caption>a<tr><td>b<th>c<tr><td>d<tbody><tr><td>e</table>f", "table[ caption[ 'a' ] tr[ td[ 'b' ] th[ 'c' ] ] tr[ td[ 'd' ] ] tbody[ tr[ td[ 'e' ] ] ] ] 'f'"},
		"a table in a cell":                {"<table><tr><td><table><tr><td>a</table>b<td>c</table>", "table[ tr[ td[ table[ tr[ td[ 'a' ] ] ] 'b' ] td[ 'c' ] ] ]"},
		"a cell without a table":           {"<div><td>a</div>b", "div[ 'a' ] 'b'"},
		"a cell keeps end tags in":         {"<div><table><tr><td></div>a</table></div>b", "div[ table[ tr[ td[ 'a' ] ] ] ] 'b'"},
		"end tags of nothing":              {"</p></b></table></form>a<div></b></div>b", "'a' div 'b'"},
		"an end tag does not leave blocks": {"<b><div></b>a</div>b", "b[ div[ 'a' ] 'b' ]"},
		"an end tag closes what is in it":  {"<div><span><i>a</div>b", "div[ span[ i[ 'a' ] ] ] 'b'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := outline(Parse([]byte(tt.page))); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestParseTiesControlsToForms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ page, want string }{
		"inside":              {"<form><div><input></div></form><input>", "form[ div[ input@1 ] ] input@0"},
		"every control":       {"<form><input><button></button><select></select><textarea></textarea>", "form[ input@1 button@1 select@1 textarea@1 ]"},
		"a form in a form":    {"<form><form><input></form><input>", "form[ input@1 ] input@0"},
		"one after the other": {"<form><p><input></form><form><input></form>", "form[ p[ input@1 ] ] form[ input@2 ]"},
		"over all its table":  {"<form><table><tr><td><input><td><input></table></form><input>", "form[ table[ tr[ td[ input@1 ] td[ input@1 ] ] ] ] input@0"},
		"between rows": {"<table><form><tr><td><input><td><input></tr></form><tr><td><input></table>",
			"table[ form tr[ td[ input@1 ] td[ input@1 ] ] tr[ td[ input@0 ] ] ]"},
		"between cells": {"<table><tr><form><td><input><td><input></form></table><input>",
			"table[ tr[ form td[ input@1 ] td[ input@1 ] ] ] input@0"},
		"from one cell to another": {"<table><tr><td><form><td><input><tr><td><input></form><td><input></table>",
			"table[ tr[ td[ form ] td[ input@1 ] ] tr[ td[ input@1 ] td[ input@0 ] ] ]"},
		"past the end of the table":          {"<table><tr><td><form></table><input></form><input>", "table[ tr[ td[ form ] ] ] input@1 input@0"},
		"closed in an element of its own":    {"<form><div></form><input></div><input>", "form[ div[ input@1 ] ] input@0"},
		"the next form, opened in the first": {"<form><div></form><form><input></form></div><input>", "form[ div[ form[ input@2 ] ] ] input@0"},
		"closed out of reach":                {"<form><table><tr><td></form></table><input>", "form[ table[ tr[ td ] ] input@1 ]"},
		"of a template":                      {"<form><template><form></form></template><input></form>", "form[ template[ form ] input@1 ]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := outline(Parse([]byte(tt.page))); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestNode(t *testing.T) {
	t.Parallel()
	root := Parse([]byte("<input NAME=a name=b disabled>"))
	n := root.Children[0]
	if got, want := n.Attr("name")+n.Attr("disabled")+n.Attr("value"), "a"; got != want {
		t.Errorf("got values %q, want %q", got, want)
	}
	if !n.Has("name") || !n.Has("disabled") || n.Has("value") {
		t.Errorf("got %v, want name and disabled, and no value", n.Attrs)
	}
	var tags []string
	for n := range Parse([]byte("<a><b>x</b></a><i><u>")).Descendants() {
		if tags = append(tags, n.Tag); n.Tag == "i" {
			break
		}
	}
	if got, want := strings.Join(tags, ","), "a,b,,i"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// measure counts the nodes of a tree and how deep they are.
func measure(n *Node) (nodes, depth int) {
	for _, c := range n.Children {
		below, deep := measure(c)
		nodes, depth = nodes+below, max(depth, deep)
	}
	return nodes + 1, depth + 1
}

// hostile are beginnings, and parts that are repeated after them.
func hostile() [][2]string {
	return [][2]string{
		{"", "<"}, {"", "</"}, {"", "<a "}, {"", "<a"}, {"", "<a a"}, {"<a ", "a "}, {"<a ", "a=' "}, {"", "<a b='"}, {"", `<a b="'`},
		{"", "<!--"}, {"", "<!---->"}, {"<!--", "-"}, {"", "<!"}, {"", "<?"}, {"", "<!--x--!>"}, {"", "&"}, {"", "&a"}, {"&", "a"}, {"", "&#"}, {"", "&lt"},
		{"<a b='", "&"}, {"<a b='", "&amp"}, {"<a b='&", "a"}, {"", "<div>"}, {"", "<b>"}, {"", "<p>"}, {"", "<li>"}, {"", "<form>"},
		{"", "<form><div></form>"}, {"", "<table>"}, {"", "<table><tr><td>"}, {"", "<title>"}, {"", "<script></"}, {"<title>", "</titl"},
		{"", "<title></title>"}, {"", "<svg>"}, {"", "<svg/>"}, {"", "</x>"}, {"", "<option>"}, {"", "<select><option>"},
		{strings.Repeat("<b>", 600), "</x>"}, {"<p><button>" + strings.Repeat("<b>", 600), "<p>"}, {strings.Repeat("<div>", 600), "<li>"},
		{"<form><table>" + strings.Repeat("<b>", 600), "<form></form>"}, {"<li><ul>" + strings.Repeat("<b>", 600), "<p></p>"},
	}
}

func TestParseIsBounded(t *testing.T) {
	t.Parallel()
	for _, h := range hostile() {
		page := h[0] + strings.Repeat(h[1], (1<<15)/len(h[1]))
		if nodes, depth := measure(Parse([]byte(page))); nodes > len(page) || depth > MaxDepth+1 {
			t.Errorf("%.20q %q: got %d nodes, %d deep, want at most %d, %d deep", h[0], h[1], nodes, depth, len(page), MaxDepth+1)
		}
	}
}

func TestParseGoesOnBelowTheDeepest(t *testing.T) {
	t.Parallel()
	page := "<form>" + strings.Repeat("<div>", 2*MaxDepth) + "<input><p>x"
	var controls, words int
	for n := range Parse([]byte(page)).Descendants() {
		switch {
		case n.Tag == "input" && n.Form != nil:
			controls++
		case n.Text == "x":
			words++
		}
	}
	if controls != 1 || words != 1 {
		t.Errorf("got %d controls in the form and %d words, want 1 and 1", controls, words)
	}
}

// Whatever a page holds, reading it ends, in a tree that is not larger.
func FuzzParse(f *testing.F) {
	for _, h := range hostile() {
		f.Add([]byte(h[0] + strings.Repeat(h[1], 3)))
	}
	f.Add([]byte("<table><form><tr><td><select><option>&amp<button a=b>x</form></table><textarea>&lt;</textarea>"))
	f.Fuzz(func(t *testing.T, page []byte) {
		root := Parse(page)
		if nodes, depth := measure(root); nodes > len(page)+1 || depth > MaxDepth+1 {
			t.Fatalf("got %d nodes, %d deep, from %d bytes", nodes, depth, len(page))
		}
		for n := range root.Descendants() {
			if n.Tag == "" && (n.Text == "" || n.Attrs != nil || n.Children != nil) {
				t.Fatalf("got %+v, want a text", n)
			}
			if n.Form != nil && n.Form.Tag != "form" {
				t.Fatalf("got the form %+v", n.Form)
			}
		}
	})
}

// BenchmarkParse measures a page as providers have them, and hostile ones of
// 2 MiB: MB/s that fall with the length would show a loop in a loop.
func BenchmarkParse(b *testing.B) {
	run := func(name, page string) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				Parse([]byte(page))
			}
		})
	}
	for name, page := range fixtures(b) {
		run(strings.TrimSuffix(name, ".html"), page)
	}
	for _, h := range hostile() {
		run(fmt.Sprintf("%.12q and %q", h[0], h[1]), h[0]+strings.Repeat(h[1], (2<<20)/len(h[1])))
	}
}
