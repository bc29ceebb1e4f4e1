package cmd

import (
	"context"
	"os"

	"rely/internal/doctor"
	"rely/internal/doctor/lifetime"
	"rely/internal/doctor/snapshot"
	"rely/internal/fault"
)

// signed is one sign-in of the examination's own, for what --snapshot and
// --watch keep of it: with the profile's client, or one that is deleted again.
func (i *invocation) signed(ctx context.Context) (out *snapshot.Signed, err error) {
	l := &lab{smoke: &smoke{invocation: i}, register: i.values.String("client_id") == ""}
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
// robot can sign in.
func (d *examination) snapshotOf(ctx context.Context, r *doctor.Report) (snapshot.Snapshot, error) {
	now := snapshot.Of(r)
	if !d.active || !d.robot() {
		return now, nil
	}
	if err := r.NobodySignedIn(); err != nil {
		return now, err // a wrong password is not tried once more
	}
	x, err := d.signed(ctx)
	if err == nil {
		now.Add(*x)
	}
	return now, err
}
