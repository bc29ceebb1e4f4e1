package trial

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"rely/internal/fault"
	"rely/internal/loopback"
	"rely/internal/useragent"
)

// A Person signs in in a browser of their own. Its tab is led from one
// authorization request to the next: each answer is answered with the next
// request, so that one sign-in is enough for all codes.
type Person struct {
	Tell func(address string) // shows where to sign in
	Wait time.Duration        // for each answer

	agent    useragent.Agent
	listener *loopback.Listener
	uri      string
	came     chan struct{}
	browsing context.Context // what the agent started lives for all visits
	over     func()

	mu   sync.Mutex
	gate *gate
	tab  chan string // of the browser that waits for the next address
}

// NewPerson opens the listener; agent opens the first address.
func NewPerson(ctx context.Context, agent useragent.Agent, tell func(string), wait time.Duration) (*Person, error) {
	h := &Person{Tell: tell, Wait: wait, agent: agent, came: make(chan struct{}, 1)}
	h.browsing, h.over = context.WithCancel(ctx)
	var err error
	h.listener, err = loopback.Listen(ctx, loopback.Options{RedirectURI: "http://127.0.0.1:0/", Accept: func(url.Values) error { return errors.New("the answer comes to /callback") },
		Routes: map[string]http.HandlerFunc{"/callback": h.callback}})
	if err == nil {
		h.uri = h.listener.RedirectURI() + "callback"
	}
	return h, err
}

// Name implements [useragent.Agent].
func (h *Person) Name() string { return h.agent.Name() }

// Close lets the tab go, and the port.
func (h *Person) Close() {
	h.over()
	_ = h.listener.Close()
	useragent.Dismiss(h.agent)
}

// callback takes an answer and keeps the browser until it can be led on.
func (h *Person) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	h.mu.Lock()
	gate := h.gate
	h.mu.Unlock()
	if gate == nil || r.Method != http.MethodGet && r.Method != http.MethodPost || r.Method == http.MethodGet && !q.Has("code") && !q.Has("error") {
		http.Error(w, "There is nothing here.", http.StatusNotFound)
		return
	}
	// net/http has no part in how long the doctor takes for the next request.
	c := http.NewResponseController(w)
	_, _ = c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})
	r.URL.Scheme, r.URL.Host = "http", r.Host
	if resp, err := gate.arrive(r); err == nil {
		_ = resp.Body.Close()
	}
	tab := make(chan string, 1)
	h.mu.Lock()
	h.tab = tab
	h.mu.Unlock()
	select {
	case h.came <- struct{}{}:
	default:
	}
	w.Header().Set("Cache-Control", "no-store")
	select {
	case to := <-tab:
		leadOn(w, to)
	case <-h.browsing.Done():
		_, _ = io.WriteString(w, "The sign-ins for rely doctor are done. You can close this page.\n")
	case <-r.Context().Done():
	}
	h.mu.Lock()
	if h.tab == tab {
		h.tab = nil
	}
	h.mu.Unlock()
}

// leadOn sends the browser to the next address by a page: after twenty redirects
// in a row browsers give up.
func leadOn(w http.ResponseWriter, to string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	at := html.EscapeString(to)
	_, _ = io.WriteString(w, `<!doctype html><title>rely doctor</title><meta http-equiv="refresh" content="0;url=`+at+`"><p>The next request follows. <a href="`+at+`">Go on</a>`)
}

// Visit implements [useragent.Agent]: it leads the waiting tab on, or has one
// opened, and waits for the answer.
func (h *Person) Visit(ctx context.Context, v useragent.Visit) error {
	ctx, cancel := context.WithTimeout(ctx, h.Wait)
	defer cancel()
	select {
	case <-h.came: // of a request that was given up
	default:
	}
	h.mu.Lock()
	tab := h.tab
	h.tab = nil
	h.mu.Unlock()
	failed := make(chan error, 1)
	if tab != nil {
		tab <- v.URL
	} else {
		h.Tell(v.URL)
		go func() {
			if err := h.agent.Visit(h.browsing, v); err != nil {
				failed <- err
			}
		}()
	}
	select {
	case <-h.came:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return &fault.Error{Kind: fault.Unfinished, ID: "login.unfinished", Op: "wait for the sign-in", Err: errors.New("nobody finished signing in in time"), Hint: "run it again, and finish in the browser, or give more time with --login-timeout"}
	}
}
