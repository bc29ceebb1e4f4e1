package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"rely/internal/app"
)

// leapt is the clock whose time stands in a file; where there is none, it is the
// machine's.
func leapt(file string) func() time.Time {
	return func() time.Time {
		data, err := os.ReadFile(file)
		if err != nil {
			return time.Now()
		}
		now, err := time.Parse(time.RFC3339Nano, string(data))
		if err != nil {
			panic(err)
		}
		return now
	}
}

// hasty is rely for which waiting takes no time, and nothing else does: its
// clock, and that of the script's provider, stand still but where it waits. Both
// read the file "clock" of the script. "hasty wait D" lets time pass.
func hasty(args []string) int {
	file := os.Getenv("CLOCK")
	a := app.System()
	a.Now = leapt(file)
	leap := func(d time.Duration) error {
		return os.WriteFile(file, []byte(a.Now().Add(d).Format(time.RFC3339Nano)), 0o600)
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && leap(0) != nil {
		return 1
	}
	if args[0] == "wait" {
		d, err := time.ParseDuration(args[1])
		if err != nil || leap(d) != nil {
			return 2
		}
		return 0
	}
	a.Sleep = func(ctx context.Context, d time.Duration) error { return errors.Join(leap(d), ctx.Err()) }
	return Main(a, args)
}
