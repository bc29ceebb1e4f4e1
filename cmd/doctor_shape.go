package cmd

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"

	"rely/internal/doctor"
	"rely/internal/doctor/lifetime"
	"rely/internal/doctor/snapshot"
	"rely/internal/fault"
)

// comparison is about how many requests signed makes.
const comparison = 16

// compares reports whether signed follows the checks.
func (d *examination) compares() bool { return (d.differs || d.snapshot != "") && d.robot() }

// signed is one sign-in of the examination's own, for what --snapshot, --watch
// and diff take of it: with the profile's client, or one that is made for it and
// deleted again.
func (i *invocation) signed(ctx context.Context, register bool) (out *snapshot.Signed, err error) {
	l := &lab{smoke: &smoke{invocation: i}, register: register}
	if l.register {
		i.say("One more client is made, to sign in with and see what that brings.\n")
	}
	dir, err := os.MkdirTemp(i.Dirs.Temp, "rely-doctor-")
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "smoke.folder", Op: "make a temporary folder", Err: err, Hint: "check TMPDIR"}
	}
	defer os.RemoveAll(dir)
	if err := l.enter(dir); err != nil {
		return nil, err
	}
	l.inside.password = i.password
	defer func() { err = l.gone(ctx, err) }()
	if err := l.client(ctx); err != nil {
		return nil, err
	}
	login, after, lives, err := (&lifetime.Lab{SignIn: l.signIn, Now: i.Now, Sleep: i.Sleep}).Once(ctx)
	if err != nil {
		return nil, err
	}
	out = &snapshot.Signed{Login: login, After: after, Lives: lives}
	if login.Claims != nil {
		out.UserInfo, err = login.Claims(ctx)
	}
	return out, err
}

// snapshotOf is what is kept of an examination, the sign-in included where a
// robot can sign in. With --active it is an error where nothing could be tried.
func (d *examination) snapshotOf(ctx context.Context, r *doctor.Report, register bool) (snapshot.Snapshot, error) {
	now := snapshot.Of(r)
	if !d.active {
		return now, nil
	}
	at := slices.IndexFunc(r.NotRun, func(n doctor.NotRun) bool { return n.Check.Active })
	if at >= 0 && now.Parts["behaviour"] == nil && r.SignIn == nil {
		return now, cmp.Or(r.Untried, doctor.NothingTried(r.Issuer, errors.New(r.NotRun[at].Reason)))
	}
	if !d.robot() {
		return now, nil
	}
	if err := r.NobodySignedIn(); err != nil {
		return now, err // a wrong password is not tried once more
	}
	if register && r.Left != nil && !d.register {
		return now, &fault.Error{Kind: fault.Denied, ID: "doctor.client-stays", Op: "sign in for the comparison", Err: errors.New("one more client is needed, and clients cannot be deleted at the provider"),
			Hint: "add --register to have it made all the same, or name a client with -p"}
	}
	x, err := d.signed(ctx, register)
	if err == nil {
		now.Add(*x)
	}
	return now, err
}
