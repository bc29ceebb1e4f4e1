package loopback

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rely/internal/fault"
	"rely/internal/wire"
)

const op = "open the listener for the redirect"

// redirect is a redirect URI taken apart.
type redirect struct {
	raw   string
	url   *url.URL
	port  int        // the one the browser uses; 0 until it is known
	query url.Values // what the registered URI carries itself
}

func parseRedirect(raw string) (*redirect, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		// url.Error would repeat the URI; ours names it once.
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
	case u.Scheme != "http" && u.Scheme != "https":
		err = errors.New("the scheme must be http or https")
	case u.Hostname() == "" || strings.ContainsFunc(u.Host, func(r rune) bool { return r <= ' ' || r > '~' || r == '%' }):
		err = errors.New("it has no usable host")
	case u.User != nil:
		err = errors.New("it must have no user part")
	case strings.Contains(raw, "#"):
		err = errors.New("it must have no fragment")
	case strings.HasSuffix(u.Host, ":"):
		err = errors.New("the port is empty")
	}
	to := &redirect{raw: raw, url: u}
	if err == nil {
		to.port, err = portOf(u)
	}
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "loopback.redirect-uri", Op: op,
			Hint: "set the redirect URI to one like https://127.0.0.1:8443/callback",
			Spec: "RFC 6749 3.1.2", Err: fmt.Errorf("redirect URI %q: %w", raw, err)}
	}
	if u.Path == "" {
		u.Path = "/" // what a browser asks for
	}
	to.query = parseParams(u.RawQuery)
	return to, nil
}

func portOf(u *url.URL) (int, error) {
	switch {
	case u.Port() != "":
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return 0, errors.New("the port must be 0 to 65535")
		}
		return int(n), nil
	case u.Scheme == "https":
		return 443, nil
	}
	return 80, nil
}

// setPort puts the real port in place of 0 and leaves every other byte alone.
func (to *redirect) setPort(port int) {
	if to.port != 0 {
		return
	}
	to.port = port
	start := len(to.url.Scheme) + len("://")
	host := net.JoinHostPort(to.url.Hostname(), strconv.Itoa(port))
	to.raw = to.raw[:start] + host + to.raw[start+len(to.url.Host):]
	to.url.Host = host
}

// base is the redirect URI without its query.
func (to *redirect) base() string {
	base, _, _ := strings.Cut(to.raw, "?")
	return base
}

// serves reports whether host, as in a Host header, is the redirect URI's
// own. Any other came through a name that somebody else controls.
func (to *redirect) serves(host string) bool {
	u := &url.URL{Scheme: to.url.Scheme, Host: host}
	port, err := portOf(u)
	if err != nil || port != to.port {
		return false
	}
	got, err1 := netip.ParseAddr(u.Hostname())
	want, err2 := netip.ParseAddr(to.url.Hostname())
	if err1 == nil && err2 == nil {
		return got == want
	}
	return strings.EqualFold(u.Hostname(), to.url.Hostname())
}

// answer gives the parameters in a query that are not part of the redirect
// URI itself; false when the URI's own are not all there.
func (to *redirect) answer(query string) (url.Values, bool) {
	params := parseParams(query)
	for name, own := range to.query {
		for _, value := range own {
			i := slices.Index(params[name], value)
			if i < 0 {
				return nil, false
			}
			params[name] = slices.Delete(params[name], i, i+1)
		}
		if len(params[name]) == 0 {
			delete(params, name)
		}
	}
	return params, true
}

// pasted reads the address that a browser ended on. An answer in the fragment
// counts where the query has none (OAuth 2.0 Multiple Response Types 2.1).
func (to *redirect) pasted(text string) (url.Values, Way, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		return nil, "", errors.New("it is not an address")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if u.Scheme != to.url.Scheme || !to.serves(u.Host) || u.Path != to.url.Path {
		return nil, "", errors.New("it is not the redirect URI of this sign-in")
	}
	params, own := to.answer(u.RawQuery)
	way := Query
	if own && len(params) == 0 {
		_, fragment, _ := strings.Cut(text, "#")
		params, way = parseParams(strings.TrimSpace(fragment)), Fragment
	}
	if !own || len(params) == 0 {
		return nil, "", errors.New("it carries no answer")
	}
	return params, way, nil
}

// parseParams reads a query or a form as browsers do (WHATWG URL 5.1): only
// "&" separates, and nothing is ever dropped. The parser of net/url leaves
// out pairs that it dislikes, which would hide a repeated parameter.
func parseParams(raw string) url.Values {
	params := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			params.Add(unescape(name), unescape(value))
		}
	}
	return params
}

func unescape(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
}

// fits refuses a certificate that no browser would take for the redirect URI.
func (to *redirect) fits(cert *tls.Certificate) error {
	if to.url.Scheme != "https" {
		return nil
	}
	err := errors.New("an https redirect URI needs a certificate")
	if cert != nil && len(cert.Certificate) > 0 {
		leaf := cert.Leaf
		if err = nil; leaf == nil {
			leaf, err = x509.ParseCertificate(cert.Certificate[0])
		}
		if err == nil {
			err = leaf.VerifyHostname(to.url.Hostname())
		}
	}
	if err != nil {
		return &fault.Error{Kind: fault.Config, ID: "loopback.certificate", Op: op, Err: err,
			Hint: "use a certificate for " + to.url.Hostname() + ", or a redirect URI on https://127.0.0.1"}
	}
	return nil
}

// bindTo finds the addresses to listen on; several share one port.
func bindTo(to *redirect, o Options) (hosts []string, port int, err error) {
	host := to.url.Hostname()
	port = to.port
	if o.Bind == "" {
		switch {
		case wire.Loopback(host):
		case o.AllowHost && to.url.Scheme == "https":
			host = "127.0.0.1"
		default:
			return nil, 0, &fault.Error{Kind: fault.Config, ID: "loopback.redirect-uri", Op: op, Spec: "RFC 8252 8.3",
				Hint: "use a redirect URI on 127.0.0.1, or give your own certificate for the host, or say with --listen where to listen",
				Err:  fmt.Errorf("redirect URI %q: the host is not this machine's loopback", to.raw)}
		}
	} else if host, port, err = parseBind(o.Bind, port); err != nil {
		return nil, 0, &fault.Error{Kind: fault.Config, ID: "loopback.bind-address", Op: op,
			Hint: "give an IP address, as 0.0.0.0 or 127.0.0.1:9000",
			Err:  fmt.Errorf("listen address %q: %w", o.Bind, err)}
	}
	if strings.EqualFold(host, "localhost") {
		return []string{"127.0.0.1", "::1"}, port, nil
	}
	return []string{host}, port, nil
}

func parseBind(bind string, port int) (string, int, error) {
	host := bind
	if h, p, err := net.SplitHostPort(bind); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return "", 0, errors.New("the port must be 0 to 65535")
		}
		host, port = h, int(n)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	// A name could come to mean another interface tomorrow.
	if _, err := netip.ParseAddr(host); err != nil && !strings.EqualFold(host, "localhost") {
		return "", 0, errors.New("it is not an IP address")
	}
	return host, port, nil
}

// bind opens one port on all hosts. Nobody else may hold it on any of them:
// a browser sent to localhost tries both families and would give the code to
// whoever answers first (RFC 8252 8.3).
func bind(ctx context.Context, hosts []string, port int) ([]net.Listener, error) {
	for attempt := 1; ; attempt++ {
		ports, err := bindOnce(ctx, hosts, port)
		switch {
		case err == nil:
			return ports, nil
		case portBusy(err) && port == 0 && attempt < 16:
			// The free port of one family was taken in the other.
		case portBusy(err):
			return nil, &fault.Error{Kind: fault.Config, ID: "loopback.port-busy", Op: op, Spec: "RFC 8252 8.3", Err: err,
				Hint: fmt.Sprintf("stop the program that listens on port %d, or give --redirect-uri with another registered port", port)}
		default:
			return nil, &fault.Error{Kind: fault.Config, ID: "loopback.bind", Op: op, Err: err,
				Hint: "check that the address is one of this machine, and the port above 1023"}
		}
	}
}

func bindOnce(ctx context.Context, hosts []string, port int) (ports []net.Listener, err error) {
	config := net.ListenConfig{Control: exclusive}
	config.SetMultipathTCP(false) // there is one path on loopback, and finding that out takes five system calls
	for i, host := range hosts {
		p, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil && i > 0 && !portBusy(err) {
			break // no IPv6 here; localhost is 127.0.0.1 alone
		}
		if err != nil {
			for _, p := range ports {
				_ = p.Close()
			}
			return nil, err
		}
		ports = append(ports, p)
		port = p.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
