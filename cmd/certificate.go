package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/store"
	"rely/internal/trace"
)

// An ownCertificate is what this side of TLS connections shows (RFC 8705), found out when
// it is first asked for: most providers never do.
type ownCertificate struct {
	known bool
	cert  *tls.Certificate
	err   error
}

// clientCertificate is that of the files that the settings name, or the one that
// registration made and the profile's client record keeps; nil for nothing.
func (i *invocation) clientCertificate() (*tls.Certificate, error) { return i.certificateOf(nil) }

// certificateOf is clientCertificate for who has the client's record at hand.
func (i *invocation) certificateOf(client *store.Client) (*tls.Certificate, error) {
	i.handshakes.Lock()
	defer i.handshakes.Unlock()
	if cert, key := i.values.String("tls_client_cert"), i.values.String("tls_client_key"); !i.shows.known && (cert != "" || key != "") {
		own, err := certificatePair(cert, key)
		i.shows.known, i.shows.cert = true, &own
		if err != nil {
			i.shows.cert, i.shows.err = nil, &fault.Error{Kind: fault.Config, ID: "client-auth.certificate", Op: "read the client's certificate", Spec: "RFC 8705 2", Err: err,
				Hint: "check --tls-client-cert and --tls-client-key: both in PEM form, of one pair, the key a private one"}
		}
	}
	if !i.shows.known && i.keeps.Load() { // what keeps no session is no business of the client's
		i.shows.known = true
		i.shows.cert, i.shows.err = i.keptCertificate(client)
	}
	return i.shows.cert, i.shows.err
}

// traced is base with its requests shown and kept, where that is wanted.
func (i *invocation) traced(base http.RoundTripper) http.RoundTripper {
	t := &trace.Transport{Base: base, Redact: i.redact, Now: i.Now, Record: i.record}
	if i.values.Bool("trace") {
		t.Out = i.Stderr
	}
	return i.pace.Over(t)
}

// showing is a transport that shows this certificate and no other; nil is none.
func (i *invocation) showing(c *tls.Certificate) http.RoundTripper {
	return i.traced(i.base.Showing(c))
}

func certificatePair(cert, key string) (tls.Certificate, error) {
	switch {
	case key == "":
		return tls.Certificate{}, errors.New("its certificate is named, and its key is not")
	case cert == "":
		return tls.Certificate{}, errors.New("its key is named, and its certificate is not")
	}
	return tls.LoadX509KeyPair(cert, key)
}

// keptCertificate is that of the profile's own client: another issuer's never
// sees it.
func (i *invocation) keptCertificate(c *store.Client) (*tls.Certificate, error) {
	if i.profile == "" {
		return nil, nil
	}
	var err error
	if c == nil {
		var st store.Store
		if st, err = i.store(); err == nil {
			c, err = st.Client(context.Background(), i.profile)
		}
	}
	if err != nil || c == nil || c.Issuer != i.values.String("issuer") || c.ClientID != i.values.String("client_id") {
		return nil, err
	}
	return jose.ClientCertificate("the profile's client record", c.Keys)
}
