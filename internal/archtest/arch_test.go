// Package archtest keeps the picture in docs/architecture.md true: which way
// imports point, who may use what, how large a thing may grow. It holds tests
// only, reads the tree and nothing else, and refuses what the picture does not
// show: a new package starts with a line in levels.
package archtest

import (
	"os"
	"testing"
)

// A rule is one sentence of the picture. Its check returns a finding for each
// place that breaks it, and a finding names the place, the rule and the way out.
type rule struct {
	name  string
	check func(*tree) []string
}

// rules is the table of all of them.
func rules() []rule {
	return []rule{
		{"every package has its place", places},
		{"imports point down", arrows},
		{"a library has its owner", owners},
		{"the process is asked in one place", bans},
		{"nothing runs before main", inits},
		{"no package variable changes", variables},
		{"nothing grows past its ceiling", ceilings},
		{"one package comment each", packageComments},
		{"work left open names its issue", openWork},
		{"plain ASCII", ascii},
		{"a test does not sleep", sleeps},
	}
}

func TestHouse(t *testing.T) {
	t.Parallel()
	house, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, finding := range r.check(house) {
				t.Error(finding)
			}
		})
	}
}
