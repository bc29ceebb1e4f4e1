// Package tokens has the active checks of what a sign-in brings: what codes and
// tokens say, for whom they are good, and how they end. Each entry stands beside
// what it does.
package tokens

import (
	"slices"

	"rely/internal/doctor/active/trial"
)

// Probes leave the good sign-in alive. The graver run first, else they keep
// their order.
func Probes() []trial.Probe { return slices.Concat(shown(), claims(), codes(), bindings()) }

// Replays use what was used before, and may end more than their own sign-in.
func Replays() []trial.Probe { return slices.Concat(replays(), refreshes()) }

// Last are those after which the good sign-in's tokens are worth nothing.
func Last() []trial.Probe { return slices.Concat(spent(), expiry(), entropies()) }
