package clientauth

import (
	"net/http"
	"net/url"
)

type none struct{ Credentials }

func newNone(c Credentials) (Method, error) { return none{c}, nil }

// Prove only names the client (RFC 6749 3.2.1).
func (n none) Prove(_ http.Header, form url.Values) error {
	form.Set("client_id", n.ID)
	return nil
}
