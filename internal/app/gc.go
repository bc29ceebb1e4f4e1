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
