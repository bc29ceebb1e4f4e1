package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"rely/internal/doctor"
	"rely/internal/doctor/check"
	"rely/internal/fault"
)

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Short   sarifText `json:"shortDescription"`
	Full    sarifText `json:"fullDescription"`
	Help    sarifText `json:"help"`
	Default struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
	} `json:"physicalLocation"`
	Logical []struct {
		Name string `json:"name"`
	} `json:"logicalLocations,omitempty"`
}

func level(s check.Severity) string {
	switch s {
	case check.Error:
		return "error"
	case check.Warning:
		return "warning"
	}
	return "note"
}

// SARIF is the report as SARIF 2.1.0. A check that was not run is a
// notification of the run, so that nobody takes it for passed.
func SARIF(all []*doctor.Report) (string, error) {
	rules, at := []sarifRule{}, map[string]int{}
	for n, k := range check.All() {
		r := sarifRule{ID: k.ID, Name: camel(k.Name), Short: sarifText{k.Title}, Full: sarifText{k.Why}, Help: sarifText{k.Section + ": " + k.Fix}}
		r.Default.Level = level(k.Severity)
		rules, at[k.ID] = append(rules, r), n
	}
	results, notes := []sarifResult{}, []map[string]any{}
	for _, r := range all {
		for _, f := range r.Findings {
			res := sarifResult{RuleID: f.Check.ID, RuleIndex: at[f.Check.ID], Level: level(f.Severity),
				Message:      sarifText{fmt.Sprintf("%s: seen: %s; expected: %s. Fix: %s", f.Where, f.Seen, f.Expected, f.Check.Fix)},
				Fingerprints: map[string]string{"finding/v1": r.Issuer + " " + f.Key()}}
			var l sarifLocation
			l.Physical.Artifact.URI = r.Issuer
			l.Logical = append(l.Logical, struct {
				Name string `json:"name"`
			}{f.Where})
			res.Locations = []sarifLocation{l}
			results = append(results, res)
		}
		for _, n := range r.NotRun {
			notes = append(notes, map[string]any{"level": "note", "message": sarifText{r.Issuer + ": not run, because " + n.Reason},
				"associatedRule": map[string]any{"id": n.Check.ID, "index": at[n.Check.ID]}})
		}
		if r.Unreached != nil {
			notes = append(notes, map[string]any{"level": "error", "message": sarifText{fault.Visible(r.Unreached.Error())}})
		}
	}
	reached := !slices.ContainsFunc(all, func(r *doctor.Report) bool { return r.Unreached != nil })
	out, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":        map[string]any{"driver": map[string]any{"name": "rely doctor", "rules": rules}},
			"results":     results,
			"invocations": []any{map[string]any{"executionSuccessful": reached, "toolExecutionNotifications": notes}},
		}},
	}, "", "  ")
	return string(out) + "\n", err
}

// camel is a check's name as SARIF wants it.
func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Skipped *junitMessage `xml:"skipped"`
	Error   *junitMessage `xml:"error"`
	Failure *junitMessage `xml:"failure"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

// JUnit is the report as a test report: a check is a test case. It has failed
// where a finding is of severity least or worse, and is skipped where it was
// not run.
func JUnit(all []*doctor.Report, least check.Severity) (string, error) {
	type suites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Name    string       `xml:"name,attr"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	out := suites{Name: "rely doctor"}
	for _, r := range all {
		out.Suites = append(out.Suites, suite(r, least))
	}
	js, err := xml.MarshalIndent(out, "", "  ")
	return xml.Header + string(js) + "\n", err
}

func suite(r *doctor.Report, least check.Severity) junitSuite {
	s := junitSuite{Name: fault.Visible(r.Issuer), Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	open := func(k *check.Check) *junitCase {
		s.Cases = append(s.Cases, junitCase{Name: k.ID + " " + k.Title, Class: s.Name, Time: "0"})
		return &s.Cases[len(s.Cases)-1]
	}
	if r.Unreached != nil {
		s.Cases = append(s.Cases, junitCase{Name: "the provider is reached", Class: s.Name, Time: "0",
			Error: &junitMessage{Message: fault.Visible(r.Unreached.Error()), Type: "unreached"}})
		s.Errors++
	}
	for _, k := range r.Passed {
		open(k)
	}
	for _, n := range r.NotRun {
		open(n.Check).Skipped = &junitMessage{Message: "not run, because " + n.Reason}
		s.Skipped++
	}
	found := map[string][]check.Finding{}
	var order []*check.Check
	for _, f := range r.Findings {
		if found[f.Check.ID] == nil {
			order = append(order, f.Check)
		}
		found[f.Check.ID] = append(found[f.Check.ID], f)
	}
	for _, k := range order {
		c, worst, text := open(k), found[k.ID][0], ""
		for _, f := range found[k.ID] {
			text += fmt.Sprintf("%s %s\n  seen: %s\n  expected: %s\n", f.Severity, f.Where, f.Seen, f.Expected)
		}
		text += "rule: " + k.Section + "\nfix: " + k.Fix + "\n"
		if worst.Severity < least {
			c.Out = text
			continue
		}
		c.Failure = &junitMessage{Message: worst.Where + ": " + worst.Seen, Type: worst.Severity.String(), Text: text}
		s.Failures++
	}
	s.Tests = len(s.Cases)
	return s
}
