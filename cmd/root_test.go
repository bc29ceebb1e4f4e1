package cmd

import (
	"testing"
	"time"

	"rely/internal/app"
	"rely/internal/trace"
)

// A command that loses nothing by a signal catches it only when it takes long;
// any other does so before its first request.
func TestSignalsAreCaughtLater(t *testing.T) {
	t.Parallel()
	for what, loose := range map[string]bool{"loses nothing": true, "loses something": false} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			long, caught := make(chan time.Time), make(chan bool, 1)
			a := &app.App{Now: time.Now, LookupEnv: func(string) (string, bool) { return "", false },
				Tick: func(time.Duration) <-chan time.Time { return long }}
			i := &invocation{App: a, redact: &trace.Redactor{}, loose: loose, interrupt: func() { caught <- true }}
			if _, err := i.network(); err != nil {
				t.Fatal(err)
			}
			if got := len(caught) == 1; got == loose {
				t.Fatalf("before a request: caught %v, want %v", got, !loose)
			}
			if loose {
				long <- time.Now()
			}
			<-caught
		})
	}
}
