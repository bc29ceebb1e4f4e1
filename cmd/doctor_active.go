package cmd

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/fault"
	"rely/internal/useragent"
)

// prepareActive fills in what --active needs, and says what it will do.
func (d *examination) prepareActive() error {
	const op = "examine actively"
	switch {
	case d.dry && !d.active:
		return &fault.Error{Kind: fault.Usage, ID: "doctor.dry-run", Op: op, Err: errors.New("--dry-run is about --active, which is not given"), Hint: "add --active"}
	case !d.active:
		return nil
	case d.robot() && !slices.Contains([]string{"forms", "chrome"}, d.values.String("browser")):
		return &fault.Error{Kind: fault.Usage, ID: "doctor.browser", Op: op, Err: fmt.Errorf("--browser %s cannot be given answers that lead nowhere", d.values.String("browser")),
			Hint: "use --browser forms, or chrome for pages that need scripts; or leave it out: then nobody signs in"}
	}
	o := &trial.Options{HTTP: d.options.Look.HTTP, Now: d.Now, Sleep: d.Sleep, Most: d.most, Slow: d.slow}
	var err error
	if o.Initial, err = d.secretOnce(false, "initial_access_token", "the initial access token"); err != nil {
		return err
	}
	if d.robot() || d.dry {
		if o.Agent, err = d.robots(); err != nil {
			return err
		}
	}
	if d.dry {
		o.Dry = func(request string) {
			for line := range strings.Lines(d.redact.Text(request)) {
				fmt.Fprintln(d.Stdout, fault.Visible(strings.TrimSuffix(line, "\n")))
			}
		}
	} else {
		o.Announce, o.Progress = d.plan, d.progress()
	}
	d.options.Active = o
	return nil
}

// plan tells what is about to be done.
func (d *examination) plan(p trial.Plan) {
	who := ""
	if p.Codes > 0 {
		who = fmt.Sprintf(" %s signs in, and the session is used for %d codes;", fault.Visible(d.values.String("username")), p.Codes)
	}
	made := fmt.Sprintf("%d clients are made and deleted again", p.Clients)
	if d.options.Active.Borrowed != nil {
		made = "the profile's client is used"
	}
	d.say("About %d requests follow, at most %d:%s %s.\n", p.Requests, p.Most, who, made)
	if p.Requests > p.Most {
		d.say("rely: note: not all checks can be run so: raise the limit with --max-requests %d, or choose checks with --only\n", (p.Requests/50+1)*50)
	}
}

// progress shows on a terminal which check is at work; in a pipe the plan is
// all that is said.
func (d *examination) progress() func(n, of int, k *check.Check) {
	if !d.Interactive || d.quiet() {
		return nil
	}
	d.clears = true
	return func(n, of int, k *check.Check) {
		fmt.Fprintf(d.Stderr, "\r\x1b[K%d of %d: %s %s", n, of, k.ID, k.Title)
	}
}

// cleared takes the line of progress away.
func (d *examination) cleared() {
	if d.clears {
		fmt.Fprint(d.Stderr, "\r\x1b[K")
	}
}

// robots makes who signs in, over a transport of the examination's own.
func (i *invocation) robots() (func(http.RoundTripper) (useragent.Agent, error), error) {
	password, err := i.secretOnce(false, "password", "the password")
	if err != nil {
		return nil, err
	}
	o := useragent.Options{Username: i.values.String("username"), Password: password, Now: i.Now, Getenv: i.Env,
		Env: i.ChildEnv(secretVariables()), ReadFile: os.ReadFile, Root: os.Geteuid() == 0}
	if err := i.walkPages(&o); err != nil {
		return nil, err
	}
	return func(over http.RoundTripper) (useragent.Agent, error) {
		o.HTTP = over
		name := i.values.String("browser")
		if !i.robot() {
			name = "forms" // a dry run, which visits nobody
		}
		return useragent.Choose(name, o)
	}, nil
}
