package useragent

import (
	"context"
	"io"
	"net/http"
	"time"

	"rely/internal/useragent/address"
	"rely/internal/useragent/page"
)

// frames asks for what a sign-out page shows in frames, which is how a provider
// tells its clients (OpenID Connect Front-Channel Logout 2). As in a browser,
// one that fails disturbs nothing.
func (w *walk) frames(ctx context.Context, p *page.Page) {
	for _, f := range p.Frames {
		u, err := address.Clean(f)
		if err != nil {
			continue
		}
		within, stop := context.WithTimeout(ctx, 15*time.Second)
		if resp, err := w.send(within, &request{method: http.MethodGet, url: u}); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
			_ = resp.Body.Close()
		}
		stop()
	}
}
