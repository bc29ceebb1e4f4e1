package app

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A certificate of the client's is for the provider: nobody else is shown it,
// even who asks.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	shown := make(chan int, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { shown <- len(r.TLS.PeerCertificates) }))
	// It names the authorities that it knows, and none of them made ours.
	name, err := asn1.Marshal(pkix.Name{CommonName: "another authority"}.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	others := x509.NewCertPool()
	others.AddCert(&x509.Certificate{Raw: name, RawSubject: name})
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: others}
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	known := &Network{given: pool, dial: (&net.Dialer{}).DialContext, Client: func() (*tls.Certificate, error) { return &s.TLS.Certificates[0], nil }}
	for what, c := range map[string]struct {
		through *Network
		want    int
	}{"the provider": {known, 1}, "anybody else": {known.Anonymous(), 0}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.through.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		_ = resp.Body.Close()
		if got := <-shown; got != c.want {
			t.Errorf("%s: got %d certificates, want %d", what, got, c.want)
		}
	}
}
