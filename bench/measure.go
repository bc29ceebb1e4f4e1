//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A program is one command line that is measured.
type program struct {
	path string
	args []string
	env  []string // beside PATH and HOME
}

// A sample is what one run took.
type sample struct {
	cpu, wall time.Duration
	rss       int64 // peak, in bytes
	agent     time.Duration
	stderr    string
}

// run runs p once, to its end.
func (p program) run() (sample, error) {
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}, p.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%s %s: %w\n%s", p.path, strings.Join(p.args, " "), err, stderr.String())
	}
	s := sample{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), wall: wall, stderr: stderr.String()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.rss = int64(u.Maxrss)
		if runtime.GOOS != "darwin" {
			s.rss *= 1024
		}
	}
	// The floor's login ends with the share of its user agent.
	lines := strings.Fields(stdout.String())
	if n, err := strconv.ParseInt(last(lines), 10, 64); err == nil {
		s.agent = time.Duration(n)
	}
	return s, nil
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// pairs runs floor and subject in turn, n times, each first as often as second.
func pairs(n int, floor, subject program) (floors, subjects []sample, err error) {
	for _, p := range []program{floor, subject} { // warm
		if _, err := p.run(); err != nil {
			return nil, nil, err
		}
	}
	for i := range n {
		wait()
		order := []program{floor, subject}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		var two [2]sample
		for j, p := range order {
			if two[j], err = p.run(); err != nil {
				return nil, nil, err
			}
		}
		if i%2 == 1 {
			slices.Reverse(two[:])
		}
		floors, subjects = append(floors, two[0]), append(subjects, two[1])
	}
	return floors, subjects, nil
}

// wait waits up to a second for a machine that does nothing else.
func wait() {
	for range 20 {
		idle, all := ticks()
		time.Sleep(50 * time.Millisecond)
		idle2, all2 := ticks()
		if all2 == all || float64(idle2-idle) >= 0.8*float64(all2-all) {
			return
		}
	}
}

// ticks reads the machine's idle and total time; both 0 where it does not tell.
func ticks() (idle, all int64) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(data), "\n")
	for i, field := range strings.Fields(line) {
		n, _ := strconv.ParseInt(field, 10, 64)
		all += n
		if i == 4 {
			idle = n
		}
	}
	return idle, all
}

// median of what pick makes of each pair.
func median(floors, subjects []sample, pick func(f, s sample) float64) float64 {
	var all []float64
	for i := range floors {
		all = append(all, pick(floors[i], subjects[i]))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
