package check

import "slices"

// Passive is the table of checks that judge what was collected.
func Passive() []*Check {
	return slices.Concat(documents(), members(), oauth(), requests(), algorithms(), endpoints(), keys(), hosts(), headers(), watch())
}
