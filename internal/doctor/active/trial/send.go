package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/registration"
	"rely/internal/wire"
)

// Get asks an address with parameters and follows nothing.
func (p *Patient) Get(ctx context.Context, address string, q url.Values) (*wire.Answer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	all := u.Query()
	for name, v := range q {
		all[name] = v
	}
	u.RawQuery = all.Encode()
	return p.Send(ctx, http.MethodGet, u.String(), nil, nil)
}

// Post sends a form.
func (p *Patient) Post(ctx context.Context, address string, form url.Values, header http.Header) (*wire.Answer, error) {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.Send(ctx, http.MethodPost, address, strings.NewReader(form.Encode()), header)
}

// Send sends any request, and follows nothing.
func (p *Patient) Send(ctx context.Context, method, address string, body *strings.Reader, header http.Header) (*wire.Answer, error) {
	var req *http.Request
	var err error
	if body == nil {
		req, err = http.NewRequestWithContext(ctx, method, address, nil)
	} else {
		req, err = http.NewRequestWithContext(ctx, method, address, body)
	}
	if err != nil {
		return nil, err
	}
	for name, v := range header {
		req.Header[name] = v
	}
	req.Header.Set("Accept", "application/json, text/html;q=0.5")
	return p.hc.Do(ctx, "try "+p.check.ID, req, wire.Document)
}

// Basic proves the client with a secret.
func Basic(c *registration.Client, password string) http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(password))
	return r.Header
}

// OAuthError is the error code of an answer, empty where it is none.
func OAuthError(a *wire.Answer) string {
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(a.Body, &e) != nil {
		return ""
	}
	return e.Error
}

// Described is an answer in a few words.
func Described(a *wire.Answer) string {
	out := fmt.Sprintf("status %d", a.Status)
	if e := OAuthError(a); e != "" {
		out += ", " + e
	}
	if to := a.Header.Get("Location"); to != "" {
		base, _, _ := strings.Cut(to, "?")
		out += ", to " + base
	}
	return out
}

// Text is a member of a JSON answer.
func Text(a *wire.Answer, name string) (string, bool) {
	var members map[string]any
	if json.Unmarshal(a.Body, &members) != nil {
		return "", false
	}
	s, is := members[name].(string)
	return s, is
}

// Forget deletes a client that should never have been made.
func (p *Patient) Forget(ctx context.Context, a *wire.Answer) {
	uri, _ := Text(a, "registration_client_uri")
	token, _ := Text(a, "registration_access_token")
	if _, err := wire.Endpoint("registration_client_uri", uri, p.Evidence.Issuer); err != nil {
		return
	}
	_, _ = p.Send(context.WithoutCancel(ctx), http.MethodDelete, uri, nil, http.Header{"Authorization": {"Bearer " + token}})
}
