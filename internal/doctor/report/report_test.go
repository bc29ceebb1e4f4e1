package report_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rely/internal/doctor"
	"rely/internal/doctor/check"
	"rely/internal/doctor/report"
	"rely/internal/fault"
)

// example has a finding of each severity, with words that would break a
// careless format, a check that passed and one that was not run, and an issuer
// that was not reached.
func example(t *testing.T) []*doctor.Report {
	t.Helper()
	find := func(id string) *check.Check {
		k, err := doctor.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	nasty := "a|b\x1b[2J]]>&<x>\n%,:\u202e"
	r := &doctor.Report{Issuer: "https://op.example", Vendor: "Keycloak", Requests: 4, Took: 1500 * time.Millisecond,
		Findings: []check.Finding{
			check.New(find("P27"), "", "", check.Info, "https://op.example/jwks", "no max-age", "max-age"),
			check.New(find("P02"), "keycloak", "", check.Error, "issuer", nasty, "https://op.example"),
			check.New(find("P12"), "", "", check.Warning, "code_challenge_methods_supported", "plain", "S256"),
		},
		Passed: []*check.Check{find("P01")}, NotRun: []doctor.NotRun{{Check: find("P46"), Reason: "no key has a certificate"}}}
	gone := &doctor.Report{Issuer: "https://gone.example", Unreached: &fault.Error{Kind: fault.Network, Op: "look", Err: errors.New("gone")}}
	r.Close()
	gone.Close()
	return []*doctor.Report{r, gone}
}

// What SARIF 2.1.0 demands (3.13 log, 3.14 run, 3.18 tool, 3.19 driver, 3.27
// result, 3.49 rule, 3.20 invocation), read with no member left over.
func TestSARIF(t *testing.T) {
	t.Parallel()
	type text struct{ Text string }
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID, Name                                string
						ShortDescription, FullDescription, Help text
						DefaultConfiguration                    struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   text
				Locations []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
					LogicalLocations []struct{ Name string }
				}
				PartialFingerprints map[string]string
			}
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []struct {
					Level          string
					Message        text
					AssociatedRule *struct {
						ID    string
						Index int
					}
				}
			}
		}
	}
	out, err := report.SARIF(example(t))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&log); err != nil || log.Version != "2.1.0" || log.Schema == "" || len(log.Runs) != 1 {
		t.Fatalf("got %v, version %q and %d runs", err, log.Version, len(log.Runs))
	}
	run, levels := log.Runs[0], []string{"none", "note", "warning", "error"}
	rules := run.Tool.Driver.Rules
	if run.Tool.Driver.Name == "" || len(rules) != len(doctor.Checks()) {
		t.Errorf("got %q and %d rules", run.Tool.Driver.Name, len(rules))
	}
	for _, r := range rules {
		if r.ID == "" || r.ShortDescription.Text == "" || r.FullDescription.Text == "" || r.Help.Text == "" || !slices.Contains(levels, r.DefaultConfiguration.Level) || strings.ContainsAny(r.Name, "- ") {
			t.Errorf("a rule is %+v", r)
		}
	}
	for _, r := range run.Results {
		if r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID || !slices.Contains(levels, r.Level) || r.Message.Text == "" ||
			len(r.Locations) != 1 || r.Locations[0].PhysicalLocation.ArtifactLocation.URI != "https://op.example" || len(r.PartialFingerprints) != 1 {
			t.Errorf("a result is %+v", r)
		}
	}
	if len(run.Results) != 3 || len(run.Invocations) != 1 || run.Invocations[0].ExecutionSuccessful || len(run.Invocations[0].ToolExecutionNotifications) != 2 {
		t.Errorf("got %d results and the invocations %+v", len(run.Results), run.Invocations)
	}
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	type message struct {
		Message string `xml:"message,attr"`
	}
	type suite struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Cases    []struct {
			Name    string   `xml:"name,attr"`
			Class   string   `xml:"classname,attr"`
			Skipped *message `xml:"skipped"`
			Failure *message `xml:"failure"`
			Error   *message `xml:"error"`
			Out     string   `xml:"system-out"`
		} `xml:"testcase"`
	}
	for least, failures := range map[check.Severity]int{check.Error: 1, check.Warning: 2, check.Info: 3} {
		out, err := report.JUnit(example(t), least)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			XMLName xml.Name `xml:"testsuites"`
			Suites  []suite  `xml:"testsuite"`
		}
		if err := xml.Unmarshal([]byte(out), &doc); err != nil || len(doc.Suites) != 2 {
			t.Fatalf("got %v and %d suites:\n%s", err, len(doc.Suites), out)
		}
		s, gone := doc.Suites[0], doc.Suites[1]
		count := map[string]int{}
		for _, c := range s.Cases {
			switch {
			case c.Name == "" || c.Class != s.Name:
				t.Errorf("a case without name or class: %+v", c)
			case c.Failure != nil:
				count["failure"]++
			case c.Skipped != nil:
				count["skipped"]++
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || count["failure"] != failures || s.Skipped != 1 || count["skipped"] != 1 {
			t.Errorf("from %s on: got %d tests, %d failures, %d skipped, and counted %v", least, s.Tests, s.Failures, s.Skipped, count)
		}
		if gone.Errors != 1 || len(gone.Cases) != 1 || gone.Cases[0].Error == nil {
			t.Errorf("not reached is %+v, want an error", gone)
		}
	}
}

// Nothing from the provider may act on a terminal, end a table's cell or begin
// a workflow command of its own.
func TestWordsFromOutside(t *testing.T) {
	t.Parallel()
	all := example(t)
	for name, out := range map[string]string{"text": report.Text(all[0], true), "markdown": report.Markdown(all), "github": report.GitHub(all), "line": report.Line(all[0])} {
		for _, c := range out {
			if c != '\n' && c != '\t' && fault.Visible(string(c)) != string(c) {
				t.Errorf("%s shows %U", name, c)
			}
		}
	}
	for line := range strings.Lines(report.Markdown(all)) {
		if strings.HasPrefix(line, "| error") && strings.Count(line, "|")-strings.Count(line, "\\|") != 8 {
			t.Errorf("a row has other cells: %s", line)
		}
	}
	for line := range strings.Lines(report.GitHub(all)) {
		if strings.Contains(line, "P02") && !strings.HasPrefix(line, "::error title=P02 issuer-exact at https%3A//op.example::") {
			t.Errorf("got %s", line)
		}
	}
}

// The order is what a reader needs: the break, the worst finding, what was not
// run.
func TestText(t *testing.T) {
	t.Parallel()
	out := report.Text(example(t)[0], false)
	at := -1
	for _, s := range []string{"https://op.example (Keycloak)", "Broken first: discoverable", "error P02", "here      set --hostname", "warning P12", "info P27", "Not run, because:", "no key has a certificate"} {
		next := strings.Index(out, s)
		if next <= at {
			t.Errorf("%q is missing, or not in its place:\n%s", s, out)
		}
		at = next
	}
	if strings.Contains(out, "Passed:") {
		t.Error("what passed is told without -v")
	}
}
