package cmd

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/demoop"
)

// On a terminal a bar shows how far it is; in a pipe one line says it all. The
// result is the same.
func TestLifetimesBar(t *testing.T) {
	t.Parallel()
	for what, columns := range map[string]int{"a terminal": 80, "a pipe": 0} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			now := time.Now()
			clock := func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return now
			}
			var op http.Handler
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { op.ServeHTTP(w, r) }))
			t.Cleanup(server.Close)
			var err error
			if op, err = demoop.New(demoop.Options{Issuer: server.URL, Now: clock, AccessTTL: 5 * time.Second}); err != nil {
				t.Fatal(err)
			}
			password := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(password, []byte(demoAlice), 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			a := testApp(t, &stdout, &stderr)
			a.Now, a.Columns = clock, func() int { return columns }
			a.Sleep = func(ctx context.Context, d time.Duration) error {
				mu.Lock()
				defer mu.Unlock()
				now = now.Add(d)
				return ctx.Err()
			}
			if code := Main(a, []string{"doctor", "lifetimes", server.URL, "--register", "--username", "alice", "--password-file", password, "--for-at-most", "20s"}); code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr.String())
			}
			told := stderr.String()
			if bar := strings.Contains(told, "\r[############............] 10 s of 20 s "); bar != (columns > 0) {
				t.Errorf("got a bar: %t\n%q", bar, told)
			}
			if columns == 0 && told != "Looking for at most 20 s; it signs in up to four times.\nThe client is deleted.\n" {
				t.Errorf("got %q", told)
			}
			if !strings.Contains(stdout.String(), "alive after 4 s, dead after 5 s; expires_in 5 s") || strings.Contains(stdout.String(), "\r") {
				t.Errorf("got %s", stdout.String())
			}
		})
	}
}
