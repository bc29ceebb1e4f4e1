package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/doctor"
	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/doctor/report"
	"rely/internal/fault"
	"rely/internal/output"
)

// examination is "rely doctor".
type examination struct {
	*invocation
	failOn, baseline, purpose           string
	only, skip                          listFlag
	from, resume, snapshot              string
	parallel                            int
	most                                int
	active, register, dry, slow, clears bool
	differs                             bool // it is one side of "rely doctor diff"
	watch                               string
	testURL, testListen                 string
	every                               time.Duration

	options doctor.Options
	least   check.Severity
}

func newDoctor(i *invocation) *cobra.Command {
	d := &examination{invocation: i}
	c := &cobra.Command{
		Use:   "doctor [ISSUER]",
		Short: "Find out what is wrong with a provider",
		Long:  doctorLong,
		Example: `  rely doctor https://op.example
  rely doctor https://op.example --for fapi2 --fail-on warning
  rely doctor https://op.example -o sarif
  rely doctor https://op.example --baseline known.json
  rely doctor --from issuers.txt --parallel 16 --resume done.txt
  rely doctor https://op.example --active --browser forms --username alice --password-file FILE
  rely doctor https://op.example --active --dry-run
  rely doctor https://op.example --snapshot op.json
  rely doctor https://op.example --watch keys.json --fail-on info --only P47,L36
  rely doctor explain P02`,
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := issuerArgument(c, args); err != nil {
				return err
			}
			if err := d.open(c, false); err != nil {
				return err
			}
			if d.from != "" {
				return d.many(c.Context(), len(args) > 0)
			}
			return d.run(c.Context())
		},
	}
	i.settingFlags(c.Flags(), "issuer")
	providerFlags(c)
	d.activeFlags(c)
	c.Flags().StringVar(&d.failOn, "fail-on", "error", "`SEVERITY` from which a finding makes exit code 8: error, warning or info")
	c.Flags().Var(&pathFlag{&d.baseline, "FILE"}, "baseline", "report from before; what is in it is not told again")
	c.Flags().Var(&pathFlag{&d.snapshot, "FILE"}, "snapshot", "keep the look in this file where it is new, else compare with it: exit code 8 where it differs")
	c.Flags().Var(&pathFlag{&d.from, "FILE"}, "from", "examine the issuers of this file, one in a line; - is standard input")
	c.Flags().Var(&pathFlag{&d.resume, "FILE"}, "resume", "with --from: note what is done in this file, and leave out what is in it")
	c.Flags().IntVar(&d.parallel, "parallel", 8, "with --from: how many issuers at a time, `N`")
	c.Flags().Var(&pathFlag{&d.watch, "FILE"}, "watch", "keep the keys of this look in this file, and compare with those of the last one")
	c.Flags().DurationVar(&d.every, "every", 0, "with --watch: look again each `D`, until something counts or Ctrl-C")
	for _, other := range []string{"from", "snapshot", "dry-run"} {
		exclusive(c, "watch", other)
	}
	exclusive(c, "from", "snapshot")
	exclusive(c, "from", "active")
	c.AddCommand(newExplain(i), newDiff(i), newBundle(i), newLifetimes(i))
	return c
}

const doctorLong = `Looks at an OpenID Provider from outside, with no client and no login: a handful
of GETs and TLS handshakes. It judges discovery, metadata that contradicts itself,
keys, TLS, headers, clock and latency, says how far a sign-in would come and where
it breaks first, and for each finding what was seen, what was expected, by which
rule, and what to change. A check that could not judge is "not run", never passed.

The exit code is 7 where the provider was not reached; else 8 where something was
found that --fail-on counts; else, where somebody was to sign in and could not, that
of the sign-in: 5 where it was refused, say; else 5 where --active was given and nothing
could be tried. --baseline takes a report from before (-o json) and tells only what is
new. --for says what the provider is meant to be. -o
sarif, junit, markdown and github are for machines. "rely doctor explain ID" tells
about one check.

--active makes clients at the provider, tries what it promises (redirect URIs, PKCE,
codes and tokens used twice or by another client, refresh, revocation, sign-out ...)
and deletes them again, also on Ctrl-C; with --profile that profile's client is used,
and what needs others is not run. It says first what it will do. It sends at most
100 requests, and two a second, to a provider that is not on this machine
(--max-requests). With --browser forms or chrome, --username and --password-file a
robot signs in, mostly once; with --browser system or none you do, once, and the tab
is led on; without, those checks are not run. It makes certificates of its own, and
tries tls_client_auth with one that an authority signed (--tls-client-cert). --slow
waits for codes and tokens to run out, --dry-run shows each request and sends none.
Use it where you may.

--watch FILE keeps the keys that it saw, and the next look with the same FILE, a day
later in CI say, tells whether a new key was published before it signed and whether
old ones stay (P47, L36); which key signs is seen with --active and a robot. --every
goes on looking.

With --from it examines many providers, one line each as they are done (one JSON
object in a line with -o json), --parallel at a time; --resume goes on where an
earlier run stopped.`

func purposes() string {
	var names []string
	for _, p := range check.Purposes() {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

func completeChecks(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, k := range doctor.Checks() {
		out = append(out, k.ID+"\t"+k.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// prepare reads the flags.
func (d *examination) prepare(ctx context.Context) error {
	var err error
	if d.least, err = check.ReadSeverity(d.failOn); err != nil {
		return err
	}
	d.options = doctor.Options{For: d.purpose, Only: d.only.values, Skip: d.skip.values}
	if _, err := d.options.Chosen(); err != nil {
		return err
	}
	if d.baseline != "" {
		data, err := os.ReadFile(d.baseline)
		if err != nil {
			return unreadable(d.baseline, err)
		}
		if d.options.Baseline, err = doctor.ReadBaseline(data); err != nil {
			return err
		}
	}
	if d.options.Look, err = d.look(); err != nil {
		return err
	}
	return d.prepareActive(ctx)
}

// look is what the doctor looks with.
func (i *invocation) look() (evidence.Options, error) {
	hc, err := i.http()
	if err != nil {
		return evidence.Options{}, err
	}
	return evidence.Options{HTTP: hc, Dial: i.base.Dial, Roots: i.base.Roots, Now: i.Now}, nil
}

func (d *examination) run(ctx context.Context) error {
	issuer, err := d.issuer()
	if err != nil {
		return err
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	switch {
	case d.every != 0 && (d.watch == "" || d.every < time.Second):
		return &fault.Error{Kind: fault.Usage, ID: "doctor.every", Op: "watch a provider", Err: fmt.Errorf("--every %v needs --watch FILE, and a second or more", d.every), Hint: "add --watch FILE"}
	case d.watch != "":
		return d.watching(ctx, issuer)
	}
	r, err := d.examine(ctx, issuer)
	if err != nil {
		return err
	}
	if d.dry && d.active {
		return nil // what was told is the result
	}
	if d.snapshot != "" {
		return d.drift(ctx, r)
	}
	if err := d.print(r); err != nil {
		return err
	}
	return r.Verdict(d.least)
}

// examine looks once, and says which clients are left behind.
func (d *examination) examine(ctx context.Context, issuer string) (*doctor.Report, error) {
	r, err := doctor.Examine(ctx, d.options, issuer)
	d.cleared()
	if err != nil {
		return nil, err
	}
	if r.Left != nil {
		d.say("rely: note: %s\n", fault.VisibleUpTo(d.redact.Text(strings.ReplaceAll(r.Left.Error(), "\n", "; ")), 1000))
	}
	if ctx.Err() != nil {
		return nil, &fault.Error{Kind: fault.Cancelled, ID: "cancelled", Op: "examine a provider", Err: errors.New("stopped"), Hint: "run it again; the clients that it made are deleted"}
	}
	return r, nil
}

// issuer is the one that the command line, a variable or the profile names.
func (i *invocation) issuer() (string, error) {
	if issuer := i.values.String("issuer"); issuer != "" {
		return issuer, nil
	}
	return "", &fault.Error{Kind: fault.Usage, ID: "doctor.issuer", Op: "examine a provider", Err: errors.New("no issuer is given, and no profile has one"),
		Hint: "run \"rely doctor ISSUER\""}
}

func (d *examination) print(r *doctor.Report) error {
	return output.Print(d.Stdout, d.format(), output.Result{Schema: "doctor/1", JSON: report.Of(r), Text: report.Text(r, d.verbose() > 0),
		Document: d.documents([]*doctor.Report{r})})
}

// documents are the report of one or more issuers in a format for machines.
func (d *examination) documents(all []*doctor.Report) func(string) (string, error) {
	return func(format string) (string, error) {
		switch format {
		case "sarif":
			return report.SARIF(all)
		case "junit":
			return report.JUnit(all, d.least)
		case "markdown":
			return report.Markdown(all), nil
		}
		return report.GitHub(all), nil
	}
}

// explanation is "rely doctor explain".
type explanation struct{ *invocation }

func newExplain(i *invocation) *cobra.Command {
	e := &explanation{i}
	return &cobra.Command{
		Use:   "explain [ID]",
		Short: "Tell what one of the doctor's checks is about",
		Long: `Tells what a check demands and by which rule, what goes wrong otherwise, what to
change, and what the check cannot know. Without an ID it lists them all.`,
		Example: "  rely doctor explain\n  rely doctor explain P02\n  rely doctor explain issuer-exact",
		Args:    arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.settingsOnly(c); err != nil {
				return err
			}
			return e.run(args)
		},
		ValidArgsFunction: completeChecks,
	}
}

func (e *explanation) run(args []string) error {
	if len(args) == 0 {
		var b strings.Builder
		list := []map[string]any{}
		for _, k := range doctor.Checks() {
			fmt.Fprintf(&b, "%-4s %-8s %-24s %s\n", k.ID, k.Severity, k.Name, k.Title)
			list = append(list, explained(k))
		}
		return output.Print(e.Stdout, e.format(), output.Result{Schema: "checks/1", JSON: map[string]any{"checks": list}, Text: b.String()})
	}
	k, err := doctor.Find(args[0])
	if err != nil {
		return err
	}
	return output.Print(e.Stdout, e.format(), output.Result{Schema: "check/1", JSON: explained(k), Text: explain(k)})
}

func explained(k *check.Check) map[string]any {
	return map[string]any{"id": k.ID, "name": k.Name, "title": k.Title, "stage": k.Stage, "severity": k.Severity.String(), "section": k.Section,
		"why": k.Why, "fix": k.Fix, "cannot_know": k.Unknown, "active": k.Active}
}

func explain(k *check.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s (%s)\n\n", k.ID, k.Name, k.Severity)
	line := func(title, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-12s %s\n", title, text)
		}
	}
	line("demands", k.Title)
	line("rule", k.Section)
	line("otherwise", k.Why)
	line("fix", k.Fix)
	line("cannot know", k.Unknown)
	for _, d := range k.Demands {
		line("for "+d.For, d.Severity.String())
	}
	for _, h := range k.Hints {
		line("at "+h.Vendor, h.Text)
	}
	return b.String()
}
