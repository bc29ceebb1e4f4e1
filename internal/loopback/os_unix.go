//go:build unix

package loopback

import (
	"errors"
	"syscall"
)

func portBusy(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// exclusive has nothing to do: without SO_REUSEPORT the port is ours alone.
func exclusive(_, _ string, _ syscall.RawConn) error { return nil }
