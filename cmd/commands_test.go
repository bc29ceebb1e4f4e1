package cmd

import (
	"testing"

	"rely/internal/app"
)

// The word in the table is what calls the command, or the quick way to one
// command would miss it.
func TestCommandsAreCalledAsTheTableSays(t *testing.T) {
	t.Parallel()
	for _, g := range commands() {
		for _, e := range g.entries {
			c := e.new(&invocation{App: app.System()})
			if c.Name() != e.name {
				t.Errorf("the table says %s, the command %s", e.name, c.Name())
			}
			if alone := newRoot(&invocation{App: app.System()}, []string{e.name, "--help"}); e.name != "gen" && len(alone.Commands()) != 1 {
				t.Errorf("%s comes with %d others", e.name, len(alone.Commands())-1)
			}
		}
	}
	if whole := newRoot(&invocation{App: app.System()}, []string{"-p", "login"}); len(whole.Commands()) < 10 {
		t.Errorf("a flag in front gives %d commands, want all", len(whole.Commands()))
	}
}
