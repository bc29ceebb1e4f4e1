package doctor_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rely/internal/demoop"
	"rely/internal/demoop/stage"
	"rely/internal/doctor"
	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/doctor/snapshot"
	"rely/internal/jose"
)

// twice looks at the embedded provider two times, that far apart; before each
// look it signs a token.
func twice(t *testing.T, apart time.Duration, faults ...string) *doctor.Report {
	t.Helper()
	clock := &watch{now: time.Now()}
	host, err := stage.Open(t.Context(), demoop.Options{Faults: faults, Now: clock.Now, Tick: clock.Tick, Legacy: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Stop)
	o := doctor.Options{Look: look(t, host, clock.Now), Only: []string{"P47", "L36"}}
	var last *snapshot.Watched
	var r *doctor.Report
	for range 2 {
		o.Look.Watch = &evidence.Watch{Past: last.Past(), Signed: signature(t, &http.Client{Transport: o.Look.HTTP.Base})}
		if r, err = doctor.Examine(t.Context(), o, stage.Issuer); err != nil {
			t.Fatal(err)
		}
		last = last.Next(r.Evidence)
		clock.Tick(apart)
	}
	return r
}

// signature has the provider sign an ID token, alice's password in hand.
func signature(t *testing.T, c *http.Client) *evidence.Signature {
	t.Helper()
	resp, err := c.PostForm(stage.Issuer+"/token", url.Values{"grant_type": {"password"}, "client_id": {"demo"}, "username": {"alice"}, "password": {"wonderland-1865"}, "scope": {"openid"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var answer struct {
		ID string `json:"id_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	id, err := jose.Parse(answer.ID)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return &evidence.Signature{Kid: id.Header.Kid, Alg: id.Header.Alg}
}

// What two looks see is seen by two looks, and not on the good provider.
func TestTwoLooks(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{"": nil, "rotation-without-notice": {"P47"}, "old-key-gone": {"L36", "P47"}} {
		t.Run("provider "+name, func(t *testing.T) {
			t.Parallel()
			r := twice(t, 24*time.Hour, strings.Fields(name)...)
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.Check.ID)
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, want) {
				t.Errorf("got %s, want %v", ids(r), want)
			}
			if name == "" && len(r.Passed) != 2 {
				t.Errorf("got %v, want two checks that passed", r.NotRun)
			}
		})
	}
}

// Looks too far apart tell nothing, and say so.
func TestLooksTooFarApart(t *testing.T) {
	t.Parallel()
	r := twice(t, 72*time.Hour, "old-key-gone")
	if len(r.Findings) > 0 || len(r.NotRun) != 2 || !strings.Contains(r.NotRun[0].Reason, "too long ago") {
		t.Errorf("got %s and %v", ids(r), r.NotRun)
	}
	if got := r.Count(check.Info); got != 0 {
		t.Errorf("got %d findings", got)
	}
}
