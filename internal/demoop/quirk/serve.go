package quirk

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// A recorded answer is one that the good endpoint gave, to be bent.
type recorded struct {
	header http.Header
	code   int
	bytes.Buffer
}

func (r *recorded) Header() http.Header  { return r.header }
func (r *recorded) WriteHeader(code int) { r.code = code }

// bent sends the good answer with another body.
func bent(change func(body string) string) func(*Exchange) {
	return func(x *Exchange) {
		r := &recorded{header: http.Header{}, code: http.StatusOK}
		x.Good.ServeHTTP(r, x.R)
		for n, v := range r.header {
			x.W.Header()[n] = v
		}
		x.W.WriteHeader(r.code)
		_, _ = io.WriteString(x.W, change(r.String()))
	}
}

// lost does what a grant's first request asks for, and cuts the connection in
// place of the answer.
func lost(grant string) func(*Exchange) {
	var done atomic.Bool
	return func(x *Exchange) {
		if x.R.PostForm.Get("grant_type") != grant || done.Swap(true) {
			x.Good.ServeHTTP(x.W, x.R)
			return
		}
		x.Good.ServeHTTP(&recorded{header: http.Header{}}, x.R)
		panic(http.ErrAbortHandler) // net/http's own way of hanging up
	}
}

// first puts a member in front of a JSON object.
func first(member string) func(*Exchange) {
	return bent(func(body string) string { return strings.Replace(body, "{", "{"+member+",", 1) })
}

// says answers with a status, one header line and a body.
func says(code int, name, value, body string) func(*Exchange) {
	return func(x *Exchange) {
		x.W.Header().Set("Cache-Control", "no-store")
		x.W.Header().Set(name, value)
		x.W.WriteHeader(code)
		_, _ = io.WriteString(x.W, body)
	}
}

// once misbehaves at the first request and is good after that.
func once(bad func(*Exchange)) func(*Exchange) {
	return func(x *Exchange) {
		if x.Count == 1 {
			bad(x)
			return
		}
		x.Good.ServeHTTP(x.W, x.R)
	}
}

// html answers with a web page, as a login wall or a captive portal does.
func html(x *Exchange) {
	says(http.StatusOK, "Content-Type", "text/html; charset=utf-8", "<!doctype html><title>Welcome</title><p>Please accept our terms.")(x)
}

func unavailable(x *Exchange) {
	says(http.StatusInternalServerError, "Content-Type", "text/plain", "something broke\n")(x)
}

func tooMany(x *Exchange) {
	says(http.StatusTooManyRequests, "Retry-After", "1", "too many requests\n")(x)
}

// deep nests far beyond any answer of use.
func deep(x *Exchange) {
	const levels = 100000
	says(http.StatusOK, "Content-Type", "application/json",
		`{"deep":`+strings.Repeat("[", levels)+strings.Repeat("]", levels)+"}")(x)
}

// begin starts a JSON answer that will not end well.
func (x *Exchange) begin(text string) bool {
	x.W.Header().Set("Content-Type", "application/json")
	return x.more(text)
}

// more sends text at once, and reports whether anybody still listens.
func (x *Exchange) more(text string) bool {
	select {
	case <-x.R.Context().Done():
		return false
	case <-x.Stop:
		return false
	default:
	}
	_, err := io.WriteString(x.W, text)
	return err == nil && http.NewResponseController(x.W).Flush() == nil
}

// endless never stops talking.
func endless(x *Exchange) {
	chunk := strings.Repeat("a", 32<<10)
	for on := x.begin(`{"endless":"`); on; on = x.more(chunk) {
	}
}

// slow sends one byte in half a second, for ever.
func slow(x *Exchange) {
	for on := x.begin("{"); on; on = x.more(" ") {
		var tick <-chan time.Time
		if x.Tick != nil {
			tick = x.Tick(500 * time.Millisecond)
		}
		select {
		case <-tick:
		case <-x.R.Context().Done():
			return
		case <-x.Stop:
			return
		}
	}
}

// hang says nothing at all.
func hang(x *Exchange) {
	select {
	case <-x.R.Context().Done():
	case <-x.Stop:
	}
}

// gzipBomb sends a gigabyte in a megabyte. A gzip file may have any number of
// members (RFC 1952 2.2), so one small piece is packed once and sent often.
func gzipBomb(x *Exchange) {
	pack := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, text) // to memory: cannot fail
		_ = z.Close()
		return b.Bytes()
	}
	x.W.Header().Set("Content-Encoding", "gzip")
	piece := string(pack(strings.Repeat("a", 1<<20)))
	on := x.begin(string(pack(`{"bomb":"`)))
	for i := 0; on && i < 1024; i++ {
		on = x.more(piece)
	}
	x.more(string(pack(`"}`)))
}

// elsewhere sends the client away.
func elsewhere(code int, to string) func(*Exchange) {
	return func(x *Exchange) {
		says(code, "Location", to, fmt.Sprintf("the answer is at %s now\n", to))(x)
	}
}
