//go:build unix

// Command bench measures rely beside its floors: CPU time, memory, size and
// what runs before main. It prints what it found next to the goals and judges
// nothing, because a time depends on the machine. See run.sh.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	bin := flag.String("bin", "", "`folder` with the programs that run.sh builds")
	n := flag.Int("pairs", 25, "how often each pair runs")
	only := flag.String("only", "", "`text` in the names of the rows to measure, and nothing after them")
	flag.Parse()
	if err := measure(*bin, *n, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A row is one comparison and the goal it has.
type row struct {
	name           string
	floor, subject program
	goal           string
	own            bool // without the user agent's share: its time at the provider, and the floor's CPU time for it
}

func measure(bin string, n int, only string) error {
	dir, err := os.MkdirTemp("", "rely-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	op, login, floor, err := provider(bin, dir, func(h http.Handler) (http.Handler, error) { return h, nil })
	if err != nil {
		return err
	}
	defer op.Close()
	if _, err := login.run(); err != nil {
		return err
	}
	hello := program{path: filepath.Join(bin, "hello")}
	rely := func(args ...string) program {
		return program{path: filepath.Join(bin, "rely"), args: args, env: login.env}
	}
	stack := program{path: filepath.Join(bin, "stack"), args: []string{"version"}}
	rows := []row{
		{"empty program with the libraries", hello, stack, "", false},
		{"rely version", hello, rely("version"), "3.0", false},
		{"rely --help", hello, rely("--help"), "3.0", false},
		{"rely tokens, fresh session", hello, rely("tokens"), "2.6 (2.4), 9.0 MiB", false},
		{"rely login --browser forms", floor, login, "", false},
		{"  without the user agent", floor, login, "wall 1.25", true},
	}
	probe, doctor := examinations(bin, dir, op)
	rows = append(rows, row{"rely doctor, passive", probe, doctor, "10", false})
	more, err := requests(bin, dir, op, login)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(append(rows, more...), func(r row) bool { return !strings.Contains(r.name, only) })
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d pairs each; medians\tfloor cpu ms\tcpu ms\tratio\tfloor wall ms\twall ms\tratio\tMiB\tgoal\n", n)
	for _, r := range rows {
		if err := r.print(w, n); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil || only != "" {
		return err
	}
	if err := after(floor, login, n); err != nil {
		return err
	}
	if err := crowd(dir, doctor); err != nil {
		return err
	}
	if err := tried(dir, doctor); err != nil {
		return err
	}
	if err := profiles(dir, login, n); err != nil {
		return err
	}
	return still(rely("version"))
}

// after prints what a login takes once the provider has sent the person back.
func after(floor, login program, n int) error {
	floors, logins, err := pairs(n, floor, login)
	if err != nil {
		return err
	}
	fmt.Printf("\nlogin, wall time after the provider's redirect: floor %.2f ms, rely %.2f ms, ratio %.2f; requests %.0f, goal 1\n",
		median(floors, logins, func(f, _ sample) float64 { return ms(f.after) }),
		median(floors, logins, func(_, s sample) float64 { return ms(s.after) }),
		median(floors, logins, func(f, s sample) float64 { return float64(s.after) / float64(f.after) }),
		median(floors, logins, func(_, s sample) float64 { return float64(s.requests) }))
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// print measures one row and prints it.
func (r row) print(w *tabwriter.Writer, n int) error {
	floors, subjects, err := pairs(n, r.floor, r.subject)
	if err != nil {
		return err
	}
	share := func(f sample) time.Duration {
		if r.own {
			return f.agent
		}
		return 0
	}
	wall := func(s sample) time.Duration {
		if r.own {
			return s.wall - s.visit
		}
		return s.wall
	}
	fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%s\n", r.name,
		median(floors, subjects, func(f, _ sample) float64 { return ms(f.cpu - share(f)) }),
		median(floors, subjects, func(f, s sample) float64 { return ms(s.cpu - share(f)) }),
		median(floors, subjects, func(f, s sample) float64 { return float64(s.cpu-share(f)) / float64(f.cpu-share(f)) }),
		median(floors, subjects, func(f, _ sample) float64 { return ms(wall(f)) }),
		median(floors, subjects, func(_, s sample) float64 { return ms(wall(s)) }),
		median(floors, subjects, func(f, s sample) float64 { return float64(wall(s)) / float64(wall(f)) }),
		median(floors, subjects, func(_, s sample) float64 { return float64(s.rss) / (1 << 20) }),
		r.goal)
	return nil
}

// still prints what does not depend on the machine's mood.
func still(version program) error {
	info, err := os.Stat(version.path)
	if err != nil {
		return err
	}
	fmt.Printf("\nstripped binary: %.2f MB, goal 14\n", float64(info.Size())/1e6)
	version.env = append(version.env, "GODEBUG=inittrace=1")
	s, err := version.run()
	if err != nil {
		return err
	}
	var bytes, allocations int
	for _, m := range regexp.MustCompile(`(?m)^init .* ([0-9]+) bytes, ([0-9]+) allocs$`).FindAllStringSubmatch(s.stderr, -1) {
		b, _ := strconv.Atoi(m[1])
		a, _ := strconv.Atoi(m[2])
		bytes, allocations = bytes+b, allocations+a
	}
	fmt.Printf("package initialisers: %d allocations, goal 1400; %.1f kB, goal 160\n", allocations, float64(bytes)/1e3)
	return nil
}
