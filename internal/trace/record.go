package trace

import (
	"net/http"
	"sync"
	"time"
)

// mostExchanges bounds a record; a run of rely has tens.
const mostExchanges = 2000

// A Record keeps the exchanges of one run, for [Record.HAR] and [Record.Curl].
// What is secret in them is struck out when they are written: by then the
// redactor has learned all of it. The zero value is ready; nil keeps nothing.
// It is safe for use by several goroutines.
type Record struct {
	mu  sync.Mutex
	all []*exchange
}

// An exchange is one request, and what came of it.
type exchange struct {
	began, first, ended time.Time
	method, address     string
	proto               string
	asked               http.Header
	body                []byte

	status  int
	line    string // the status with its words
	answer  http.Header
	data    []byte // the beginning of the answer's body
	size    int64
	trouble error
}

// Len is the number of exchanges.
func (r *Record) Len() int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

func (r *Record) begin(req *http.Request, body []byte, now time.Time) *exchange {
	if r == nil {
		return nil
	}
	x := &exchange{began: now, first: now, ended: now, method: req.Method, address: req.URL.String(), proto: req.Proto, asked: req.Header.Clone(), body: body}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < mostExchanges {
		r.all = append(r.all, x)
	}
	return x
}

func (r *Record) change(x *exchange, how func()) {
	if r == nil || x == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	how()
}

func (r *Record) failed(x *exchange, err error, now time.Time) {
	r.change(x, func() { x.trouble, x.first, x.ended = err, now, now })
}

func (r *Record) answered(x *exchange, resp *http.Response, now time.Time) {
	r.change(x, func() {
		x.status, x.line, x.proto, x.answer, x.first, x.ended = resp.StatusCode, resp.Status, resp.Proto, resp.Header.Clone(), now, now
	})
}

func (r *Record) ended(x *exchange, data []byte, size int64, err error, now time.Time) {
	r.change(x, func() { x.data, x.size, x.trouble, x.ended = data, size, err, now })
}

// exchanges are those so far.
func (r *Record) exchanges() []exchange {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]exchange, 0, len(r.all))
	for _, x := range r.all {
		out = append(out, *x)
	}
	return out
}
