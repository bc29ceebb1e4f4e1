package loopback

import (
	"errors"
	"syscall"
)

// portBusy knows WSAEADDRINUSE, and WSAEACCES for a port that another
// process holds exclusively.
func portBusy(err error) bool {
	return errors.Is(err, syscall.Errno(10048)) || errors.Is(err, syscall.Errno(10013))
}

// exclusive sets SO_EXCLUSIVEADDRUSE: without it another process may bind the
// same port by asking for SO_REUSEADDR.
func exclusive(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, ^syscall.SO_REUSEADDR, 1)
	})
	return errors.Join(err, failed)
}
