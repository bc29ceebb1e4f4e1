//go:build !linux

package app

// Guard does nothing here; on Linux it keeps other programs out of this
// process's memory.
func Guard() {}
