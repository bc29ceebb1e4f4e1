package cmd

import (
	"fmt"
	"strings"

	"rely/internal/demoop"
	"rely/internal/doctor"
	"rely/internal/doctor/check"
)

// doctorPage has a section for each check, so that an ID in somebody's log
// leads somewhere.
func doctorPage() string {
	var b strings.Builder
	b.WriteString("# What rely doctor looks at\n\nEach check has an ID that never changes its meaning. `rely doctor explain ID` shows the same. A check that could not judge is reported as not run, with the reason, and never as passed.\n\n")
	b.WriteString("| ID | severity | stage | what has to be so |\n|---|---|---|---|\n")
	for _, k := range doctor.Checks() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", k.ID, strings.ToLower(k.ID), k.Severity, k.Stage, k.Title)
	}
	b.WriteString("\n## The values of --for\n\n| name | what is asked of the provider |\n|---|---|\n")
	for _, p := range check.Purposes() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", p.Name, p.Help)
	}
	shown := map[string][]string{}
	for _, f := range demoop.Faults() {
		if f.Check != "" {
			shown[f.Check] = append(shown[f.Check], "`"+f.Name+"`")
		}
	}
	for _, k := range doctor.Checks() {
		fmt.Fprintf(&b, "\n## %s\n\n**%s** (`%s`, %s)\n\n%s\n\n- rule: %s\n- fix: %s\n", k.ID, sentenceCase(k.Title), k.Name, k.Severity, k.Why, k.Section, k.Fix)
		if k.Unknown != "" {
			fmt.Fprintf(&b, "- cannot know: %s\n", k.Unknown)
		}
		for _, d := range k.Demands {
			fmt.Fprintf(&b, "- with `--for %s`: %s\n", d.For, d.Severity)
		}
		for _, h := range k.Hints {
			fmt.Fprintf(&b, "- at %s: %s\n", h.Vendor, h.Text)
		}
		if len(shown[k.ID]) > 0 {
			fmt.Fprintf(&b, "- to see it: `rely demo --break NAME` or `rely op --fault NAME`, with %s\n", strings.Join(shown[k.ID], ", "))
		}
	}
	return b.String()
}

func sentenceCase(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
