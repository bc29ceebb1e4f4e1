package lifetime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// add has something watched. look says whether it is alive; an error is noted,
// and ends it.
func (r *run) add(name, by string, from time.Time, look func(ctx context.Context, t *trial, last bool) time.Duration) *trial {
	t := &trial{span: &Span{Name: name, What: what(name), By: by}, from: from}
	t.look = func(ctx context.Context, last bool) time.Duration { return look(ctx, t, last) }
	r.trials = append(r.trials, t)
	return t
}

// age is how long ago something was issued, or used last. What lives was alive
// when it was asked about, at the latest; what is dead was so when the answer
// came, at the latest: however slow the network is, the end is in between.
func (r *run) age(t *trial) time.Duration { return r.Now().Sub(t.from) }

// at is the time since the run began, of an age.
func (r *run) at(t *trial, age time.Duration) time.Duration { return t.from.Add(age).Sub(r.began) }

// failed ends a trial that could not be looked at.
func (r *run) failed(t *trial, err error) time.Duration {
	if errors.Is(err, context.Canceled) {
		return -1
	}
	r.note(fmt.Sprintf("%s: %v", t.span.What, err))
	return -1
}

// retry is what becomes of a trial whose look changes nothing at the provider: a
// network that is gone for a while does not end it.
func (r *run) retry(t *trial, err error) time.Duration {
	if !fault.Is(err, fault.Network) {
		return r.failed(t, err)
	}
	if !t.missed {
		r.note(fmt.Sprintf("%s: %v; it was tried again", t.span.What, err))
	}
	t.missed = true
	return r.passed() + max(time.Second, r.age(t)/10)
}

// later is when to look again: shortly before and after the stated end, else
// after a quarter of the time that has passed. So a few looks are enough for any
// lifetime, and the answer is exact to a quarter, to a second at a stated end.
func later(age, stated time.Duration) time.Duration {
	next := age + max(time.Second, age/4)
	for _, mark := range []time.Duration{stated - time.Second, stated + time.Second} {
		if stated > 0 && age < mark && mark < next {
			return mark
		}
	}
	return next
}

// statedLife is the shortest that the provider says; 0 where it says nothing.
func (r *run) statedLife(of string) time.Duration {
	var life time.Duration
	for _, s := range r.result.Stated {
		if s.Of == of && !s.Never && (life == 0 || s.Life < life) {
			life = s.Life
		}
	}
	return life
}

// access watches an access token that nobody renews.
func (r *run) access(l *Login, issued time.Time) {
	stated := r.statedLife("access_token")
	r.add(AccessToken, "", issued, func(ctx context.Context, t *trial, _ bool) time.Duration {
		asked := r.age(t)
		alive, by, err := r.alive(ctx, l, l.Access)
		switch {
		case errors.Is(err, errNowhere):
			t.span.NotRun = err.Error()
			return -1
		case err != nil:
			return r.retry(t, err)
		}
		t.span.By = by
		if !alive {
			t.span.Dead = r.age(t)
			return -1
		}
		t.span.Alive = asked
		return r.at(t, later(t.span.Alive, stated))
	})
}

// idle watches a refresh token that nobody uses. Where introspection tells of
// it, it stays untouched to the end; else it is used after waits that get longer.
func (r *run) idle(ctx context.Context, l *Login, issued time.Time) (quiet bool) {
	if l.Ask != nil {
		m, err := l.Ask(ctx, l.Refresh, "refresh_token")
		quiet = err == nil && string(m["active"]) == "true"
	}
	stated := r.statedLife("refresh_token")
	if !quiet {
		r.idleByUse(l, issued, stated)
		return false
	}
	t := r.add(Idle, "introspection, then renewal", issued, func(ctx context.Context, t *trial, last bool) time.Duration {
		asked := r.age(t)
		m, err := l.Ask(ctx, l.Refresh, "refresh_token")
		if err != nil && !fault.Is(err, fault.Denied) {
			return r.retry(t, err)
		}
		alive := err == nil && string(m["active"]) == "true"
		if alive && !last {
			t.span.Alive = asked
			return r.at(t, later(t.span.Alive, stated))
		}
		_, err = r.renew(ctx, l, l.Refresh) // what introspection says is proven by use
		switch {
		case err == nil && !alive:
			r.note("introspection calls the refresh token inactive, and it still brings tokens")
			fallthrough
		case err == nil:
			t.span.Alive = asked
		case !fault.Is(err, fault.Denied):
			return r.failed(t, err)
		default:
			if alive {
				r.note("introspection calls the refresh token active, and it brings no tokens any more")
			}
			t.span.Dead, t.span.Said = r.age(t), said(err)
		}
		return -1
	})
	t.next = r.at(t, later(0, stated))
	return true
}

func (r *run) idleByUse(l *Login, issued time.Time, stated time.Duration) {
	refresh, wait := l.Refresh, time.Second
	t := r.add(Idle, "renewal after a wait", issued, func(ctx context.Context, t *trial, last bool) time.Duration {
		waited := r.age(t)
		fresh, err := r.renew(ctx, l, refresh)
		switch {
		case fault.Is(err, fault.Denied):
			t.span.Dead, t.span.Said = r.age(t), said(err)
			return -1
		case err != nil:
			return r.failed(t, err)
		}
		refresh = newest(fresh, refresh)
		t.span.Alive, t.from = max(t.span.Alive, waited), r.Now()
		wait = max(2*wait, later(wait, stated))
		for _, mark := range []time.Duration{stated - time.Second, stated + time.Second} {
			if stated > 0 && t.span.Alive < mark && mark < wait {
				wait = mark
				break
			}
		}
		return r.at(t, wait)
	})
	t.next = r.at(t, wait)
}

func newest(t Tokens, old secret.String) secret.String {
	if t.Refresh.Empty() {
		return old
	}
	return t.Refresh
}

// mostRenewals is how often a session is renewed to keep it in use. Where it
// ends within seconds of not being used, that is over before the time is.
const mostRenewals = 100

// absolute keeps a session in use until it ends all the same.
func (r *run) absolute(l *Login, now Tokens, issued time.Time) {
	every := max(time.Second, r.Most/20)
	if stated := r.statedLife("refresh_token"); stated > 0 {
		every = max(time.Second, min(every, stated/2))
	}
	var firstEnd, firstAt time.Time
	replaced, renewals := false, 0
	t := r.add(Absolute, "renewal again and again", issued, func(ctx context.Context, t *trial, _ bool) time.Duration {
		if firstAt.IsZero() {
			firstEnd, _ = r.end(ctx, l, now)
			firstAt = r.Now()
		}
		asked := r.age(t)
		fresh, err := r.renew(ctx, l, now.Refresh)
		switch {
		case fault.Is(err, fault.Denied):
			t.span.Dead, t.span.Said = r.age(t), said(err)
			return -1
		case err != nil:
			return r.failed(t, err)
		}
		t.span.Alive = asked
		fresh.Refresh = newest(fresh, now.Refresh)
		if other := fresh.Refresh.Reveal() != now.Refresh.Reveal(); other && !*r.result.Rotates && !replaced {
			replaced = true
			r.note("the refresh token stays at first, and a renewal after " + Words(t.span.Alive) + " replaced it")
		}
		now = fresh
		if since := r.Now().Sub(firstAt); r.result.Slides == nil && !firstEnd.IsZero() && since >= 3*time.Second {
			if end, known := r.end(ctx, l, now); known {
				slides := end.Sub(firstEnd) > since/2
				r.result.Slides = &slides
			}
		}
		if renewals++; renewals == mostRenewals {
			r.note(fmt.Sprintf("the session in use was renewed %d times, and then left", renewals))
			return -1
		}
		return r.passed() + every
	})
	t.next = r.passed() + every
}

// grace uses a refresh token that was replaced, until that is refused. Then the
// newest one is tried: a provider may end the whole family (RFC 9700 4.14.2).
func (r *run) grace(ctx context.Context, l *Login) error {
	fresh, err := r.renew(ctx, l, l.Refresh)
	if err != nil {
		return err
	}
	waits := []time.Duration{1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600}
	r.add(Grace, "its use, after another took its place", r.Now(), func(ctx context.Context, t *trial, _ bool) time.Duration {
		age := r.age(t)
		again, err := r.renew(ctx, l, l.Refresh)
		switch {
		case err == nil:
			t.span.Alive = age
			fresh.Refresh = newest(again, fresh.Refresh)
			for _, w := range waits {
				if at := w * time.Second; at > age {
					return r.at(t, at)
				}
			}
			return -1
		case !fault.Is(err, fault.Denied):
			return r.failed(t, err)
		}
		t.span.Dead, t.span.Said = max(r.age(t), time.Millisecond), said(err)
		if _, err = r.renew(ctx, l, fresh.Refresh); err == nil || fault.Is(err, fault.Denied) {
			ends := err != nil
			r.result.FamilyEnds = &ends
		}
		return -1
	})
	return nil
}

// said are the provider's own words.
func said(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Err != nil {
		return f.Err.Error()
	}
	return err.Error()
}
