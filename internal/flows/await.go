package flows

import (
	"context"
	"strings"

	"rely/internal/loopback"
)

// wait is one wait for an answer that may come three ways at once: at the
// listener, typed on the terminal, or not at all because the agent gave up.
type wait struct {
	*Request
	say func(Announcement)

	answers chan *loopback.Answer
	failed  chan error
	giveUp  context.CancelFunc
}

// start sets the three going. The agent lives until the sign-in is given up:
// once the answer is in it may still be reading the listener's page, and a
// command may be the person's own browser, which outlives this process.
func (w *wait) start(waiting context.Context, l *loopback.Listener, address string) {
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
		err := w.Agent.Visit(agent, w.visit(l, address))
		switch {
		case err == nil:
		case w.Person:
			w.say(Announcement{Trouble: err})
		default:
			w.failed <- err
		}
	}()
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
		if err = l.Paste(line); err == nil || ctx.Err() != nil {
			return
		}
		w.say(Announcement{Ignored: err})
	}
}
