package cause

import (
	"crypto/x509"
	"errors"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Witness sees the exchanges with a provider pass, and keeps of them what
// helps to explain a failure: no body, no address, no secret. It is safe for
// use by several goroutines.
type Witness struct {
	Base http.RoundTripper
	Now  func() time.Time

	mu   sync.Mutex
	seen Seen
}

// RoundTrip implements [http.RoundTripper].
func (w *Witness) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.Base.RoundTrip(req)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.seen.Web, w.seen.Front = false, ""
		if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) && unknown.Cert != nil {
			w.seen.Authority = strings.TrimSpace(strings.Join(unknown.Cert.Issuer.Organization, " ") + " " + unknown.Cert.Issuer.CommonName)
		}
		return resp, err
	}
	// A Date is cut to the second, and the answer took its time.
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.seen.Clock, w.seen.Dated = at.Sub(w.Now()), true
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	w.seen.Web = kind == "text/html" || kind == "application/xhtml+xml"
	w.seen.Front = ""
	for _, name := range []string{"Via", "Server"} {
		if v := resp.Header.Get(name); v != "" && w.seen.Front == "" {
			w.seen.Front = v
		}
	}
	return resp, nil
}

// Seen is what it knows by now.
func (w *Witness) Seen() Seen {
	if w == nil {
		return Seen{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}
