// Package clientauth proves a client to the provider, in the same way on every
// endpoint: one [Transport] under every request that needs it. It makes no
// requests of its own and keeps no secret longer than its caller does.
package clientauth

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/secret"
)

// Credentials are what a client may have to prove itself with.
type Credentials struct {
	ID     string        // client_id
	Secret secret.String // client_secret; empty for a public client
}

// A Method adds the proof to one request: to its headers, to its form, or to
// both. It may change nothing else.
type Method interface {
	Prove(h http.Header, form url.Values) error
}

// An Entry is one registered way of client authentication (OIDC Core 9).
type Entry struct {
	Name        string // the value of token_endpoint_auth_method
	Help        string // what it is, for help and docs
	NeedsSecret bool
	New         func(Credentials) Method
}

// Choose picks the method: the one named where there is a name, else the first
// of the table that the client can do and the provider lists. A provider that
// lists nothing takes client_secret_basic (OIDC Discovery 3).
func Choose(name string, listed []string, c Credentials) (Entry, error) {
	if name != "" {
		return named(name, c)
	}
	if c.Secret.Empty() {
		return named("none", c)
	}
	if len(listed) == 0 {
		return named("client_secret_basic", c)
	}
	for _, e := range All() {
		if e.NeedsSecret && slices.Contains(listed, e.Name) {
			return e, nil
		}
	}
	return Entry{}, &fault.Error{
		Kind: fault.Config, ID: "client-auth.none-fits", Op: "choose how to prove the client",
		Err:  fmt.Errorf("the provider lists %q, and this client has a secret", listed),
		Hint: "say which one to use with --client-auth",
	}
}

func named(name string, c Credentials) (Entry, error) {
	names := []string{}
	for _, e := range All() {
		if e.Name == name {
			return e, e.check(c)
		}
		names = append(names, e.Name)
	}
	return Entry{}, &fault.Error{
		Kind: fault.Usage, ID: "client-auth.unknown", Op: "choose how to prove the client",
		Err:  fmt.Errorf("%q is no client authentication that rely knows (%s)", name, strings.Join(names, ", ")),
		Hint: "use one of those with --client-auth",
	}
}

func (e Entry) check(c Credentials) error {
	if !e.NeedsSecret || !c.Secret.Empty() {
		return nil
	}
	return &fault.Error{
		Kind: fault.Config, ID: "client-auth.no-secret", Op: "prove the client " + c.ID,
		Err:  fmt.Errorf("%s needs the client's secret, and there is none", e.Name),
		Hint: "give it with --client-secret-file FILE or RELY_CLIENT_SECRET",
	}
}

// A Transport proves the client on each POST of a form that passes through.
type Transport struct {
	Base   http.RoundTripper
	Method Method
}

// RoundTrip implements [http.RoundTripper]; the request given is not changed.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if req.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" {
		return t.Base.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	proven := req.Clone(req.Context())
	if err := t.Method.Prove(proven.Header, form); err != nil {
		return nil, err
	}
	body = []byte(form.Encode())
	proven.Body = io.NopCloser(bytes.NewReader(body))
	proven.GetBody = nil // a proof is for one request
	proven.ContentLength = int64(len(body))
	return t.Base.RoundTrip(proven)
}
