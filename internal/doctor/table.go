package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rely/internal/doctor/active"
	"rely/internal/doctor/check"
	"rely/internal/fault"
)

// Checks is the table, in the order in which reports and pages show it: passive
// checks (P), active ones (A), those of a sign-in (L).
func Checks() []*check.Check {
	all := append(check.Passive(), active.Checks()...)
	slices.SortStableFunc(all, inOrder)
	return all
}

// inOrder is the order of the table.
func inOrder(a, b *check.Check) int {
	return cmp.Or(strings.Index("PAL", a.ID[:1])-strings.Index("PAL", b.ID[:1]), strings.Compare(a.ID, b.ID))
}

// Find gives the check of that ID or name, whatever the case.
func Find(word string) (*check.Check, error) {
	for _, k := range Checks() {
		if strings.EqualFold(k.ID, word) || strings.EqualFold(k.Name, word) {
			return k, nil
		}
	}
	return nil, &fault.Error{Kind: fault.Usage, ID: "doctor.check", Op: "choose the checks", Err: fmt.Errorf("there is no check %q", word),
		Hint: "run \"rely doctor explain\" to see them all"}
}
