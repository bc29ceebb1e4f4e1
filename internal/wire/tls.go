package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"

	"rely/internal/fault"
)

// certificateFault words a TLS handshake that was refused by either side; nil
// where err is something else.
func certificateFault(op string, to *url.URL, err error) error {
	f := &fault.Error{Kind: fault.Network, ID: "wire.certificate", Op: op, Spec: "RFC 9525 6"}
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		notTLS  tls.RecordHeaderError
		remote  *net.OpError
	)
	switch {
	case errors.As(err, &unknown):
		f.Err = fmt.Errorf("the certificate of %s is signed by an authority that is not trusted here", to.Host)
		f.Hint = "give the authority's certificate with --ca-cert FILE"
	case errors.As(err, &name):
		f.Err = fmt.Errorf("the certificate of %s is for another name: %w", to.Host, name)
		f.Hint = "use the host name that the certificate is for"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.Err = fmt.Errorf("the certificate of %s is expired or not valid yet: %w", to.Host, invalid)
		f.Hint = "check this machine's clock, then have the provider renew its certificate"
	case errors.As(err, &verify), errors.As(err, &invalid):
		f.Err = fmt.Errorf("the certificate of %s was refused: %w", to.Host, plain(err))
		f.Hint = "have the provider mend its certificate"
	case errors.As(err, &notTLS):
		f.Err = fmt.Errorf("%s does not speak TLS on this port", to.Host)
		f.Hint = "check the port, or use http:// for a provider on this machine"
	// An alert. That a certificate of the client's is missing or not wanted comes
	// after the handshake, in place of an answer (RFC 8446 4.4.2.4).
	case errors.As(err, &remote) && remote.Op == "remote error":
		f.Spec, f.Err = "RFC 8446 6.2", fmt.Errorf("%s broke the TLS handshake off: %w", to.Host, remote.Err)
		f.Hint = "check which TLS versions and client certificates the provider accepts"
	default:
		return nil
	}
	return f
}
