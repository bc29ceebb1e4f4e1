// Package trace retells the HTTP conversation with a provider, secrets struck
// out. It changes nothing that passes through and decides nothing about it.
package trace

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rely/internal/fault"
)

// shownBody is how much of a body is kept for showing, in bytes.
const shownBody = 16 << 10

// A Transport shows each request and answer on Out, notes them in Record, and
// lets Redact learn the secrets among them. With neither it only learns.
type Transport struct {
	Base   http.RoundTripper
	Redact *Redactor
	Out    io.Writer
	Record *Record
	Now    func() time.Time

	count atomic.Int64
	mu    sync.Mutex // one message at a time
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	n := t.count.Add(1)
	body, err := peek(req)
	if err != nil {
		return nil, err
	}
	if t.Out == nil && t.Record == nil {
		// An answer's secrets are sent before they can come back in another.
		t.Redact.learnFrom(req, body)
		return t.Base.RoundTrip(req)
	}
	t.write(t.request(n, req, body))
	began := t.Now()
	noted := t.Record.begin(req, body, began)
	resp, err := t.Base.RoundTrip(req)
	if err != nil {
		t.Record.failed(noted, err, t.Now())
		t.write(fmt.Sprintf("< #%d no answer after %s: %s\n", n, t.since(began), fault.VisibleUpTo(t.Redact.Text(err.Error()), 400)))
		return nil, err
	}
	t.Record.answered(noted, resp, t.Now())
	resp.Body = &recorder{body: resp.Body, done: func(data []byte, size int64, err error) {
		t.Record.ended(noted, data, size, err, t.Now())
		t.write(t.answer(n, resp, data, size, err, t.since(began)))
	}}
	return resp, nil
}

func (t *Transport) since(began time.Time) string {
	return fmt.Sprintf("%.1f ms", float64(t.Now().Sub(began).Microseconds())/1000)
}

func (t *Transport) write(message string) {
	if t.Out == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = io.WriteString(t.Out, message)
}

// peek reads a request's body and puts it back. Bodies here are forms and
// small documents, all in memory already.
func peek(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	req.Body = io.NopCloser(bytes.NewReader(data))
	return data, err
}

func (t *Transport) request(n int64, req *http.Request, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "> #%d %s %s\n", n, req.Method, fault.Visible(t.Redact.Address(req.URL.String())))
	t.headers(&b, ">", req.Header)
	if len(body) > 0 {
		fmt.Fprintf(&b, ">   %s\n", t.body(req.Header.Get("Content-Type"), body, int64(len(body))))
	}
	return b.String()
}

func (t *Transport) answer(n int64, resp *http.Response, data []byte, size int64, err error, took string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "< #%d %s, %s, %d bytes", n, fault.Visible(resp.Status), took, size)
	if err != nil {
		fmt.Fprintf(&b, ", broken off: %s", fault.VisibleUpTo(t.Redact.Text(err.Error()), 400))
	}
	b.WriteString("\n")
	t.headers(&b, "<", resp.Header)
	if size > 0 {
		fmt.Fprintf(&b, "<   %s\n", t.body(resp.Header.Get("Content-Type"), data, size))
	}
	return b.String()
}

func (t *Transport) headers(b *strings.Builder, mark string, h http.Header) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range h[name] {
			if shown, ok := t.Redact.header(name, value); ok {
				fmt.Fprintf(b, "%s   %s: %s\n", mark, strings.ToLower(name), fault.VisibleUpTo(shown, 1000))
			}
		}
	}
}

// body is what of a body may be shown: forms and JSON redacted, anything else
// by its size and type alone.
func (t *Transport) body(contentType string, data []byte, size int64) string {
	kind, _, _ := mime.ParseMediaType(contentType)
	if int64(len(data)) == size {
		if kind == "application/x-www-form-urlencoded" {
			return fault.VisibleUpTo(t.Redact.form(string(data)), 4000)
		}
		if text, ok := t.Redact.json(data); ok {
			return fault.VisibleUpTo(text, 4000)
		}
	}
	if kind == "" {
		kind = "no content type"
	}
	return fmt.Sprintf("[%d bytes, %s]", size, fault.Visible(kind))
}

// A recorder keeps the beginning of a body and reports once, at its end.
type recorder struct {
	body io.ReadCloser
	data []byte
	size int64
	done func(data []byte, size int64, err error)
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.size += int64(n)
	if room := shownBody - len(r.data); room > 0 {
		r.data = append(r.data, p[:min(n, room)]...)
	}
	if err == io.EOF {
		r.report(nil)
	} else if err != nil {
		r.report(err)
	}
	return n, err
}

func (r *recorder) Close() error {
	r.report(nil)
	return r.body.Close()
}

func (r *recorder) report(err error) {
	if r.done != nil {
		r.done(r.data, r.size, err)
		r.done = nil
	}
}
