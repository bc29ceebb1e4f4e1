package report

import (
	"encoding/json"
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
	for n, k := range doctor.Checks() {
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
		if r.SignIn != nil {
			notes = append(notes, map[string]any{"level": "error", "message": sarifText{fault.VisibleUpTo(r.Issuer+": "+r.SignIn.Error(), 600)}})
		}
	}
	reached := !slices.ContainsFunc(all, func(r *doctor.Report) bool { return r.Unreached != nil || r.SignIn != nil })
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

// A TestMessage is why a test did not pass.
type TestMessage struct{ Message, Type, Text string }

// A TestCase is one test of a report.
type TestCase struct {
	Name, Class, Time       string
	Skipped, Error, Failure *TestMessage
	Out                     string
}

// A TestSuite is what a test report has for one provider.
type TestSuite struct {
	Name                             string
	Tests, Failures, Errors, Skipped int
	Time                             string
	Cases                            []TestCase
}

// JUnit is the report as a test report: a check is a test case. It has failed
// where a finding is of severity least or worse, and is skipped where it was
// not run.
func JUnit(all []*doctor.Report, least check.Severity) (string, error) {
	suites := make([]TestSuite, len(all))
	for i, r := range all {
		suites[i] = suite(r, least)
	}
	return Tests("rely doctor", suites...), nil
}

// Tests is a test report in the form of JUnit.
func Tests(name string, suites ...TestSuite) string {
	b := &xmlText{}
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	b.tag("", "testsuites", "name", name)
	b.WriteString("\n")
	for _, s := range suites {
		b.suite(s)
	}
	b.WriteString("</testsuites>\n")
	return b.String()
}

// xmlText writes the few elements of a test report. encoding/xml would cost
// every start of every command 19 kB.
type xmlText struct{ strings.Builder }

// tag begins an element; pairs are its attributes.
func (b *xmlText) tag(indent, name string, pairs ...string) {
	b.WriteString(indent + "<" + name)
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(" " + pairs[i] + `="` + escapeXML(pairs[i+1]) + `"`)
	}
	b.WriteString(">")
}

func (b *xmlText) suite(s TestSuite) {
	b.tag("  ", "testsuite", "name", s.Name, "tests", fmt.Sprint(s.Tests), "failures", fmt.Sprint(s.Failures),
		"errors", fmt.Sprint(s.Errors), "skipped", fmt.Sprint(s.Skipped), "time", s.Time)
	b.WriteString("\n")
	for _, c := range s.Cases {
		b.tag("    ", "testcase", "name", c.Name, "classname", c.Class, "time", c.Time)
		b.message("skipped", c.Skipped)
		b.message("error", c.Error)
		b.message("failure", c.Failure)
		if c.Out != "" {
			b.tag("\n      ", "system-out")
			b.WriteString(escapeXML(c.Out) + "</system-out>")
		}
		if c.Skipped != nil || c.Error != nil || c.Failure != nil || c.Out != "" {
			b.WriteString("\n    ")
		}
		b.WriteString("</testcase>\n")
	}
	b.WriteString("  </testsuite>\n")
}

func (b *xmlText) message(name string, m *TestMessage) {
	if m == nil {
		return
	}
	pairs := []string{"message", m.Message}
	if m.Type != "" {
		pairs = append(pairs, "type", m.Type)
	}
	b.tag("\n      ", name, pairs...)
	b.WriteString(escapeXML(m.Text) + "</" + name + ">")
}

// escapeXML takes the characters of XML 1.0 (2.2) alone, and has what is markup
// or a blank that readers would change as references.
func escapeXML(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r != 0xFFFE && r != 0xFFFF {
			return r
		}
		return '\uFFFD'
	}, text)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;").Replace(text)
}

func suite(r *doctor.Report, least check.Severity) TestSuite {
	s := TestSuite{Name: fault.Visible(r.Issuer), Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	open := func(k *check.Check) *TestCase {
		s.Cases = append(s.Cases, TestCase{Name: k.ID + " " + k.Title, Class: s.Name, Time: "0"})
		return &s.Cases[len(s.Cases)-1]
	}
	broken := func(name, kind string, err error) {
		if err != nil {
			s.Cases = append(s.Cases, TestCase{Name: name, Class: s.Name, Time: "0", Error: &TestMessage{Message: fault.VisibleUpTo(err.Error(), 600), Type: kind}})
			s.Errors++
		}
	}
	broken("the provider is reached", "unreached", r.Unreached)
	broken("somebody signs in", "sign-in", r.SignIn)
	for _, k := range r.Passed {
		open(k)
	}
	for _, n := range r.NotRun {
		open(n.Check).Skipped = &TestMessage{Message: "not run, because " + n.Reason}
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
		c.Failure = &TestMessage{Message: worst.Where + ": " + worst.Seen, Type: worst.Severity.String(), Text: text}
		s.Failures++
	}
	s.Tests = len(s.Cases)
	return s
}
