package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/demoop"
	"rely/internal/fault"
	"rely/internal/output"
	"rely/internal/trace"
)

// demo shows a whole sign-in against the embedded provider.
type demo struct {
	*invocation
	fault   string
	list    bool
	browser string
}

type faultJSON struct {
	Name  string `json:"name"`
	Group string `json:"group"`
	Help  string `json:"help"`
	Rule  string `json:"rule,omitempty"`
	At    string `json:"at"`
	Exit  int    `json:"exit"`
}

func newDemo(i *invocation) *cobra.Command {
	d := &demo{invocation: i}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch a whole sign-in work, here and now",
		Long: `Starts the embedded OpenID Provider, registers a client, signs alice in, shows
what was checked, the tokens (shortened) and who she is, renews the tokens and signs her out.
Nothing outside a temporary folder is changed. By default rely fills in the login
page itself; --browser system lets you do it.

--break lets the provider lie in one way and shows how that is caught; the exit
code is the one a script would get.`,
		Example: "  rely demo\n  rely demo --list\n  rely demo --break wrong-nonce\n  rely demo --browser system",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := d.settingsOnly(c); err != nil {
				return err
			}
			if d.list {
				return d.faults()
			}
			if d.format() != "text" {
				return &fault.Error{Kind: fault.Usage, ID: "output.no-form", Op: "run the demo", Err: errors.New("the demo is a story for people"),
					Hint: "use --output with --list, or the commands that the demo names"}
			}
			return d.run(c.Context())
		},
	}
	c.Flags().StringVar(&d.fault, "break", "", "`FAULT` that the provider commits")
	c.Flags().BoolVar(&d.list, "list", false, "list the faults instead")
	c.Flags().StringVar(&d.browser, "browser", "forms", "who walks the login page: `NAME` or a command")
	exclusive(c, "break", "list")
	_ = c.RegisterFlagCompletionFunc("break", completeFaults)
	return c
}

func completeFaults(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, f := range demoop.Faults() {
		names = append(names, f.Name+"\t"+f.Help)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// faults lists the table: what the provider can do wrong, and the liberties
// that it may take.
func (d *demo) faults() error {
	var text strings.Builder
	list := []faultJSON{}
	group := ""
	all := demoop.Faults()
	first := map[string]int{}
	for n, f := range all {
		if _, there := first[f.Group]; !there {
			first[f.Group] = n
		}
	}
	sort.SliceStable(all, func(a, b int) bool { return first[all[a].Group] < first[all[b].Group] })
	for _, f := range all {
		list = append(list, faultJSON{f.Name, f.Group, f.Help, f.Rule, f.At, f.Exit})
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&text, "%s\n", group)
		}
		fmt.Fprintf(&text, "  %-32s exit %d  %s\n", f.Name, f.Exit, f.Help)
	}
	return output.Print(d.Stdout, d.format(), output.Result{Schema: "faults/1", JSON: map[string]any{"faults": list}, Text: text.String()})
}

func (d *demo) run(ctx context.Context) error {
	d.catch()
	var broken *demoop.Fault
	if d.fault != "" {
		var names []string
		for _, f := range demoop.Faults() {
			if names = append(names, f.Name); f.Name == d.fault {
				broken = &f
			}
		}
		if broken == nil {
			return &fault.Error{Kind: fault.Usage, ID: "demo.fault", Op: "run the demo", Err: fmt.Errorf("there is no fault %q", d.fault),
				Hint: fault.Meant(d.fault, names, "use --break ", "run \"rely demo --list\" to see them all")}
		}
	}
	dir, err := os.MkdirTemp(d.Dirs.Temp, "rely-demo-")
	if err != nil {
		return &fault.Error{Kind: fault.Config, ID: "demo.folder", Op: "make a temporary folder", Err: err, Hint: "check TMPDIR"}
	}
	defer os.RemoveAll(dir)
	t := newTour(d, dir, broken)
	err = t.walk(ctx)
	if t.op != nil {
		t.op.stop()
	}
	if broken == nil || err != nil && broken.Exit == 0 {
		return err
	}
	return t.verdict(err)
}

// A tour is one demo: its own invocation in its own folder, and where it has
// come to.
type tour struct {
	*demo
	inside *invocation
	broken *demoop.Fault
	op     *runningOP
	step   int

	spare    []string // further registered redirect URIs
	patience string   // --timeout of everything inside
}

func newTour(d *demo, dir string, broken *demoop.Fault) *tour {
	a := *d.App
	a.Dirs.Config, a.Dirs.State, a.Dirs.Cache = dir, filepath.Join(dir, "state"), ""
	inside := &invocation{App: &a, loud: d.loud, redact: d.redact}
	// The demo is the same everywhere: no setting of the person's takes part,
	// whether from a profile or from a variable.
	a.LookupEnv = func(name string) (string, bool) {
		if strings.HasPrefix(name, "RELY_") {
			return "", false
		}
		return d.LookupEnv(name)
	}
	// Nobody wants to watch an answer that never comes for long. Of all other
	// faults a busy machine must not make one of the network.
	patience := d.values.String("timeout")
	if broken != nil && broken.Exit == int(fault.Network) && d.values.Source("timeout") == config.FromDefault {
		patience = "3s"
	}
	if d.values.String("har") != "" || d.values.Bool("curl") {
		d.record = &trace.Record{}
		inside.record = d.record
	}
	return &tour{demo: d, inside: inside, broken: broken, patience: patience}
}

// say narrates: the demo's story is its result, so it goes to standard output.
func (t *tour) tell(format string, args ...any) { fmt.Fprintf(t.Stdout, format, args...) }

// next opens a step with the section that rules it.
func (t *tour) next(title, spec string) {
	t.step++
	t.tell("\n%d. %-44s %s\n", t.step, title, spec)
}

func (t *tour) walk(ctx context.Context) error {
	t.tell("rely demo: an OpenID Connect sign-in from registration to sign-out, on this machine.\nEverything is in a temporary folder and gone at the end.\n")
	if t.broken != nil {
		t.tell("The provider will misbehave: %s.\n", t.broken.Help)
	}
	steps := []func(context.Context) error{t.start, t.discover, t.register, t.signIn, t.tokens, t.exchange, t.introspect, t.userinfo, t.renew, t.signOut}
	if t.broken != nil && t.broken.At == "doctor" {
		steps = []func(context.Context) error{t.examine} // a sign-in would not notice
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	t.tell("\nThat was all of it. Try next:\n")
	t.tell("  rely demo --break wrong-nonce   see a lie caught (rely demo --list shows %d)\n", len(demoop.Faults()))
	t.tell("  rely demo --browser system      sign in with your own browser\n")
	t.tell("  rely op                         keep the provider running, for the other commands\n")
	t.tell("  rely register ISSUER            make a client at your own provider; then rely login\n")
	return nil
}

// verdict tells whether the lie was caught, and makes a lie that was not a bug
// of ours.
func (t *tour) verdict(err error) error {
	switch {
	case err == nil && t.broken.Exit == 0:
		t.tell("\nThe provider took a liberty that the specifications allow: %s.\nrely accepted it, as it has to.\n", t.broken.Help)
		return nil
	case err == nil:
		return &fault.Error{Kind: fault.Internal, ID: "demo.uncaught", Op: "catch the fault " + t.broken.Name, Err: errors.New("nothing was refused"), Hint: "report this: it is a bug in rely"}
	}
	t.tell("\nCaught: %s.\nThe exit code for scripts is %d.\n", t.broken.Help, fault.ExitCode(err))
	return err
}

func shortened(token string) string {
	if len(token) < 24 {
		return "..."
	}
	return token[:8] + "..." + token[len(token)-4:]
}

func until(t time.Time, now time.Time) string {
	if t.IsZero() {
		return "the provider does not say when it ends"
	}
	return "good for " + t.Sub(now).Round(time.Second).String()
}
