package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/output"
)

// topics are the help pages that belong to no command: "rely help TOPIC".
func topics() []entry {
	topic := func(name, short string, text func() string) entry {
		return entry{name, func(*invocation) *cobra.Command {
			c := &cobra.Command{Use: name, Short: short, Annotations: map[string]string{"topic": "yes"}}
			// The text is made when it is asked for: start-up is not the time.
			c.SetHelpFunc(func(c *cobra.Command, _ []string) { fmt.Fprint(c.OutOrStdout(), text()) })
			return c
		}}
	}
	return []entry{
		topic("exit-codes", "What each exit code means", exitCodes),
		topic("environment", "Settings: flags, variables, profile keys", environment),
		topic("output", "Formats, and what goes where", outputHelp),
		topic("flows", "The ways of obtaining tokens", flowsHelp),
		topic("providers", "Presets for well-known providers", providersHelp),
		topic("security", "What is checked, and where secrets lie", func() string { return security }),
	}
}

// newHelp is cobra's help command, but for a word that is neither a command
// nor a topic: that is misuse, not help.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND|TOPIC]",
		Short: "Show help about a command or a topic",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				word, names, hint := strings.Join(args, " "), []string{}, `run "rely help" to see commands and topics`
				for _, c := range root.Commands() {
					names = append(names, c.Name())
				}
				if near := fault.Nearest(word, names); near != "" {
					hint = fmt.Sprintf("run \"rely help %s\"", near)
				}
				return usage(fmt.Errorf("there is no help about %q", word), hint)
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

func isTopic(c *cobra.Command) bool { return c.Annotations["topic"] != "" }

func exitCodes() string {
	var b strings.Builder
	b.WriteString("The exit code names who has to act next. Codes are never renumbered.\n\n    0  ok          everything worked\n")
	for _, k := range fault.Kinds() {
		fmt.Fprintf(&b, "  %3d  %-10s  %s\n", int(k), k, k.Meaning())
	}
	return b.String()
}

func environment() string {
	var b strings.Builder
	b.WriteString("Every setting has one name in three spellings: the flag --client-id, the variable\nRELY_CLIENT_ID and the profile key client_id. A flag wins over a variable, a\nvariable over the profile, the profile over config.yaml, that over the default.\nSecrets have no flag that takes their value.\n\n")
	fmt.Fprintf(&b, "  %-38s %s\n", "RELY_HOME", "folder of preferences, profiles and state")
	for _, s := range config.Settings() {
		where := "flag, variable"
		switch {
		case s.Secret:
			where = "variable"
		case s.Profile:
			where = "flag, variable, key"
		}
		fmt.Fprintf(&b, "  %-38s %s (%s)\n", config.Variable(s.Name), s.Help, where)
	}
	return b.String()
}

func outputHelp() string {
	var b strings.Builder
	b.WriteString("Standard output has the result and nothing else; everything else is on standard\nerror. With -o json an error is one JSON line on standard error, schema error/1.\nText from a provider is shown with control characters escaped.\n\n")
	for _, e := range output.All() {
		fmt.Fprintf(&b, "  %-7s %s\n", e.Name, e.Help)
	}
	return b.String()
}

func flowsHelp() string {
	var b strings.Builder
	b.WriteString("A flow is a way of obtaining tokens; --flow or the profile's key \"flow\" chooses it.\n\n")
	for _, e := range flows.All() {
		fmt.Fprintf(&b, "  %-20s %s\n", e.Name, e.Help)
	}
	return b.String()
}

const security = `What is checked: the issuer of the metadata, state, PKCE (S256), the issuer in the
response (RFC 9207), and every rule of OIDC Core 3.1.3.7 on the ID token. A login
shows each check with its section; -v shows expected and actual. A check cannot be
switched off from a profile.

Where secrets lie: client secrets and tokens in the store below the state folder,
in files that only you may read (0600), encrypted with a key from the system's
keyring where there is one (--store keyring). Profiles hold no secret. On Linux no
other program of yours can read the memory of rely, and it leaves no core dump.

What never shows: tokens, codes, passwords and client secrets in errors, traces
and notes. --trace puts a fingerprint in their place, so that equal secrets can be
seen to be equal.

The listener binds to loopback only, lives for one sign-in, and ignores every
request that does not carry the state that was sent.
`
