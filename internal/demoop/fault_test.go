package demoop_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rely/internal/demoop"
	"rely/internal/fault"
)

func TestFaultTable(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	groups := []string{"discovery", "webfinger", "registration", "keys", "id-token", "encryption", "dpop", "mtls", "response", "front", "jarm", "asked", "pushed", "token", "device", "userinfo", "logout", "transport", "tls", "words", "good"}
	seen := map[string]bool{}
	for _, f := range demoop.Faults() {
		if !name.MatchString(f.Name) || seen[f.Name] {
			t.Errorf("the name %q is not lower-kebab, or there twice", f.Name)
		}
		seen[f.Name] = true
		if f.Help == "" || strings.ContainsAny(f.Help, "\n") || len(f.Help) > 100 {
			t.Errorf("%s: got the help %q, want one line", f.Name, f.Help)
		}
		if !slices.Contains(groups, f.Group) || strings.HasPrefix(f.Name, "good-") != (f.Group == "good") {
			t.Errorf("%s: got the group %q", f.Name, f.Group)
		}
		if !slices.Contains([]string{"register", "login", "userinfo", "tokens", "introspect", "logout", "doctor"}, f.At) {
			t.Errorf("%s: got the command %q", f.Name, f.At)
		}
		// An honest no of the provider is no lie: the client exits 5, and that
		// is shown without a fault.
		want := []int{6, 7}
		if f.At == "doctor" {
			want = []int{8}
		}
		if f.Group != "good" && !slices.Contains(want, f.Exit) || f.Group == "good" && f.Exit != 0 {
			t.Errorf("%s: got the exit code %d, want 0 for a liberty and one of %d for a lie", f.Name, f.Exit, want)
		}
		if f.At == "doctor" && f.Group != "good" && f.Check == "" { // a liberty is what none may find
			t.Errorf("%s: got no check that finds it", f.Name)
		}
		if f.Rule == "" && f.Exit != 0 {
			t.Errorf("%s: got no rule", f.Name)
		}
	}
}

func TestUnknownFault(t *testing.T) {
	t.Parallel()
	_, err := demoop.New(demoop.Options{Issuer: "https://127.0.0.1:1", Now: time.Now, Faults: []string{"no-such-fault"}})
	if !fault.Is(err, fault.Usage) {
		t.Errorf("got %v, want a usage fault", err)
	}
}

// TestEveryFaultMisbehaves walks through the provider once as it should be and
// once for each fault, notes what a client can see, and expects a difference.
func TestEveryFaultMisbehaves(t *testing.T) {
	t.Parallel()
	good, again := walk(t), walk(t)
	if d := cmp.Diff(good, again); d != "" {
		t.Fatalf("two walks through the good provider differ:\n%s", d)
	}
	for _, f := range demoop.Faults() {
		if f.TLS != nil || f.Front != nil || f.Plain {
			continue // no request shows it: internal/demoop/stage has them
		}
		if f.At == "doctor" && !strings.HasPrefix(f.Check, "P") {
			continue // only one who tries it sees it: internal/doctor/active_test.go does
		}
		if f.Check == "P47" {
			continue // only one who looks twice sees it: internal/doctor/watch_test.go does
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			if f.Needs == "backchannel" || f.Needs == "frontchannel" {
				if good, got := notices(t), notices(t, f.Name); cmp.Equal(good, got) {
					t.Error("got what the good provider does, want a difference")
				}
				return
			}
			if f.Needs == "ciba-ping" {
				if good, got := pinged(t), pinged(t, f.Name); cmp.Equal(good, got) {
					t.Error("got what the good provider does, want a difference")
				}
				return
			}
			if f.Group == "transport" && (f.On == "authorize" || f.On == "login") {
				if good, got := doors(t), doors(t, f.Name); cmp.Equal(good, got) {
					t.Error("got what the good provider does, want a difference")
				}
				return
			}
			if f.Needs == "sources" {
				if good, got := sources(t), sources(t, f.Name); cmp.Equal(good, got) {
					t.Error("got what the good provider does, want a difference")
				}
				return
			}
			if f.Needs == "signed" {
				if good, got := signedUserInfo(t), signedUserInfo(t, f.Name); cmp.Equal(good, got) {
					t.Error("got what the good provider does, want a difference")
				}
				return
			}
			got := walk(t, f.Name)
			good := maps.Clone(good)
			if got["front"] == nil {
				delete(good, "front")
				delete(good, "jarm")
			}
			if got["sealed response"] == nil {
				delete(good, "sealed response")
			}
			if cmp.Equal(good, got) {
				t.Error("got what the good provider does, want a difference")
			}
			// A fault of a follow-up command leaves the sign-in alone.
			if f.At != "login" && f.At != "userinfo" && !cmp.Equal(good["login"], got["login"]) {
				t.Errorf("the sign-in changed as well: %s", cmp.Diff(good["login"], got["login"]))
			}
			if f.At == "userinfo" && !cmp.Equal(good["token"], got["token"]) {
				t.Errorf("the tokens changed as well: %s", cmp.Diff(good["token"], got["token"]))
			}
		})
	}
}

func TestFaultsLetGo(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"discovery-hang": "/.well-known/openid-configuration", "token-hang": "/token", "jwks-endless": "/jwks"} {
		t.Run(name+" when the server closes", func(t *testing.T) {
			t.Parallel()
			o := broken(t, name)
			done := make(chan struct{})
			go func() {
				defer close(done)
				method := "GET"
				if path == "/token" {
					method = "POST"
				}
				r, _ := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, o.issuer+path, nil)
				if resp, err := o.http.Do(r); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}()
			for o.total() == 0 {
				select {
				case <-done:
					t.Fatal("the request ended by itself")
				default:
					runtime.Gosched()
				}
			}
			o.Close()
			<-done
		})
	}
	t.Run("when the client goes", func(t *testing.T) {
		t.Parallel()
		ended := make(chan string, 1)
		o := start(t, "", func(opt *demoop.Options) {
			opt.Faults, opt.Log = []string{"discovery-hang"}, func(line string) { ended <- line }
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for o.total() == 0 {
				runtime.Gosched()
			}
			cancel()
		}()
		r, _ := http.NewRequestWithContext(ctx, "GET", o.issuer+"/.well-known/openid-configuration", nil)
		if _, err := o.http.Do(r); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want a cancelled request", err)
		}
		if got, want := <-ended, "GET /.well-known/openid-configuration 200"; got != want {
			t.Errorf("got the log %q, want %q", got, want)
		}
	})
}

func TestSlowAnswerTicks(t *testing.T) {
	t.Parallel()
	tick := make(chan time.Time)
	o := start(t, "", func(opt *demoop.Options) {
		opt.Faults, opt.Tick = []string{"discovery-slow"}, func(time.Duration) <-chan time.Time { return tick }
	})
	resp, err := o.http.Get(o.issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b := make([]byte, 3)
	for i := range b {
		if _, err := io.ReadFull(resp.Body, b[i:i+1]); err != nil {
			t.Fatal(err)
		}
		tick <- time.Time{}
	}
	if got := string(b); got != "{  " {
		t.Errorf("got %q, want a byte for each tick", got)
	}
}

func TestOneFailureOnly(t *testing.T) {
	t.Parallel()
	o := broken(t, "good-discovery-retry")
	first, second := o.get(o.http, "/.well-known/openid-configuration"), o.get(o.http, "/.well-known/openid-configuration")
	if first.StatusCode != 503 || first.Header.Get("Retry-After") != "1" || second.StatusCode != 200 {
		t.Errorf("got %d and %d, want 503 and then 200", first.StatusCode, second.StatusCode)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	o := broken(t, "token-500-then-well")
	o.refresh("nonsense")
	o.refresh("nonsense")
	o.post(o.http, "/token", url.Values{"grant_type": {"client_credentials"}})
	got := o.Stats()
	want := map[string]int{"token": 3, "token refresh_token": 2, "token client_credentials": 1}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want, got:\n%s", d)
	}
}
