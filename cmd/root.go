// Package cmd is the command line: one file for each command, no protocol. It
// turns flags into settings, calls what does the work, and words the outcome;
// it is the only package that knows cobra.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rely/internal/app"
	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/trace"
)

// Main runs one command line and gives the process's exit code. It never
// panics: a bug is exit code 1 and a short text.
func Main(a *app.App, args []string) (code int) {
	if code, done := quickTokens(a, args); done {
		return code
	}
	i := &invocation{App: a, redact: &trace.Redactor{}, asked: askedFormat(a, args)}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(context.Canceled)
	i.interrupt = sync.OnceFunc(func() { app.Interrupt(ctx, cancel) })
	defer func() {
		if r := recover(); r != nil {
			code = i.explain(&fault.Error{Kind: fault.Internal, ID: "internal.panic", Op: "run rely",
				Err: fmt.Errorf("%v, at %s", r, where(debug.Stack())), Hint: "report this with the version and the command line"})
		}
	}()
	root := newRoot(i, args)
	root.SetArgs(args)
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	err := i.evidence(root.ExecuteContext(ctx))
	i.doubt(err)
	if err != nil && !i.started {
		err = misuse(err)
	}
	if err != nil && errors.Is(context.Cause(ctx), app.ErrTerminated) {
		err = &fault.Error{Kind: fault.Terminated, ID: "terminated", Op: "run rely", Err: errors.New("stopped by SIGTERM"), Hint: "run it again when you are ready"}
	}
	return i.explain(err)
}

// together takes all processors: for what does more than one thing at a time.
func (i *invocation) together() {
	if i.Together != nil {
		i.Together()
	}
}

// catch begins to catch Ctrl-C. A command that only prints need not.
func (i *invocation) catch() {
	if i.interrupt != nil {
		i.interrupt()
	}
}

// catchLater catches from when the person may have noticed that it takes long.
// The runtime starts three threads to catch a signal, a tenth of the CPU time of
// a machine's request for a token; until then Ctrl-C ends the process by itself.
func (i *invocation) catchLater() {
	<-i.Tick(100 * time.Millisecond)
	i.catch()
}

// askedFormat is the output format as far as it can be told before the command
// line is read, for errors that come before that.
func askedFormat(a *app.App, args []string) string {
	format := a.Env(config.Variable("output"))
	for n, arg := range args {
		switch {
		case arg == "--":
			return format
		case (arg == "-o" || arg == "--output") && n+1 < len(args):
			format = args[n+1]
		case strings.HasPrefix(arg, "--output="):
			format = strings.TrimPrefix(arg, "--output=")
		case strings.HasPrefix(arg, "-o") && !strings.HasPrefix(arg, "--"):
			format = strings.TrimPrefix(strings.TrimPrefix(arg, "-o"), "=")
		}
	}
	return format
}

// where is the first frame of ours in a panic's stack.
func where(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for n, line := range lines {
		if strings.HasPrefix(line, "panic(") && n+3 < len(lines) {
			return strings.TrimSpace(lines[n+3])
		}
	}
	return "an unknown place"
}

// unsorted guards a variable of cobra's, by which help would be in the order of
// the alphabet.
var unsorted sync.Once

// newRoot is the tree of commands, as far as args need it.
func newRoot(i *invocation, args []string) *cobra.Command {
	unsorted.Do(func() { cobra.EnableCommandSorting = false })
	root := &cobra.Command{
		Use:           "rely",
		Short:         "The OpenID Connect relying party in your terminal",
		Long:          "rely signs a person or a machine in at an OpenID Provider, keeps and renews the\ntokens, says who is signed in, and shows what was checked on the way.",
		Example:       "  rely demo\n  rely login https://op.example --client-id my-client\n  curl -H \"$(rely tokens -o header)\" https://api.example/me",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          arguments(0, 0),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	i.settingFlags(root.PersistentFlags(), "profile", "config", "output", "quiet", "trace", "har", "curl", "timeout", "ca_cert", "non_interactive")
	root.PersistentFlags().CountVarP(&i.loud, "verbose", "v", "say more: expected and actual of every check")
	root.SetFlagErrorFunc(unknownFlag)
	addCommands(root, i, args)
	if len(root.Commands()) == 1 {
		root.CompletionOptions.DisableDefaultCmd = true
		return root
	}
	root.SetHelpCommand(newHelp(root))
	root.SetHelpCommandGroupID("learn")
	root.SetCompletionCommandGroupID("learn")
	return root
}

// settingFlags adds the flags of settings, by their names in the table.
func (i *invocation) settingFlags(to *pflag.FlagSet, names ...string) {
	for _, name := range names {
		s, ok := config.Find(name)
		if !ok || s.Secret {
			panic("no flag for the setting " + name)
		}
		flag, short := config.Flag(name), shorthand(name)
		switch s.Kind {
		case config.Switch:
			to.BoolP(flag, short, false, s.Help)
		case config.List, config.Texts:
			to.VarP(&listFlag{placeholder: s.Placeholder}, flag, short, s.Help)
		default:
			to.VarP(&textFlag{s.Default, s.Placeholder}, flag, short, s.Help)
		}
	}
}

// A listFlag collects the values of a flag that may stand more than once.
// pflag's own begins a CSV writer for each one at start.
type listFlag struct {
	values      []string
	placeholder string
}

// Set adds a value.
func (l *listFlag) Set(value string) error {
	l.values = append(l.values, value)
	return nil
}

// String is for pflag's defaults; [given] reads the values.
func (l *listFlag) String() string { return strings.Join(l.values, " ") }

// Type is the word for the value in help.
func (l *listFlag) Type() string { return l.placeholder }

// A textFlag is a text whose help says what stands for it.
type textFlag struct{ value, placeholder string }

// Set implements [pflag.Value].
func (t *textFlag) Set(value string) error {
	t.value = value
	return nil
}

// String implements [pflag.Value].
func (t *textFlag) String() string { return t.value }

// Type is the word for the value in help.
func (t *textFlag) Type() string { return t.placeholder }

func shorthand(name string) string {
	switch name {
	case "profile":
		return "p"
	case "output":
		return "o"
	}
	return ""
}

// given are the settings that stand on the command line.
func given(flags *pflag.FlagSet) map[string][]string {
	out := map[string][]string{}
	flags.Visit(func(f *pflag.Flag) {
		name := strings.ReplaceAll(f.Name, "-", "_")
		s, ok := config.Find(name)
		if !ok {
			return
		}
		if list, many := f.Value.(*listFlag); many {
			out[name] = list.values
			if !s.Kind.Many() {
				out[name] = list.values[:1] // registration takes several of one setting
			}
			return
		}
		out[name] = []string{f.Value.String()}
	})
	return out
}
