// Package start is what a process that runs one command does before anything
// else: docs/decisions/0017. It imports nothing but the runtime, by which it is
// among the first packages to be initialised.
package start

import "runtime"

func init() {
	// A processor that is given up later takes with it what it has laid by for
	// allocations, and whether main runs on the one that is kept is luck.
	runtime.GOMAXPROCS(1)
	roomy(0)
}

// roomy needs a large frame and does not touch it, so that the stack has at once
// the size that a command comes to need. Else it is doubled four times, and each
// time more frames are looked up in the program's tables and moved.
//
//go:noinline
func roomy(used int) byte {
	if used == 0 {
		return 0
	}
	var frame [40 << 10]byte
	for n := range used {
		frame[n] = byte(n)
	}
	return frame[used-1]
}
