package chrome

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
)

// give hands the program its ends of the pipes as handles, whose numbers it is
// told. Ours, which os.Pipe makes inheritable as well, stay with us.
func give(cmd *exec.Cmd, theirs, ours [2]*os.File) error {
	for _, f := range ours {
		if err := syscall.SetHandleInformation(syscall.Handle(f.Fd()), syscall.HANDLE_FLAG_INHERIT, 0); err != nil {
			return err
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{AdditionalInheritedHandles: []syscall.Handle{syscall.Handle(theirs[0].Fd()), syscall.Handle(theirs[1].Fd())}}
	cmd.Args = slices.Insert(cmd.Args, 1, fmt.Sprintf("--remote-debugging-io-pipes=%d,%d", theirs[0].Fd(), theirs[1].Fd()))
	return nil
}

// kill ends the program; what it started ends with it.
func kill(p *os.Process) error { return p.Kill() }
