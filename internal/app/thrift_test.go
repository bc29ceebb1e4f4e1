package app

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// The first collection is late, and the next ones are not.
func TestUnhurried(t *testing.T) { // alone: the rate is the process's
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	rate := func() int {
		now := debug.SetGCPercent(-1)
		debug.SetGCPercent(now)
		return now
	}
	(&App{}).Unhurried()
	if got := rate(); got != 400 {
		t.Fatalf("got %d, want 400", got)
	}
	for deadline := time.Now().Add(5 * time.Minute); rate() != 100; {
		if time.Now().After(deadline) {
			t.Fatal("it stayed late after a collection")
		}
		runtime.GC()
	}
	t.Setenv("GOGC", "200")
	(&App{}).Unhurried()
	if got := rate(); got != 100 {
		t.Errorf("got %d, want what GOGC had set", got)
	}
}
