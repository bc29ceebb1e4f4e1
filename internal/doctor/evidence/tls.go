package evidence

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"rely/internal/wire"
)

// A Host is one host's TLS, as three or four handshakes show it.
type Host struct {
	Name    string // host:port
	Err     error  // why there was no handshake at all
	Version uint16 // agreed on by two sides that know everything
	Suite   uint16
	Chain   []*x509.Certificate
	Trust   error // why the chain is not accepted here

	Old    Attempt // with TLS 1.1 and 1.0 alone
	Oldest Attempt // with TLS 1.0 alone, where TLS 1.1 is taken
	Weak   Attempt // with the suites of TLS 1.2 that nobody should take
}

// An Attempt is a handshake that a well kept host refuses.
type Attempt struct {
	Taken   bool
	Version uint16 // where it was taken
	Suite   uint16
	Unknown error // it was neither taken nor refused
}

// mostHosts bounds the work that a provider's metadata can make.
const mostHosts = 8

// handshakeTime is how long one handshake may take.
const handshakeTime = 10 * time.Second

// hosts looks at every host that the metadata names.
func (l *look) hosts(ctx context.Context, e *Evidence) []Host {
	names := l.names(e)
	out := make([]Host, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(func() { out[i] = l.host(ctx, name) })
	}
	wait.Wait()
	return out
}

// names are the hosts behind https addresses, the issuer's first.
func (l *look) names(e *Evidence) []string {
	var out []string
	add := func(address string) {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || len(out) == mostHosts {
			return
		}
		if name := hostport(u); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	add(e.Issuer)
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint",
		"introspection_endpoint", "revocation_endpoint", "end_session_endpoint", "pushed_authorization_request_endpoint", "device_authorization_endpoint"} {
		if address, ok := e.usable(name); ok {
			add(address)
		}
	}
	return out
}

func (l *look) host(ctx context.Context, name string) (h Host) {
	h.Name = name
	host, _, _ := net.SplitHostPort(name)
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() {
		h.Old = l.attempt(ctx, name, tls.VersionTLS10, tls.VersionTLS11, everySuite())
		if h.Old.Version == tls.VersionTLS11 {
			h.Oldest = l.attempt(ctx, name, tls.VersionTLS10, tls.VersionTLS10, everySuite())
		}
	})
	wait.Go(func() { h.Weak = l.attempt(ctx, name, tls.VersionTLS12, tls.VersionTLS12, weakSuites()) })
	state, err := l.handshake(ctx, name, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS13})
	if err != nil {
		h.Err = err
		return h
	}
	h.Version, h.Suite, h.Chain = state.Version, state.CipherSuite, state.PeerCertificates
	o := x509.VerifyOptions{DNSName: host, CurrentTime: l.Now(), Intermediates: x509.NewCertPool()}
	if l.Roots != nil {
		o.Roots = l.Roots(host)
	}
	for _, c := range h.Chain[1:] {
		o.Intermediates.AddCert(c)
	}
	_, h.Trust = h.Chain[0].Verify(o)
	return h
}

// attempt tries what should be refused.
func (l *look) attempt(ctx context.Context, name string, least, most uint16, suites []uint16) Attempt {
	state, err := l.handshake(ctx, name, &tls.Config{MinVersion: least, MaxVersion: most, CipherSuites: suites})
	switch {
	case err == nil:
		return Attempt{Taken: true, Version: state.Version, Suite: state.CipherSuite}
	case timedOut(err) || errors.As(err, new(*net.OpError)) && !errors.As(err, new(tls.AlertError)) && !brokenOff(err):
		return Attempt{Unknown: err}
	}
	return Attempt{}
}

func timedOut(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// brokenOff reports whether the other side ended the connection, or sent an
// alert that it did not want this: that is how a handshake is refused.
func brokenOff(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "read" || op.Op == "write")
}

// handshake looks at a host without trusting it: nothing is sent over the
// connection, and the chain is checked afterwards.
func (l *look) handshake(ctx context.Context, name string, c *tls.Config) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	raw, err := l.Dial(ctx, name)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer raw.Close()
	host, _, _ := net.SplitHostPort(name)
	if !wire.Loopback(host) || net.ParseIP(host) == nil {
		c.ServerName = host
	}
	c.InsecureSkipVerify, c.Time = true, l.Now
	conn := tls.Client(raw, c)
	if err := conn.HandshakeContext(ctx); err != nil {
		return tls.ConnectionState{}, err
	}
	return conn.ConnectionState(), nil
}

func everySuite() []uint16 {
	var out []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		out = append(out, s.ID)
	}
	return out
}

// weakSuites are those of TLS 1.2 without forward secrecy or without
// authenticated encryption (RFC 9325 4.2).
func weakSuites() []uint16 {
	var out []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if slices.Contains(s.SupportedVersions, tls.VersionTLS12) && !Strong(s.ID) {
			out = append(out, s.ID)
		}
	}
	return out
}

// Strong reports whether a suite has forward secrecy and authenticated
// encryption. Those of TLS 1.3 all have.
func Strong(suite uint16) bool {
	switch suite {
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256:
		return true
	}
	return false
}
