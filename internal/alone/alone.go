// Package alone keeps the process that imports it to one processor, from before
// anything else has run: docs/decisions/0017. It imports nothing but the runtime,
// by which it is among the first packages to be initialised. A processor that is
// given up later takes with it what it has laid by for allocations, and whether
// main runs on the one that is kept is luck.
package alone

import "runtime"

func init() { runtime.GOMAXPROCS(1) }
