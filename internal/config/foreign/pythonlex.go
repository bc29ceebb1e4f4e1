package foreign

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// peek is the byte so many places ahead, 0 at the end.
func (p *python) peek(ahead int) byte {
	if p.at+ahead < len(p.text) {
		return p.text[p.at+ahead]
	}
	return 0
}

// end reports whether the logical line ends here, but for a comment.
func (p *python) end() bool {
	c := p.peek(0)
	return p.at >= len(p.text) || c == '\n' || c == '#'
}

// next goes to the next line.
func (p *python) next() {
	for p.at < len(p.text) && p.text[p.at] != '\n' {
		p.at++
	}
	if p.at < len(p.text) {
		p.at++
		p.line++
	}
}

// blanks passes blanks and joined lines, and inside brackets line ends and
// comments as well. It reports whether there were any.
func (p *python) blanks(brackets bool) bool {
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\t' || c == '\f' || c == '\r':
			p.at++
		case c == '\\' && p.peek(1) == '\n':
			p.at += 2
			p.line++
		case brackets && c == '\n':
			p.at++
			p.line++
		case brackets && c == '#':
			for p.at < len(p.text) && p.text[p.at] != '\n' {
				p.at++
			}
		default:
			return p.at > start
		}
	}
	return p.at > start
}

// word is an identifier, empty where none stands.
func (p *python) word() string {
	start := p.at
	for c := p.peek(0); c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || p.at > start && c >= '0' && c <= '9'; c = p.peek(0) {
		p.at++
	}
	return p.text[start:p.at]
}

// literals reads a string and those that follow it at once, which Python joins.
func (p *python) literals(prefix string, depth int) (object, error) {
	var b strings.Builder
	plain := true
	for {
		raw := strings.ContainsAny(prefix, "rR")
		plain = plain && strings.Trim(prefix, "rRuUbB") == "" // f"..." runs code
		text, err := p.literal(raw)
		if err != nil {
			return object{}, err
		}
		b.WriteString(text)
		mark, line := p.at, p.line
		p.blanks(depth > 0)
		prefix = p.word()
		if c := p.peek(0); c != '\'' && c != '"' || len(prefix) > 2 {
			p.at, p.line = mark, line
			return object{texts: []string{b.String()}, text: true, plain: plain && b.Len() <= maxText && utf8.ValidString(b.String())}, nil
		}
	}
}

// literal reads one string in its quotes.
func (p *python) literal(raw bool) (string, error) {
	quote, line := p.text[p.at:p.at+1], p.line
	if strings.HasPrefix(p.text[p.at:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	p.at += len(quote)
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case strings.HasPrefix(p.text[p.at:], quote):
			p.at += len(quote)
			return b.String(), nil
		case c == '\n' && len(quote) == 1:
			p.line = line
			return "", errEnd
		case c == '\\' && p.at+1 < len(p.text):
			if p.text[p.at+1] == '\n' {
				p.line++
			}
			p.escape(&b, raw)
			continue
		case c == '\n':
			p.line++
		}
		b.WriteByte(c)
		p.at++
	}
	p.line = line
	return "", errEnd
}

// escape reads a backslash and what it escapes.
func (p *python) escape(b *strings.Builder, raw bool) {
	c := p.text[p.at+1]
	if raw {
		b.WriteString(p.text[p.at : p.at+2])
		p.at += 2
		return
	}
	digits, base := 0, 16
	switch c {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	}
	if hex := p.at + 2 + digits; digits > 0 && hex <= len(p.text) {
		if n, err := strconv.ParseUint(p.text[p.at+2:hex], base, 32); err == nil && utf8.ValidRune(rune(n)) {
			b.WriteRune(rune(n))
			p.at = hex
			return
		}
	}
	switch c {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case '\n': // the line goes on
	case '\\', '\'', '"':
		b.WriteByte(c)
	default: // Python leaves what it does not know
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	p.at += 2
}

// skip passes a logical line of any content, with its strings and brackets.
func (p *python) skip() error {
	open, first := 0, p.line
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case '\'', '"':
			if _, err := p.literal(true); err != nil {
				return err
			}
			continue
		case '#':
			for p.at < len(p.text) && p.text[p.at] != '\n' {
				p.at++
			}
			continue
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			open = max(0, open-1)
		case '\\':
			if p.peek(1) == '\n' {
				p.line++
				p.at++
			}
		case '\n':
			p.line++
			if open == 0 {
				p.at++
				return nil
			}
		}
		p.at++
	}
	if open > 0 {
		p.line = first
		return errEnd
	}
	return nil
}
