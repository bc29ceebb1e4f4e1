package check

import (
	"cmp"
	"slices"
	"strings"
)

// All is the table, in the order in which reports and pages show it: passive
// checks (P), active ones (A), those of a sign-in (L).
func All() []*Check {
	all := slices.Concat(documents(), members(), oauth(), requests(), algorithms(), endpoints(), keys(), hosts(), headers(), active())
	slices.SortStableFunc(all, func(a, b *Check) int {
		return cmp.Or(strings.Index("PAL", a.ID[:1])-strings.Index("PAL", b.ID[:1]), strings.Compare(a.ID, b.ID))
	})
	return all
}
