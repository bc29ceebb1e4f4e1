package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manPages writes one page for each command, in the man macros. It is short
// enough to own: cobra's generator would link a Markdown parser into rely.
func manPages(root *cobra.Command) (map[string][]byte, error) {
	out := map[string][]byte{}
	walkCommands(root, func(c *cobra.Command) {
		out[fileName(c)+".1"] = []byte(manPage(c))
	})
	return out, nil
}

func manPage(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" rely \"User Commands\"\n", strings.ToUpper(fileName(c)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(fileName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	if long := c.Long; long != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roff(strings.ReplaceAll(long, "\n\n", "\n.PP\n")))
	}
	manFlags(&b, "OPTIONS", c.NonInheritedFlags())
	manFlags(&b, "OPTIONS OF EVERY COMMAND", c.InheritedFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	if c.HasAvailableSubCommands() {
		b.WriteString(".SH SEE ALSO\n")
		for _, sub := range c.Commands() {
			if !sub.Hidden && !isTopic(sub) && sub.Name() != "completion" && sub.Name() != "help" {
				fmt.Fprintf(&b, ".BR %s (1)\n", roff(fileName(sub)))
			}
		}
	}
	return b.String()
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		name, help := pflag.UnquoteUsage(f)
		short := ""
		if f.Shorthand != "" {
			short = "-" + f.Shorthand + ", "
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(short+"--"+f.Name+" "+name)), roff(help))
	})
}

// roff escapes what the man macros would take for their own: backslashes,
// hyphens that must stay hyphens, and a control character at a line's start.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != ".PP" && (strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'")) {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
