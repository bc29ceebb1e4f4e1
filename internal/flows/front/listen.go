package front

import (
	"context"
	"errors"
	"net/url"

	"rely/internal/fault"
	"rely/internal/loopback"
)

// listen opens the loopback listener for the redirect URI, or for the next one
// registered where its port is busy.
func (a *attempt) listen(ctx context.Context) (*loopback.Listener, error) {
	l, err := a.listenAt(ctx, a.RedirectURI)
	for _, uri := range a.Fallbacks {
		var f *fault.Error
		if !errors.As(err, &f) || f.ID != "loopback.port-busy" || a.Listen != "" {
			break
		}
		if next, other := a.listenAt(ctx, uri); other == nil {
			return next, nil
		}
	}
	return l, err
}

func (a *attempt) listenAt(ctx context.Context, uri string) (*loopback.Listener, error) {
	o := loopback.Options{RedirectURI: uri, Bind: a.Listen, AllowHost: a.AllowHost, Accept: a.accept,
		FormPost: a.asked.way == loopback.Form, Origins: a.Origins(), Fragment: a.asked.way == loopback.Fragment}
	if u, err := url.Parse(uri); err == nil && u.Scheme == "https" {
		if o.Certificate, err = a.Certificate(); err != nil {
			return nil, err
		}
	}
	return loopback.Listen(ctx, o)
}
