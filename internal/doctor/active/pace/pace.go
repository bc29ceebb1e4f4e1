// Package pace keeps what is tried at somebody's provider from coming too fast.
// It sends nothing by itself.
package pace

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"rely/internal/wire"
)

// pause keeps it to two requests a second against a stranger's provider.
const pause = 500 * time.Millisecond

// A Keeper has requests wait for each other, so that no provider but one on this
// machine gets more than two in a second.
type Keeper struct {
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	mu   sync.Mutex
	last time.Time
}

// Wait takes the next turn.
func (p *Keeper) Wait(req *http.Request) error {
	if wire.Loopback(req.URL.Hostname()) {
		return nil
	}
	p.mu.Lock()
	at, now := p.last.Add(pause), p.Now()
	if at.Before(now) {
		at = now
	}
	p.last = at
	p.mu.Unlock()
	if at.Equal(now) {
		return nil
	}
	return p.Sleep(req.Context(), at.Sub(now))
}

// Over is a transport that keeps the pace; base itself where p is nil.
func (p *Keeper) Over(base http.RoundTripper) http.RoundTripper {
	if p == nil {
		return base
	}
	return &paced{pace: p, base: base}
}

// Pages is a transport of [Keeper.Over] for who walks pages: what a page loads
// Besides itself (scripts and their like) waits for nobody. Any other transport
// is given back.
func Pages(over http.RoundTripper) http.RoundTripper {
	t, is := over.(*paced)
	if !is {
		return over
	}
	return &paced{pace: t.pace, base: t.base, pages: true}
}

type paced struct {
	pace  *Keeper
	base  http.RoundTripper
	pages bool
}

// RoundTrip implements [http.RoundTripper].
func (t *paced) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.pages || !Besides(req) {
		if err := t.pace.Wait(req); err != nil {
			return nil, err
		}
	}
	return t.base.RoundTrip(req)
}

// Besides reports whether a browser asks for something that a page loads, and
// not for a page.
func Besides(req *http.Request) bool {
	return req.Method == http.MethodGet && !strings.Contains(req.Header.Get("Accept"), "text/html")
}
