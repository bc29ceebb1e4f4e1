package cmd

import "github.com/spf13/cobra"

// A group is a heading in "rely help" with the commands below it.
type group struct {
	id, title string
	commands  []*cobra.Command
}

// commands is the table of commands, grouped as help shows them.
func commands(i *invocation) []group {
	return []group{
		{"session", "Sign in and use it:", []*cobra.Command{newLogin(i), newTokens(i), newUserinfo(i)}},
		{"settings", "Clients and settings:", []*cobra.Command{newRegister(i), newProfile(i)}},
		{"provider", "A provider to try things on:", []*cobra.Command{newDemo(i), newOP(i)}},
		{"more", "More:", append([]*cobra.Command{newVersion(i), newGen(i)}, topics()...)},
	}
}
