package useragent

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/useragent/address"
	"rely/internal/useragent/page"
)

// A request is the next thing to send.
type request struct {
	method      string
	url         *url.URL
	body        []byte
	contentType string
	from        *url.URL // the page whose form this is; nil for anything else
	secret      bool     // the body holds the password or a code
}

// newRequest puts the fields on the wire (HTML 4.10.22.3).
func newRequest(f page.Form, from *url.URL, list []page.Pair) (*request, error) {
	if f.BadURL != nil {
		return nil, f.BadURL
	}
	u, err := address.Clean(f.Action)
	if err != nil {
		return nil, err
	}
	r := &request{method: http.MethodPost, url: u, from: from}
	switch {
	case f.Method != "post":
		r.method = http.MethodGet
		u.RawQuery = page.Encode(list)
		u.Fragment, u.RawFragment = "", ""
	case f.Enctype == "multipart/form-data":
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for _, p := range list {
			// A bytes.Buffer takes everything.
			_ = w.WriteField(p.Name, p.Value)
		}
		_ = w.Close()
		r.body, r.contentType = b.Bytes(), w.FormDataContentType()
	default:
		r.body, r.contentType = []byte(page.Encode(list)), "application/x-www-form-urlencoded"
	}
	return r, nil
}

// build makes the HTTP request of one step. No Referer is sent: its URL could
// hold a code.
func (r *request) build(ctx context.Context, agent string) (*http.Request, error) {
	u := *r.url
	u.Fragment, u.RawFragment = "", ""
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), strings.NewReader(string(r.body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1")
	req.Header.Set("Accept-Language", "en")
	req.Header.Set("User-Agent", "rely ("+agent+")")
	if r.method == http.MethodPost {
		req.Header.Set("Content-Type", r.contentType)
		// Providers that guard against forged requests look at it.
		req.Header.Set("Origin", "null")
		if r.from != nil {
			req.Header.Set("Origin", address.Origin(r.from))
		}
	}
	return req, nil
}
