package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/fault"
	"rely/internal/wire"
)

// site opens a listener to which the address at leads, and tells whether the
// provider came there. bind is where to listen; empty is the address itself,
// which then has to be on loopback. It speaks no TLS: a provider that begins a
// handshake has come.
func (i *invocation) site(at, bind string) (func(context.Context) (*trial.Site, error), error) {
	broken := func(err error) error {
		return &fault.Error{Kind: fault.Usage, ID: "doctor.test-url", Op: "listen for the provider", Err: err,
			Hint: "use --test-url http://127.0.0.1:9409 for a provider on this machine; for others an address that is forwarded to --test-listen HOST:PORT"}
	}
	u, err := url.Parse(at)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "":
		return nil, broken(errors.New("--test-url is no http or https address without query and fragment"))
	case bind == "" && !wire.Loopback(u.Hostname()):
		return nil, broken(errors.New("--test-url is not on this machine, and --test-listen does not say where it is forwarded to"))
	case bind == "" && u.Port() == "":
		return nil, broken(errors.New("--test-url has no port"))
	case bind == "":
		bind = u.Host
	}
	return func(ctx context.Context) (*trial.Site, error) {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", bind)
		if err != nil {
			return nil, broken(err)
		}
		to := *u
		if to.Port() == "0" {
			to.Host = l.Addr().String()
		}
		token := rand.Text()
		to.Path = strings.TrimSuffix(to.Path, "/") + "/" + token
		var came atomic.Bool
		go receive(l, token, i.Now, &came)
		return &trial.Site{URL: to.String(), Asked: came.Load, Close: l.Close}, nil
	}, nil
}

// receive takes connections until the listener closes. One counts that asks for
// the address, by its token, or begins a handshake with a listener on loopback,
// where no stranger comes by.
func receive(l net.Listener, token string, now func() time.Time, came *atomic.Bool) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(now().Add(20 * time.Second))
			head := make([]byte, 2048)
			n, _ := c.Read(head)
			host, _, _ := net.SplitHostPort(l.Addr().String())
			if strings.Contains(string(head[:n]), token) || n > 0 && head[0] == 0x16 && wire.Loopback(host) {
				came.Store(true)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}()
	}
}
