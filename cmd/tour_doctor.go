package cmd

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"rely/internal/demoop"
	"rely/internal/demoop/stage"
	"rely/internal/doctor"
	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/doctor/report"
	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// alice signs in by forms, over the doctor's own transport.
func (t *tour) alice(over http.RoundTripper) (useragent.Agent, error) {
	return useragent.Choose("forms", useragent.Options{HTTP: over, Username: "alice", Password: secret.New(demoAlice), Now: t.Now})
}

// look looks once, or for what only two looks see twice, alice signing in each
// time.
func (t *tour) look(ctx context.Context, o doctor.Options) (*doctor.Report, error) {
	if t.broken.Check != "P47" && t.broken.Check != "L36" {
		return doctor.Examine(ctx, o, stage.Issuer)
	}
	t.inside.password = secret.New(demoAlice)
	o.Only = []string{t.broken.Check}
	_, last, err := t.inside.watched(ctx, o, stage.Issuer, nil, true)
	if err != nil {
		return nil, err
	}
	r, _, err := t.inside.watched(ctx, o, stage.Issuer, last, true)
	return r, err
}

// examine shows a fault that a sign-in does not meet: the provider stands on a
// public host of this process's own, and the doctor looks at it.
func (t *tour) examine(ctx context.Context) error {
	// Nobody waits in a tour: whoever sleeps moves the clock of both.
	var slept atomic.Int64
	clock := t.Now
	now := func() time.Time { return clock().Add(time.Duration(slept.Load())) }
	notify, ping := t.notifiers()
	host, err := stage.Open(ctx, demoop.Options{Faults: []string{t.broken.Name}, Now: now, Tick: t.Tick, Notify: notify, Ping: ping})
	if err != nil {
		return err
	}
	defer host.Stop()
	t.next("An OpenID Provider starts", "OIDC Core 1.2")
	t.tell("   %s (a name that leads to this machine, in this process alone)\n", stage.Issuer)
	authority := filepath.Join(t.inside.Dirs.Config, "authority.pem")
	if err := os.WriteFile(authority, host.Authority, 0o600); err != nil {
		return &fault.Error{Kind: fault.Config, ID: "demo.folder", Op: "write to the temporary folder", Err: err, Hint: "check TMPDIR"}
	}
	t.inside.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "127.0.0.1:") {
			return t.Dial(ctx, network, address) // where alice comes back to
		}
		return host.Dial(ctx, network, address)
	}
	t.inside.Now, t.inside.Sleep = now, func(ctx context.Context, d time.Duration) error { slept.Add(int64(d)); return ctx.Err() }
	if err := t.use(map[string][]string{"issuer": {stage.Issuer}, "ca_cert": {authority}, "browser": {"forms"}, "username": {"alice"}}); err != nil {
		return err
	}
	t.next("Examine it", "rely doctor")
	look, err := t.inside.look()
	if err != nil {
		return err
	}
	o := doctor.Options{Look: look}
	if k, err := doctor.Find(t.broken.Check); err == nil && k.Active {
		o.Active = &trial.Options{HTTP: look.HTTP, Now: now, Slow: true, Agent: t.alice, Show: t.inside.showing, Sleep: t.inside.Sleep}
		if o.Active.Site, err = t.site("http://127.0.0.1:0", ""); err != nil {
			return err
		}
		o.Only = []string{k.ID} // the whole of it is "rely doctor --active"
	}
	if t.broken.Check != "P71" {
		o.Skip = []string{"P71"} // how quick an answer is, is this machine's business and not the fault's
	}
	r, err := t.look(ctx, o)
	if err != nil {
		return err
	}
	t.tell("%s", report.Text(r, false))
	return r.Verdict(check.Info)
}
