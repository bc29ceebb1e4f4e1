package doctor_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rely/internal/demoop"
	"rely/internal/demoop/stage"
	"rely/internal/doctor"
	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// try examines the embedded provider actively, alice signing in.
func try(t *testing.T, change func(*doctor.Options), faults ...string) (*doctor.Report, *stage.Stage) {
	t.Helper()
	host, err := stage.Open(t.Context(), demoop.Options{Faults: faults, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Stop)
	o := doctor.Options{Look: look(t, host, time.Now)}
	o.Active = &trial.Options{HTTP: o.Look.HTTP, Now: time.Now, Sleep: func(context.Context, time.Duration) error { return nil },
		Agent: func(over http.RoundTripper) (useragent.Agent, error) {
			return useragent.Choose("forms", useragent.Options{HTTP: over, Username: "alice", Password: secret.New("wonderland-1865"), Now: time.Now})
		}}
	if change != nil {
		change(&o)
	}
	r, err := doctor.Examine(t.Context(), o, stage.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return r, host
}

func TestEveryActiveCheckFires(t *testing.T) {
	t.Parallel()
	for _, f := range demoop.Faults() {
		k, err := doctor.Find(f.Check)
		if f.Check == "" || err != nil || !k.Active {
			continue
		}
		t.Run(k.ID+" "+f.Name, func(t *testing.T) {
			t.Parallel()
			r, _ := try(t, func(o *doctor.Options) { o.Only = []string{k.ID} }, f.Name)
			if len(r.Findings) == 0 || r.Findings[0].Check.ID != k.ID {
				t.Errorf("got %s and %v, want %s", ids(r), r.NotRun, k.ID)
			}
			if r.Left != nil {
				t.Errorf("left behind: %v", r.Left)
			}
		})
	}
}

func TestActiveIsSilentOnTheGoodProviderAndCleansUp(t *testing.T) {
	t.Parallel()
	r, host := try(t, nil)
	if len(r.Findings) > 0 || r.Left != nil {
		t.Errorf("got %s, left %v", ids(r), r.Left)
	}
	for _, n := range r.NotRun {
		if n.Check.Active {
			t.Errorf("%s was not run: %s", n.Check.ID, n.Reason)
		}
	}
	for _, s := range r.Stages {
		if s.Status != "ok" {
			t.Errorf("%s: %s", s.Name, s.Status)
		}
	}
	if got := host.Stats()["login"]; got != 1 {
		t.Errorf("somebody signed in %d times, want once", got)
	}
	// Two clients, and three that were refused; both deleted.
	if got := host.Stats(); got["register"] != 5 || got["registration"] != 3 {
		t.Errorf("got %v, want 5 registrations and 3 at the clients' own addresses", got)
	}
}

// Nobody signs in: those checks are not run, and say so.
func TestActiveWithoutAPerson(t *testing.T) {
	t.Parallel()
	r, _ := try(t, func(o *doctor.Options) { o.Active.Agent = nil })
	n := 0
	for _, not := range r.NotRun {
		if strings.HasPrefix(not.Check.ID, "L") && strings.Contains(not.Reason, "nobody signs in") {
			n++
		}
	}
	if n < 10 || slices.ContainsFunc(r.Passed, func(k *check.Check) bool { return k.ID[0] == 'L' }) {
		t.Errorf("%d were not run: %v", n, r.NotRun)
	}
}

// A dry run tells every request and sends none of them.
func TestDryRun(t *testing.T) {
	t.Parallel()
	var lines []string
	_, host := try(t, func(o *doctor.Options) { o.Active.Dry = func(line string) { lines = append(lines, line) } })
	all := strings.Join(lines, "\n")
	for _, want := range []string{"POST https://op.example/register", "GET https://op.example/authorize?", "POST https://op.example/token", "DELETE https://op.example/register/CLIENT-ID", "javascript:alert"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not told", want)
		}
	}
	if got := host.Stats(); got["register"]+got["token"]+got["registration"]+got["login"] > 0 || got["authorize"] > 1 {
		t.Errorf("a dry run sent %v", got)
	}
	if len(lines) > trial.MostRequests {
		t.Errorf("%d requests, want at most %d", len(lines), trial.MostRequests)
	}
}
