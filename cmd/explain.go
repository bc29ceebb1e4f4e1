package cmd

import (
	"encoding/json"
	"errors"
	"fmt"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/output"
)

// errorJSON is the machine form of an error: schema error/1.
type errorJSON struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`
	Exit    int        `json:"exit"`
	Op      string     `json:"op"`
	Message string     `json:"message"`
	Spec    string     `json:"spec,omitempty"`
	Hint    string     `json:"hint,omitempty"`
	Ladder  []rungJSON `json:"ladder,omitempty"`
	Cause   *causeJSON `json:"cause,omitempty"`
}

// explain words err on standard error and gives the exit code. Text that came
// from outside is made visible and loses the secrets that it may repeat.
func (i *invocation) explain(err error) int {
	if err == nil {
		return 0
	}
	f := worded(err)
	var climbed *flows.LadderError
	if errors.As(err, &climbed) {
		i.showLadder(climbed.Ladder, true)
	}
	var likely *causeError
	errors.As(err, &likely)
	i.showCompared(likely, climbed != nil)
	clean := func(s string) string { return fault.VisibleUpTo(i.redact.Text(s), 2000) }
	fmt.Fprintf(i.Stderr, "rely: %s\n", clean(f.Error()))
	if f.Spec != "" {
		fmt.Fprintf(i.Stderr, "rely: rule: %s\n", clean(f.Spec))
	}
	if f.Hint != "" {
		fmt.Fprintf(i.Stderr, "rely: try: %s\n", clean(f.Hint))
	}
	for _, line := range likely.lines() {
		fmt.Fprintf(i.Stderr, "rely: %s\n", clean(line))
	}
	if i.format() == "json" {
		out := errorJSON{ID: f.ID, Kind: f.Kind.String(), Exit: int(f.Kind), Op: f.Op, Message: i.redact.Text(f.Error()), Spec: f.Spec, Hint: f.Hint}
		if climbed != nil {
			out.Ladder = rungs(climbed.Ladder)
		}
		out.Cause = likely.json(i.redact.Text)
		js, jerr := json.Marshal(struct {
			Schema string    `json:"schema"`
			Error  errorJSON `json:"error"`
		}{"error/1", out})
		if jerr == nil {
			fmt.Fprintln(i.Stderr, output.EscapeJSON(string(js)))
		}
	}
	return int(f.Kind)
}

// worded finds the fault in err; what nobody worded is a bug of ours.
func worded(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	kind := fault.Kind(fault.ExitCode(err))
	if kind == fault.Cancelled {
		return &fault.Error{Kind: kind, ID: "cancelled", Op: "run rely", Err: errors.New("stopped"), Hint: "run it again when you are ready"}
	}
	return &fault.Error{Kind: kind, ID: "internal", Op: "run rely", Err: err, Hint: "report this with the version and the command line"}
}
