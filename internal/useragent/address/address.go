// Package address rebuilds addresses that come from a provider, so that nothing
// in them means anything to a shell, a terminal or another program, and compares
// them. It opens none.
package address

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"rely/internal/wire"
)

// Clean rebuilds a URL that may be requested or opened. Its errors name the
// scheme and host at most: the query may hold a code.
func Clean(u *url.URL) (*url.URL, error) {
	host := u.Hostname()
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("its scheme is %s, not https", cmp.Or(u.Scheme, "missing"))
	case u.User != nil:
		return nil, errors.New("it has a user part")
	case u.Opaque != "" || host == "":
		return nil, errors.New("it names no host")
	case !plainHost(host) || strings.Trim(u.Port(), "0123456789") != "":
		return nil, errors.New("its host is not a plain ASCII name (punycode for an international one)")
	case u.Scheme == "http" && !wire.Loopback(host):
		return nil, fmt.Errorf("%s is plain http and not on loopback", u.Scheme+"://"+u.Host)
	}
	rebuilt := &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), RawQuery: escape(u.RawQuery)}
	rebuilt.Path, rebuilt.RawPath = u.Path, escape(u.EscapedPath())
	rebuilt.Fragment, rebuilt.RawFragment = u.Fragment, escape(u.EscapedFragment())
	return rebuilt, nil
}

// plainHost takes host names and addresses that need no quoting anywhere.
func plainHost(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	for _, r := range strings.ToLower(host) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_' {
			return false
		}
	}
	return host[0] != '-'
}

// escape percent-encodes what may not stand in a path, query or fragment, and
// what a careless opener could read as shell syntax. Escapes that are there
// already stay.
func escape(s string) string {
	const plain = "-._~!*,;:@/?&=+"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(plain, c) >= 0,
			c == '%' && i+2 < len(s) && hex(s[i+1]) && hex(s[i+2]):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func hex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// Origin is scheme://host:port, the default port left out (RFC 6454 6.2).
func Origin(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return u.Scheme + "://" + host
	}
	return u.Scheme + "://" + host + ":" + port
}

// Place is what an error may show of a URL: no query, no fragment.
func Place(u *url.URL) string { return Origin(u) + u.EscapedPath() }

// Same reports whether a and b are one place to send an answer to, whatever
// their queries.
func Same(a, b *url.URL) bool {
	path := func(u *url.URL) string { return "/" + strings.TrimPrefix(u.EscapedPath(), "/") }
	return Origin(a) == Origin(b) && path(a) == path(b)
}
