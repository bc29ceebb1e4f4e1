package clientauth

import (
	"net/http"
	"net/url"
)

type post struct{ Credentials }

func newPost(c Credentials) (Method, error) { return post{c}, nil }

// Prove puts id and secret into the body (RFC 6749 2.3.1).
func (p post) Prove(_ http.Header, form url.Values) error {
	form.Set("client_id", p.ID)
	form.Set("client_secret", p.Secret.Reveal())
	return nil
}
