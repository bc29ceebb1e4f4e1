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
}

// start sets the three going. The agent lives until the sign-in is over
// (life): it is still reading the listener's page when the answer is in.
func (w *wait) start(waiting, life context.Context, l *loopback.Listener, address string) {
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
		err := w.Agent.Visit(life, w.visit(l, address))
		switch {
		case err == nil:
		case w.Person:
			w.say(Announcement{Trouble: err})
		default:
			w.failed <- err
		}
	}()
}

// result is the first answer; an answer that came with a failure wins, since
// the agent may stumble over the page behind it.
func (w *wait) result(ctx context.Context) (*loopback.Answer, error) {
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
