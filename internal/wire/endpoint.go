package wire

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"rely/internal/fault"
)

// Endpoint checks an address that a provider published: absolute, https,
// without user part or fragment (RFC 6749 3.1, 3.2; RFC 9700 2.6). http is
// accepted on loopback, and only for an issuer that is itself http there, so
// that no https provider can downgrade its client. name is the member it stood
// in.
func Endpoint(name, address, issuer string) (*url.URL, error) {
	u, err := url.Parse(address)
	why := ""
	switch {
	case err != nil:
		why = "is no URL"
	case strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		why = "holds characters that no URL has"
	case u.Host == "" || u.Opaque != "":
		why = "is not an absolute https URL"
	case u.User != nil:
		why = "has a user part"
	case u.Fragment != "" || strings.Contains(address, "#"):
		why = "has a fragment"
	case u.Scheme == "http" && Loopback(u.Hostname()) && strings.HasPrefix(issuer, "http://"):
	case u.Scheme != "https":
		why = "is not https"
	}
	if why == "" {
		return u, nil
	}
	return nil, &fault.Error{
		Kind: fault.Protocol, ID: "provider.endpoint", Op: "read the provider's metadata", Spec: "OIDC Discovery 3; RFC 9700 2.6",
		Err:  fmt.Errorf("%s %s: %q", name, why, address),
		Hint: "have the provider publish an https address for " + name,
	}
}

// Loopback reports whether host (no port, brackets or not) can only be this
// machine: 127.0.0.0/8, ::1, localhost.
func Loopback(host string) bool {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
