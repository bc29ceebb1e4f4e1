package cmd

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/preset"
)

// providerFlags adds --provider, which [invocation.open] turns into settings.
func providerFlags(c *cobra.Command) {
	c.Flags().VarP(&textFlag{placeholder: "NAME"}, "provider", "", "well-known provider to fill in settings for (\"rely help providers\")")
	c.Flags().VarP(&listFlag{placeholder: "K=V"}, "provider-param", "", "what the preset of --provider has to know; may stand more than once")
	_ = c.RegisterFlagCompletionFunc("provider", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, p := range preset.All() {
			out = append(out, p.Name+"\t"+p.Help)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	_ = c.RegisterFlagCompletionFunc("provider-param", func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		var out []string
		p, _ := preset.Find(c.Flag("provider").Value.String())
		for _, q := range p.Params {
			out = append(out, q.Name+"=\t"+q.Help)
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// presetSettings is what --provider fills in, nil where it is not given.
func presetSettings(flags *pflag.FlagSet) (preset.Settings, error) {
	name, params := flags.Lookup("provider"), flags.Lookup("provider-param")
	switch {
	case name == nil || !name.Changed && !params.Changed:
		return nil, nil
	case !name.Changed:
		return nil, usage(errors.New("--provider-param is given without --provider"), "run \"rely help providers\" to see the names")
	}
	p, err := preset.Find(name.Value.String())
	if err != nil {
		return nil, err
	}
	return p.Expand(params.Value.(*listFlag).values)
}

// fill loads the settings once more with what a preset says where neither flag
// nor variable nor profile does. It then counts as given, so that login and
// register write it into the profile as plain settings.
func (i *invocation) fill(name string, flags map[string][]string, filled preset.Settings) error {
	flags = maps.Clone(flags)
	for _, setting := range slices.Sorted(maps.Keys(filled)) {
		given := i.values.Source(setting) >= config.FromProfile
		s, _ := config.Find(setting)
		switch {
		case s.Kind.Many() && given:
			flags[setting] = withoutOverruled(i.values.List(setting), filled[setting])
		case !given:
			flags[setting] = filled[setting]
		case setting == "issuer" && i.values.String(setting) != filled[setting][0]:
			return &fault.Error{Kind: fault.Usage, ID: "preset.issuer", Op: "use the preset",
				Err:  fmt.Errorf("the issuer is %s by %s, and %s by the preset", i.values.String(setting), i.values.Where(setting), filled[setting][0]),
				Hint: "leave --provider out, or name another profile with -p"}
		}
	}
	return i.load(name, flags, true)
}

// withoutOverruled are the given pairs and those filled ones whose names none
// of them has.
func withoutOverruled(given, filled []string) []string {
	out := slices.Clone(given)
	for _, pair := range filled {
		name, _, _ := strings.Cut(pair, "=")
		if !slices.ContainsFunc(given, func(g string) bool { return strings.HasPrefix(g, name+"=") }) {
			out = append(out, pair)
		}
	}
	return out
}

func providersHelp() string {
	var b strings.Builder
	b.WriteString("A preset turns a few facts into settings: --provider NAME on login and register,\nwith --provider-param K=V for each fact. What you give yourself wins over it, and\nall of it is written into the profile, which then stands alone. Any other provider\nneeds no preset: give its issuer.\n")
	for _, p := range preset.All() {
		fmt.Fprintf(&b, "\n  %-12s %s\n", p.Name, p.Help)
		for _, q := range p.Params {
			fmt.Fprintf(&b, "    %-22s %s%s\n", q.Name, q.Help, necessity(q))
		}
	}
	b.WriteString("\nWhat each of them wants besides, with sources: docs/reference/providers.md.\n")
	return b.String()
}

func necessity(q preset.Param) string {
	switch {
	case q.Required:
		return " (required)"
	case q.Default != "":
		return " (default " + q.Default + ")"
	}
	return ""
}

func providersPage() string {
	var rows [][]string
	var facts strings.Builder
	for _, p := range preset.All() {
		var params []string
		for _, q := range p.Params {
			params = append(params, code(q.Name)+": "+q.Help+necessity(q))
		}
		rows = append(rows, []string{code(p.Name), p.Help, strings.Join(params, "; ")})
		fmt.Fprintf(&facts, "\n## %s\n\n", p.Name)
		for _, f := range p.Facts {
			fmt.Fprintf(&facts, "- %s [source](%s)\n", f.Text, f.Source)
		}
	}
	intro := "The values of `--provider`, each with its `--provider-param`s. A preset fills in settings where neither flag, variable nor profile says otherwise, and they are written into the profile."
	return table("Providers", intro, []string{"name", "what it is", "parameters"}, rows) + facts.String()
}
