//go:build !windows

package chrome

import (
	"os"
	"os/exec"
	"syscall"
)

// give hands the program its ends of the pipes as the descriptors 3 and 4, and
// makes it the head of a group of processes.
func give(cmd *exec.Cmd, theirs, _ [2]*os.File) error {
	cmd.ExtraFiles = theirs[:]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return nil
}

// kill ends the program and what it started.
func kill(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }
