package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rely/internal/doctor/report"
	"rely/internal/fault"
	"rely/internal/output"
)

// smokeJSON is schema smoke/1.
type smokeJSON struct {
	Issuer string      `json:"issuer"`
	Passed bool        `json:"passed"` // no step failed, and nobody stopped it
	Millis float64     `json:"took_ms"`
	Steps  []smokeStep `json:"steps"`
}

// tell says something of the run: on standard output where that is for a
// person, else on standard error.
func (s *smoke) tell(format string, args ...any) {
	if s.format() == "text" {
		fmt.Fprintf(s.Stdout, format, args...)
		return
	}
	s.say(format, args...)
}

// note keeps a step and tells it at once: the next may take a while.
func (s *smoke) note(p smokeStep) {
	var causes []string
	if p.err != nil {
		f := worded(p.err)
		p.Error, p.Exit = f.ID, int(f.Kind)
		p.Said = strings.TrimPrefix(p.err.Error(), f.Op+": ")
		if f.Spec != "" {
			p.Spec = f.Spec
		}
		if f.Hint != "" {
			causes = append(causes, "try: "+f.Hint)
		}
		var likely *causeError
		if errors.As(p.err, &likely) {
			p.Cause = likely.json(s.redact.Text)
		}
		causes = append(causes, likely.lines()...)
	}
	p.Said = s.redact.Text(p.Said)
	mark := map[string]string{passed: "ok", failedStep: "FAILED", notRun: "-"}[p.Status]
	took := ""
	if p.Status != notRun {
		took = fmt.Sprintf("%.1f ms", p.Millis)
	}
	line := fmt.Sprintf("  %-6s %11s  %-37s", mark, took, fault.VisibleUpTo(p.What, 200))
	switch {
	case p.Status == notRun:
		line += " not run, because " + fault.VisibleUpTo(p.Said, 300)
	case p.Said != "":
		line += " " + fault.VisibleUpTo(p.Said, 400)
	}
	s.tell("%s\n", strings.TrimRight(line, " "))
	if p.Status == failedStep && p.Spec != "" {
		s.tell("                      rule: %s\n", p.Spec)
	}
	for _, c := range causes {
		s.tell("                      %s\n", fault.VisibleUpTo(s.redact.Text(c), 400))
	}
	s.steps = append(s.steps, p)
}

// verdict prints the report, and fails where a step did.
func (s *smoke) verdict(ctx context.Context, issuer string, took time.Duration, unreached error) error {
	out := smokeJSON{Issuer: issuer, Passed: true, Millis: float64(took.Microseconds()) / 1000, Steps: s.steps}
	var failed []string
	for _, p := range s.steps {
		if p.Status == failedStep {
			failed = append(failed, p.Name)
		}
	}
	out.Passed = len(failed) == 0 && ctx.Err() == nil
	if s.format() != "text" {
		document := func(string) (string, error) { return report.Tests("rely smoke", s.suite(issuer, took)), nil }
		if err := output.Print(s.Stdout, s.format(), output.Result{Schema: "smoke/1", JSON: out, Document: document}); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return &fault.Error{Kind: fault.Cancelled, ID: "smoke.cancelled", Op: "try the provider", Err: errors.New("stopped"), Hint: "run it again when you are ready"}
	case unreached != nil:
		return unreached
	case len(failed) == 0:
		gone := "the client is gone"
		if s.steps[len(s.steps)-1].Status != passed {
			gone = "the client is still there"
		}
		s.tell("All of it works at %s; %s.\n", fault.Visible(issuer), gone)
		return nil
	}
	return &fault.Error{Kind: fault.Findings, ID: "smoke.failed", Op: "try " + issuer, Spec: "the rules of the steps, in the report",
		Err: fmt.Errorf("%d of %d steps failed: %s", len(failed), len(s.steps), strings.Join(failed, ", ")), Hint: "look at the first of them with --trace"}
}

// suite is the run as tests.
func (s *smoke) suite(issuer string, took time.Duration) report.TestSuite {
	out := report.TestSuite{Name: fault.Visible(issuer), Tests: len(s.steps), Time: fmt.Sprintf("%.3f", took.Seconds())}
	for _, p := range s.steps {
		c := report.TestCase{Name: fault.Visible(p.Name + ": " + p.What), Class: out.Name, Time: fmt.Sprintf("%.3f", p.Millis/1000)}
		said := fault.Visible(p.Said)
		switch p.Status {
		case failedStep:
			c.Failure = &report.TestMessage{Message: said, Type: p.Error, Text: "rule: " + fault.Visible(p.Spec) + "\n"}
			out.Failures++
		case notRun:
			c.Skipped = &report.TestMessage{Message: "not run, because " + said}
			out.Skipped++
		default:
			c.Out = said
		}
		out.Cases = append(out.Cases, c)
	}
	return out
}
