package chrome

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const maxBody = 16 << 20 // bytes of one answer, unpacked

// answer has one request of the browser's served. Images, fonts and the like
// are never asked for: nobody looks at the page but for its words.
func (b *Browser) answer(e *paused) {
	defer b.count(-1)
	resp, err := b.fetch(e)
	if err != nil {
		_, _ = call[none](b.ctx, b, "Fetch.failRequest", failure{e.ID, "Failed"})
		return
	}
	if e.Type == "Document" && (resp.Status < 300 || resp.Status >= 400) {
		b.mu.Lock()
		b.status[e.Frame] = resp.Status
		b.mu.Unlock()
	}
	_, _ = call[none](b.ctx, b, "Fetch.fulfillRequest", resp)
}

func (b *Browser) fetch(e *paused) (*fulfilment, error) {
	out := &fulfilment{ID: e.ID, Status: http.StatusNoContent}
	switch e.Type {
	case "Image", "Media", "Font", "Prefetch", "Ping", "CSPViolationReport":
		return out, nil
	}
	r, err := e.Request.made(b.ctx)
	if err != nil {
		return nil, err
	}
	if e.Type == "Other" && r.URL.Path == "/favicon.ico" {
		return out, nil
	}
	resp, err := b.serve(r, e.Type == "Document" && e.Frame == b.main)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if out.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody)); err != nil {
		return nil, err
	}
	out.Status = resp.StatusCode
	for name, values := range resp.Header {
		switch name {
		case "Content-Encoding", "Content-Length", "Transfer-Encoding", "Connection":
			continue // of the bytes as they came
		}
		for _, v := range values {
			out.Headers = append(out.Headers, header{name, v})
		}
	}
	return out, nil
}

// made is what the browser would have sent.
func (asked *request) made(ctx context.Context) (*http.Request, error) {
	var body bytes.Buffer
	for _, part := range asked.Body {
		body.Write(part.Bytes)
	}
	r, err := http.NewRequestWithContext(ctx, asked.Method, asked.URL, &body)
	if err != nil {
		return nil, err
	}
	for name, value := range asked.Headers {
		text, ok := value.(string)
		switch http.CanonicalHeaderKey(name) {
		case "Accept-Encoding", "Content-Length", "Connection", "Host":
			continue // net/http's own business
		}
		if ok {
			r.Header.Set(name, text)
		}
	}
	if r.Header.Get("Accept-Language") == "" {
		r.Header.Set("Accept-Language", "en")
	}
	// The network stack, which is not asked, would have added it (Fetch 3.1).
	if from, err := url.Parse(r.Header.Get("Referer")); err == nil && from.Host != "" && r.Header.Get("Origin") == "" &&
		r.Method != http.MethodGet && r.Method != http.MethodHead {
		r.Header.Set("Origin", from.Scheme+"://"+strings.ToLower(from.Host))
	}
	return r, nil
}

// count notes that a request began or ended.
func (b *Browser) count(by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending += by
	close(b.change)
	b.change = make(chan struct{})
}

// waiting gives the number of requests under way, and a channel that is closed
// when it changes.
func (b *Browser) waiting() (int, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending, b.change
}

// Carries reports whether a body has the text as one of its values.
func Carries(contentType string, body []byte, text string) bool {
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(body))
		for _, values := range form {
			if slices.Contains(values, text) {
				return true
			}
		}
		return false
	}
	quoted, _ := json.Marshal(text) // & and < as escapes, which a browser has no need of
	plain := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(quoted))
	return bytes.Contains(body, quoted) || bytes.Contains(body, []byte(plain)) || bytes.Contains(body, []byte("\r\n\r\n"+text+"\r\n")) || string(body) == text
}
