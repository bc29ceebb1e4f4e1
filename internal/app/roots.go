package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// bundles are the files in which distributions keep all authorities, in the
// order in which crypto/x509 looks for them; it reads the first that is there.
func bundles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/cert.pem",
	}
}

// readBundle is the content of that file; nil where the system is none that
// keeps its authorities so.
func readBundle() []byte {
	if runtime.GOOS != "linux" {
		return nil
	}
	files := bundles()
	if own := os.Getenv("SSL_CERT_FILE"); own != "" {
		files = []string{own}
	}
	for _, name := range files {
		if pem, err := os.ReadFile(name); err == nil {
			return pem
		}
	}
	return nil
}

// trusting trusts the authorities that were given, or the system's, and those
// in extra, in PEM form.
func (t *Network) trusting(extra []byte) http.RoundTripper {
	if t.given != nil {
		return t.transport(t.pool(extra))
	}
	steps := &twoSteps{
		plain: sync.OnceValue(func() http.RoundTripper { return t.transport(nil) }),
		few: sync.OnceValue(func() http.RoundTripper {
			system := readBundle()
			if first, _ := block(system); first == nil {
				return nil
			}
			return newBundle(append(append(system, '\n'), extra...)).transport(t)
		}),
		all: sync.OnceValue(func() http.RoundTripper { return t.transport(t.pool(extra)) }),
	}
	if extra == nil {
		return steps
	}
	// What has a certificate by the local authority, "rely op" say, waits for no
	// other to be read.
	return &twoSteps{
		plain: steps.plain,
		few: sync.OnceValue(func() http.RoundTripper {
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(extra)
			return t.transport(pool)
		}),
		all: func() http.RoundTripper { return steps },
	}
}

// twoSteps tries few authorities first. On Debian crypto/x509 reads a bundle of
// all and then each of its certificates once more from a file of its own, which
// takes longer than a whole sign-in: the bundle alone is tried before. Where few
// do not do, a new handshake asks all, so what is accepted is the same.
type twoSteps struct {
	plain func() http.RoundTripper // for http, which needs no authority
	few   func() http.RoundTripper // nil where there are none
	all   func() http.RoundTripper
	whole atomic.Bool // few did not do
}

// RoundTrip implements [http.RoundTripper].
func (t *twoSteps) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
		return t.plain().RoundTrip(req)
	}
	if t.whole.Load() || t.few() == nil {
		return t.all().RoundTrip(req)
	}
	var body []byte
	if req.Body != nil && req.Body != http.NoBody {
		var err error
		body, err = io.ReadAll(req.Body)
		if _ = req.Body.Close(); err != nil {
			return nil, err
		}
	}
	attempt := func(by http.RoundTripper) (*http.Response, error) {
		r := *req // as it is: GetBody may be missing for a reason
		if body != nil {
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return by.RoundTrip(&r)
	}
	resp, err := attempt(t.few())
	if refused := (*tls.CertificateVerificationError)(nil); !errors.As(err, &refused) {
		return resp, err
	}
	// Nothing of the request was sent: there was no connection to send it on.
	t.whole.Store(true)
	return attempt(t.all())
}
