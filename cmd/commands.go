package cmd

import "github.com/spf13/cobra"

// A group is a heading in "rely help" with the commands below it.
type group struct {
	id, title string
	entries   []entry
}

// An entry is one command: the word that calls it, and what makes it.
type entry struct {
	name string
	new  func(*invocation) *cobra.Command
}

// commands is the table of commands, grouped as help shows them, each where a
// person comes to need it.
func commands() []group {
	return []group{
		{"sign-in", "Sign in and use it:", []entry{{"register", newRegister}, {"login", newLogin}, {"tokens", newTokens}, {"userinfo", newUserinfo}, {"call", newCall}, {"passwd", newPasswd}, {"revoke", newRevoke}, {"logout", newLogout}}},
		{"find-out", "Find out what is there, and what is wrong:", []entry{{"discover", newDiscover}, {"doctor", newDoctor}, {"smoke", newSmoke}, {"introspect", newIntrospect}}},
		{"keep", "Keep settings and trust:", []entry{{"profile", newProfile}, {"trust", newTrust}}},
		{"learn", "Learn, and try things:", append([]entry{{"demo", newDemo}, {"op", newOP}, {"version", newVersion}, {"gen", newGen}}, topics()...)},
	}
}

// addCommands adds the command that the first argument calls, and no other:
// the flags of all of them would cost every start. Whatever else there is
// (help, completion, a misspelt word) needs the whole table.
func addCommands(root *cobra.Command, i *invocation, args []string) {
	for _, whole := range []bool{false, true} {
		for _, g := range commands() {
			for _, e := range g.entries {
				if !whole && (len(args) == 0 || args[0] != e.name || e.name == "gen") {
					continue
				}
				if !root.ContainsGroup(g.id) {
					root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
				}
				c := e.new(i)
				c.GroupID = g.id
				root.AddCommand(c)
			}
		}
		if root.HasSubCommands() {
			return
		}
	}
}
