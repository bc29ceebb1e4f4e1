package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rely/internal/demoop"
	"rely/internal/demoop/stage"
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

// A provider that is not on this machine gets two requests a second and no more:
// registration, pages, tokens, deletion. Where the robot comes back to is here.
func TestLifetimesPace(t *testing.T) {
	t.Parallel()
	var slept atomic.Int64
	began := time.Now()
	clock := func() time.Time { return began.Add(time.Duration(slept.Load())) }
	host, err := stage.Open(t.Context(), demoop.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Stop)
	dir := t.TempDir()
	for name, text := range map[string]string{"password": demoAlice, "authority": string(host.Authority)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	a := testApp(t, &stdout, &stderr)
	real := a.Dial
	a.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "127.0.0.1:") {
			return real(ctx, network, address)
		}
		return host.Dial(ctx, network, address)
	}
	a.Now, a.Sleep = clock, func(ctx context.Context, d time.Duration) error {
		for until := clock().Add(d); ; {
			if was := slept.Load(); began.Add(time.Duration(was)).After(until) || slept.CompareAndSwap(was, int64(until.Sub(began))) {
				return ctx.Err()
			}
		}
	}
	har := filepath.Join(dir, "har")
	if code := Main(a, []string{"doctor", "lifetimes", stage.Issuer, "--register", "--username", "alice", "--password-file", filepath.Join(dir, "password"),
		"--ca-cert", filepath.Join(dir, "authority"), "--for-at-most", "20s", "--har", har}); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	data, err := os.ReadFile(har)
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Log struct {
			Entries []struct {
				Started time.Time `json:"startedDateTime"`
				Request struct{ Method, URL string }
			}
		}
	}
	if err := json.Unmarshal(data, &log); err != nil {
		t.Fatal(err)
	}
	var at []time.Time
	seen := map[string]int{}
	for _, e := range log.Log.Entries {
		if path, theirs := strings.CutPrefix(e.Request.URL, stage.Issuer); theirs {
			path, _, _ = strings.Cut(path, "?")
			seen[e.Request.Method+" "+path]++
			at = append(at, e.Started)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	for n := range at[2:] {
		// Of two that are asked for at once, the first may see the clock of the
		// second. HAR has milliseconds.
		if d := at[n+2].Sub(at[n]); d < 499*time.Millisecond {
			t.Errorf("three requests within %s, the first is number %d of %d: %v", d, n+1, len(at), seen)
		}
	}
	for _, want := range []string{"POST /register", "GET /authorize", "POST /login", "POST /token", "POST /introspect"} {
		if seen[want] == 0 {
			t.Errorf("%s was never asked: %v", want, seen)
		}
	}
}
