//go:build unix

// Command launch runs a program and writes "CPU WALL RSS" of that run, in
// nanoseconds and bytes, to file descriptor 3. It is small on purpose: Linux
// counts the memory of whoever starts a program as that program's peak.
package main

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

func main() {
	start := time.Now()
	p, err := os.StartProcess(os.Args[1], os.Args[1:], &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(127)
	}
	state, err := p.Wait()
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(127)
	}
	wall := time.Since(start)
	var rss int64
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		rss = int64(u.Maxrss)
		if runtime.GOOS != "darwin" {
			rss *= 1024
		}
	}
	cpu := state.UserTime() + state.SystemTime()
	os.NewFile(3, "report").WriteString(strconv.FormatInt(int64(cpu), 10) + " " + strconv.FormatInt(int64(wall), 10) + " " + strconv.FormatInt(rss, 10))
	os.Exit(state.ExitCode())
}
