package cmd

import (
	"context"
	"os"
	"time"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/output"
	"rely/internal/session"
	"rely/internal/store"
)

// turn sees to it that a person is asked once for the same profile: a second
// process names the first, waits for it, and then has its session, joined. It
// is nil where this process is to ask; done ends its turn.
func (l *login) turn(ctx context.Context, k *session.Keeper) (done func(), joined *store.Session, err error) {
	mine := session.Holder{PID: os.Getpid(), Since: l.Now().UTC(), Asked: k.Asks()}
	done, other, err := session.Turn(ctx, l.Dirs.State, l.profile, mine, l.values.Duration("login_timeout"), func(h session.Holder) {
		l.say("rely: note: process %d waits for a sign-in to profile %s since %s. Finish that one:\nits session will do for this one as well.\n",
			h.PID, fault.Visible(l.profile), h.Since.Local().Format("15:04:05"))
	})
	if err != nil || other == nil || other.Asked != mine.Asked {
		return done, nil, err
	}
	st, err := l.store()
	if err != nil {
		return done, nil, err
	}
	s, err := st.Session(ctx, l.profile)
	if err != nil || s.Obtained.Before(other.Since.Truncate(time.Second)) {
		return done, nil, nil // it came to nothing
	}
	return done, s, nil
}

// reportJoined says whose session it is that another process obtained.
func (l *login) reportJoined(s *store.Session) error {
	out := loginJSON{Profile: l.profile, Issuer: s.Issuer, Subject: s.Subject, Name: s.Name, Scope: s.Scope, Checks: []rungJSON{}}
	if !s.Expiry.IsZero() {
		out.Expires = &s.Expiry
	}
	who := ""
	if s.Name != "" {
		who = " as " + fault.VisibleUpTo(s.Name, 100)
	}
	l.say("Signed in%s at %s (profile %s), by the other process.\n", who, fault.Visible(s.Issuer), l.profile)
	if l.format() == "text" {
		return nil
	}
	return output.Print(l.Stdout, l.format(), output.Result{Schema: "login/1", JSON: out})
}

// signIn runs the flow. A person is waited for by one process at a time.
func (l *login) signIn(ctx context.Context, k *session.Keeper, entry flows.Entry, client *store.Client, r *flows.Request) error {
	if r.Person {
		done, joined, err := l.turn(ctx, k)
		if err != nil {
			return err
		}
		defer done()
		if joined != nil {
			return l.reportJoined(joined)
		}
	}
	t, err := entry.Flow.Run(ctx, r)
	if err != nil {
		return k.Explain(client, err)
	}
	return l.report(t)
}
