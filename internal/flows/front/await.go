package front

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/loopback"
	"rely/internal/useragent"
)

// await announces the URL, sets the user agent to work, and waits for the
// answer at the listener or on the terminal, whichever is first. What prefetch
// fetches meanwhile does not come before the page.
func (a *attempt) await(ctx context.Context, l *loopback.Listener, address string, prefetch func()) (*loopback.Answer, error) {
	patience := a.Wait
	if patience == 0 {
		patience = 5 * time.Minute
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	say := func(n request.Announcement) {
		if a.Announce != nil {
			n.URL, n.RedirectURI, n.Listener = address, l.RedirectURI(), l
			n.ByAddress, n.ByCode = a.asked.way != loopback.Form, a.asked.way != loopback.Form && a.asked.typed()
			a.Announce(n)
		}
	}
	say(request.Announcement{})
	w := &wait{attempt: a, say: say}
	w.start(waiting, l, useragent.Visit{URL: address, RedirectURI: l.RedirectURI(), Origins: a.Origins(), Begun: prefetch, Came: l.Answered})
	if !useragent.Begins(a.Agent) {
		prefetch()
	}
	answer, err := w.result(waiting)
	if err == nil {
		return answer, nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, &fault.Error{Kind: fault.Cancelled, ID: "login.cancelled", Op: "wait for the person to sign in",
			Err: errors.New("stopped"), Hint: "run \"rely login\" again when you are ready"}
	case waiting.Err() != nil:
		return nil, &fault.Error{Kind: fault.Unfinished, ID: "login.unfinished", Op: "wait for the person to sign in",
			Err: fmt.Errorf("no answer within %s; the listener is closed", patience), Hint: "run \"rely login\" again, or allow more time with --login-timeout"}
	}
	return nil, err
}

// wait is one wait for an answer that may come three ways at once: at the
// listener, typed on the terminal, or not at all because the agent gave up.
type wait struct {
	*attempt
	say func(request.Announcement)

	answers chan *loopback.Answer
	failed  chan error
	giveUp  context.CancelFunc
}

// start sets the three going. The agent lives until the sign-in is given up:
// once the answer is in it may still be reading the listener's page, and a
// command may be the person's own browser, which outlives this process.
func (w *wait) start(waiting context.Context, l *loopback.Listener, visit useragent.Visit) {
	var agent context.Context
	agent, w.giveUp = context.WithCancel(context.WithoutCancel(waiting))
	w.answers = make(chan *loopback.Answer, 2)
	w.failed = make(chan error, 3)
	go func() {
		a, err := l.Answer(waiting)
		if err != nil {
			w.failed <- err
			return
		}
		w.answers <- a
	}()
	if w.Paste != nil {
		go w.paste(waiting, l)
	}
	go func() {
		err := w.Visited(agent, visit)
		switch {
		case err == nil:
		case w.Person:
			w.say(request.Announcement{Trouble: err})
		default:
			w.failed <- err
		}
	}()
}

// address turns a code that was typed alone into the address that would have
// brought it. Its state is one that was sent to nobody and that only this
// process knows, which says where the code came from: a person at the terminal
// of this sign-in. PKCE and the nonce bind the code to it. Where more than a
// code is awaited, it would not be enough.
func (w *wait) address(l *loopback.Listener, line string) string {
	if !w.asked.typed() {
		return line
	}
	code := strings.TrimSpace(line)
	if len(code) < 8 || len(code) > 4096 || strings.Contains(code, "=") || strings.Contains(code, "://") ||
		strings.ContainsFunc(code, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return line
	}
	separator := "?"
	if strings.Contains(l.RedirectURI(), "?") {
		separator = "&"
	}
	return l.RedirectURI() + separator + url.Values{"code": {code}, "state": {w.typed}}.Encode()
}

// result is what came of it, the agent stopped where nothing did.
func (w *wait) result(ctx context.Context) (*loopback.Answer, error) {
	a, err := w.first(ctx)
	if err != nil {
		w.giveUp()
	}
	return a, err
}

// first is the first answer; an answer that came with a failure wins, since
// the agent may stumble over the page behind it.
func (w *wait) first(ctx context.Context) (*loopback.Answer, error) {
	select {
	case a := <-w.answers:
		return a, nil
	case err := <-w.failed:
		select {
		case a := <-w.answers:
			return a, nil
		default:
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// paste takes lines from the terminal until one is the answer. The listener
// checks a line exactly as it checks a request.
func (w *wait) paste(ctx context.Context, l *loopback.Listener) {
	for {
		line, err := w.Paste(ctx)
		if err != nil {
			return // the terminal is gone; the listener goes on
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err = l.Paste(w.address(l, line)); err == nil || ctx.Err() != nil {
			return
		}
		w.say(request.Announcement{Ignored: err})
	}
}
