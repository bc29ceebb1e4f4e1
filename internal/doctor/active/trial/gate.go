package trial

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// pause keeps it to two requests a second against a stranger's provider.
const pause = 500 * time.Millisecond

// A gate lets requests through, one after the other and not too fast, keeps
// what is sent to the redirect URI, and in a dry run sends nothing.
type gate struct {
	base  http.RoundTripper
	sleep func(ctx context.Context, d time.Duration) error
	now   func() time.Time
	dry   func(line string)
	quick bool // the provider is on this machine
	free  bool // cleaning up is never refused

	mu    sync.Mutex
	last  time.Time
	count int
	came  *url.URL // the latest answer at the redirect URI
}

// RoundTrip implements [http.RoundTripper].
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Hostname() == "rely-doctor.invalid" {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.came = req.URL
		return answer(req, http.StatusOK, "text/plain", "thank you"), nil
	}
	wait, err := g.turn()
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		if err := g.sleep(req.Context(), wait); err != nil {
			return nil, err
		}
	}
	if g.dry != nil {
		return g.pretend(req)
	}
	return g.base.RoundTrip(req)
}

// turn counts a request and says how long it has to wait.
func (g *gate) turn() (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.count >= MostRequests && !g.free {
		return 0, fmt.Errorf("%d requests were made, and more are not worth it", MostRequests)
	}
	g.count++
	if g.quick || g.dry != nil {
		return 0, nil
	}
	at := g.last.Add(pause)
	now := g.now()
	if at.Before(now) {
		at = now
	}
	g.last = at
	return at.Sub(now), nil
}

func (g *gate) spent() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count >= MostRequests
}

// arrived takes what came to the redirect URI; nil where nothing did.
func (g *gate) arrived() url.Values {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.came == nil {
		return nil
	}
	q := g.came.Query()
	g.came = nil
	return q
}

// pretend tells of a request and makes up an answer that leads on.
func (g *gate) pretend(req *http.Request) (*http.Response, error) {
	line := req.Method + " " + req.URL.String()
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		if len(body) > 0 {
			line += "\n    " + string(body)
		}
	}
	g.dry(line)
	if req.Method == http.MethodPost && strings.Contains(req.Header.Get("Content-Type"), "json") {
		return answer(req, http.StatusCreated, "application/json", `{"client_id":"CLIENT-ID","client_secret":"CLIENT-SECRET","registration_access_token":"REGISTRATION-TOKEN","registration_client_uri":"`+req.URL.String()+`/CLIENT-ID"}`), nil
	}
	return answer(req, http.StatusBadRequest, "application/json", `{"error":"invalid_request"}`), nil
}

func answer(req *http.Request, status int, kind, body string) *http.Response {
	return &http.Response{Status: fmt.Sprint(status, " ", http.StatusText(status)), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}
}
