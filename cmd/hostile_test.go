package cmd

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rely/internal/fault"
)

// A provider that puts the client's secret into its error has it struck out:
// what is shown may end in a ticket.
func TestASecretThatComesBackIsStruckOut(t *testing.T) {
	t.Parallel()
	const secret = "the-secret-of-the-white-rabbit"
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/token" {
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": s.URL, "token_endpoint": s.URL + "/token", "jwks_uri": s.URL + "/jwks", "authorization_endpoint": s.URL + "/authorize",
				"response_types_supported": []string{"code"}, "token_endpoint_auth_methods_supported": []string{"client_secret_post"}})
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": "invalid_client", "error_description": "wrong secret " + r.PostFormValue("client_secret") + " for you"})
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"-o", "json"}, {"--trace"}} {
		var stdout, stderr bytes.Buffer
		got := Main(testApp(t, &stdout, &stderr), append([]string{"tokens", "--issuer", s.URL, "--client-id", "me", "--client-secret-file", file, "--flow", "client-credentials"}, more...))
		if said := stdout.String() + stderr.String(); got != int(fault.Denied) || strings.Contains(said, secret) || !strings.Contains(said, "wrong secret ") {
			t.Errorf("%v: got exit code %d and %q, want the provider's words without the secret", more, got, said)
		}
	}
}

// A host that takes the connection and says nothing, not even in TLS, is given
// up at the limit.
func TestSilence(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, scheme := range []string{"https://", "http://"} {
		var stdout, stderr bytes.Buffer
		got := Main(testApp(t, &stdout, &stderr), []string{"discover", scheme + l.Addr().String(), "--timeout", "300ms"})
		if said := stderr.String(); got != int(fault.Network) || !strings.Contains(said, "did not answer in full within 300ms") || !strings.Contains(said, "rely: try: ") {
			t.Errorf("%s: got exit code %d and %q, want that nobody answered in time", scheme, got, said)
		}
	}
}

// Whose certificate is not good for the host is not spoken to, and it is said
// what is wrong with it.
func TestCertificatesOfStrangers(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.NotFoundHandler()) // nobody here trusts its authority
	defer s.Close()
	var stdout, stderr bytes.Buffer
	got := Main(testApp(t, &stdout, &stderr), []string{"discover", s.URL})
	if said := stderr.String(); got != int(fault.Network) || !strings.Contains(said, "certificate") || !strings.Contains(said, "--ca-cert") {
		t.Errorf("got exit code %d and %q, want that the certificate is not trusted, and the flag that would", got, said)
	}
}
