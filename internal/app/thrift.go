package app

import (
	"os"
	"runtime"
	"runtime/debug"
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

// Alone keeps the process to one processor, or gives all of them back; where
// GOMAXPROCS says something, it stays so. A command asks, waits for the answer
// and asks again: a second processor that is woken for each answer, looks for
// more to do and finds nothing costs a twentieth of the CPU time.
func Alone(alone bool) {
	switch {
	case os.Getenv("GOMAXPROCS") != "":
	case alone:
		runtime.GOMAXPROCS(1)
	default:
		runtime.SetDefaultGOMAXPROCS()
	}
}
