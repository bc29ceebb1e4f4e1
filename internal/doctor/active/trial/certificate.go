package trial

import (
	"crypto/tls"
	"encoding/json"
	"net/http"

	"rely/internal/jose"
)

// Certificate makes one that nobody vouches for, and the keys with which it is
// registered (RFC 8705 2.2).
func (p *Patient) Certificate() (*tls.Certificate, json.RawMessage, error) {
	k, err := jose.Generate("ES256")
	if err == nil {
		err = k.Certify("rely doctor", p.Now(), 1)
	}
	if err != nil {
		return nil, nil, err
	}
	own, err := jose.PrivateSet([]jose.Private{k})
	if err != nil {
		return nil, nil, err
	}
	public, err := jose.PublicSet([]jose.Private{k})
	if err != nil {
		return nil, nil, err
	}
	c, err := jose.ClientCertificate("the doctor's own key", own)
	return c, public, err
}

// Showing has every request of do sent where this certificate is shown, to the
// endpoints for that where there are some (RFC 8705 5); nil is no certificate.
func (p *Patient) Showing(c *tls.Certificate, do func() error) error {
	before := p.hc.Base
	defer func() { p.hc.Base, p.aliased = before, false }()
	s := shown{p.gate, p.Show(c), "\n    without a certificate"}
	if c != nil {
		s.words = "\n    with the certificate of " + c.Leaf.Subject.String() + ", x5t#S256 " + jose.CertificateThumbprint(c)
	}
	p.hc.Base, p.aliased = s, true
	return do()
}

// shown goes through the gate over a transport of its own.
type shown struct {
	*gate
	over  http.RoundTripper
	words string
}

// RoundTrip implements [http.RoundTripper].
func (s shown) RoundTrip(req *http.Request) (*http.Response, error) {
	return s.through(req, s.over, s.words)
}

// alias is an endpoint for who shows a certificate; empty where there is none.
func (p *Patient) alias(name string) string {
	var all map[string]json.RawMessage
	var address string
	if json.Unmarshal(p.Evidence.Members["mtls_endpoint_aliases"], &all) != nil || json.Unmarshal(all[name], &address) != nil {
		return ""
	}
	return address
}
