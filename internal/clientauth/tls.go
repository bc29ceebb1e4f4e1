package clientauth

import (
	"net/http"
	"net/url"
)

// overTLS leaves the proof to the connection, which shows the certificate; the
// request only names the client (RFC 8705 2).
type overTLS struct{ Credentials }

func newTLS(c Credentials) (Method, error) { return overTLS{c}, nil }

// Prove names the client.
func (t overTLS) Prove(_ http.Header, form url.Values) error {
	form.Set("client_id", t.ID)
	return nil
}
