//go:build unix

package storetest

import "syscall"

// openUmask makes every carelessly made file open to the world.
func openUmask() { syscall.Umask(0) }
