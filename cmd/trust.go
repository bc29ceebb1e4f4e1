package cmd

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/loopback"
	"rely/internal/output"
	"rely/internal/trust"
)

// trustCommand puts the local authority where browsers look for authorities.
type trustCommand struct {
	*invocation
	only   string
	dryRun bool
}

type trustJSON struct {
	Path        string      `json:"path"`
	Subject     string      `json:"subject"`
	Fingerprint string      `json:"sha256"`
	From        time.Time   `json:"not_before"`
	Until       time.Time   `json:"not_after"`
	Permitted   []string    `json:"permitted"`
	Stores      []storeJSON `json:"stores"`
}

type storeJSON struct {
	Name    string `json:"name"`
	Trusted bool   `json:"trusted"`
	Trouble string `json:"trouble,omitempty"`
}

type stepsJSON struct {
	Steps []string `json:"steps"`
}

func newTrust(i *invocation) *cobra.Command {
	t := &trustCommand{invocation: i}
	c := &cobra.Command{
		Use:   "trust",
		Short: "Have browsers trust the sign-in's last page",
		Long: `At the end of a sign-in the browser goes to https://127.0.0.1, where rely shows a
certificate of an authority that it made on this machine. The authority is good for
localhost and the loopback addresses and for nothing else; its key is in the state
folder, readable for you alone. Browsers warn of it until it is installed.`,
		Example: "  rely trust show\n  rely trust install --dry-run\n  rely trust uninstall",
		Args:    arguments(0, 0),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	add := func(use, short, long, example string, run func(ctx context.Context) error) *cobra.Command {
		s := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: arguments(0, 0), RunE: func(c *cobra.Command, _ []string) error {
			if err := t.settingsOnly(c); err != nil {
				return err
			}
			return run(c.Context())
		}}
		s.Flags().StringVar(&t.only, "only", "", "one store alone: `system` or browsers")
		c.AddCommand(s)
		return s
	}
	add("show", "Show the local authority and who trusts it",
		"Shows the authority's certificate file, its SHA-256 fingerprint, how long it is valid,\nwhat it is good for, and whether the system and the browsers trust it.",
		"  rely trust show\n  rely trust show -o json | jq -r .result.path", t.show)
	for _, s := range []*cobra.Command{
		add("install", "Put the local authority into the trust stores",
			"Says what it will do, and does it: the system's store, for which it asks sudo unless you\nare root, and the databases of the browsers (NSS), for which it needs certutil. The\nauthority is made where there is none yet.",
			"  rely trust install\n  rely trust install --dry-run\n  rely trust install --only browsers",
			func(ctx context.Context) error { return t.change(ctx, true) }),
		add("uninstall", "Take the local authority out of them again",
			"Says what it will do, and takes the authority out of the stores that have it. The\nauthority itself stays, and sign-ins go on with the browser's warning.",
			"  rely trust uninstall\n  rely trust uninstall --only system",
			func(ctx context.Context) error { return t.change(ctx, false) }),
	} {
		s.Flags().BoolVar(&t.dryRun, "dry-run", false, "print what would be done, and change no store")
	}
	return c
}

// authority opens the local authority; make says that it may be made.
func (t *trustCommand) authority(make bool) (*loopback.Authority, trust.Options, error) {
	var o trust.Options
	dir := t.Dirs.AuthorityDir()
	if dir == "" {
		return nil, o, &fault.Error{Kind: fault.Config, ID: "listener.no-folder", Op: "open the local authority", Err: errors.New("there is no folder to keep it in"), Hint: "set HOME or RELY_HOME"}
	}
	if _, err := os.Stat(filepath.Join(dir, "authority.pem")); err != nil && !make {
		return nil, o, &fault.Error{Kind: fault.Config, ID: "trust.none", Op: "open the local authority", Err: errors.New("there is none yet"),
			Hint: "run \"rely trust install\", or sign in: either makes it"}
	}
	a, err := loopback.OpenAuthority(dir, t.Now)
	if err != nil {
		return nil, o, err
	}
	o = trust.Options{Certificate: certificateIn(a.PEM()), Path: a.Path(), Home: t.Env("HOME"), Now: t.Now(), NoPrompt: t.values.Bool("non_interactive")}
	return a, o, nil
}

// certificateIn is the one certificate in a PEM text; nil where there is none.
func certificateIn(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return c
}

func (t *trustCommand) show(context.Context) error {
	stores, err := trust.Named(t.only)
	if err != nil {
		return err
	}
	a, o, err := t.authority(false)
	if err != nil {
		return err
	}
	c := o.Certificate
	j := trustJSON{Path: a.Path(), Subject: c.Subject.CommonName, Fingerprint: a.Fingerprint(), From: c.NotBefore, Until: c.NotAfter, Permitted: c.PermittedDNSDomains}
	for _, r := range c.PermittedIPRanges {
		j.Permitted = append(j.Permitted, r.String())
	}
	var text strings.Builder
	fmt.Fprintf(&text, "certificate  %s\nname         %s\nSHA-256      %s\nvalid        %s to %s\ngood for     %s, and nothing else\n",
		fault.Visible(j.Path), j.Subject, j.Fingerprint, day(j.From), day(j.Until), strings.Join(j.Permitted, ", "))
	for _, e := range stores {
		s := storeJSON{Name: e.Name}
		says := "not trusted"
		if s.Trusted, err = e.Trusted(o); err != nil {
			s.Trouble = fault.VisibleUpTo(err.Error(), 300)
			says = "unknown: " + s.Trouble
		} else if s.Trusted {
			says = "trusted"
		}
		j.Stores = append(j.Stores, s)
		fmt.Fprintf(&text, "%-12s %s\n", e.Name, says)
	}
	return output.Print(t.Stdout, t.format(), output.Result{Schema: "trust/1", JSON: j, Text: text.String()})
}

func day(at time.Time) string { return at.UTC().Format("2006-01-02") }

// change installs the authority in every store, or removes it from all. One
// that cannot be changed does not keep the others from it.
func (t *trustCommand) change(_ context.Context, install bool) error {
	stores, err := trust.Named(t.only)
	if err != nil {
		return err
	}
	_, o, err := t.authority(install)
	if err != nil {
		return err
	}
	var first error
	plan := stepsJSON{Steps: []string{}}
	for _, e := range stores {
		steps, err := t.one(e, o, install)
		if plan.Steps = append(plan.Steps, steps...); err == nil {
			continue
		}
		if first == nil {
			first = err
			continue
		}
		t.say("rely: note: %s: %s\n", e.Name, fault.VisibleUpTo(err.Error(), 300))
	}
	if !t.dryRun {
		return first
	}
	text := strings.Join(append(plan.Steps, ""), "\n")
	if err := output.Print(t.Stdout, t.format(), output.Result{Schema: "trust-steps/1", JSON: plan, Text: text}); err != nil {
		return err
	}
	return first
}

// one changes one store, and says beforehand how.
func (t *trustCommand) one(e trust.Entry, o trust.Options, install bool) ([]string, error) {
	if has, err := e.Trusted(o); err == nil && !t.dryRun && has == install && (install || e.Name == "system") {
		t.say("%s: %s already.\n", e.Name, map[bool]string{true: "trusted", false: "not trusted"}[install])
		return nil, trust.Remember(t.Dirs.AuthorityDir(), e.Name, o.Certificate, install)
	}
	steps, err := e.Steps(o, install)
	if err != nil || t.dryRun {
		return steps, err
	}
	if len(steps) == 0 {
		t.say("%s: nothing to do.\n", e.Name)
		return nil, nil
	}
	t.say("%s:\n", e.Name)
	for _, s := range steps {
		t.say("  %s\n", fault.Visible(s))
	}
	do := e.Uninstall
	if install {
		do = e.Install
	}
	if err := do(o); err != nil {
		return nil, err
	}
	t.say("%s: %s.\n", e.Name, map[bool]string{true: "the local authority is trusted now", false: "the local authority is not trusted any more"}[install])
	return nil, trust.Remember(t.Dirs.AuthorityDir(), e.Name, o.Certificate, install)
}

// installed reports whether the local authority is known to be trusted by the
// browsers here.
func (i *invocation) installed() bool {
	dir := i.Dirs.AuthorityDir()
	if dir == "" {
		return false
	}
	text, err := os.ReadFile(filepath.Join(dir, "authority.pem"))
	if err != nil {
		return false
	}
	c := certificateIn(text)
	return c != nil && trust.Remembered(dir, c)
}
