package flows

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/flows/request"
)

const (
	standardInterval = 5 * time.Second // where the provider says nothing, and what slow_down adds (RFC 8628 3.2, 3.5)
	leastInterval    = 100 * time.Millisecond
	unanswered       = 3 // requests in a row without an answer end the sign-in
)

// asking is the wait for a person who decides elsewhere, with one token request
// after the other (RFC 8628 3.5, CIBA 10.1).
type asking struct {
	*Request
	form     url.Values // of the token request
	spec     string     // that rules it
	what     string     // lives so long: "code", "request"
	interval time.Duration
	lifetime time.Duration
	pings    <-chan struct{} // the provider says that the person has decided (CIBA 10.2); nil where it does not
	failed   chan error      // why a user agent that needs no person gave up
}

// paced reads expires_in, which has to be there, and interval; both are whole
// seconds by the book, and strings or fractions at some providers. With an
// error comes the member that it is about.
func (d *asking) paced(m request.Members) (string, error) {
	life, known, err := request.Lifetime(m["expires_in"])
	switch {
	case err != nil:
		return "expires-in", err
	case !known || life <= 0:
		return "expires-in", errors.New("the answer does not say how long the " + d.what + " lives: expires_in is missing or 0")
	}
	d.lifetime, d.interval = life, standardInterval
	if raw := strings.Trim(string(m["interval"]), `"`); raw != "" && raw != "null" {
		seconds, err := strconv.ParseFloat(raw, 64)
		if err != nil || !(seconds >= 0) || seconds >= life.Seconds() {
			return "interval", fmt.Errorf("interval is %.40s, which is no number of seconds below the %s's %s", m["interval"], d.what, life)
		}
		d.interval = max(leastInterval, time.Duration(seconds*float64(time.Second)))
	}
	return "", nil
}

// ask asks the token endpoint for the tokens until the person has decided or
// the code has run out.
//
// The first request goes out after one interval, and every slow_down adds 5 s
// for good (RFC 8628 3.5). A request that got no answer doubles the wait until
// one does. d.Sleep does all the waiting and d.Now says how late it is, so a
// test needs no real time.
//
// Every error is a [*fault.Error]:
//
//	Denied     token.access_denied  the person said no
//	Login      device.expired       the lifetime ran out, or expired_token
//	Network    token.unreachable    three requests in a row got no answer
//	Unfinished login.unfinished     d.Wait passed
//	Cancelled  login.cancelled      ctx ended first
//
// Any other error of the provider is Denied, its ID "token." and its code.
// Where a user agent that needs no person gave up, its error is the one that
// counts, unless the next request finds that it came far enough.
func (d *asking) ask(ctx context.Context) (*Tokens, error) {
	patience := waits(d.Request)
	start, silent := d.Now(), 0
	for {
		if err := d.pause(ctx, d.interval<<silent, patience-d.Now().Sub(start), d.lifetime-d.Now().Sub(start)); err != nil {
			return nil, err
		}
		var gaveUp error
		select {
		case gaveUp = <-d.failed:
		default:
		}
		t, err := d.Redeem(ctx, "ask for the tokens", d.form)
		var f *fault.Error
		switch {
		case err == nil:
			return t, nil
		case ctx.Err() != nil:
			return nil, stoppedWaiting()
		case !errors.As(err, &f):
			return nil, err
		}
		switch {
		case f.Kind == fault.Network:
			if silent++; silent == unanswered {
				return nil, &fault.Error{Kind: fault.Network, ID: "token.unreachable", Op: f.Op, Spec: d.spec, Hint: f.Hint,
					Err: fmt.Errorf("three requests in a row got no answer, the last: %w", f.Err)}
			}
			continue
		case f.ID == "token."+request.SlowDown:
			d.interval += standardInterval
		case f.ID == "token.expired_token":
			return nil, d.expired(f.Err)
		case f.ID == "token.access_denied":
			f.Spec, f.Hint = d.spec, "sign in again and approve the request"
			return nil, f
		case f.ID != "token."+request.Pending:
			return nil, f
		}
		silent = 0
		if gaveUp != nil {
			return nil, gaveUp
		}
	}
}

// pause waits before the next request, or for as long as there is any use in
// waiting.
func (d *asking) pause(ctx context.Context, interval, patience, life time.Duration) error {
	pinged, err := d.rest(ctx, max(0, min(interval, patience, life)))
	if err != nil || ctx.Err() != nil {
		return stoppedWaiting()
	}
	switch {
	case pinged:
		return nil
	case patience <= interval && patience <= life:
		return &fault.Error{Kind: fault.Unfinished, ID: "login.unfinished", Op: "wait for the person to sign in",
			Err: errors.New("nobody finished signing in in time"), Hint: "run \"rely login\" again, or allow more time with --login-timeout"}
	case life <= interval:
		return d.expired(fmt.Errorf("the %s lived for %s, and nobody finished signing in", d.what, d.lifetime))
	}
	return nil
}

// rest sleeps, until the provider's ping where one is to come.
func (d *asking) rest(ctx context.Context, wait time.Duration) (pinged bool, err error) {
	if d.pings == nil {
		return false, d.Sleep(ctx, wait)
	}
	sleeping, wake := context.WithCancel(ctx)
	defer wake()
	slept := make(chan error, 1)
	go func() { slept <- d.Sleep(sleeping, wait) }()
	select {
	case <-d.pings:
		return true, nil
	case err := <-slept:
		return false, err
	}
}

func (d *asking) expired(err error) error {
	return &fault.Error{Kind: fault.Login, ID: "device.expired", Op: "wait for the person to sign in", Spec: d.spec, Err: err,
		Hint: "run \"rely login\" again for a new " + d.what}
}

func stoppedWaiting() error {
	return &fault.Error{Kind: fault.Cancelled, ID: "login.cancelled", Op: "wait for the person to sign in", Err: errors.New("stopped"),
		Hint: "run \"rely login\" again when you are ready"}
}

// waits is how long a person is waited for.
func waits(r *Request) time.Duration {
	if r.Wait == 0 {
		return 5 * time.Minute
	}
	return r.Wait
}
