package cmd

import (
	"encoding/json"
	"fmt"
	"strings"

	"rely/internal/expect"
	"rely/internal/fault"
)

// expectHelp lists the comparisons, from their table.
func expectHelp() string {
	var b strings.Builder
	for _, o := range expect.Operators() {
		fmt.Fprintf(&b, "  %-9s %s\n", o.Sign, o.Help)
	}
	b.WriteString("\nMembers and elements: address.country==GB, amr[0]==pwd; a name with a dot in\n" +
		"quotes: \"https://api.example/roles\" contains r. A value that is no JSON is a text;\ndates compare with now: exp>now+5m.")
	return b.String()
}

// expectations are those of --expect, all of them understood.
func expectations(texts []string) ([]expect.Expectation, error) {
	list := make([]expect.Expectation, 0, len(texts))
	for _, text := range texts {
		e, err := expect.Parse(text)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// assert tells which expectations hold, and fails with Findings where one does
// not.
func (i *invocation) assert(op string, list []expect.Expectation, claims map[string]json.RawMessage) error {
	var failed []string
	for _, e := range list {
		r := e.Check(claims, i.Now())
		mark, actual := "ok", ""
		if !r.Holds {
			mark = "FAILED"
			failed = append(failed, r.Text)
			actual = r.Actual
			if actual == "" {
				actual = r.Why
			} else if r.Why != "" {
				actual += " (" + r.Why + ")"
			}
		}
		i.say("  %-6s  %s\n", mark, fault.VisibleUpTo(r.Text, 200))
		if actual != "" {
			i.say("            actual: %s\n", fault.VisibleUpTo(i.redact.Text(actual), 300))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return &fault.Error{Kind: fault.Findings, ID: "expect.failed", Op: op,
		Err: fmt.Errorf("%d of %d expectations do not hold: %s", len(failed), len(list), strings.Join(failed, "; ")), Hint: "compare with what the provider knows of this account and of the client's scopes"}
}
