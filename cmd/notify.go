package cmd

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rely/internal/loopback"
)

// notifier posts the embedded provider's logout tokens, to clients on this
// machine alone. It trusts the local authority, as whoever runs both would.
func (i *invocation) notifier() func(uri string, form url.Values) {
	return func(uri string, form url.Values) {
		t, err := i.Transport("")
		if err != nil {
			return
		}
		if dir := i.Dirs.AuthorityDir(); dir != "" {
			if authority, err := loopback.OpenAuthority(dir, i.Now); err == nil {
				t.Trust(authority.PEM())
			}
		}
		notify(t, uri, form)
	}
}

func notify(t http.RoundTripper, uri string, form url.Values) {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form.Encode()))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if resp, err := t.RoundTrip(req); err == nil {
		_ = resp.Body.Close()
	}
}
