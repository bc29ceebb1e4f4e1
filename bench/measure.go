//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A program is one command line that is measured.
type program struct {
	path string
	args []string
	env  []string // beside PATH and HOME
	op   *watched // where it signs in, nil for nowhere
}

// A sample is what one run took.
type sample struct {
	cpu, wall time.Duration
	rss       int64         // peak, in bytes
	agent     time.Duration // CPU time of the floor's user agent
	visit     time.Duration // from the first request for a page to the provider's redirect
	after     time.Duration // from that redirect to the end
	requests  int           // in that time
	stderr    string
}

// run runs p once, to its end.
func (p program) run() (sample, error) {
	// Every program stands in one folder with the one that measures it.
	cmd := exec.Command(filepath.Join(filepath.Dir(p.path), "launch"), append([]string{p.path}, p.args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}, p.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	report, w, err := os.Pipe()
	if err != nil {
		return sample{}, err
	}
	defer report.Close()
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Run()
	end := time.Now()
	w.Close()
	if err != nil {
		return sample{}, fmt.Errorf("%s %s: %w\n%s", p.path, strings.Join(p.args, " "), err, stderr.String())
	}
	s := sample{stderr: stderr.String()}
	if p.op != nil {
		v := p.op.last()
		s.visit, s.after, s.requests = v.to.Sub(v.from), end.Sub(v.to), v.requests
	}
	if _, err := fmt.Fscan(report, &s.cpu, &s.wall, &s.rss); err != nil {
		return sample{}, fmt.Errorf("the report of launch: %w", err)
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
