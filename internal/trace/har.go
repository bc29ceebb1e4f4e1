package trace

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The members of HAR 1.2 that browsers' developer tools read.
type (
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harPost struct {
		Type   string    `json:"mimeType"`
		Params []harPair `json:"params"`
		Text   string    `json:"text"`
	}
	harRequest struct {
		Method      string    `json:"method"`
		URL         string    `json:"url"`
		Version     string    `json:"httpVersion"`
		Cookies     []harPair `json:"cookies"`
		Headers     []harPair `json:"headers"`
		Query       []harPair `json:"queryString"`
		Post        *harPost  `json:"postData,omitempty"`
		HeadersSize int       `json:"headersSize"`
		BodySize    int       `json:"bodySize"`
	}
	harContent struct {
		Size    int64  `json:"size"`
		Type    string `json:"mimeType"`
		Text    string `json:"text,omitempty"`
		Comment string `json:"comment,omitempty"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		Version     string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []harPair  `json:"headers"`
		Content     harContent `json:"content"`
		Redirect    string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int64      `json:"bodySize"`
		Comment     string     `json:"comment,omitempty"`
	}
	harTimings struct {
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
	}
	harEntry struct {
		Started  string      `json:"startedDateTime"`
		Time     float64     `json:"time"`
		Request  harRequest  `json:"request"`
		Response harResponse `json:"response"`
		Cache    struct{}    `json:"cache"`
		Timings  harTimings  `json:"timings"`
	}
)

// HAR is the record as an HTTP Archive 1.2. Secrets are fingerprints, so that
// two of them can be compared; headers that say nothing about OpenID Connect
// are named without their values.
func (r *Record) HAR(redact *Redactor, program, version string) ([]byte, error) {
	entries := []harEntry{}
	for _, x := range r.exchanges() {
		entries = append(entries, redact.entry(x))
	}
	return json.MarshalIndent(map[string]any{"log": map[string]any{
		"version": "1.2",
		"creator": map[string]string{"name": program, "version": version},
		"pages":   []any{},
		"entries": entries,
		"comment": "secrets are struck out; equal ones have equal fingerprints",
	}}, "", "  ")
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *Redactor) entry(x exchange) harEntry {
	e := harEntry{
		Started: x.began.Format("2006-01-02T15:04:05.000Z07:00"), Time: millis(x.ended.Sub(x.began)),
		Timings: harTimings{0, millis(x.first.Sub(x.began)), millis(x.ended.Sub(x.first))},
		Request: harRequest{Method: x.method, URL: r.Address(x.address), Version: x.proto, Cookies: []harPair{}, Headers: r.pairs(x.asked),
			Query: r.query(x.address), HeadersSize: -1, BodySize: len(x.body)},
		Response: harResponse{Status: x.status, StatusText: words(x.line), Version: x.proto, Cookies: []harPair{}, Headers: r.pairs(x.answer),
			Redirect: r.Address(x.answer.Get("Location")), HeadersSize: -1, BodySize: x.size},
	}
	if len(x.body) > 0 {
		e.Request.Post = r.post(x.asked.Get("Content-Type"), x.body)
	}
	e.Response.Content = r.content(x)
	if x.trouble != nil {
		e.Response.Comment = "no whole answer: " + r.Text(x.trouble.Error())
	}
	return e
}

// words is a status line's text without its number.
func words(line string) string {
	_, text, _ := strings.Cut(line, " ")
	return text
}

func (r *Redactor) pairs(h http.Header) []harPair {
	out := []harPair{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			shown, ok := r.header(name, value)
			if !ok {
				shown = "[not shown]"
			}
			out = append(out, harPair{name, shown})
		}
	}
	return out
}

// query lists parameters of an address or a form, each redacted by its name.
func (r *Redactor) query(address string) []harPair {
	_, query, _ := strings.Cut(address, "?")
	query, _, _ = strings.Cut(query, "#")
	return r.params(query)
}

func (r *Redactor) params(encoded string) []harPair {
	out := []harPair{}
	for part := range strings.SplitSeq(encoded, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(r.form(part), "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		out = append(out, harPair{name, value})
	}
	return out
}

func (r *Redactor) post(contentType string, body []byte) *harPost {
	p := &harPost{Type: contentType, Params: []harPair{}}
	if kind, _, _ := mime.ParseMediaType(contentType); kind == "application/x-www-form-urlencoded" {
		p.Params, p.Text = r.params(string(body)), r.form(string(body))
	} else if text, ok := r.json(body); ok {
		p.Text = text
	} else {
		p.Text = fmt.Sprintf("[%d bytes, not shown]", len(body))
	}
	return p
}

// content shows JSON alone: a web page may have anything in it.
func (r *Redactor) content(x exchange) harContent {
	c := harContent{Size: x.size, Type: x.answer.Get("Content-Type")}
	if text, ok := r.json(x.data); ok && int64(len(x.data)) == x.size {
		c.Text = text
	} else if x.size > 0 {
		c.Comment = "not shown: it is no JSON, or too long"
	}
	return c
}
