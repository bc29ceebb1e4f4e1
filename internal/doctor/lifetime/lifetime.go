// Package lifetime measures how long what a sign-in brings is good for: it reads
// what the provider says, and waits and tries whether that is so. It is given a
// sign-in and a clock; it knows no HTTP, keeps nothing and prints nothing.
package lifetime

import (
	"context"
	"encoding/json"
	"slices"
	"sort"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// Tokens are what one answer of the token endpoint brought.
type Tokens struct {
	Access, Refresh, ID secret.String
	Members             map[string]json.RawMessage // of the answer
}

// A Login is one sign-in of its own, and what can be asked with it.
type Login struct {
	Tokens
	// Renew redeems a refresh token. The error is Denied where it is refused.
	Renew func(ctx context.Context, refresh secret.String) (Tokens, error)
	// Ask is introspection; nil where it cannot be asked.
	Ask func(ctx context.Context, token secret.String, hint string) (map[string]json.RawMessage, error)
	// Use has the access token taken somewhere. The error is Denied where it is
	// not; nil where there is nowhere to try.
	Use func(ctx context.Context, access secret.String) error
	// Claims is what UserInfo says to the sign-in's own access token; nil where
	// it cannot be asked.
	Claims func(ctx context.Context) (map[string]json.RawMessage, error)
}

// A Lab is what measures. SignIn, Now and Sleep are required.
type Lab struct {
	SignIn func(ctx context.Context) (*Login, error)
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Most   time.Duration // how long to look
	// Tell is told how far it is, at least once a second of waiting; may be nil.
	Tell func(passed, whole time.Duration)
}

// A Stated is what the provider says of a lifetime.
type Stated struct {
	Of     string        `json:"of"` // access_token, id_token, refresh_token
	By     string        `json:"by"`
	Life   time.Duration `json:"-"`
	Second float64       `json:"seconds"`
	Never  bool          `json:"never,omitempty"` // it says that there is no end
	Exact  bool          `json:"-"`               // it is no remainder, which shrinks from second to second
}

// A Span is one thing that was watched: how long it was seen alive, and when it
// was first seen dead.
type Span struct {
	Name  string        `json:"name"`
	What  string        `json:"what"`
	By    string        `json:"by"` // how it was seen
	Alive time.Duration `json:"-"`  // since it was issued, or used last
	Dead  time.Duration `json:"-"`  // 0: it still lived when nobody looked any more

	AliveSeconds float64  `json:"alive_s"`
	DeadSeconds  *float64 `json:"dead_s"` // null: it still lived
	Said         string   `json:"said,omitempty"`
	NotRun       string   `json:"not_run,omitempty"`
}

// What is watched, in the order of the picture.
const (
	AccessToken = "access-token"
	Idle        = "refresh-idle"
	Absolute    = "refresh-absolute"
	Grace       = "refresh-grace"
)

// A Result is what came out. A pointer is nil where that could not be seen.
type Result struct {
	Looked      time.Duration `json:"-"`
	LookedFor   float64       `json:"looked_s"`
	SignIns     int           `json:"sign_ins"`
	Renewals    int           `json:"renewals"`
	Stated      []Stated      `json:"stated"`
	Rotates     *bool         `json:"rotates"`           // a renewal brings another refresh token
	Slides      *bool         `json:"slides"`            // a renewal moves the stated end of the refresh token
	OldAccess   *bool         `json:"old_access_lives"`  // after a renewal
	FamilyEnds  *bool         `json:"reuse_ends_family"` // the newest refresh token died when an old one came back
	Spans       []Span        `json:"measured"`
	Notes       []string      `json:"notes"`
	Interrupted bool          `json:"interrupted"`
}

// run is one measurement.
type run struct {
	*Lab
	began  time.Time
	result *Result
	trials []*trial
}

// A trial is one thing that is watched: look looks at it, and says when to look
// next; a negative time ends it.
type trial struct {
	span *Span
	from time.Time     // what its times count from
	next time.Duration // since the run began
	look func(ctx context.Context, last bool) time.Duration
	done bool

	missed bool // the network was not there once
}

// Run measures. The error is that of the first sign-in, or that ctx ended; then
// what was seen until there is in the result all the same.
func (l *Lab) Run(ctx context.Context) (*Result, error) {
	r := &run{Lab: l, began: l.Now(), result: &Result{Stated: []Stated{}, Notes: []string{}}}
	err := r.begin(ctx)
	if err == nil {
		err = r.wait(ctx)
	}
	r.result.Looked = r.passed()
	r.result.LookedFor = seconds(r.result.Looked)
	r.result.Interrupted = ctx.Err() != nil
	for _, t := range r.trials {
		t.span.AliveSeconds = seconds(t.span.Alive)
		if t.span.Dead > 0 {
			dead := seconds(t.span.Dead)
			t.span.DeadSeconds = &dead
		}
		r.result.Spans = append(r.result.Spans, *t.span)
	}
	order := []string{AccessToken, Idle, Absolute, Grace}
	spans := r.result.Spans
	sort.SliceStable(spans, func(a, b int) bool {
		return slices.Index(order, spans[a].Name) < slices.Index(order, spans[b].Name)
	})
	r.compare()
	return r.result, err
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func (r *run) passed() time.Duration { return r.Now().Sub(r.began) }

func (r *run) note(text string) { r.result.Notes = append(r.result.Notes, text) }

// login signs in once more.
func (r *run) login(ctx context.Context) (*Login, error) {
	l, err := r.SignIn(ctx)
	if err == nil {
		r.result.SignIns++
	}
	return l, err
}

// begin signs in as often as it takes, and sets the trials up.
func (r *run) begin(ctx context.Context) error {
	first, err := r.login(ctx)
	if err != nil {
		return err
	}
	issued := r.Now()
	r.result.Stated = r.stated(ctx, first, first.Tokens)
	switch {
	case first.Access.Empty():
		r.leave(AccessToken, "there is no access token")
	case first.Refresh.Empty():
		r.access(first, issued)
	}
	if first.Refresh.Empty() {
		r.leave(Idle, "there is no refresh token; many providers give one for the scope offline_access alone")
		r.leave(Absolute, "there is no refresh token")
		r.leave(Grace, "there is no refresh token")
		return nil
	}
	latest, err := r.firstRenewal(ctx, first)
	if err != nil {
		return err
	}
	second, err := r.login(ctx)
	if err != nil {
		return err
	}
	if err := r.second(ctx, second); err != nil {
		return err
	}
	r.absolute(first, latest, issued)
	if !*r.result.Rotates {
		r.leave(Grace, "the refresh token is not replaced, so there is no old one")
		return nil
	}
	third, err := r.login(ctx)
	if err != nil {
		return err
	}
	return r.grace(ctx, third)
}

// second takes the sign-in whose refresh token nobody touches, and whose access
// token no renewal ends.
func (r *run) second(ctx context.Context, l *Login) error {
	issued := r.Now()
	quiet := r.idle(ctx, l, issued)
	if !quiet && r.result.OldAccess != nil && !*r.result.OldAccess {
		var err error
		if l, err = r.login(ctx); err != nil {
			return err
		}
		issued = r.Now()
	}
	r.access(l, issued)
	return nil
}

// firstRenewal sees what a renewal changes.
func (r *run) firstRenewal(ctx context.Context, l *Login) (Tokens, error) {
	t, err := r.renew(ctx, l, l.Refresh)
	if err != nil {
		return t, err
	}
	rotates := !t.Refresh.Empty() && t.Refresh.Reveal() != l.Refresh.Reveal()
	r.result.Rotates = &rotates
	if t.Refresh.Empty() {
		t.Refresh = l.Refresh
	}
	if alive, _, err := r.alive(ctx, l, l.Access); err == nil {
		r.result.OldAccess = &alive
	}
	return t, nil
}

func (r *run) renew(ctx context.Context, l *Login, refresh secret.String) (Tokens, error) {
	t, err := l.Renew(ctx, refresh)
	if err == nil {
		r.result.Renewals++
	}
	return t, err
}

// errNowhere is that nothing could tell whether a token lives.
const errNowhere fault.Cause = "there is neither introspection nor UserInfo to ask"

// alive asks about an access token, and says whom it asked.
func (r *run) alive(ctx context.Context, l *Login, access secret.String) (bool, string, error) {
	if l.Ask != nil {
		m, err := l.Ask(ctx, access, "access_token")
		if err == nil {
			return string(m["active"]) == "true", "introspection", nil
		}
		if !fault.Is(err, fault.Denied) {
			return false, "introspection", err
		}
	}
	if l.Use == nil {
		return false, "", errNowhere
	}
	err := l.Use(ctx, access)
	if fault.Is(err, fault.Denied) {
		return false, "UserInfo", nil
	}
	return err == nil, "UserInfo", err
}

func (r *run) leave(name, why string) {
	r.trials = append(r.trials, &trial{span: &Span{Name: name, What: what(name), NotRun: why}, done: true})
}

func what(name string) string {
	return map[string]string{AccessToken: "access token", Idle: "refresh token, not used", Absolute: "refresh tokens, in use", Grace: "old refresh token"}[name]
}

// wait looks at each trial when it is time, until all are done or the time is
// up; then each that lives is looked at for the last time.
func (r *run) wait(ctx context.Context) error {
	for {
		var t *trial
		for _, other := range r.trials {
			if !other.done && (t == nil || other.next < t.next) {
				t = other
			}
		}
		if t == nil {
			return nil
		}
		if err := r.until(ctx, min(t.next, r.Most)); err != nil {
			return err
		}
		last := r.passed() >= r.Most
		next := t.look(ctx, last)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t.done = last || next < 0
		t.next = min(max(next, r.passed()+time.Second), r.Most)
	}
}

// until sleeps, a second at a time.
func (r *run) until(ctx context.Context, at time.Duration) error {
	for {
		now := r.passed()
		if r.Tell != nil {
			r.Tell(min(now, r.Most), r.Most)
		}
		if now >= at {
			return ctx.Err()
		}
		if err := r.Sleep(ctx, min(at-now, time.Second)); err != nil {
			return err
		}
	}
}
