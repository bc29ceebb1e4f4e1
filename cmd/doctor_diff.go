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
	"rely/internal/provider"
)

// difference is "rely doctor diff". An issuer is examined as "rely doctor" does
// it, with --active too.
type difference struct{ *examination }

func newDiff(i *invocation) *cobra.Command {
	d := &difference{&examination{invocation: i, failOn: "error", differs: true}}
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two providers, or two looks at one",
		Long:  diffLong,
		Example: `  rely doctor diff https://staging.example https://op.example
  rely doctor diff before.json https://op.example
  rely doctor diff https://a.example https://b.example --active --browser forms --username alice --password-file FILE
  rely doctor diff before.json https://op.example -p work --active --browser forms --username alice --password-file FILE`,
		Args: arguments(2, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := d.open(c, false); err != nil {
				return err
			}
			return d.run(c, args)
		},
	}
	d.activeFlags(c)
	return c
}

const diffLong = `Compares metadata, kinds of keys, TLS, headers and findings. A and B are issuers or
files that "rely doctor ISSUER --snapshot FILE" made. The issuer's own address is
left out of the comparison, and so are key IDs and the dates of certificates, which
change by themselves. The exit code is 8 where there is a difference.

--active examines each issuer as "rely doctor --active" does, A before B, and also
compares how those checks ended. With a robot (--browser forms or chrome) the names
and types of the claims in ID token, access token and UserInfo (never values), the
members of token responses, stated lifetimes, and whether refresh tokens rotate are
compared, too. Each provider gets clients of its own, deleted at the end, and no more
requests than "rely doctor" makes. The same user signs in at both.

Where A and B need different users, clients or initial access tokens, take a snapshot
of each and compare those:
  rely doctor https://a.example -p a --active ... --snapshot a.json
  rely doctor https://b.example -p b --active ... --snapshot b.json
  rely doctor diff a.json b.json
-p names a client of one provider: its secret goes to no other.`

// isIssuer reports whether a side is an issuer, and no file.
func isIssuer(word string) bool { return strings.Contains(word, "://") }

func (d *difference) run(c *cobra.Command, args []string) error {
	ctx := c.Context()
	if err := d.fits(args); err != nil {
		return err
	}
	var sides [2]snapshot.Snapshot
	for n, word := range args {
		if isIssuer(word) {
			continue
		}
		data, err := os.ReadFile(word)
		if err != nil {
			return unreadable(word, err)
		}
		if sides[n], err = snapshot.Read(data); err != nil {
			return err
		}
	}
	if err := d.there(ctx, args); err != nil {
		return err
	}
	asked := ""
	if d.named {
		asked = d.profile
	}
	for n, word := range args {
		if !isIssuer(word) {
			continue
		}
		flags := given(c.Flags())
		flags["issuer"] = []string{word}
		if err := d.load(asked, flags, false); err != nil {
			return err
		}
		if d.active && !d.dry {
			d.say("%s  %s\n", "AB"[n:n+1], fault.Visible(word))
		}
		var err error
		if sides[n], err = d.side(ctx, word); err != nil {
			return err
		}
	}
	if d.dry {
		return nil // what was told is the result
	}
	hint := "where the change is meant, make the snapshot again"
	if isIssuer(args[0]) && isIssuer(args[1]) {
		hint = "leave checks out with --skip where they may differ"
	}
	return d.compare(sides[0], sides[1], hint)
}

// fits refuses what cannot be compared so, before anything is sent.
func (d *difference) fits(args []string) error {
	refuse := func(why, hint string) error {
		return &fault.Error{Kind: fault.Usage, ID: "doctor.diff", Op: "compare", Err: errors.New(why), Hint: hint}
	}
	if d.active && !isIssuer(args[0]) && !isIssuer(args[1]) {
		return refuse("--active is given, and both are snapshots: there is nobody to try", "leave --active out, or name an issuer")
	}
	if !d.named {
		return nil
	}
	p, err := d.files.Load(d.profile, nil, noVariables)
	if err != nil {
		return err
	}
	for _, word := range args {
		if isIssuer(word) && word != p.String("issuer") {
			return refuse(fmt.Sprintf("the profile %s has a client of %s, and %s is another provider", d.profile, p.String("issuer"), word),
				"take a snapshot of each provider with its own profile (--snapshot FILE), and compare those")
		}
	}
	return nil
}

// there asks for the issuers, so that nothing is tried at one of them where the
// other cannot be reached. Whatever else is wrong with one, the look tells.
func (d *difference) there(ctx context.Context, args []string) error {
	hc, err := d.http()
	if err != nil || !d.active {
		return err
	}
	for _, word := range args {
		if !isIssuer(word) {
			continue
		}
		if _, err := provider.Discover(ctx, hc, word); fault.Is(err, fault.Network) {
			return err
		}
	}
	return nil
}

// side is a snapshot of a provider as it is now.
func (d *difference) side(ctx context.Context, issuer string) (none snapshot.Snapshot, err error) {
	if err := d.prepare(ctx); err != nil {
		return none, err
	}
	r, err := d.examine(ctx, issuer)
	if err == nil {
		err = r.Unreached
	}
	if err != nil || d.dry {
		return none, err
	}
	return d.snapshotOf(ctx, r, !d.named)
}

// compare prints the differences; one is enough for exit code 8.
func (i *invocation) compare(a, b snapshot.Snapshot, hint string) error {
	all, alone := snapshot.Compare(a, b), append([]string{}, snapshot.Alone(a, b)...)
	err := output.Print(i.Stdout, i.format(), output.Result{Schema: "diff/1", Text: snapshot.Text(a, b, all),
		JSON: map[string]any{"a": a.Issuer, "b": b.Issuer, "differences": all, "not_compared": alone}})
	if err != nil || len(all) == 0 {
		return err
	}
	return &fault.Error{Kind: fault.Findings, ID: "doctor.differs", Op: "compare", Spec: "rely's own: they are to be the same",
		Err:  fmt.Errorf("%s; the first is %s %s", fault.Count(len(all), "value differs", "values differ"), all[0].Part, all[0].Name),
		Hint: hint}
}

// drift keeps a snapshot where there is none, else compares with it.
func (d *examination) drift(ctx context.Context, r *doctor.Report) error {
	if r.Unreached != nil {
		return r.Unreached
	}
	now, without := d.snapshotOf(ctx, r, d.values.String("client_id") == "")
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
	if without != nil && before.Parts["behaviour"] != nil {
		return without // before, it could be tried
	}
	if err := d.compare(before, now, "where the change is meant, remove the snapshot and make it again"); err != nil {
		return err
	}
	return without
}
