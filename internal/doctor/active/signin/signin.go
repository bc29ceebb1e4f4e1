// Package signin has the active checks for which somebody has to sign in: what
// becomes of codes, tokens and sessions. Each entry stands beside what it does.
package signin

import (
	"slices"

	"rely/internal/doctor/active/trial"
)

// Probes leave the good sign-in alive. The graver run first, else they keep
// their order.
func Probes() []trial.Probe {
	return slices.Concat(answers(), sessions(), tokens(), claims(), codes(), asked(), responses(), offered(), hinted(), replays(), refreshes())
}

// Last are those after which the good sign-in's tokens, and then its session,
// are worth nothing.
func Last() []trial.Probe { return slices.Concat(spent(), expiry(), entropies(), logouts()) }
