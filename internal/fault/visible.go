package fault

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible makes text from outside (a provider, a browser, a file) safe to show:
// control characters, C1, invisible format characters such as bidi overrides,
// line ends and bytes that are no UTF-8 become escapes as in a Go string.
// Printable text of any script passes unchanged.
func Visible(text string) string {
	if clean(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case shows(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// VisibleUpTo is [Visible] cut to about limit bytes, with a note where it was
// cut: a provider may send 60 kB of error_description.
func VisibleUpTo(text string, limit int) string {
	if len(text) <= limit {
		return Visible(text)
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return fmt.Sprintf("%s... (%d more bytes)", Visible(text[:cut]), len(text)-cut)
}

func clean(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}

// shows leaves out what unicode.IsGraphic lets pass and still cannot be seen:
// the spaces other than the plain one.
func shows(r rune) bool { return r == ' ' || unicode.IsPrint(r) }
