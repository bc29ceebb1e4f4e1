package app

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// On loopback the local authority is tried alone before any other is read, and
// what it did not sign is still believed for the system's. Not parallel: the
// system's are a variable of the process.
func TestLocalAuthorityFirst(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	file := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(file, own, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		authority    []byte
		file         string
		others, does bool
	}{
		"the local authority signed it": {own, "/nowhere", false, true},
		"another did":                   {[]byte("none"), file, true, true},
		"nobody did":                    {[]byte("none"), "/nowhere", true, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Setenv("SSL_CERT_FILE", c.file)
			n := &Network{dial: (&net.Dialer{}).DialContext}
			n.Trust(c.authority)
			resp, err := n.RoundTrip(httptest.NewRequest(http.MethodGet, s.URL, nil))
			if err == nil {
				resp.Body.Close()
			}
			if (err == nil) != c.does {
				t.Errorf("got the error %v, want an answer: %v", err, c.does)
			}
			if got := n.local.(*twoSteps).whole.Load(); got != c.others {
				t.Errorf("others were asked: %v, want %v", got, c.others)
			}
		})
	}
}
