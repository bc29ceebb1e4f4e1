package markup

import (
	"html"
	"strings"
)

// space separates attributes.
const space = " \t\n\f"

// take consumes n bytes of the page, or all that is left.
func (r *reader) take(n int) string {
	n = min(n, len(r.rest))
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// markup is where the first tag or comment begins. A < before anything else is
// text.
func markup(s string) int {
	for i := 0; i < len(s); i++ {
		n := strings.IndexByte(s[i:], '<')
		if n < 0 {
			break
		}
		i += n
		if next := s[i+1:]; next != "" && (letter(next[0]) || next[0] == '!' || next[0] == '?' || next[0] == '/' && len(next) > 1) {
			return i
		}
	}
	return len(s)
}

// comment is the length of a comment behind its <!--.
func comment(s string) int {
	for _, end := range []string{">", "->"} {
		if strings.HasPrefix(s, end) {
			return len(end)
		}
	}
	for i := 0; ; i++ {
		n := strings.Index(s[i:], "--")
		if n < 0 {
			return len(s)
		}
		i += n
		for _, end := range []string{"-->", "--!>"} {
			if strings.HasPrefix(s[i:], end) {
				return i + len(end)
			}
		}
	}
}

// tag reads a tag behind its < or </, and whether a / ends it. It is nil when
// the page ends first.
func (r *reader) tag() (n *Node, empty bool) {
	n = &Node{Tag: lower(r.take(cut(r.rest, space+"/>")))}
	for {
		gap := r.take(len(r.rest) - len(strings.TrimLeft(r.rest, space+"/")))
		if r.rest == "" {
			return nil, false
		}
		if r.rest[0] == '>' {
			r.take(1)
			return n, strings.HasSuffix(gap, "/")
		}
		// A = that comes first belongs to the name.
		a := Attr{Name: lower(r.take(1 + cut(r.rest[1:], space+"/>=")))}
		if s := strings.TrimLeft(r.rest, space); strings.HasPrefix(s, "=") {
			r.rest = strings.TrimLeft(s[1:], space)
			a.Value = references(r.value())
		}
		n.Attrs = append(n.Attrs, a)
	}
}

func (r *reader) value() string {
	if s := r.rest; s != "" && (s[0] == '"' || s[0] == '\'') {
		var v string
		v, r.rest, _ = strings.Cut(s[1:], s[:1])
		return v
	}
	return r.take(cut(r.rest, space+">"))
}

// raw reads the content of an element that holds nothing but text, up to its
// end tag.
func (r *reader) raw(n *Node, is set) {
	end := 0
	for ; end < len(r.rest); end++ {
		next := strings.Index(r.rest[end:], "</")
		if next < 0 {
			end = len(r.rest)
			break
		}
		end += next
		s := r.rest[end+2:]
		if size := len(n.Tag); len(s) > size && lower(s[:size]) == n.Tag && strings.IndexByte(space+"/>", s[size]) >= 0 {
			break
		}
	}
	text := r.take(end)
	switch {
	case is&unread != 0:
		return
	case n.Tag == "textarea":
		text = strings.TrimPrefix(text, "\n")
	}
	if n.Tag != "xmp" {
		text = html.UnescapeString(text)
	}
	if text != "" {
		n.Children = []*Node{{Text: text}}
	}
}

// references resolves the character references of an attribute. Other than in
// text, a name without its semicolon is none when a letter, a digit or a =
// follows, so that "?a=1&copy=2" stays as it is (HTML 13.2.5.73).
func references(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var b strings.Builder
	for s != "" {
		text, rest := s[:cut(s, "&")], s[cut(s, "&"):]
		b.WriteString(text)
		end := min(1, len(rest))
		for end < len(rest) && (letter(rest[end]) || '0' <= rest[end] && rest[end] <= '9' || end == 1 && rest[end] == '#') {
			end++
		}
		ref, next := rest[:end], rest[end:]
		whole := strings.HasPrefix(ref, "&#")
		if strings.HasPrefix(next, ";") {
			ref, next = rest[:end+1], rest[end+1:]
		} else if !whole && strings.HasPrefix(next, "=") {
			b.WriteString(ref)
			s = next
			continue
		}
		// A reference to a shorter name leaves the end of this one behind.
		if c := html.UnescapeString(ref); whole || len(c) == 1 || len(c) > 1 && c[len(c)-1] != ref[len(ref)-1] {
			ref = c
		}
		b.WriteString(ref)
		s = next
	}
	return b.String()
}

// cut is how far s goes before one of stops, or to its end.
func cut(s, stops string) int {
	if i := strings.IndexAny(s, stops); i >= 0 {
		return i
	}
	return len(s)
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// lower is strings.ToLower for ASCII only: the Kelvin sign is no k.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}
