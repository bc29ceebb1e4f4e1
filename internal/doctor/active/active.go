// Package active tries what a provider promises, with clients of its own that
// are made for the run and always deleted. It is careful: at most two requests
// a second against a provider of the internet and a bounded number in all, one
// wrong secret and no more, no guessing, redirect URIs that lead nowhere, and a
// dry run that sends nothing.
package active

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"rely/internal/doctor/active/alone"
	"rely/internal/doctor/active/signin"
	"rely/internal/doctor/active/tokens"
	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/fault"
)

// An Outcome is what became of one check.
type Outcome struct {
	Check    *check.Check
	Findings []check.Finding
	Reason   string // why it was not run
}

// probes is the table of active checks, in the order in which they run: the
// graver first, because requests are bounded, and at the end what costs a
// sign-in or a client its life.
func probes() []trial.Probe {
	all := slices.Concat(alone.Probes(), signin.Probes(), tokens.Probes(), signin.Offers(), tokens.Replays())
	sort.SliceStable(all, func(a, b int) bool { return all[a].Severity > all[b].Severity })
	return slices.Concat(all, tokens.Last(), signin.Last(), alone.Last())
}

// Checks are what the probes are about.
func Checks() []*check.Check {
	var out []*check.Check
	for _, probe := range probes() {
		k := probe.Check
		k.Active = true
		out = append(out, &k)
	}
	return out
}

// A Result is what became of all of them.
type Result struct {
	Outcomes []Outcome
	Sent     int   // requests
	SignIn   error // why nobody could be signed in, where somebody was to be
	Untried  error // why none of the checks was begun, where there were some
	Left     error // names the client that could not be deleted
}

// ErrNoClient is why nothing at all could be tried.
const ErrNoClient fault.Cause = "there is no client to try it with"

// Run makes the clients, runs the chosen checks and deletes the clients again,
// also where ctx ended.
func Run(ctx context.Context, o trial.Options, e *evidence.Evidence, vendor, purpose string, chosen []*check.Check) (r Result) {
	p := trial.New(o, e, vendor, purpose)
	if err := p.Know(ctx); err == nil && o.Announce != nil {
		o.Announce(p.Rehearse(ctx, func(p *trial.Patient) { _ = each(ctx, p, "", chosen) }))
	}
	none := ""
	err := p.Prepare(ctx)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNoClient, err)
		none = fault.VisibleUpTo(err.Error(), 300)
	}
	defer func() {
		r.Left = p.Clean(context.WithoutCancel(ctx))
		r.Sent = p.Sent()
	}()
	r.Outcomes = each(ctx, p, none, chosen)
	if len(r.Outcomes) > 0 && !p.Tried {
		r.Untried = cmp.Or(err, errors.New(r.Outcomes[0].Reason))
	}
	r.SignIn = p.NobodySignedIn(ctx)
	return r
}

// each runs the chosen probes one after the other; none is why none can be.
func each(ctx context.Context, p *trial.Patient, none string, chosen []*check.Check) (out []Outcome) {
	all := slices.DeleteFunc(probes(), func(probe trial.Probe) bool {
		return !slices.ContainsFunc(chosen, func(k *check.Check) bool { return k.ID == probe.ID })
	})
	for n, probe := range all {
		at := slices.IndexFunc(chosen, func(k *check.Check) bool { return k.ID == probe.ID })
		probe.Check = *chosen[at]
		findings, reason := []check.Finding(nil), none
		if none == "" {
			if p.Progress != nil {
				p.Progress(n+1, len(all), chosen[at])
			}
			findings, reason = p.Run(ctx, probe)
		}
		out = append(out, Outcome{chosen[at], findings, reason})
	}
	return out
}
