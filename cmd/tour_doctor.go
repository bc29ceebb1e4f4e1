package cmd

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
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

// examine shows a fault that a sign-in does not meet: the provider stands on a
// public host of this process's own, and the doctor looks at it.
func (t *tour) examine(ctx context.Context) error {
	// Nobody waits in a tour: whoever sleeps moves the clock of both.
	var slept time.Duration
	now := func() time.Time { return t.Now().Add(slept) }
	host, err := stage.Open(ctx, demoop.Options{Faults: []string{t.broken.Name}, Now: now, Tick: t.Tick})
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
	t.inside.Dial = host.Dial
	if err := t.use(map[string][]string{"issuer": {stage.Issuer}, "ca_cert": {authority}}); err != nil {
		return err
	}
	t.next("Examine it", "rely doctor")
	look, err := t.inside.look()
	if err != nil {
		return err
	}
	o := doctor.Options{Look: look}
	if k, err := doctor.Find(t.broken.Check); err == nil && k.Active {
		o.Active = &trial.Options{HTTP: look.HTTP, Now: now, Slow: true, Agent: t.alice,
			Sleep: func(_ context.Context, d time.Duration) error { slept += d; return nil }}
		o.Only = []string{k.ID} // the whole of it is "rely doctor --active"
	}
	r, err := doctor.Examine(ctx, o, stage.Issuer)
	if err != nil {
		return err
	}
	t.tell("%s", report.Text(r, false))
	return r.Verdict(check.Info)
}
