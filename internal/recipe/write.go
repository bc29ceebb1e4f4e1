package recipe

import (
	"fmt"
	"strconv"
	"strings"
)

// YAML writes the recipe down in the form that [Parse] reads. Line numbers are
// not kept.
func (r Recipe) YAML() []byte {
	var b strings.Builder
	quote := strconv.QuoteToASCII
	put := func(indent, key, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, key, quote(text))
		}
	}
	condition := func(key string, c Condition) {
		if !c.Empty() {
			fmt.Fprintf(&b, "    %s:\n", key)
			put("      ", "url", c.URL)
			put("      ", "title", c.Title)
			put("      ", "text", c.Text)
			put("      ", "field", c.Field)
		}
	}
	if len(r.AllowOrigin) > 0 {
		b.WriteString("allow_origin:\n")
		for _, o := range r.AllowOrigin {
			fmt.Fprintf(&b, "  - %s\n", quote(o))
		}
	}
	b.WriteString("steps:\n")
	for _, s := range r.Steps {
		b.WriteString("  -\n")
		condition("match", s.Match)
		if len(s.Fill) > 0 {
			b.WriteString("    fill:\n")
		}
		for _, f := range s.Fill {
			fmt.Fprintf(&b, "      - field: %s\n", quote(f.Field))
			put("        ", "value", f.Value)
			put("        ", "text", f.Text)
		}
		put("    ", "click", s.Click)
		if s.Wait != (Wait{}) {
			b.WriteString("    wait:\n")
			put("      ", "text", s.Wait.Text)
			put("      ", "field", s.Wait.Field)
			put("      ", "for", s.Wait.For.String())
		}
		condition("expect", s.Expect.Condition)
		put("      ", "failure", s.Expect.Failure)
	}
	return []byte(b.String())
}
