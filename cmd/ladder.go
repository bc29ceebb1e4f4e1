package cmd

import (
	"fmt"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/idtoken"
)

// rungJSON is one check in JSON results.
type rungJSON struct {
	Name     string `json:"name"`
	Spec     string `json:"spec"`
	Status   string `json:"status"`
	Expected string `json:"expected,omitempty"`
	Actual   string `json:"actual,omitempty"`
}

func rungs(ladder []idtoken.Rung) []rungJSON {
	out := make([]rungJSON, len(ladder))
	for n, r := range ladder {
		out[n] = rungJSON{r.Name, r.Spec, string(r.Status), r.Expected, r.Actual}
	}
	return out
}

// showLadder tells what was checked, one line for each rung. Expected and
// actual stand below one that failed or is noted, and below every one with -v, which
// also shows those that did not apply.
func (i *invocation) showLadder(ladder []idtoken.Rung, failed bool) {
	if i.quiet() && !failed {
		return
	}
	ladder = slices.DeleteFunc(slices.Clone(ladder), func(r idtoken.Rung) bool {
		return r.Status == idtoken.Skipped && i.verbose() == 0
	})
	width := 0
	for _, r := range ladder {
		width = max(width, len(r.Name))
	}
	var b strings.Builder // one write, however many rungs
	for _, r := range ladder {
		mark := map[idtoken.Status]string{idtoken.Passed: "ok", idtoken.Failed: "FAILED", idtoken.Skipped: "-", idtoken.Noted: "note"}[r.Status]
		fmt.Fprintf(&b, "  %-6s  %-*s  %s\n", mark, width, r.Name, r.Spec)
		if r.Status == idtoken.Failed || r.Status == idtoken.Noted || i.verbose() > 0 {
			fmt.Fprintf(&b, "          %-*s    expected: %s\n", width, "", i.shown(r.Expected))
			fmt.Fprintf(&b, "          %-*s    actual:   %s\n", width, "", i.shown(r.Actual))
		}
	}
	fmt.Fprint(i.Stderr, b.String())
}

func (i *invocation) shown(s string) string {
	if s == "" {
		return "-"
	}
	return fault.VisibleUpTo(i.redact.Text(s), 300)
}
