// Package alone has the active checks in which nobody signs in: what the
// endpoints make of requests that are odd, wrong or somebody else's. Each entry
// stands beside what it does.
package alone

import (
	"slices"

	"rely/internal/doctor/active/trial"
)

// Probes are those that leave the clients alive, in the order in which they run.
func Probes() []trial.Probe {
	return slices.Concat(endpoints(), tokenRequests(), registrations(), redirects(), requests(), objects(), pushes(), machines(), assertions(), proofs(), certificates(), offers())
}

// Last are those after which a client may be locked.
func Last() []trial.Probe { return lastOfAll() }
