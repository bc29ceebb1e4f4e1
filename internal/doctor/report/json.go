// Package report writes what the doctor found: for a person, for a code
// scanner (SARIF), for a test report (JUnit), for a page (Markdown) and for the
// log of a GitHub job. It decides nothing about what is in it.
package report

import (
	"rely/internal/doctor"
	"rely/internal/doctor/check"
)

// A JSON is a report as schema doctor/1 has it.
type JSON struct {
	Issuer   string        `json:"issuer"`
	Vendor   string        `json:"vendor,omitempty"`
	For      string        `json:"for,omitempty"`
	Broken   string        `json:"broken,omitempty"`
	Summary  Summary       `json:"summary"`
	Stages   []StageJSON   `json:"stages"`
	Findings []FindingJSON `json:"findings"`
	NotRun   []NotRunJSON  `json:"not_run"`
	Passed   []string      `json:"passed"`
	Requests int           `json:"requests"`
	Millis   int64         `json:"took_ms"`
	Trouble  string        `json:"unreached,omitempty"`
	SignIn   string        `json:"sign_in_failed,omitempty"`
}

// A Summary counts.
type Summary struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Infos    int `json:"infos"`
	Passed   int `json:"passed"`
	NotRun   int `json:"not_run"`
	Known    int `json:"in_baseline"`
}

// A StageJSON is a step of the funnel.
type StageJSON struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	First  string `json:"first,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// A FindingJSON is a finding.
type FindingJSON struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Stage    string `json:"stage"`
	Section  string `json:"section"`
	Where    string `json:"where"`
	Seen     string `json:"seen"`
	Expected string `json:"expected"`
	Fix      string `json:"fix"`
	Hint     string `json:"hint,omitempty"`
	Unknown  string `json:"cannot_know,omitempty"`
}

// A NotRunJSON is a check that could not judge.
type NotRunJSON struct {
	ID     string `json:"id"`
	Reason string `json:"because"`
}

// Of makes the JSON form.
func Of(r *doctor.Report) JSON {
	out := JSON{Issuer: r.Issuer, Vendor: r.Vendor, For: r.For, Requests: r.Requests, Millis: r.Took.Milliseconds(),
		Summary: Summary{r.Count(check.Error), r.Count(check.Warning), r.Count(check.Info), len(r.Passed), len(r.NotRun), r.Known},
		Stages:  []StageJSON{}, Findings: []FindingJSON{}, NotRun: []NotRunJSON{}, Passed: []string{}}
	if r.Unreached != nil {
		out.Trouble = r.Unreached.Error()
	}
	if r.SignIn != nil {
		out.SignIn = r.SignIn.Error()
	}
	if b := r.Broken(); b != nil {
		out.Broken = b.Name
	}
	for _, s := range r.Stages {
		js := StageJSON{Name: s.Name, Status: s.Status, Reason: s.Reason}
		if s.First != nil {
			js.First = s.First.Check.ID
		}
		out.Stages = append(out.Stages, js)
	}
	for _, f := range r.Findings {
		k := f.Check
		out.Findings = append(out.Findings, FindingJSON{k.ID, k.Name, f.Severity.String(), k.Stage, k.Section, f.Where, f.Seen, f.Expected, k.Fix, f.Hint, k.Unknown})
	}
	for _, n := range r.NotRun {
		out.NotRun = append(out.NotRun, NotRunJSON{n.Check.ID, n.Reason})
	}
	for _, k := range r.Passed {
		out.Passed = append(out.Passed, k.ID)
	}
	return out
}
