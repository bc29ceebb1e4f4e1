package cmd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rely/internal/fault"
)

// misuse is what cobra refuses before a command starts: flags and arguments.
func misuse(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return usage(err, "run \"rely help\", or add --help to the command")
}

// unknownFlag names the flag that was probably meant, or where they are listed.
func unknownFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	if n := slices.IndexFunc(c.Commands(), func(sub *cobra.Command) bool { return sub.Name() == unknown.GetSpecifiedName() }); n >= 0 {
		return usage(err, fmt.Sprintf("run %q", c.Commands()[n].CommandPath())) // as "rely version"
	}
	var names []string
	if unknown.GetSpecifiedShortnames() == "" {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
	}
	return usage(err, fault.Meant(unknown.GetSpecifiedName(), names, "write --", fmt.Sprintf("run \"%s --help\" to see the flags", c.CommandPath())))
}

func usage(err error, hint string) error {
	return &fault.Error{Kind: fault.Usage, ID: "usage", Op: "read the command line", Err: err, Hint: hint}
}

// arguments demands between least and most arguments, in our own words.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch n := len(args); {
		case n > most && most == 0 && c.HasSubCommands():
			return usage(fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath()), suggestion(c, args[0]))
		case n > most && most == 0:
			return usage(fmt.Errorf("%q takes no argument, and %q is one", c.CommandPath(), args[0]), "leave it out")
		case n < least || n > most:
			return usage(errors.New(fault.Count(n, "argument is given", "arguments are given")), fmt.Sprintf("write it as %q", c.UseLine()))
		}
		return nil
	}
}

func suggestion(c *cobra.Command, word string) string {
	if c.SuggestionsMinimumDistance <= 0 {
		c.SuggestionsMinimumDistance = 2
	}
	if near := c.SuggestionsFor(word); len(near) > 0 {
		return fmt.Sprintf("run \"%s %s\"", c.CommandPath(), near[0])
	}
	return fmt.Sprintf("run \"%s --help\" to see the commands", c.CommandPath())
}

// exclusive refuses two flags of which one says what the other denies.
func exclusive(c *cobra.Command, one, other string) {
	before := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if before != nil {
			if err := before(c, args); err != nil {
				return err
			}
		}
		if c.Flags().Changed(one) && c.Flags().Changed(other) {
			return usage(fmt.Errorf("--%s and --%s exclude each other", one, other), "leave one of them out")
		}
		return nil
	}
}
