package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"rely/internal/fault"
	"rely/internal/wire"
)

// trusting is an [http.RoundTripper] with two sets of authorities: one for
// hosts on loopback, which has the local authority in it, and one for the rest
// of the world, which has not.
type trusting struct {
	ca        []byte // PEM; nil is the system's
	authority string // path of the local authority's certificate

	mu    sync.Mutex
	world http.RoundTripper
	local http.RoundTripper
	known bool // local trusts the local authority
}

func (t *trusting) check(caFile string) error {
	if t.ca == nil || x509.NewCertPool().AppendCertsFromPEM(t.ca) {
		return nil
	}
	return &fault.Error{Kind: fault.Config, ID: "ca-cert.empty", Op: "read the authority's certificate",
		Err: errors.New(caFile + " holds no certificate in PEM form"), Hint: "check --ca-cert"}
}

// RoundTrip implements [http.RoundTripper].
func (t *trusting) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.pick(req.URL.Hostname()).RoundTrip(req)
}

func (t *trusting) pick(host string) http.RoundTripper {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !wire.Loopback(host) {
		if t.world == nil {
			t.world = transport(t.pool(nil))
		}
		return t.world
	}
	// The authority may be made while this process runs, between the first
	// request to a provider on loopback and the first to our own listener.
	if t.local == nil || !t.known {
		pem, err := os.ReadFile(t.authority)
		if t.local == nil || err == nil {
			t.known = err == nil
			t.local = transport(t.pool(pem))
		}
	}
	return t.local
}

// pool is nil for the system's authorities alone, which are then loaded when
// the first certificate is checked and not before.
func (t *trusting) pool(extra []byte) *x509.CertPool {
	if t.ca == nil && extra == nil {
		return nil
	}
	var pool *x509.CertPool
	if t.ca == nil {
		pool, _ = x509.SystemCertPool()
	}
	if pool == nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(t.ca)
	pool.AppendCertsFromPEM(extra)
	return pool
}

func transport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}
}
