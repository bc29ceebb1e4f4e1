package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"rely/internal/fault"
	"rely/internal/wire"
)

// A Network is an [http.RoundTripper] with two sets of authorities: one for
// hosts on loopback, which has the local authority in it, and one for the rest
// of the world, which has not.
type Network struct {
	// Client proves this side of a connection, to a server that asks (RFC 8705);
	// nil for nothing. It is set before the first request, and may be asked from
	// several goroutines at once. A fault or nil of its own shows nothing.
	Client func() (*tls.Certificate, error)

	// Single keeps to one connection to each host, on which requests wait for
	// each other: for a sign-in whose only other party is a robot, which asks for
	// one page at a time. Every connection less is a handshake less. It is set
	// before the first request.
	Single bool

	given *x509.CertPool // by the user, in place of the system's; nil is the system's
	way   string         // digest of what was given; empty for the system's
	dial  func(ctx context.Context, network, address string) (net.Conn, error)

	mu        sync.Mutex
	authority []byte // the local authority's certificate, in PEM form
	world     http.RoundTripper
	local     http.RoundTripper
}

// Trust lets loopback hosts prove themselves with the local authority, which
// may have been made while this process runs.
func (t *Network) Trust(pem []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !bytes.Equal(pem, t.authority) {
		t.authority, t.local = pem, nil
	}
}

// Anonymous believes whom t believes and proves nobody: for servers that are
// not the provider's. Its connections are its own.
func (t *Network) Anonymous() *Network {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Network{given: t.given, way: t.way, dial: t.dial, authority: t.authority}
}

// Showing is Anonymous with this certificate; nil is none.
func (t *Network) Showing(own *tls.Certificate) *Network {
	out := t.Anonymous()
	if own != nil {
		out.Client = func() (*tls.Certificate, error) { return own, nil }
	}
	return out
}

func (t *Network) trustOnly(pem []byte, caFile string) error {
	sum := sha256.Sum256(pem)
	t.given, t.way = x509.NewCertPool(), hex.EncodeToString(sum[:])
	if t.given.AppendCertsFromPEM(pem) {
		return nil
	}
	return &fault.Error{Kind: fault.Config, ID: "ca-cert.empty", Op: "read the authority's certificate",
		Err: errors.New(caFile + " holds no certificate in PEM form"), Hint: "check --ca-cert"}
}

// Way tells apart whom providers are believed to be by: what was fetched one
// way serves no other.
func (t *Network) Way() string { return t.way }

// RoundTrip implements [http.RoundTripper].
func (t *Network) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.pick(req.URL.Hostname()).RoundTrip(req)
}

func (t *Network) pick(host string) http.RoundTripper {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !wire.Loopback(host) {
		if t.world == nil {
			t.world = t.trusting(nil)
		}
		return t.world
	}
	if t.local == nil {
		t.local = t.trusting(t.authority)
	}
	return t.local
}

// pool is nil for the system's authorities alone, which are then loaded when
// the first certificate is checked and not before.
func (t *Network) pool(extra []byte) *x509.CertPool {
	if extra == nil {
		return t.given
	}
	var pool *x509.CertPool
	if t.given != nil {
		pool = t.given.Clone()
	} else if pool, _ = x509.SystemCertPool(); pool == nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(extra)
	return pool
}

// TLS is a configuration for what is no HTTP, with the authorities that host
// is held against.
func (t *Network) TLS(host string) *tls.Config {
	return &tls.Config{RootCAs: t.Roots(host), MinVersion: tls.VersionTLS12, ServerName: host}
}

// Dial opens a connection to host:port for a look at its TLS. It refuses where
// requests to that host go through a proxy: what is seen would be the proxy's.
func (t *Network) Dial(ctx context.Context, address string) (net.Conn, error) {
	to := &http.Request{URL: &url.URL{Scheme: "https", Host: address}}
	if proxy, err := http.ProxyFromEnvironment(to); err != nil || proxy != nil {
		return nil, ErrProxy
	}
	return t.dial(ctx, "tcp", address)
}

// ErrProxy is why [Network.Dial] opened no connection.
const ErrProxy fault.Cause = "requests go through a proxy"

// Roots are the authorities that a certificate of host is checked against; nil
// is the system's.
func (t *Network) Roots(host string) *x509.CertPool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wire.Loopback(host) {
		return t.pool(t.authority)
	}
	return t.pool(nil)
}

// transport speaks HTTP/1.1 alone, as net/http does where the dialer and the TLS
// configuration are not its own: docs/decisions/0012.
func (t *Network) transport(roots *x509.CertPool) *http.Transport {
	c := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if t.Client != nil {
		// Always this one: what a server says of authorities is a hint (RFC 8446
		// 4.2.4), and no authority signed a certificate of the client's own making.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if own, err := t.Client(); err == nil && own != nil {
				return own, nil
			}
			return &tls.Certificate{}, nil
		}
	}
	perHost := 0 // as many as are wanted
	if t.Single {
		perHost = 1
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		MaxConnsPerHost:        perHost,
		DialContext:            t.dial,
		TLSClientConfig:        c,
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		MaxIdleConns:           64, // doctor --from asks thousands of hosts
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
	}
}
