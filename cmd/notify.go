package cmd

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rely/internal/loopback"
)

// notifier posts what the embedded provider has to tell clients on this machine
// alone: logout tokens, and the pings of CIBA. It trusts the local authority,
// as whoever runs both would.
func (i *invocation) notifier() (http.RoundTripper, error) {
	t, err := i.Transport("")
	if err != nil {
		return nil, err
	}
	if dir := i.Dirs.AuthorityDir(); dir != "" {
		if authority, err := loopback.OpenAuthority(dir, i.Now); err == nil {
			t.Trust(authority.PEM())
		}
	}
	return t, nil
}

// notifiers are the two ways that the embedded provider has of telling.
func (i *invocation) notifiers() (logout func(uri string, form url.Values), ping func(uri, bearer string, body []byte) string) {
	logout = func(uri string, form url.Values) {
		if t, err := i.notifier(); err == nil {
			notify(t, uri, form)
		}
	}
	return logout, func(uri, bearer string, body []byte) string {
		t, err := i.notifier()
		if err != nil {
			return "not sent"
		}
		return tell(t, uri, "application/json", bearer, body)
	}
}

func notify(t http.RoundTripper, uri string, form url.Values) {
	tell(t, uri, "application/x-www-form-urlencoded", "", []byte(form.Encode()))
}

// tell posts once, follows nothing, and reads nothing.
func tell(t http.RoundTripper, uri, kind, bearer string, body []byte) string {
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, bytes.NewReader(body))
	if err != nil {
		return "not sent"
	}
	req.Header.Set("Content-Type", kind)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return "not reached"
	}
	_ = resp.Body.Close()
	return strconv.Itoa(resp.StatusCode)
}
