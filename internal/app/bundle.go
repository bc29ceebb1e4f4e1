package app

import (
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"sync"
)

// A bundle is many authorities in PEM form. To parse all of them takes longer
// than a handshake, and one of them is needed: the one with the name of whoever
// signed a certificate that the server shows.
type bundle struct {
	text  []byte
	names func() map[string][]byte // the certificates of each holder; those of "" may be anybody's
}

func newBundle(text []byte) bundle {
	return bundle{text: text, names: sync.OnceValue(func() map[string][]byte {
		names := map[string][]byte{}
		for rest := text; ; {
			one, after := block(rest)
			if one == nil {
				return names
			}
			rest = after
			name := string(subject(one))
			if before, there := names[name]; there { // a namesake
				one = append(append(before, '\n'), one...)
			}
			names[name] = one
		}
	})}
}

// transport believes the bundle's authorities as [Network.transport] with all of
// them in a pool would.
func (b bundle) transport(n *Network) http.RoundTripper {
	all := sync.OnceValue(func() http.RoundTripper { return n.transport(b.whole()) })
	if fips140.Enabled() {
		return all() // has rules for chains that only crypto/tls knows
	}
	t := n.transport(nil)
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		conn, err := n.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		within, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
		defer cancel()
		c := tls.Client(conn, b.believing(t.TLSClientConfig, host))
		if err := c.HandshakeContext(within); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return c, nil
	}
	return eitherWay{direct: t, proxied: all}
}

// believing is c for a connection to host.
func (b bundle) believing(c *tls.Config, host string) *tls.Config {
	c = c.Clone()
	c.ServerName = host
	// Not left out, but done by VerifyConnection, which crypto/tls calls at every
	// handshake, when the server has shown its certificates.
	c.InsecureSkipVerify = true
	c.VerifyConnection = func(s tls.ConnectionState) error { return b.verify(host, s.PeerCertificates) }
	return c
}

// verify is what crypto/tls does with a server's certificates where it has all
// authorities. The host is not taken from the connection: that has none for an IP
// address.
func (b bundle) verify(host string, shown []*x509.Certificate) error {
	if host == "" || len(shown) == 0 {
		return errors.New("there is no host, or no certificate, to check") // crypto/x509 would check no name
	}
	o := x509.VerifyOptions{DNSName: host, Roots: b.pool(shown), Intermediates: x509.NewCertPool()}
	for _, c := range shown[1:] {
		o.Intermediates.AddCert(c)
	}
	if _, err := shown[0].Verify(o); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: shown, Err: err}
	}
	return nil
}

// pool has the authorities that may have signed one of these certificates. A
// chain is built from issuer to subject (RFC 5280 6.1.3 (a) (4)), so that others
// can have no part in it.
func (b bundle) pool(signed []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(b.names()[""])
	for _, c := range signed {
		pool.AppendCertsFromPEM(b.names()[string(c.RawIssuer)])
	}
	return pool
}

// whole has all of them.
func (b bundle) whole() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(b.text)
	return pool
}

const begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

// block is the text of the next certificate, markers included; nil after the
// last.
func block(data []byte) (text, rest []byte) {
	from := bytes.Index(data, []byte(begin))
	if from < 0 {
		return nil, nil
	}
	to := bytes.Index(data[from:], []byte(end))
	if to < 0 {
		return nil, nil
	}
	to += from + len(end)
	return data[from:to:to], data[to:]
}

// subject is the name of a certificate's holder, in DER; nil where it is not found
// in the beginning of the text, and only crypto/x509 can tell.
func subject(text []byte) []byte {
	const enough = 24 // lines, of 48 bytes each
	text = text[len(begin) : len(text)-len(end)]
	at := 0
	for range enough {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			at = len(text)
			break
		}
		at += n + 1
	}
	der, err := base64.StdEncoding.AppendDecode(nil, text[:at])
	if err != nil {
		return nil
	}
	return subjectIn(der)
}

// subjectIn reads a certificate whose end may be missing (RFC 5280 4.1). What it
// gets wrong costs time and no more: whom to believe is decided by crypto/x509.
func subjectIn(der []byte) []byte {
	for range 2 { // Certificate and TBSCertificate begin
		head, _ := element(der)
		der = der[head:]
	}
	before := 4 // serialNumber, signature, issuer, validity
	if len(der) > 0 && der[0] == 0xa0 {
		before++ // version
	}
	for ; ; before-- {
		_, all := element(der)
		switch {
		case all == 0:
			return nil
		case before == 0:
			return der[:all]
		}
		der = der[all:]
	}
}

// element is the length of the first element of DER without its content and with
// it; the second is 0 where the end is missing, and both are where the length is.
func element(der []byte) (head, all int) {
	if len(der) < 2 {
		return 0, 0
	}
	head, length := 2, int(der[1])
	if length >= 0x80 {
		head += length - 0x80
		if head > min(5, len(der)) {
			return 0, 0
		}
		length = 0
		for _, b := range der[2:head] {
			length = length<<8 | int(b)
		}
	}
	if all = head + length; all > len(der) {
		return head, 0
	}
	return head, all
}

// eitherWay is the direct way to a server, and another for what goes through a
// proxy.
type eitherWay struct {
	direct  http.RoundTripper
	proxied func() http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (e eitherWay) RoundTrip(req *http.Request) (*http.Response, error) {
	if proxy, err := http.ProxyFromEnvironment(req); proxy != nil || err != nil {
		return e.proxied().RoundTrip(req)
	}
	return e.direct.RoundTrip(req)
}
