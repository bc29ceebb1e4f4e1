package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rely/internal/atomicfile"
	"rely/internal/doctor"
	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/doctor/snapshot"
	"rely/internal/fault"
	"rely/internal/jose"
)

// watched looks at a provider as --watch does: with what the last look left,
// and with a sign-in where signIn says so.
func (i *invocation) watched(ctx context.Context, o doctor.Options, issuer string, last *snapshot.Watched, signIn bool) (*doctor.Report, *snapshot.Watched, error) {
	w := &evidence.Watch{Past: last.Past()}
	if signIn {
		x, err := i.signed(ctx, i.values.String("client_id") == "")
		if err != nil {
			return nil, nil, err
		}
		token := x.Login.ID
		if x.After != nil && !x.After.ID.Empty() {
			token = x.After.ID // the last one signed
		}
		if id, err := jose.Parse(token.Reveal()); err == nil {
			w.Signed = &evidence.Signature{Kid: id.Header.Kid, Alg: id.Header.Alg}
		}
	}
	o.Look.Watch = w
	r, err := doctor.Examine(ctx, o, issuer)
	if err != nil || r.Unreached != nil || len(r.Evidence.Keys) == 0 {
		return r, last, err // a look at nothing takes nobody's place
	}
	return r, last.Next(r.Evidence), nil
}

// watching is "rely doctor --watch FILE": one look, or one again and again until
// something counts.
func (d *examination) watching(ctx context.Context, issuer string) error {
	chosen, err := d.options.Chosen()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(chosen, func(k *check.Check) bool { return k.Active }) {
		d.options.Active = nil // no clients for nothing: the sign-in has its own
	}
	for looks := 1; ; looks++ {
		r, err := d.lookAgain(ctx, issuer)
		if err != nil {
			return err
		}
		verdict := r.Verdict(d.least)
		if d.every == 0 || verdict != nil && r.Unreached == nil {
			return errors.Join(d.print(r), verdict)
		}
		if err := d.line(r); err != nil {
			return err
		}
		if d.Sleep(ctx, d.every) != nil {
			return &fault.Error{Kind: fault.Cancelled, ID: "cancelled", Op: "watch " + issuer, Err: fmt.Errorf("stopped; it looked %s", fault.Count(looks, "time", "times")), Hint: "go on with the same --watch FILE"}
		}
	}
}

// line tells one look of many.
func (d *examination) line(r *doctor.Report) error {
	if d.format() == "text" {
		fmt.Fprintf(d.Stdout, "%s\t", d.Now().UTC().Format(time.RFC3339))
	}
	return (&crowd{examination: d}).tell(r)
}

// lookAgain looks, and keeps what it saw.
func (d *examination) lookAgain(ctx context.Context, issuer string) (*doctor.Report, error) {
	var last *snapshot.Watched
	data, err := os.ReadFile(d.watch)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, unreadable(d.watch, err)
	default:
		if last, err = snapshot.ReadWatch(data, issuer); err != nil {
			return nil, err
		}
	}
	r, next, err := d.watched(ctx, d.options, issuer, last, d.active && d.robot())
	if err != nil {
		return nil, err
	}
	d.cleared()
	if r.Left != nil {
		d.say("rely: note: %s\n", fault.VisibleUpTo(d.redact.Text(strings.ReplaceAll(r.Left.Error(), "\n", "; ")), 1000))
	}
	if next == nil || next == last {
		return r, nil
	}
	if data, err = next.Write(); err != nil {
		return nil, err
	}
	return r, atomicfile.Write(filepath.Clean(d.watch), data, 0o644)
}
