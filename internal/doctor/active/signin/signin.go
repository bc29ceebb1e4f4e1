// Package signin has the active checks for which somebody has to sign in: what
// becomes of codes, tokens and sessions. Each entry stands beside what it does.
package signin

import (
	"slices"

	"rely/internal/doctor/active/trial"
)

// Probes are in the order in which they run: what ends a session comes last.
func Probes() []trial.Probe {
	return slices.Concat(codes(), tokens(), spent())
}
