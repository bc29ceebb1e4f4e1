package cmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"rely/internal/doctor"
	"rely/internal/doctor/report"
	"rely/internal/fault"
	"rely/internal/output"
)

// A crowd is an examination of many issuers: a line each, as they are done.
// Nothing of an issuer is kept but what the chosen format needs at the end.
type crowd struct {
	*examination
	done map[string]bool // by an earlier run
	note io.WriteCloser  // where this one says what is done; nil for nowhere

	mu        sync.Mutex
	kept      []*doctor.Report // for a document of all of them
	examined  int
	counted   int // issuers with findings that count
	unreached int
	failed    error
}

func (d *examination) many(ctx context.Context, named bool) error {
	const op = "examine many providers"
	switch {
	case named:
		return &fault.Error{Kind: fault.Usage, ID: "doctor.from", Op: op, Err: errors.New("both an issuer and --from are given"), Hint: "leave one of them out"}
	case d.parallel < 1 || d.parallel > 256:
		return &fault.Error{Kind: fault.Usage, ID: "doctor.parallel", Op: op, Err: fmt.Errorf("--parallel is %d", d.parallel), Hint: "give a number from 1 to 256"}
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	data, err := d.document(d.from)
	if err != nil {
		return err
	}
	c := &crowd{examination: d, done: map[string]bool{}}
	if d.resume != "" {
		if err := c.goOn(d.resume); err != nil {
			return err
		}
		defer c.note.Close()
	}
	c.work(ctx, issuersIn(data))
	return c.end(ctx)
}

// issuersIn are the lines of a file, without comments and doubles.
func issuersIn(data []byte) []string {
	var out []string
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" && !seen[line] {
			seen[line] = true
			out = append(out, line)
		}
	}
	return out
}

// goOn reads what an earlier run noted, and opens the file for more.
func (c *crowd) goOn(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return unreadable(file, err)
	}
	for s := bufio.NewScanner(f); s.Scan(); {
		c.done[s.Text()] = true
	}
	c.note = f
	return nil
}

// work examines the issuers, as many at a time as --parallel allows.
func (c *crowd) work(ctx context.Context, issuers []string) {
	c.together()
	next := make(chan string)
	var wait sync.WaitGroup
	for range min(c.parallel, len(issuers)) {
		wait.Go(func() {
			for issuer := range next {
				c.one(ctx, issuer)
			}
		})
	}
	for _, issuer := range issuers {
		if c.done[issuer] {
			continue
		}
		select {
		case next <- issuer:
		case <-ctx.Done():
		}
	}
	close(next)
	wait.Wait()
}

// one examines an issuer and tells it. A line that is no issuer is told like
// one that cannot be reached: the others still want to be looked at.
func (c *crowd) one(ctx context.Context, issuer string) {
	r, err := doctor.Examine(ctx, c.options, issuer)
	if fault.Is(err, fault.Cancelled) {
		return
	}
	if err != nil {
		r = &doctor.Report{Issuer: issuer, Unreached: err}
		r.Close()
	}
	r.Evidence = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.examined++
	switch verdict := r.Verdict(c.least); {
	case r.Unreached != nil:
		c.unreached++
	case verdict != nil:
		c.counted++
	}
	if err := c.tell(r); err != nil && c.failed == nil {
		c.failed = err
	}
	if c.note != nil && c.failed == nil {
		_, c.failed = fmt.Fprintln(c.note, issuer)
	}
}

func (c *crowd) tell(r *doctor.Report) error {
	switch c.format() {
	case "text":
		_, err := io.WriteString(c.Stdout, report.Line(r))
		return err
	case "json":
		js, err := json.Marshal(map[string]any{"schema": "doctor/1", "result": report.Of(r)})
		if err == nil {
			_, err = fmt.Fprintln(c.Stdout, output.EscapeJSON(string(js)))
		}
		return err
	}
	c.kept = append(c.kept, r)
	return nil
}

// end prints what is printed at the end, and is the fault of the whole.
func (c *crowd) end(ctx context.Context) error {
	if c.failed != nil {
		return &fault.Error{Kind: fault.Config, ID: "output.write", Op: "write the result", Err: c.failed, Hint: "check where the output goes, and --resume"}
	}
	if f := c.format(); f != "text" && f != "json" {
		slices.SortFunc(c.kept, func(a, b *doctor.Report) int { return strings.Compare(a.Issuer, b.Issuer) })
		if err := output.Print(c.Stdout, f, output.Result{Schema: "doctor/1", JSON: c.reports(), Document: c.documents(c.kept)}); err != nil {
			return err
		}
	}
	c.say("%d examined, %d with findings that count, %d not reached.\n", c.examined, c.counted, c.unreached)
	switch {
	case ctx.Err() != nil:
		return &fault.Error{Kind: fault.Cancelled, ID: "cancelled", Op: "examine many providers", Err: errors.New("stopped"), Hint: "run it again with the same --resume FILE to go on"}
	case c.counted > 0:
		return &fault.Error{Kind: fault.Findings, ID: "doctor.findings", Op: "examine many providers", Spec: "the rules of the findings, in the report",
			Err: fmt.Errorf("%d of %s of severity %s or worse", c.counted, fault.Count(c.examined, "provider has findings", "providers have findings"), c.least), Hint: "run \"rely doctor ISSUER\" for one of them"}
	case c.unreached > 0:
		return &fault.Error{Kind: fault.Network, ID: "doctor.unreached", Op: "examine many providers", Err: fmt.Errorf("%d of %d were not reached", c.unreached, c.examined),
			Hint: "run \"rely doctor ISSUER\" for one of them"}
	}
	return nil
}

func (c *crowd) reports() map[string]any {
	list := []report.JSON{}
	for _, r := range c.kept {
		list = append(list, report.Of(r))
	}
	return map[string]any{"reports": list}
}
