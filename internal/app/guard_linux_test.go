package app

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func dumpable() uintptr {
	is, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_GET_DUMPABLE, 0, 0)
	return is
}

// No t.Parallel: it is about the process.
func TestGuard(t *testing.T) {
	// A program that only root can read begins guarded.
	usual := func() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 1, 0) }
	usual()
	t.Cleanup(usual)
	if got := dumpable(); got != 1 {
		t.Fatalf("got %d, want a process as usual", got)
	}
	Guard()
	if got := dumpable(); got != 0 {
		t.Errorf("got %d, want a process that others cannot look into", got)
	}
	// What is started from here is as usual: a person may debug that.
	out, err := exec.Command("/bin/sh", "-c", "cat /proc/self/environ >/dev/null && echo readable").Output()
	if err != nil || strings.TrimSpace(string(out)) != "readable" {
		t.Errorf("got %q and %v from a child, want one that is as usual", out, err)
	}
}
