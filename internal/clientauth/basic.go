package clientauth

import (
	"net/http"
	"net/url"
)

type basic struct{ Credentials }

func newBasic(c Credentials) (Method, error) { return basic{c}, nil }

// Prove puts id and secret, each form-encoded first, into the Authorization
// header (RFC 6749 2.3.1). client_id leaves the body, because some providers
// count it as a second method; of an authorization request that is pushed it is
// a part (RFC 9126 2).
func (b basic) Prove(h http.Header, form url.Values) error {
	r := http.Request{Header: h}
	r.SetBasicAuth(url.QueryEscape(b.ID), url.QueryEscape(b.Secret.Reveal()))
	if !form.Has("response_type") {
		form.Del("client_id")
	}
	return nil
}
