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

// GOMAXPROCS has its way; without it a command has one processor, until it asks
// for all.
func TestProcessors(t *testing.T) { // alone: they are the process's
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	runtime.SetDefaultGOMAXPROCS()
	all := runtime.GOMAXPROCS(0)
	for _, c := range []struct {
		variable         string
		begins, together int
	}{{"", 1, all}, {"3", 3, 3}, {"none", 1, 1}} {
		t.Setenv("GOMAXPROCS", c.variable)
		runtime.GOMAXPROCS(1) // as package start has it
		Processors()
		if got := runtime.GOMAXPROCS(0); got != c.begins {
			t.Errorf("GOMAXPROCS=%s: began with %d processors, want %d", c.variable, got, c.begins)
		}
		Together()
		if got := runtime.GOMAXPROCS(0); got != c.together {
			t.Errorf("GOMAXPROCS=%s: together %d processors, want %d", c.variable, got, c.together)
		}
	}
}
