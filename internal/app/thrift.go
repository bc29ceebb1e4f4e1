package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

// Unhurried puts the first garbage collection off until the heap has 16 MB in
// place of 4. A sign-in needs 5, and collected just when the person had come
// back and waits for its end. From then on everything is as always; so it is
// where GOGC says something.
func (a *App) Unhurried() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(400)
	runtime.AddCleanup(new([64]byte), func(usual int) { debug.SetGCPercent(usual) }, 100)
}

// Processors gives the process as many processors as GOMAXPROCS says, where it
// says something. Else a command keeps to the one that it began with (package
// start): it asks, waits for the answer and asks again, and a second processor
// that is woken for each answer, looks for more to do and finds nothing costs a
// twentieth of the CPU time.
func Processors() {
	if n, err := strconv.Atoi(os.Getenv("GOMAXPROCS")); err == nil && n > 0 {
		runtime.GOMAXPROCS(n)
	}
}

// Together gives the process all processors that there are for it, or leaves it
// those of GOMAXPROCS.
func Together() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.SetDefaultGOMAXPROCS()
	}
}
