package clientauth

import (
	"net/http"
	"net/url"
)

type basic struct{ Credentials }

func newBasic(c Credentials) (Method, error) { return basic{c}, nil }

// Prove puts id and secret, each form-encoded first, into the Authorization
// header (RFC 6749 2.3.1). client_id leaves the body where a token is asked for
// or about, because some providers count it as a second method. It is a part of
// an authorization request that is pushed (RFC 9126 2), and some, as Dex, look
// for it nowhere else in that of a device (RFC 8628 3.1).
func (b basic) Prove(h http.Header, form url.Values) error {
	r := http.Request{Header: h}
	r.SetBasicAuth(url.QueryEscape(b.ID), url.QueryEscape(b.Secret.Reveal()))
	if form.Has("grant_type") || form.Has("token") {
		form.Del("client_id")
	}
	return nil
}
