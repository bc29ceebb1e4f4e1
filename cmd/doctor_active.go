package cmd

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"rely/internal/doctor/active/trial"
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
	case d.robot() && d.values.String("browser") != "forms":
		return &fault.Error{Kind: fault.Usage, ID: "doctor.browser", Op: op, Err: fmt.Errorf("--browser %s cannot be given answers that lead nowhere", d.values.String("browser")),
			Hint: "use --browser forms, or leave it out: then nobody signs in"}
	}
	o := &trial.Options{HTTP: d.options.Look.HTTP, Now: d.Now, Sleep: d.Sleep}
	var err error
	if o.Initial, err = d.secretOnce(false, "initial_access_token", "the initial access token"); err != nil {
		return err
	}
	if d.dry {
		o.Dry = func(request string) {
			for line := range strings.Lines(d.redact.Text(request)) {
				fmt.Fprintln(d.Stdout, fault.Visible(strings.TrimSuffix(line, "\n")))
			}
		}
	}
	if d.robot() || d.dry {
		if o.Agent, err = d.robots(); err != nil {
			return err
		}
	}
	d.options.Active = o
	if !d.dry {
		d.say("Two clients are made at the provider and deleted again; at most %d requests are sent.\n", trial.MostRequests)
	}
	return nil
}

// robots makes who signs in, over a transport of the examination's own.
func (i *invocation) robots() (func(http.RoundTripper) (useragent.Agent, error), error) {
	password, err := i.secretOnce(false, "password", "the password")
	if err != nil {
		return nil, err
	}
	o := useragent.Options{Username: i.values.String("username"), Password: password, Now: i.Now, Getenv: i.Env}
	if err := i.walkPages(&o); err != nil {
		return nil, err
	}
	return func(over http.RoundTripper) (useragent.Agent, error) {
		o.HTTP = over
		return useragent.Choose("forms", o)
	}, nil
}
