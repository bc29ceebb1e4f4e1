// Package wire makes one HTTP exchange with an OpenID Provider at a time:
// bounded in time and in unpacked size from the first byte to the last,
// redirected by nobody, with failures put into words. It knows URLs, status
// codes and JSON; what an answer means is its callers' business.
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/strictjson"
)

// Limits on an answer's body, in bytes after unpacking.
const (
	Document = 1 << 20 // discovery, registration
	KeySet   = 4 << 20 // a JWKS
	Token    = 1 << 20 // token endpoint (x/oauth2 reads no more), introspection
	Userinfo = 4 << 20
	Resource = 64 << 20 // whatever a person asks for with "rely call"
)

// A Client makes exchanges. Base, Sleep and Now must be set; the zero Timeout
// means 30 s. It is safe for use by several goroutines.
type Client struct {
	Base    http.RoundTripper
	Timeout time.Duration // of a whole exchange, the body included
	Agent   string        // the User-Agent header, as "rely/1.2"
	Now     func() time.Time
	Sleep   func(ctx context.Context, d time.Duration) error

	// Cache keeps what Get fetched; nil keeps nothing. Get itself never looks
	// into it.
	Cache Cache
}

// A Cache keeps documents between runs, for as long as they may be used again.
// Who takes one out checks it as if it had just come.
type Cache interface {
	Find(address, accept string) *Answer // nil where there is none
	Keep(address, accept string, a *Answer)
	Forget(address, accept string)
}

// Cached is what an earlier [Client.Get] of the same left behind; nil where
// nothing did. It has no headers.
func (c *Client) Cached(address, accept string) *Answer {
	if c.Cache == nil {
		return nil
	}
	return c.Cache.Find(address, accept)
}

// An Answer is what came back, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	URL    string // that answered
}

// Do sends req and reads the answer, which may have any status. op says what
// is being done, for errors; limit is the largest body, in bytes.
//
// Every error is a [*fault.Error]: Network where there was no whole answer in
// time, Protocol where it was too large, Cancelled where ctx ended.
func (c *Client) Do(ctx context.Context, op string, req *http.Request, limit int64) (*Answer, error) {
	within, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	req = req.Clone(within)
	if c.Agent != "" {
		req.Header.Set("User-Agent", c.Agent)
	}
	resp, err := c.Base.RoundTrip(req)
	if err != nil {
		return nil, c.failed(ctx, op, req.URL, err)
	}
	defer resp.Body.Close()
	body, err := read(resp, limit+1)
	if err == nil {
		// A server that is told that nobody waits any more may still end its answer,
		// and what it sent so far would look whole.
		err = within.Err()
	}
	switch {
	case err != nil:
		return nil, c.failed(ctx, op, req.URL, err)
	case int64(len(body)) > limit:
		return nil, &fault.Error{
			Kind: fault.Protocol, ID: "wire.too-large", Op: op, Spec: "RFC 8259 9 (a reader may limit the size)",
			Err:  fmt.Errorf("%s answered with more than %d bytes", hostOf(req.URL), limit),
			Hint: "check that the address is the provider's: no answer of this kind is that large",
		}
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, URL: req.URL.String()}, nil
}

// read reads a body up to its limit, into one piece of memory where the answer
// says how long it is. What it says wrongly does no harm.
func read(resp *http.Response, limit int64) ([]byte, error) {
	body := io.LimitReader(resp.Body, limit)
	if resp.ContentLength <= 0 || resp.ContentLength > limit {
		return io.ReadAll(body)
	}
	whole := bytes.NewBuffer(make([]byte, 0, resp.ContentLength+bytes.MinRead))
	_, err := whole.ReadFrom(body)
	return whole.Bytes(), err
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return 30 * time.Second
}

// Get fetches a document. An answer of 429, 500, 502, 503 or 504 is asked for
// again up to twice, after what Retry-After says and at most 30 s, because
// reading changes nothing (RFC 9110 10.2.3); nothing else is ever sent twice.
// A redirect is an answer like any other.
func (c *Client) Get(ctx context.Context, op, address, accept string, limit int64) (*Answer, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "wire.url", Op: op, Err: err, Hint: "check the address"}
	}
	req.Header.Set("Accept", accept)
	for try := 1; ; try++ {
		a, err := c.Do(ctx, op, req, limit)
		if err == nil && a.Status == http.StatusOK && c.Cache != nil {
			c.Cache.Keep(address, accept, a)
		}
		if err != nil || !worthAnother(a.Status) || try == 3 {
			return a, err
		}
		wait := retryAfter(a.Header.Get("Retry-After"), c.Now())
		if wait < 0 {
			return a, nil
		}
		if err := c.Sleep(ctx, wait); err != nil {
			return nil, c.failed(ctx, op, req.URL, err)
		}
	}
}

func worthAnother(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter reads the header's seconds or date (RFC 9110 10.2.3). Nothing
// said is half a second, and more than 30 s is not worth waiting for: -1.
func retryAfter(header string, now time.Time) time.Duration {
	wait := 500 * time.Millisecond
	if d, err := time.ParseDuration(header + "s"); err == nil && !strings.ContainsAny(header, ".+-msh") {
		wait = d
	} else if at, err := http.ParseTime(header); err == nil {
		wait = max(0, at.Sub(now))
	} else if header != "" && strings.Trim(header, "0123456789") == "" {
		return -1 // so many digits that they are no duration
	}
	if wait > 30*time.Second {
		return -1
	}
	return wait
}

// JSON reads an answer's body as one JSON object: no HTML page, no repeated
// member, nothing behind it. Errors are Protocol, or Network for a 5xx.
func (a *Answer) JSON(op string) (map[string]json.RawMessage, error) {
	if a.Status >= 500 {
		return nil, a.unavailable(op)
	}
	members, err := strictjson.Object(a.Body)
	if err != nil {
		return nil, &fault.Error{
			Kind: fault.Protocol, ID: "wire.json", Op: op, Spec: "RFC 8259 2, 4",
			Err:  fmt.Errorf("%s answered %d with %s: %w", hostOfText(a.URL), a.Status, a.kind(), err),
			Hint: "check that " + withoutQuery(a.URL) + " is the provider's endpoint and not a web page in front of it",
		}
	}
	return members, nil
}

// Unexpected words an answer whose status is not the one wanted: Network for
// 5xx and 429, Protocol for anything else.
func (a *Answer) Unexpected(op string) error {
	if a.Status >= 500 || a.Status == http.StatusTooManyRequests {
		return a.unavailable(op)
	}
	f := &fault.Error{
		Kind: fault.Protocol, ID: "wire.status", Op: op,
		Err:  fmt.Errorf("%s answered %d %s (%s)", hostOfText(a.URL), a.Status, http.StatusText(a.Status), a.kind()),
		Hint: "check that " + withoutQuery(a.URL) + " is the provider's address",
	}
	if to := a.Header.Get("Location"); to != "" && a.Status/100 == 3 {
		f.ID = "wire.redirect"
		f.Spec = "RFC 9700 4.12"
		f.Err = fmt.Errorf("%s answered %d: it redirects to %s, which is not followed", hostOfText(a.URL), a.Status, withoutQuery(to))
		f.Hint = "have the provider publish the address that answers itself"
	}
	return f
}

func (a *Answer) unavailable(op string) error {
	hint := "try again later; the provider's log says why"
	if after := a.Header.Get("Retry-After"); after != "" {
		hint = "try again later; the provider asks to wait (Retry-After: " + fault.VisibleUpTo(after, 40) + ")"
	}
	spec := "RFC 9110 15.6"
	if a.Status == http.StatusTooManyRequests {
		spec = "RFC 6585 4"
	}
	return &fault.Error{
		Kind: fault.Network, ID: "wire.unavailable", Op: op, Hint: hint, Spec: spec,
		Err: fmt.Errorf("%s answered %d %s", hostOfText(a.URL), a.Status, http.StatusText(a.Status)),
	}
}

// kind tells what a body is in a word or two.
func (a *Answer) kind() string {
	if len(a.Body) == 0 {
		return "an empty body"
	}
	t, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		t = "no content type"
	}
	return fmt.Sprintf("%d bytes of %s", len(a.Body), fault.VisibleUpTo(t, 60))
}

// failed words an exchange that did not come to its end.
func (c *Client) failed(ctx context.Context, op string, to *url.URL, err error) error {
	var already *fault.Error
	switch {
	case errors.As(err, &already):
		return err
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return &fault.Error{Kind: fault.Cancelled, ID: "cancelled", Op: op, Err: errors.New("stopped"), Hint: "run it again when you are ready"}
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return &fault.Error{
			Kind: fault.Network, ID: "wire.timeout", Op: op, Spec: "rely's own limit on a whole exchange, --timeout",
			Err:  fmt.Errorf("%s did not answer in full within %s", hostOf(to), c.timeout()),
			Hint: "try again, or allow more time with --timeout",
		}
	}
	if f := certificateFault(op, to, err); f != nil {
		return f
	}
	return &fault.Error{
		Kind: fault.Network, ID: "wire.unreachable", Op: op,
		Err:  fmt.Errorf("%s was not reached: %w", hostOf(to), plain(err)),
		Hint: "check the address, the network and any proxy (HTTPS_PROXY, NO_PROXY)",
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// plain drops the wrapping in which net/http repeats method and URL.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func hostOf(u *url.URL) string { return u.Host }

func hostOfText(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the provider"
	}
	return u.Host
}

// withoutQuery shows an address without what may be secret in it.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the address"
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}
