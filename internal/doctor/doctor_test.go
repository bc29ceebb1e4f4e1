package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/demoop"
	"rely/internal/demoop/stage"
	"rely/internal/doctor"
	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/wire"
)

// A watch is a clock that stands still until somebody waits.
type watch struct {
	sync.Mutex
	now time.Time
}

func (w *watch) Now() time.Time {
	w.Lock()
	defer w.Unlock()
	return w.now
}

// Tick lets the time pass at once.
func (w *watch) Tick(d time.Duration) <-chan time.Time {
	w.Lock()
	defer w.Unlock()
	w.now = w.now.Add(d)
	done := make(chan time.Time)
	close(done)
	return done
}

// examine looks at the embedded provider on a public host.
func examine(t *testing.T, o doctor.Options, faults ...string) *doctor.Report {
	t.Helper()
	clock := &watch{now: time.Now()}
	host, err := stage.Open(t.Context(), demoop.Options{Faults: faults, Now: clock.Now, Tick: clock.Tick})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Stop)
	o.Look = look(t, host, clock.Now)
	r, err := doctor.Examine(t.Context(), o, stage.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func look(t *testing.T, host *stage.Stage, now func() time.Time) evidence.Options {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(host.Authority)
	base := &http.Transport{DialContext: host.Dial, TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(base.CloseIdleConnections)
	sleep := func(context.Context, time.Duration) error { return nil }
	return evidence.Options{HTTP: &wire.Client{Base: base, Now: now, Sleep: sleep}, Now: now, Roots: func(string) *x509.CertPool { return roots },
		Dial: func(ctx context.Context, address string) (net.Conn, error) { return host.Dial(ctx, "tcp", address) }}
}

// Each check is shown to fire by a provider that breaks exactly that rule.
func TestEveryCheckFires(t *testing.T) {
	t.Parallel()
	faults := map[string][]string{}
	for _, f := range demoop.Faults() {
		faults[f.Check] = append(faults[f.Check], f.Name)
		if _, err := doctor.Find(f.Check); f.Check != "" && err != nil {
			t.Errorf("the fault %s is for %s: %v", f.Name, f.Check, err)
		}
	}
	for _, k := range doctor.Checks() {
		if len(faults[k.ID]) == 0 {
			t.Errorf("%s %s: no fault of the embedded provider shows it", k.ID, k.Name)
		}
		if k.Active {
			continue // active_test.go
		}
		if k.ID == "P47" || k.ID == "L36" {
			continue // watch_test.go: they compare two looks
		}
		for _, name := range faults[k.ID] {
			t.Run(k.ID+" "+name, func(t *testing.T) {
				t.Parallel()
				r := examine(t, doctor.Options{}, name)
				if !slices.ContainsFunc(r.Findings, func(f check.Finding) bool { return f.Check.ID == k.ID }) {
					t.Errorf("got %s, want one of %s", ids(r), k.ID)
				}
				for _, f := range r.Findings {
					if f.Seen == "" || f.Expected == "" || f.Where == "" {
						t.Errorf("a finding without what was seen, expected or where: %+v", f)
					}
				}
			})
		}
	}
}

// ids are the checks that found something.
func ids(r *doctor.Report) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Check.ID+" ("+f.Where+": "+f.Seen+")")
	}
	return strings.Join(out, ", ")
}

// The good provider has no finding, and every check that did not judge has a
// reason of its own.
func TestSilentOnTheGoodProvider(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "good-unknown-members", "good-unknown-kty-in-jwks", "good-endpoint-query", "good-discovery-500-then-well"} {
		t.Run("good "+name, func(t *testing.T) {
			t.Parallel()
			r := examine(t, doctor.Options{}, strings.Fields(name)...)
			if slices.ContainsFunc(r.Findings, func(f check.Finding) bool { return f.Severity > check.Info }) || name == "" && len(r.Findings) > 0 {
				t.Errorf("got %s, want nothing", ids(r))
			}
			if r.Broken() != nil || r.Verdict(check.Warning) != nil {
				t.Errorf("got broken %v and the verdict %v", r.Broken(), r.Verdict(check.Warning))
			}
			if n := len(r.Passed) + len(r.NotRun) + len(r.Findings); name == "" && n != passive() {
				t.Errorf("%d checks have an outcome, want %d", n, passive())
			}
		})
	}
}

func passive() int {
	n := 0
	for _, k := range doctor.Checks() {
		if !k.Active {
			n++
		}
	}
	return n
}

func TestTable(t *testing.T) {
	t.Parallel()
	id, name := regexp.MustCompile(`^[PAL][0-9]{2}$`), regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, k := range doctor.Checks() {
		if !id.MatchString(k.ID) || !name.MatchString(k.Name) || seen[k.ID] || seen[k.Name] {
			t.Errorf("%s %s: not a name, or there twice", k.ID, k.Name)
		}
		seen[k.ID], seen[k.Name] = true, true
		if k.Title == "" || k.Why == "" || k.Fix == "" || k.Section == "" || k.Severity == 0 || k.Run == nil != k.Active {
			t.Errorf("%s: something is missing", k.ID)
		}
		if !slices.ContainsFunc(check.Stages(), func(s check.Stage) bool { return s.Name == k.Stage }) {
			t.Errorf("%s: there is no stage %q", k.ID, k.Stage)
		}
		for _, d := range k.Demands {
			if check.CheckPurpose(d.For) != nil {
				t.Errorf("%s: there is no purpose %q", k.ID, d.For)
			}
		}
		for _, h := range k.Hints {
			if !slices.ContainsFunc(check.Vendors(), func(v check.Vendor) bool { return v.Name == h.Vendor }) {
				t.Errorf("%s: there is no vendor %q", k.ID, h.Vendor)
			}
		}
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	const fault = "implicit-offered"
	if r := examine(t, doctor.Options{Skip: []string{"p09,P08"}}, fault); len(r.Findings) != 0 {
		t.Errorf("skipped and found: %s", ids(r))
	}
	if r := examine(t, doctor.Options{Only: []string{"implicit"}}, fault); len(r.Findings) != 1 || len(r.Passed) != 0 {
		t.Errorf("asked for one: got %s and %d passed", ids(r), len(r.Passed))
	}
	r := examine(t, doctor.Options{For: "fapi2", Only: []string{"P09"}}, fault)
	if len(r.Findings) != 1 || r.Findings[0].Severity != check.Error || r.Broken() == nil {
		t.Errorf("for fapi2: got %s, want an error", ids(r))
	}
	known := map[string]bool{r.Findings[0].Key(): true}
	if r := examine(t, doctor.Options{Baseline: known}, fault); len(r.Findings) != 0 || r.Known != 1 {
		t.Errorf("with a baseline: got %s and %d known", ids(r), r.Known)
	}
	if _, err := (&doctor.Options{Only: []string{"P99"}}).Chosen(); err == nil {
		t.Error("got no error for a check that there is not")
	}
}

// Certificates run out when the clock says so, and not before.
func TestCertificateRunsOut(t *testing.T) {
	t.Parallel()
	began := time.Now()
	host, err := stage.Open(t.Context(), demoop.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Stop)
	for days, want := range map[int]check.Severity{0: 0, 40: 0, 50: check.Warning, 70: check.Error} {
		now := func() time.Time { return began.AddDate(0, 0, days) }
		o := look(t, host, now)
		o.HTTP.Now = time.Now
		r, err := doctor.Examine(t.Context(), doctor.Options{Look: o, Only: []string{"P62"}}, stage.Issuer)
		if err != nil {
			t.Fatal(err)
		}
		got := check.Severity(0)
		if len(r.Findings) > 0 {
			got = r.Findings[0].Severity
		}
		if got != want {
			t.Errorf("after %d days: got %s, want severity %d", days, ids(r), want)
		}
	}
}
