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
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// Credentials are what a client may have to prove itself with. Those from Keys
// on are for signed assertions; ID alone is always there.
type Credentials struct {
	ID     string        // client_id
	Secret secret.String // client_secret; empty where there is none

	Certificate bool // the connection shows one of the client's (RFC 8705)

	Keys     secret.String    // private keys: JWK, JWKS or PEM; empty where there are none
	KeysName string           // where they are from, for errors
	Kids     []string         // of the keys that are registered; empty where that is not known
	Alg      string           // registered token_endpoint_auth_signing_alg; empty where any will do
	Algs     []string         // those that the provider lists; empty where it lists none
	Audience string           // of assertions: the issuer, what an older provider wants, or [Endpoint]
	Now      func() time.Time // dates assertions
}

// Endpoint as the audience is the address that the request goes to, for
// providers each of whose endpoints wants to be named.
const Endpoint = "endpoint"

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
	NeedsKey    bool
	NeedsCert   bool // the proof is the TLS connection's
	// New refuses credentials that cannot serve, a public key for one: before
	// the browser opens.
	New func(Credentials) (Method, error)
}

// possible reports whether the client has what the method proves it with.
func (e Entry) possible(c Credentials) bool {
	return e.NeedsSecret && !c.Secret.Empty() || e.NeedsKey && !c.Keys.Empty() || e.NeedsCert && c.Certificate
}

// Choose picks the method: the one named where there is a name, else the first
// of the table that the client can do and the provider lists. A provider that
// lists nothing takes client_secret_basic (OIDC Discovery 3), from a client
// that has a secret.
func Choose(name string, listed []string, c Credentials) (Entry, error) {
	switch {
	case name != "":
		return named(name, c)
	case c.Secret.Empty() && c.Keys.Empty() && !c.Certificate, c.Secret.Empty() && c.Keys.Empty() && len(listed) == 0:
		return named("none", c)
	case len(listed) == 0 && !c.Secret.Empty():
		return named("client_secret_basic", c)
	case len(listed) == 0:
		return named("private_key_jwt", c)
	}
	for _, e := range All() {
		if e.possible(c) && slices.Contains(listed, e.Name) {
			return e, nil
		}
	}
	has := "a secret"
	switch {
	case c.Secret.Empty() && c.Keys.Empty():
		has = "a certificate"
	case c.Secret.Empty():
		has = "a key"
	}
	return Entry{}, &fault.Error{
		Kind: fault.Config, ID: "client-auth.none-fits", Op: "choose how to prove the client",
		Err:  fmt.Errorf("the provider lists %q, and this client has %s", listed, has),
		Hint: "say which one to use with --client-auth",
	}
}

// Offered refuses a method that the provider does not list, where it lists any.
// A public client proves nothing, and where none is named the provider chooses.
func Offered(name string, listed []string) error {
	if name == "" || name == "none" || len(listed) == 0 || slices.Contains(listed, name) {
		return nil
	}
	return &fault.Error{Kind: fault.Config, ID: "client-auth.not-listed", Op: "choose how to prove the client", Spec: "RFC 8414 2 (token_endpoint_auth_methods_supported)",
		Err: fmt.Errorf("the provider lists %q, and not %s", listed, name), Hint: "use one of those with --client-auth, as the client is registered"}
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
		Hint: fault.Meant(name, names, "use --client-auth ", "use one of those with --client-auth"),
	}
}

func (e Entry) check(c Credentials) error {
	f := &fault.Error{Kind: fault.Config, ID: "client-auth.no-secret", Op: "prove the client " + c.ID,
		Err:  fmt.Errorf("%s needs the client's secret, and there is none", e.Name),
		Hint: "give it with --client-secret-file FILE or RELY_CLIENT_SECRET"}
	switch {
	case e.possible(c) || !e.NeedsSecret && !e.NeedsKey && !e.NeedsCert:
		return nil
	case e.NeedsCert:
		f.ID, f.Spec, f.Err = "client-auth.no-certificate", "RFC 8705 2", fmt.Errorf("%s needs a certificate of the client's, and there is none", e.Name)
		f.Hint = "give it with --tls-client-cert FILE and --tls-client-key FILE, or register with --generate-key mtls"
	case e.NeedsKey:
		f.ID, f.Err = "client-auth.no-key", fmt.Errorf("%s needs a private key of the client's, and there is none", e.Name)
		f.Hint = "give it with --client-key-file FILE, or register with --generate-key auth"
	}
	return f
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
	method := t.Method
	if a, ok := method.(assertion); ok && a.Audience == Endpoint {
		a.Audience = req.URL.String()
		method = a
	}
	if err := method.Prove(proven.Header, form); err != nil {
		return nil, err
	}
	body = []byte(form.Encode())
	proven.Body = io.NopCloser(bytes.NewReader(body))
	proven.GetBody = nil // a proof is for one request
	proven.ContentLength = int64(len(body))
	return t.Base.RoundTrip(proven)
}
