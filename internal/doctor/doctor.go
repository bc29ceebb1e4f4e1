// Package doctor finds out what is wrong with a provider: it collects evidence,
// lets the table of checks judge it, and puts the first break in front. A check
// that could not judge is reported as not run, never as passed. It changes
// nothing at the provider, and prints nothing.
package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"rely/internal/doctor/active"
	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/fault"
	"rely/internal/strictjson"
)

// Options say what is looked for. The zero value looks for everything.
type Options struct {
	Look       evidence.Options
	For        string          // of [check.Purposes]
	Only, Skip []string        // IDs or names of checks
	Baseline   map[string]bool // [check.Finding.Key] of what is known already
	Active     *trial.Options  // nil: nothing is tried
}

// A Report is what came out of one issuer.
type Report struct {
	Issuer string
	Vendor string // title of the kind of provider, empty where it was not recognised
	For    string

	Stages   []Stage
	Findings []check.Finding // the worst first
	Passed   []*check.Check
	NotRun   []NotRun
	Known    int // findings left out because the baseline has them
	Requests int
	Took     time.Duration

	// Unreached is why nothing could be looked at; nil where something could.
	Unreached error
	SignIn    error // why nobody could be signed in, where somebody was to be
	Untried   error // why nothing was tried, where something was to be
	Evidence  *evidence.Evidence
	Left      error // a client that could not be deleted

	chosen []*check.Check
	tried  bool // the active checks, too
}

// A Stage is how far a provider comes in the funnel.
type Stage struct {
	check.Stage
	Status string // "ok", "findings", "broken" or "not tried"
	First  *check.Finding
	Reason string // of "not tried", and of "broken" where nobody could be signed in
}

// A NotRun is a check that could not judge.
type NotRun struct {
	Check  *check.Check
	Reason string
}

// Chosen is the table as --only and --skip leave it. The error is Usage for a
// check that is not in it.
//
// It has the active checks too, which [Examine] leaves out without Active.
func (o *Options) Chosen() ([]*check.Check, error) {
	only, err := named(o.Only)
	if err != nil {
		return nil, err
	}
	skip, err := named(o.Skip)
	if err != nil {
		return nil, err
	}
	if err := check.CheckPurpose(o.For); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(Checks(), func(k *check.Check) bool {
		return len(only) > 0 && !slices.Contains(only, k.ID) || slices.Contains(skip, k.ID)
	}), nil
}

func named(words []string) ([]string, error) {
	var out []string
	for _, list := range words {
		for word := range strings.SplitSeq(list, ",") {
			all, err := chosen(strings.TrimSpace(word))
			if err != nil {
				return nil, err
			}
			out = append(out, all...)
		}
	}
	return out, nil
}

// chosen is the check of an ID or name, or all of a kind: P, A or L.
func chosen(word string) (ids []string, err error) {
	if strings.Contains("P A L", strings.ToUpper(word)) && len(word) == 1 {
		for _, k := range Checks() {
			if strings.HasPrefix(k.ID, strings.ToUpper(word)) {
				ids = append(ids, k.ID)
			}
		}
		return ids, nil
	}
	k, err := Find(word)
	if err != nil {
		return nil, err
	}
	return []string{k.ID}, nil
}

// Examine looks at one issuer from outside. The error is Usage or Cancelled; a
// provider that cannot be reached is a report.
func Examine(ctx context.Context, o Options, issuer string) (*Report, error) {
	chosen, err := o.Chosen()
	if err != nil {
		return nil, err
	}
	began := o.Look.Now()
	e, err := evidence.Collect(ctx, o.Look, issuer)
	if err != nil {
		return nil, err
	}
	r := &Report{Issuer: issuer, For: o.For, Requests: e.Requests, Evidence: e, chosen: chosen, tried: o.Active != nil}
	vendor, title := check.Recognise(e)
	r.Vendor = title
	if !e.Reached() {
		r.Unreached = e.OIDC.Err
	}
	for _, k := range chosen {
		if k.Active {
			continue
		}
		findings, reason := check.Judge(e, vendor, o.For, k)
		r.take(o, k, findings, reason)
	}
	r.try(ctx, o, e, vendor, chosen)
	r.Took = o.Look.Now().Sub(began)
	r.Close()
	return r, nil
}

// try runs the active checks. Where nobody asked for them they are no part of
// the report at all: that they exist is said in the funnel.
func (r *Report) try(ctx context.Context, o Options, e *evidence.Evidence, vendor string, chosen []*check.Check) {
	if o.Active == nil {
		return
	}
	all := active.Run(ctx, *o.Active, e, vendor, o.For, chosen)
	r.Left, r.SignIn = all.Left, all.SignIn
	if all.Untried != nil {
		r.Untried = NothingTried(r.Issuer, all.Untried)
	}
	r.Requests += all.Sent
	for _, out := range all.Outcomes {
		r.take(o, out.Check, out.Findings, out.Reason)
	}
}

// take puts a check's outcome where it belongs.
func (r *Report) take(o Options, k *check.Check, findings []check.Finding, reason string) {
	fresh := slices.DeleteFunc(slices.Clone(findings), func(f check.Finding) bool { return o.Baseline[f.Key()] })
	r.Known += len(findings) - len(fresh)
	switch {
	case reason != "":
		r.NotRun = append(r.NotRun, NotRun{k, fault.VisibleUpTo(reason, 500)})
	case len(findings) == 0:
		r.Passed = append(r.Passed, k)
	}
	r.Findings = append(r.Findings, fresh...)
}

// Close sorts the findings and works the funnel out.
func (r *Report) Close() {
	sort.SliceStable(r.Findings, func(a, b int) bool { return r.Findings[a].Severity > r.Findings[b].Severity })
	slices.SortStableFunc(r.Passed, inOrder)
	sort.SliceStable(r.NotRun, func(a, b int) bool { return inOrder(r.NotRun[a].Check, r.NotRun[b].Check) < 0 })
	r.Stages = nil
	broken := false
	for _, s := range check.Stages() {
		stage := Stage{Stage: s, Status: "not tried"}
		judged := func(k *check.Check) bool { return k.Stage == s.Name }
		if slices.ContainsFunc(r.Passed, judged) {
			stage.Status = "ok"
		}
		for i := range r.Findings {
			f := &r.Findings[i]
			if !judged(f.Check) {
				continue
			}
			stage.First = f
			stage.Status = "findings"
			if f.Severity == check.Error {
				stage.Status = "broken"
			}
			break
		}
		stage.Reason = r.whyNot(stage, broken)
		if s.Name == "login" && r.SignIn != nil {
			stage.Status, stage.Reason = "broken", fault.VisibleUpTo(r.SignIn.Error(), 400)
		}
		broken = broken || stage.Status == "broken" || s.Name == "reachable" && r.Unreached != nil
		r.Stages = append(r.Stages, stage)
	}
	if r.Unreached != nil {
		r.Stages[0].Status = "broken"
	}
}

func (r *Report) whyNot(s Stage, broken bool) string {
	switch {
	case s.Status != "not tried":
		return ""
	case broken:
		return "what comes before it is broken"
	}
	chosen, needs := false, false
	for _, k := range r.chosen {
		if k.Stage == s.Name {
			chosen, needs = true, needs || k.Active && !r.tried
		}
	}
	reason := ""
	for _, n := range r.NotRun {
		if n.Check.Stage == s.Name && reason != n.Reason {
			if reason != "" {
				return "no check of it could judge"
			}
			reason = n.Reason
		}
	}
	switch {
	case !chosen:
		return "no check of it was chosen"
	case needs:
		return "it needs a client: rely doctor --active, or rely login"
	case reason == "":
		return "what was found is in the baseline"
	}
	return reason
}

// Broken is the first stage that is; nil where none is.
func (r *Report) Broken() *Stage {
	for i := range r.Stages {
		if r.Stages[i].Status == "broken" {
			return &r.Stages[i]
		}
	}
	return nil
}

// Count is the number of findings of that severity.
func (r *Report) Count(s check.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Verdict is nil where nothing was found that counts, else the fault with
// which a run ends: Network where nothing was reached; else Findings; else that
// of the sign-in, where somebody was to be signed in and nobody could be; else
// that nothing was tried, where something was to be.
func (r *Report) Verdict(least check.Severity) error {
	if r.Unreached != nil {
		return r.Unreached
	}
	n := 0
	for _, f := range r.Findings {
		if f.Severity >= least {
			n++
		}
	}
	if n == 0 {
		return cmp.Or(r.NobodySignedIn(), r.Untried)
	}
	f := r.Findings[0] // the worst: the list is sorted
	return &fault.Error{Kind: fault.Findings, ID: "doctor.findings", Op: "examine " + r.Issuer, Spec: f.Check.Section,
		Err:  fmt.Errorf("%s; the first is %s %s: %s: %s", Findings(n), f.Check.ID, f.Check.Name, f.Where, f.Seen),
		Hint: f.Check.Fix + "; \"rely doctor explain " + f.Check.ID + "\" says why"}
}

// NobodySignedIn is [Report.SignIn] as a fault, Denied where nobody else has
// worded it.
func (r *Report) NobodySignedIn() error {
	if f := (*fault.Error)(nil); r.SignIn == nil || errors.As(r.SignIn, &f) {
		return r.SignIn
	}
	return &fault.Error{Kind: fault.Denied, ID: "doctor.sign-in", Op: "sign in at " + r.Issuer, Err: r.SignIn,
		Hint: "see with \"rely smoke " + r.Issuer + "\" and the same user what the provider says"}
}

// NothingTried is why nothing could be tried at a provider, as a fault: Denied,
// but Network where that was not reached.
func NothingTried(issuer string, why error) error {
	out := &fault.Error{Kind: fault.Denied, ID: "doctor.nothing-tried", Op: "try " + issuer, Err: why, Hint: "choose other checks with --only, or leave --active out"}
	var f *fault.Error
	switch errors.As(why, &f); {
	case f != nil && f.Kind == fault.Network:
		out.Kind, out.Spec, out.Hint = f.Kind, f.Spec, f.Hint
	case f != nil && f.ID == "registration.initial-token":
		out.Hint = f.Hint + ", or name a client with -p"
	case errors.Is(why, active.ErrNoClient):
		out.Hint = "name a client of that provider with -p, or leave --active out"
	}
	return out
}

// Findings is a number of findings in words.
func Findings(n int) string {
	return fault.Count(n, "finding", "findings")
}

// ReadBaseline takes what is known already from a report in JSON: one report,
// or the list of several.
func ReadBaseline(data []byte) (map[string]bool, error) {
	type report struct {
		Findings []struct{ ID, Where string }
	}
	var file struct {
		Schema string
		Result struct {
			report
			Reports []report
		}
	}
	if err := strictjson.Check(data); err != nil {
		return nil, baseline(err)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, baseline(err)
	}
	if !strings.HasPrefix(file.Schema, "doctor/") {
		return nil, baseline(errors.New("it is no report of rely doctor"))
	}
	known := map[string]bool{}
	for _, r := range append(file.Result.Reports, file.Result.report) {
		for _, f := range r.Findings {
			known[f.ID+" "+f.Where] = true
		}
	}
	return known, nil
}

func baseline(err error) error {
	return &fault.Error{Kind: fault.Config, ID: "doctor.baseline", Op: "read the baseline", Err: err, Hint: "make one with \"rely doctor ISSUER -o json > FILE\""}
}
