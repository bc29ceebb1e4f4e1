package cmd

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/app"
	"rely/internal/demoop"
	"rely/internal/fault"
)

// Every fault of the embedded provider is committed once, in a whole demo, and
// has to be met with the exit code that the table promises and a rule. Some
// faults never answer and cost the demo its time limit, so many run side by
// side, more than there are processors.
func TestDemoMeetsEveryFault(t *testing.T) {
	t.Parallel()
	var wait sync.WaitGroup
	turns := make(chan bool, 16)
	for _, f := range demoop.Faults() {
		wait.Go(func() {
			turns <- true
			defer func() { <-turns }()
			if trouble := meet(t, f); trouble != "" {
				t.Errorf("%s: %s", f.Name, trouble)
			}
		})
	}
	wait.Wait()
}

// meet runs one demo and says what is wrong with its end.
func meet(t *testing.T, f demoop.Fault) string {
	var stdout, stderr bytes.Buffer
	// Only those that are to end in time may be cut short by it: a busy
	// machine must not make a network fault of anything else.
	patience := "60s"
	if f.Exit == int(fault.Network) {
		patience = "2s"
	}
	got := Main(testApp(t, &stdout, &stderr), []string{"demo", "--break", f.Name, "--timeout", patience})
	text := stdout.String() + stderr.String()
	switch said := "\n" + stderr.String(); {
	case got != f.Exit:
		return fmt.Sprintf("exit code %d, want %d\n%s", got, f.Exit, text)
	case got != 0 && (!strings.Contains(said, "\nrely: rule: ") || !strings.Contains(said, "\nrely: try: ")):
		return "no rule, or nothing to try:\n" + text
	case strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && fault.Visible(string(r)) != string(r) }):
		return fmt.Sprintf("a control character shows: %q", text)
	case strings.Contains(text, demoAlice):
		return "the password shows"
	}
	return ""
}

// testApp is a process without environment, terminal or home of its own.
func testApp(t *testing.T, stdout, stderr *bytes.Buffer) *app.App {
	t.Helper()
	a := app.System()
	a.Stdin, a.Stdout, a.Stderr = strings.NewReader(""), stdout, stderr
	a.LookupEnv = func(string) (string, bool) { return "", false }
	a.Environ = func() []string { return nil }
	a.Now, a.Interactive = time.Now, false
	// Nothing is worth waiting long for: not the next try, not a device. But who
	// polls too soon is told to slow down, each time by 5 s, and gives up when that
	// is longer than the patience left: a busy machine must not come so far.
	a.Sleep = func(ctx context.Context, d time.Duration) error {
		return app.System().Sleep(ctx, min(d, 500*time.Millisecond))
	}
	a.Dirs = app.Dirs{Config: t.TempDir(), State: t.TempDir(), Temp: t.TempDir()}
	return a
}
