package capture

import (
	"html"
	"slices"
	"strings"
	"unicode"
)

// Out stands where something was struck out.
const Out = "[struck out]"

// Strike gives a page without its secrets. It reads tags as browsers do where
// that matters for what is a value, and whatever it is in doubt of is struck
// out. The page's words stay, but for what redact strikes and what looks
// random.
func Strike(page string, redact func(string) string) string {
	var b strings.Builder
	for page != "" {
		at := strings.IndexByte(page, '<')
		if at < 0 || at+1 == len(page) {
			break
		}
		b.WriteString(text(page[:at], redact))
		page = page[at:]
		c := page[1]
		switch {
		case strings.HasPrefix(page, "<!--"):
			_, rest, found := strings.Cut(page[4:], "-->")
			if !found {
				rest = ""
			}
			b.WriteString("<!-- " + Out + " -->")
			page = rest
		case c == '/' || c == '!' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			page = tag(&b, page, redact)
		default:
			b.WriteByte('<')
			page = page[1:]
		}
	}
	b.WriteString(text(page, redact))
	return b.String()
}

// text strikes out of a page's words, which may spell a secret with references.
func text(s string, redact func(string) string) string {
	plain := html.UnescapeString(s)
	if r := redact(plain); r != plain {
		s = html.EscapeString(r)
	}
	return words(s, redact)
}

// tag writes one tag down again, attribute by attribute, and what is inside of
// it where that is no HTML; it gives what is left of the page.
func tag(b *strings.Builder, page string, redact func(string) string) string {
	i := 2 // a slash, or the first letter
	for i < len(page) && page[i] != '>' && !blank(page[i]) {
		i++
	}
	name := strings.ToLower(page[1:i])
	b.WriteString("<" + name)
	attributes, rest := attributesOf(page[i:])
	for _, a := range attributes {
		b.WriteString(" " + a.name)
		if a.value != "" {
			b.WriteString(`="` + html.EscapeString(value(name, a, attributes, redact)) + `"`)
		}
	}
	b.WriteString(">")
	if !slices.Contains([]string{"script", "style", "textarea", "xmp", "iframe", "noembed", "noframes"}, name) {
		return rest
	}
	end := endTag(rest, name)
	if strings.TrimSpace(rest[:end]) != "" {
		b.WriteString(Out)
	}
	return rest[end:]
}

// endTag is where the end tag of name begins, or the end of the page.
func endTag(page, name string) int {
	for at := 0; ; {
		i := strings.Index(page[at:], "</")
		if i < 0 {
			return len(page)
		}
		at += i
		if len(page) >= at+2+len(name) && strings.EqualFold(page[at+2:at+2+len(name)], name) {
			return at
		}
		at += 2
	}
}

type attribute struct{ name, value string }

func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '/'
}

// attributesOf reads up to the tag's end (HTML 13.2.5.32).
func attributesOf(s string) (list []attribute, rest string) {
	for {
		s = strings.TrimLeft(s, " \t\n\r\f/")
		if s == "" || s[0] == '>' {
			return list, strings.TrimPrefix(s, ">")
		}
		i := 1 // a name may begin with =
		for i < len(s) && s[i] != '=' && s[i] != '>' && !blank(s[i]) {
			i++
		}
		a := attribute{name: strings.ToLower(s[:i])}
		s = strings.TrimLeft(s[i:], " \t\n\r\f")
		if strings.HasPrefix(s, "=") {
			s = strings.TrimLeft(s[1:], " \t\n\r\f")
			if s != "" && (s[0] == '"' || s[0] == '\'') {
				a.value, s, _ = strings.Cut(s[1:], s[:1])
			} else {
				end := strings.IndexAny(s, " \t\n\r\f>")
				if end < 0 {
					end = len(s)
				}
				a.value, s = s[:end], s[end:]
			}
			a.value = html.UnescapeString(a.value)
		}
		list = append(list, a)
	}
}

// value is what may be kept of an attribute.
func value(tag string, a attribute, all []attribute, redact func(string) string) string {
	of := func(name string) string {
		for _, a := range all {
			if a.name == name {
				return strings.ToLower(a.value)
			}
		}
		return ""
	}
	switch a.name {
	case "id", "class", "name", "for", "type", "style", "autocomplete", "method", "enctype", "rel", "lang", "charset", "role", "media", "form":
		return redact(a.value)
	case "value":
		switch kind := of("type"); {
		case tag == "input" && (kind == "submit" || kind == "reset" || kind == "button"):
			return words(a.value, redact)
		case tag == "option":
			return words(a.value, redact)
		}
		return Out
	case "content":
		if tag == "meta" && !slices.Contains([]string{"viewport", "description", "author", "robots", "generator"}, of("name")) && of("http-equiv") == "" {
			return Out
		}
	case "nonce", "srcdoc", "srcset":
		return Out
	}
	if strings.HasPrefix(a.name, "on") || strings.HasPrefix(a.name, "data-") {
		return Out
	}
	return address(a.value, redact)
}

// address strikes out the values of a query and of a fragment.
func address(s string, redact func(string) string) string {
	at := strings.IndexAny(s, "?#")
	if at < 0 || strings.ContainsAny(s[:at], " ") {
		return words(s, redact)
	}
	parts := strings.FieldsFunc(s[at+1:], func(r rune) bool { return r == '&' || r == '?' || r == '#' })
	for i, p := range parts {
		if name, _, found := strings.Cut(p, "="); found {
			parts[i] = words(name, redact) + "=" + Out
		} else {
			parts[i] = words(p, redact)
		}
	}
	return words(s[:at], redact) + s[at:at+1] + strings.Join(parts, "&")
}

// words strikes out of a text what redact knows, and what nobody would have
// written: 20 letters and digits on end, some of each.
func words(s string, redact func(string) string) string {
	s = redact(s)
	var b strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return !random(r) })
		if end < 0 {
			end = len(s)
		}
		run := s[:end]
		if len(run) >= 20 && strings.ContainsFunc(run, unicode.IsDigit) && strings.ContainsFunc(run, unicode.IsLetter) {
			run = Out
		}
		b.WriteString(run)
		s = s[end:]
		next := strings.IndexFunc(s, random)
		if next < 0 {
			next = len(s)
		}
		b.WriteString(s[:next])
		s = s[next:]
	}
	return b.String()
}

func random(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '+' || r == '.' || r == '~'
}
