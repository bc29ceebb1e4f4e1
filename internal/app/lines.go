package app

import (
	"bufio"
	"context"
	"io"
	"strings"
	"sync"
)

// lines reads in from the first call on, one line at a time.
func lines(in io.Reader) func(ctx context.Context) (string, error) {
	type line struct {
		text string
		err  error
	}
	read := make(chan line)
	start := sync.OnceFunc(func() {
		go func() {
			r := bufio.NewReaderSize(io.LimitReader(in, 1<<20), 64<<10)
			for {
				text, err := r.ReadString('\n')
				if text != "" {
					read <- line{text: strings.TrimRight(text, "\r\n")}
				}
				if err != nil {
					read <- line{err: err}
					return
				}
			}
		}()
	})
	return func(ctx context.Context) (string, error) {
		start()
		select {
		case l := <-read:
			return l.text, l.err
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}
