package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/atomicfile"
	"rely/internal/doctor"
	"rely/internal/doctor/snapshot"
	"rely/internal/fault"
	"rely/internal/output"
)

// difference is "rely doctor diff".
type difference struct{ *invocation }

func newDiff(i *invocation) *cobra.Command {
	d := &difference{i}
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two providers, or two looks at one",
		Long: `Compares metadata, kinds of keys, TLS, headers and findings. A and B are issuers or
files that "rely doctor ISSUER --snapshot FILE" made. Where both were made with
--active and a robot, it also compares how the active checks ended, names and types of
the claims in ID token, access token and UserInfo (never values), the members of
token responses, stated lifetimes, and whether refresh tokens rotate. The issuer's
own address is left out of the comparison, and so are key IDs and the dates of
certificates, which change by themselves. The exit code is 8 where there is a
difference.`,
		Example: "  rely doctor diff https://staging.example https://op.example\n  rely doctor diff before.json https://op.example",
		Args:    arguments(2, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := d.open(c, false); err != nil {
				return err
			}
			return d.run(c.Context(), args)
		},
	}
	return c
}

func (d *difference) run(ctx context.Context, args []string) error {
	a, err := d.side(ctx, args[0])
	if err != nil {
		return err
	}
	b, err := d.side(ctx, args[1])
	if err != nil {
		return err
	}
	return d.compare(a, b)
}

// side is a snapshot from a file, or of a provider as it is now.
func (i *invocation) side(ctx context.Context, word string) (snapshot.Snapshot, error) {
	if !strings.Contains(word, "://") {
		data, err := os.ReadFile(word)
		if err != nil {
			return snapshot.Snapshot{}, unreadable(word, err)
		}
		return snapshot.Read(data)
	}
	look, err := i.look()
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	r, err := doctor.Examine(ctx, doctor.Options{Look: look}, word)
	if err == nil {
		err = r.Unreached
	}
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	return snapshot.Of(r), nil
}

// compare prints the differences; one is enough for exit code 8.
func (i *invocation) compare(a, b snapshot.Snapshot) error {
	all, alone := snapshot.Compare(a, b), append([]string{}, snapshot.Alone(a, b)...)
	err := output.Print(i.Stdout, i.format(), output.Result{Schema: "diff/1", Text: snapshot.Text(a, b, all),
		JSON: map[string]any{"a": a.Issuer, "b": b.Issuer, "differences": all, "not_compared": alone}})
	if err != nil || len(all) == 0 {
		return err
	}
	return &fault.Error{Kind: fault.Findings, ID: "doctor.differs", Op: "compare", Spec: "rely's own: they are to be the same",
		Err:  fmt.Errorf("%s; the first is %s %s", fault.Count(len(all), "value differs", "values differ"), all[0].Part, all[0].Name),
		Hint: "where the change is meant, remove the snapshot and make it again"}
}

// drift keeps a snapshot where there is none, else compares with it.
func (d *examination) drift(ctx context.Context, r *doctor.Report) error {
	if r.Unreached != nil {
		return r.Unreached
	}
	now, without := d.snapshotOf(ctx, r)
	data, err := os.ReadFile(d.snapshot)
	switch {
	case errors.Is(err, fs.ErrNotExist) && without != nil:
		return without
	case errors.Is(err, fs.ErrNotExist):
		if data, err = now.Write(); err != nil {
			return err
		}
		if err := atomicfile.Write(filepath.Clean(d.snapshot), data, 0o644); err != nil {
			return err
		}
		d.say("The snapshot is written to %s; the next run compares with it.\n", fault.Visible(d.snapshot))
		return nil
	case err != nil:
		return unreadable(d.snapshot, err)
	}
	before, err := snapshot.Read(data)
	if err != nil {
		return err
	}
	if without != nil && before.Parts["id token"] != nil {
		return without // before, somebody could sign in
	}
	if err := d.compare(before, now); err != nil {
		return err
	}
	return without
}
