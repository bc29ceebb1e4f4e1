package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ in, want string }{
		"plain text":          {"all is well", "all is well"},
		"other scripts":       {"Za\u017c\u00f3\u0142\u0107 \u6f22\u5b57", "Za\u017c\u00f3\u0142\u0107 \u6f22\u5b57"},
		"escape sequence":     {"\x1b[31mred", `\x1b[31mred`},
		"clipboard (OSC 52)":  {"\x1b]52;c;AA\a", `\x1b]52;c;AA\x07`},
		"C1 control":          {"\u009b31m", `\x9b31m`},
		"bidi override":       {"\u202eexe", `\u202eexe`},
		"line ends":           {"a\r\nb\tc", `a\r\nb\tc`},
		"no UTF-8":            {"a\xffb", `a\xffb`},
		"a line separator":    {"a\u2028b", `a\u2028b`},
		"delete":              {"a\x7f", `a\x7f`},
		"a tag character":     {"a\U000e0041", `a\U000e0041`},
		"a no-break space":    {"a\u00a0b", `a\xa0b`},
		"an invisible joiner": {"a\u200bb", `a\u200bb`},
	} {
		if got := Visible(c.in); got != c.want {
			t.Errorf("%s: got %s, want %s", what, got, c.want)
		}
	}
	if got, want := VisibleUpTo("a\u00e9\u65e5\u672c", 4), "a\u00e9... (6 more bytes)"; got != want {
		t.Errorf("cut: got %s, want %s", got, want)
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	denied := &Error{Kind: Denied, Op: "sign in", Err: errors.New("no")}
	for what, c := range map[string]struct {
		err  error
		want int
	}{
		"nothing":         {nil, 0},
		"a fault":         {denied, 5},
		"a wrapped fault": {fmt.Errorf("more: %w", denied), 5},
		"the outermost":   {&Error{Kind: Config, Op: "keep", Err: denied}, 3},
		"cancelled":       {fmt.Errorf("wait: %w", context.Canceled), 130},
		"anything else":   {errors.New("boo"), 1},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%s: got %d, want %d", what, got, c.want)
		}
	}
}
