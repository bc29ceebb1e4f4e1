// Package redirect is what the embedded provider thinks of redirect URIs: which
// may be registered, and which is one that was. It sends nobody anywhere.
package redirect

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"rely/internal/demoop/page"
)

// Unfit says why a redirect URI cannot be registered, or nothing (OIDC
// Registration 2 for application_type; RFC 8252 7.1 and 7.3). https on a
// loopback address is welcome for both kinds: command line tools that guard
// their listener with a certificate need it.
func Unfit(uri, kind string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme == "" || strings.Contains(uri, "#") || u.User != nil:
		return "a redirect URI must be absolute, without fragment and user"
	case u.Scheme == "https" || u.Scheme == "http":
		if page.Target(uri) == "" {
			return "a redirect URI must have a host, in ASCII"
		}
		if u.Scheme == "http" && !named(u.Hostname()) {
			return "http redirect URIs are for loopback only"
		}
		return ""
	case kind == "web":
		return "a web application's redirect URIs must be https"
	case !strings.Contains(u.Scheme, "."):
		return "a private URI scheme must be a domain name turned round, as com.example.app"
	}
	return ""
}

// Registered reports whether uri is in the list, compared character by
// character (RFC 9700 2.1). A native client's loopback address may have any
// port (RFC 8252 7.3); anyLoopback takes every address on loopback.
func Registered(uri string, list []string, anyLoopback, native bool) bool {
	if slices.Contains(list, uri) {
		return true
	}
	u, err := url.Parse(uri)
	if err != nil || u.Fragment != "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || strings.HasSuffix(uri, "#") {
		return false
	}
	if anyLoopback && named(u.Hostname()) {
		return true
	}
	if !native || !literal(u.Hostname()) {
		return false
	}
	return slices.ContainsFunc(list, func(have string) bool {
		h, err := url.Parse(have)
		return err == nil && h.Hostname() == u.Hostname() && portless(have, h) == portless(uri, u)
	})
}

// portless is uri as it was written, without the port.
func portless(uri string, u *url.URL) string {
	if u.Port() == "" {
		return uri
	}
	return strings.Replace(uri, "//"+u.Host, "//"+strings.TrimSuffix(u.Host, ":"+u.Port()), 1)
}

func literal(host string) bool { return host == "127.0.0.1" || host == "::1" }

func named(host string) bool { return literal(host) || host == "localhost" }

// FromHere reports whether a peer's address is on this machine.
func FromHere(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
