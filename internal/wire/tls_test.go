package wire_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/wire"
)

// A server that wants a certificate says so in the handshake, or in TLS 1.3 when
// the client takes that for done; HTTP/2 wraps it once more.
func TestAlert(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		version uint16
		http2   bool
		alert   string
	}{
		"in the handshake":             {tls.VersionTLS12, false, "tls: handshake failure"},
		"in the handshake, for HTTP/2": {tls.VersionTLS12, true, "tls: handshake failure"},
		"after the handshake":          {tls.VersionTLS13, false, "tls: certificate required"},
		"after it, for HTTP/2":         {tls.VersionTLS13, true, "tls: certificate required"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.EnableHTTP2 = c.http2
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: c.version}
			s.StartTLS()
			t.Cleanup(s.Close)
			w := &wire.Client{Base: s.Client().Transport, Now: time.Now}
			req, err := http.NewRequest(http.MethodGet, s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Do(t.Context(), "ask", req, 1000)
			var f *fault.Error
			if want := "broke the TLS handshake off: " + c.alert; !errors.As(err, &f) || !strings.HasSuffix(f.Err.Error(), want) || f.Kind != fault.Network || f.Spec != "RFC 8446 6.2" {
				t.Errorf("got %v, want a Network fault that ends with %q", err, want)
			}
		})
	}
}
