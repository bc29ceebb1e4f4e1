package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"rely/internal/fault"
)

// ErrTerminated is the cause of a context that SIGTERM ended; one that Ctrl-C
// ended has [context.Canceled].
const ErrTerminated fault.Cause = "terminated"

// Interrupt cancels ctx on SIGINT and SIGTERM, from now until ctx ends. A
// second signal ends the process at once, as if nothing had been caught.
func Interrupt(ctx context.Context, cancel context.CancelCauseFunc) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-caught:
			signal.Stop(caught)
			if s == syscall.SIGTERM {
				cancel(ErrTerminated)
			} else {
				cancel(context.Canceled)
			}
		case <-ctx.Done():
			signal.Stop(caught)
		}
	}()
}
