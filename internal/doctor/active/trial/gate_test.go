package trial

import (
	"context"
	"net/http"
	"testing"
	"time"

	"rely/internal/doctor/active/pace"
)

type nowhere struct{}

func (nowhere) RoundTrip(req *http.Request) (*http.Response, error) {
	return answer(req, http.StatusOK, "text/plain", ""), nil
}

// A stranger's provider gets two requests a second, and no more than the limit.
func TestGate(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	var slept time.Duration
	g := &gate{base: nowhere{}, most: MostRequests, pace: pace.Keeper{Now: func() time.Time { return now }, Sleep: func(_ context.Context, d time.Duration) error {
		slept += d
		now = now.Add(d)
		return nil
	}}}
	req, err := http.NewRequest(http.MethodGet, "https://op.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range MostRequests {
		if _, err := g.RoundTrip(req); err != nil {
			t.Fatalf("request %d: %v", n+1, err)
		}
	}
	if want := (MostRequests - 1) * 500 * time.Millisecond; slept != want {
		t.Errorf("waited %s, want %s", slept, want)
	}
	if _, err := g.RoundTrip(req); err == nil || g.spent() == nil {
		t.Error("one more than the limit was sent")
	}
	g.free = true
	if _, err := g.RoundTrip(req); err != nil {
		t.Errorf("cleaning up was refused: %v", err)
	}
}
