// Package check says what a check of rely doctor is, and has the table of those
// that look only (P). Each entry judges what was seen and says what it cannot
// know; none of them asks the network, and none is silent about why it could
// not judge.
package check

import (
	"fmt"
	"slices"
	"strings"

	"rely/internal/doctor/evidence"
	"rely/internal/fault"
)

// A Severity says how bad a finding is.
type Severity int

// The severities, from the least.
const (
	Info    Severity = iota + 1 // worth knowing
	Warning                     // against a SHOULD, deprecated, or against good practice
	Error                       // against a MUST, or a known attack works
)

// String is the severity's name in output and for --fail-on.
func (s Severity) String() string { return [...]string{"", "info", "warning", "error"}[s] }

// Severities lists them, the worst first.
func Severities() []Severity { return []Severity{Error, Warning, Info} }

// A Stage is a step on the way from an address to a working account. The first
// one that is broken is why nothing behind it can work.
type Stage struct{ Name, Title string }

// Stages is the funnel, in order.
func Stages() []Stage {
	return []Stage{
		{"reachable", "reachable"}, {"discoverable", "discoverable"}, {"keys", "trustworthy keys"},
		{"client", "client works"}, {"login", "login works"}, {"tokens", "tokens right"}, {"account", "account and logout work"},
	}
}

// A Check is one entry of the table.
type Check struct {
	ID       string // stable: "P02"
	Name     string // stable and readable: "issuer-exact"
	Title    string // what has to be so, in one line
	Stage    string // of [Stages]
	Severity Severity
	Section  string
	Why      string // what goes wrong otherwise
	Fix      string // what to change, as an order
	Unknown  string // what the check cannot know
	Active   bool   // it needs --active
	Demands  []Demand
	Hints    []Hint

	Run func(c *Case) // nil: the active examination runs it
}

// A Demand raises a check's severity where the provider is asked to be
// something more.
type Demand struct {
	For      string // of [Purposes]
	Severity Severity
}

// A Hint is where to change it at a well-known provider.
type Hint struct{ Vendor, Text string }

// A Purpose is what a provider is asked to be: a value of --for.
type Purpose struct{ Name, Help string }

// Purposes is the table of them.
func Purposes() []Purpose {
	return []Purpose{
		{"oidc-basic", "the Basic OP profile of OpenID Connect"},
		{"oidc-dynamic", "the Dynamic OP profile: registration, and more response types"},
		{"fapi2", "the FAPI 2.0 Security Profile"},
		{"oauth21", "the draft of OAuth 2.1"},
	}
}

// A Finding is one thing that is wrong.
type Finding struct {
	Check    *Check
	Severity Severity
	Where    string // the member, key, host or address it is about
	Seen     string
	Expected string
	Hint     string // for the provider that was recognised
}

// Key is the finding's name in a baseline: what it is about, not its words.
func (f Finding) Key() string { return f.Check.ID + " " + f.Where }

// A Case is one check at work on one provider.
type Case struct {
	*evidence.Evidence
	For    string // of [Purposes], or empty
	Vendor string // of [Vendors], or empty

	check    *Check
	findings []Finding
	reason   string
}

// Judge runs one check. reason says why it could not judge; then there are no
// findings and nothing has passed.
func Judge(e *evidence.Evidence, vendor, purpose string, k *Check) (findings []Finding, reason string) {
	c := &Case{Evidence: e, For: purpose, Vendor: vendor, check: k}
	k.Run(c)
	if len(c.findings) > 0 {
		return c.findings, ""
	}
	return nil, c.reason
}

// New makes a finding of a check; what was seen is made visible.
func New(k *Check, vendor, purpose string, s Severity, where, seen, expected string) Finding {
	for _, d := range k.Demands {
		if d.For == purpose && purpose != "" {
			s = max(s, d.Severity)
		}
	}
	f := Finding{Check: k, Severity: s, Where: fault.VisibleUpTo(where, 200), Seen: fault.VisibleUpTo(seen, 600), Expected: fault.VisibleUpTo(expected, 600)}
	for _, h := range k.Hints {
		if h.Vendor == vendor && vendor != "" {
			f.Hint = h.Text
		}
	}
	return f
}

func (c *Case) foundAs(s Severity, where, seen, expected string) {
	c.findings = append(c.findings, New(c.check, c.Vendor, c.For, s, where, seen, expected))
}

func (c *Case) found(where, seen, expected string) {
	c.foundAs(c.check.Severity, where, seen, expected)
}

// skip notes why the check cannot judge.
func (c *Case) skip(format string, args ...any) { c.reason = fmt.Sprintf(format, args...) }

// metadata reports whether there is any, and notes it where there is none.
func (c *Case) metadata() bool {
	if c.Members == nil {
		c.skip("there is no metadata to read")
	}
	return c.Members != nil
}

// CheckPurpose refuses a --for that is not in the table.
func CheckPurpose(name string) error {
	var names []string
	for _, p := range Purposes() {
		names = append(names, p.Name)
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return &fault.Error{Kind: fault.Usage, ID: "doctor.for", Op: "choose what is asked of the provider", Err: fmt.Errorf("%q is none of %s", name, strings.Join(names, ", ")),
		Hint: "use one of those with --for"}
}

// ReadSeverity reads --fail-on.
func ReadSeverity(word string) (Severity, error) {
	for _, s := range Severities() {
		if s.String() == word {
			return s, nil
		}
	}
	return 0, &fault.Error{Kind: fault.Usage, ID: "doctor.fail-on", Op: "read --fail-on", Err: fmt.Errorf("%q is no severity", word),
		Hint: "use error, warning or info"}
}

// quoted joins values as a person reads them.
func quoted(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}
