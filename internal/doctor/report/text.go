package report

import (
	"fmt"
	"slices"
	"strings"

	"rely/internal/doctor"
	"rely/internal/doctor/check"
	"rely/internal/fault"
)

// Text is the report for a person: the funnel with the first break in front,
// then the findings, the worst first, then what could not be judged. loud adds
// what the checks cannot know and what passed.
func Text(r *doctor.Report, loud bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", fault.Visible(r.Issuer))
	if r.Vendor != "" {
		fmt.Fprintf(&b, " (%s)", r.Vendor)
	}
	switch broken := r.Broken(); {
	case r.Unreached != nil:
		fmt.Fprintf(&b, "\nNot reached: %s\n", fault.VisibleUpTo(r.Unreached.Error(), 400))
	case broken != nil:
		fmt.Fprintf(&b, "\nBroken first: %s. %s\n", broken.Title, sentence(broken))
	default:
		b.WriteString("\nNothing is broken, as far as this can be seen.\n")
	}
	b.WriteString("\n")
	for _, s := range r.Stages {
		fmt.Fprintf(&b, "  %-9s  %s%s\n", s.Status, s.Title, behind(s))
	}
	for _, f := range r.Findings {
		finding(&b, f, loud)
	}
	fmt.Fprintf(&b, "\n%s", tally(r))
	if len(r.NotRun) > 0 {
		b.WriteString(" Not run, because:\n")
		notRun(&b, r, loud)
	} else {
		b.WriteString("\n")
	}
	if loud {
		b.WriteString("Passed:\n")
		for _, k := range r.Passed {
			fmt.Fprintf(&b, "  %-4s %-24s %s\n", k.ID, k.Name, k.Title)
		}
	}
	return b.String()
}

// notRun says why for each check; a reason that many share is said once, unless
// all is wanted.
func notRun(b *strings.Builder, r *doctor.Report, loud bool) {
	const many = 10
	sharing := map[string][]string{}
	for _, n := range r.NotRun {
		sharing[n.Reason] = append(sharing[n.Reason], n.Check.ID)
	}
	for _, n := range r.NotRun {
		switch ids := sharing[n.Reason]; {
		case loud || len(ids) <= many:
			fmt.Fprintf(b, "  %-4s %-24s %s\n", n.Check.ID, n.Check.Name, n.Reason)
		case ids[0] == n.Check.ID:
			fmt.Fprintf(b, "  %-29s %s\n", fmt.Sprint(len(ids), " checks"), n.Reason)
			for part := range slices.Chunk(ids, 15) {
				fmt.Fprintf(b, "    %s\n", strings.Join(part, " "))
			}
		}
	}
}

func sentence(s *doctor.Stage) string {
	if s.First == nil || s.Reason != "" {
		return s.Reason
	}
	return fmt.Sprintf("%s: %s", s.First.Where, s.First.Seen)
}

func behind(s doctor.Stage) string {
	switch {
	case s.Reason != "":
		return ": " + s.Reason
	case s.First != nil:
		return ": " + s.First.Check.ID + " " + s.First.Check.Name
	}
	return ""
}

func finding(b *strings.Builder, f check.Finding, loud bool) {
	k := f.Check
	fmt.Fprintf(b, "\n%s %s %s: %s\n", f.Severity, k.ID, k.Name, f.Where)
	fmt.Fprintf(b, "  seen      %s\n  expected  %s\n  rule      %s\n  fix       %s\n", f.Seen, f.Expected, k.Section, k.Fix)
	if f.Hint != "" {
		fmt.Fprintf(b, "  here      %s\n", f.Hint)
	}
	if loud && k.Unknown != "" {
		fmt.Fprintf(b, "  unknown   %s\n", k.Unknown)
	}
}

// tally is the report in one sentence.
func tally(r *doctor.Report) string {
	out := fmt.Sprintf("%s (%d error, %d warning, %d info); %s, %d not run; %s.",
		doctor.Findings(len(r.Findings)), r.Count(check.Error), r.Count(check.Warning), r.Count(check.Info),
		fault.Count(len(r.Passed), "check passed", "checks passed"), len(r.NotRun), fault.Count(r.Requests, "request", "requests"))
	if r.Known > 0 {
		out += fmt.Sprintf(" %s more in the baseline.", doctor.Findings(r.Known))
	}
	return out
}

// Line is a report of many in one line, columns apart by tabs.
func Line(r *doctor.Report) string {
	state := "ok"
	switch broken := r.Broken(); {
	case r.Unreached != nil:
		state = "unreached"
	case broken != nil:
		state = "broken at " + broken.Name
	case len(r.Findings) > 0:
		state = "findings"
	}
	var ids []string
	for _, f := range r.Findings {
		if len(ids) == 0 || ids[len(ids)-1] != f.Check.ID {
			ids = append(ids, f.Check.ID)
		}
	}
	return fmt.Sprintf("%s\t%s\t%d error, %d warning, %d info\t%s\n", fault.Visible(r.Issuer), state, r.Count(check.Error), r.Count(check.Warning), r.Count(check.Info), strings.Join(ids, " "))
}

// Markdown is the report as a page.
func Markdown(all []*doctor.Report) string {
	var b strings.Builder
	cell := strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", "`", "'").Replace
	for _, r := range all {
		fmt.Fprintf(&b, "# %s\n\n", cell(fault.Visible(r.Issuer)))
		if r.Unreached != nil {
			fmt.Fprintf(&b, "Not reached: %s\n\n", cell(fault.Visible(r.Unreached.Error())))
		}
		b.WriteString("| stage | state | |\n|---|---|---|\n")
		for _, s := range r.Stages {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", s.Title, s.Status, cell(strings.TrimPrefix(behind(s), ": ")))
		}
		if len(r.Findings) > 0 {
			b.WriteString("\n| severity | check | where | seen | expected | fix | rule |\n|---|---|---|---|---|---|---|\n")
		}
		for _, f := range r.Findings {
			fix := f.Check.Fix
			if f.Hint != "" {
				fix += " (" + f.Hint + ")"
			}
			fmt.Fprintf(&b, "| %s | %s %s | %s | %s | %s | %s | %s |\n", f.Severity, f.Check.ID, f.Check.Name, cell(f.Where), cell(f.Seen), cell(f.Expected), cell(fix), f.Check.Section)
		}
		fmt.Fprintf(&b, "\n%s\n\n", tally(r))
		for _, n := range r.NotRun {
			fmt.Fprintf(&b, "- %s %s was not run, because %s\n", n.Check.ID, n.Check.Name, cell(n.Reason))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// GitHub is the report as workflow commands, which a GitHub job shows as
// annotations.
func GitHub(all []*doctor.Report) string {
	var b strings.Builder
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace
	for _, r := range all {
		if r.Unreached != nil {
			fmt.Fprintf(&b, "::error title=%s::%s\n", property("not reached"), data(fault.Visible(r.Unreached.Error())))
		}
		if r.SignIn != nil {
			fmt.Fprintf(&b, "::error title=%s::%s\n", property("nobody could be signed in at "+fault.Visible(r.Issuer)), data(fault.VisibleUpTo(r.SignIn.Error(), 400)))
		}
		for _, f := range r.Findings {
			level := map[check.Severity]string{check.Error: "error", check.Warning: "warning", check.Info: "notice"}[f.Severity]
			fmt.Fprintf(&b, "::%s title=%s::%s\n", level, property(f.Check.ID+" "+f.Check.Name+" at "+fault.Visible(r.Issuer)),
				data(fmt.Sprintf("%s: seen %s; expected %s (%s). Fix: %s", f.Where, f.Seen, f.Expected, f.Check.Section, f.Check.Fix)))
		}
		fmt.Fprintf(&b, "%s: %s\n", fault.Visible(r.Issuer), tally(r))
	}
	return b.String()
}
