// Package signin has the active checks of a sign-in as the browser sees it: the
// answer that comes to the redirect URI, what can be asked for, and the session
// that is left behind. What the answer is worth at the token endpoint and behind
// it is for package tokens. Each entry stands beside what it does.
package signin

import (
	"slices"

	"rely/internal/doctor/active/trial"
)

// Probes leave the good sign-in alive. The graver run first, else they keep
// their order.
func Probes() []trial.Probe { return slices.Concat(answers(), sessions(), asked()) }

// Offers are about what the metadata lists, and whether it works. They leave the
// good sign-in alive, too.
func Offers() []trial.Probe { return slices.Concat(responses(), offered(), hinted()) }

// Last are those after which the good sign-in's session is worth nothing.
func Last() []trial.Probe { return logouts() }
