package app

import "syscall"

// Guard keeps what this process has in memory, tokens and keys among it, from
// the user's other programs and out of core dumps (PR_SET_DUMPABLE, prctl(2)).
// A program that is started from here begins anew and is not touched. It is a
// second wall, so where the system refuses, everything goes on.
func Guard() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
}
