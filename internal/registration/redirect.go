package registration

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rely/internal/fault"
	"rely/internal/wire"
)

// A Redirect is one set of redirect URIs that a provider may take, and the
// application_type that goes with it.
type Redirect struct {
	URIs []string // none for a client that signs nobody in
	Type string   // "web", "native", or "" where it is not said
	Why  string   // for the person, as "an exact port, guarded by a certificate"
}

// Redirects are the candidates, best first; the second is for a provider that
// refuses the first (OIDC Registration 2 application_type, RFC 8252 7.3).
//
// Providers differ on loopback: web applications have to have https and an
// exact port, native ones must not have https, and some refuse the name
// localhost. So https on 127.0.0.1 as web comes first, http on 127.0.0.1 as
// native second, both with a port of their own: a provider that ignores ports
// takes it, and one that compares them does too.
func Redirects(wanted []string, kind string, machine bool, ports []int) []Redirect {
	secure := Redirect{loopbackURIs("https", ports), "web", "https on loopback, with a fixed port"}
	plain := Redirect{loopbackURIs("http", ports), "native", "http on loopback, as native applications have it"}
	switch {
	case len(wanted) > 0:
		return forWanted(withPorts(wanted, ports), kind)
	case machine:
		return []Redirect{{Type: kind, Why: "nobody signs in"}, {secure.URIs, cmp.Or(kind, secure.Type), "never used, but the provider wants one"}}
	case kind == "web":
		plain.Type = "web"
		return []Redirect{secure, plain}
	case kind == "native":
		secure.Type = "native"
		return []Redirect{plain, secure}
	}
	return []Redirect{secure, plain}
}

// implicit leaves the candidates that may have tokens come through the browser: a
// web application's on https and not on localhost, a native one's on http (OIDC
// Registration 2 application_type).
func (p *Plan) implicit(kind string) error {
	tried := p.Redirects
	p.Redirects = slices.DeleteFunc(slices.Clone(tried), func(r Redirect) bool {
		return slices.ContainsFunc(r.URIs, func(uri string) bool {
			u, err := url.Parse(uri)
			secure := err == nil && u.Scheme == "https"
			return r.Type == "native" && secure || r.Type == "web" && (!secure || u.Hostname() == "localhost")
		})
	})
	if len(p.Redirects) > 0 || len(tried) == 0 {
		return nil
	}
	f := &fault.Error{Kind: fault.Usage, ID: "registration.implicit", Op: "choose the redirect URI", Spec: "OIDC Registration 2 (application_type)",
		Err:  fmt.Errorf("%q and --application-type %s do not go together where tokens come through the browser", tried[0].URIs, kind),
		Hint: "leave --application-type out: with an https redirect URI the client is a web application"}
	if kind != "native" {
		f.Hint = "use https and no host name, as --redirect-uri https://127.0.0.1:8910/callback"
	}
	return f
}

func loopbackURIs(scheme string, ports []int) []string {
	var out []string
	for _, port := range ports {
		out = append(out, fmt.Sprintf("%s://127.0.0.1:%d/callback", scheme, port))
	}
	return out
}

// forWanted tries the person's own URIs as one kind of application, then as
// the other, where the person did not say which.
func forWanted(uris []string, kind string) []Redirect {
	first, second := "web", "native"
	if slices.ContainsFunc(uris, func(u string) bool { return strings.HasPrefix(u, "http:") }) {
		first, second = second, first
	}
	if kind != "" {
		return []Redirect{{uris, kind, "as asked for"}}
	}
	return []Redirect{{uris, first, "as asked for"}, {uris, second, "as asked for"}}
}

// withPorts puts a fixed port in place of 0: most providers compare it, and
// none wants to be told of port 0.
func withPorts(uris []string, ports []int) []string {
	out := slices.Clone(uris)
	for i, uri := range out {
		u, err := url.Parse(uri)
		if err != nil || u.Port() != "0" || len(ports) == 0 {
			continue
		}
		host := strings.TrimSuffix(u.Host, ":0")
		out[i] = strings.Replace(uri, "//"+u.Host, "//"+host+":"+strconv.Itoa(ports[i%len(ports)]), 1)
	}
	return out
}

// CheckRedirect refuses a redirect URI that no listener of ours could serve,
// before any provider hears of it (RFC 6749 3.1.2, RFC 8252 7.3 and 8.3).
// elsewhere says that --listen names the address to listen on.
func CheckRedirect(uri string, elsewhere bool) error {
	u, err := url.Parse(uri)
	f := &fault.Error{Kind: fault.Usage, ID: "registration.redirect-uri", Op: "read the redirect URI", Spec: "RFC 6749 3.1.2",
		Hint: "use one like https://127.0.0.1:8910/callback"}
	switch {
	case err != nil:
		err = errors.New("it is no URL")
	case u.Scheme == "" || u.Host == "":
		err = errors.New("it is not absolute")
	case strings.Contains(uri, "#"):
		err = errors.New("it has a fragment")
	case u.Scheme != "https" && u.Scheme != "http":
		err = fmt.Errorf("its scheme is %s, which no listener can serve", u.Scheme)
	case u.User != nil:
		err = errors.New("it has a user part")
	case strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }):
		err = errors.New("it holds characters that no URL has")
	case !wire.Loopback(u.Hostname()) && !elsewhere:
		f.Spec, f.Hint = "RFC 8252 7.3, 8.3", "use 127.0.0.1, or say with --listen where the answer arrives"
		err = fmt.Errorf("%s is not this machine's loopback", u.Hostname())
	}
	if err == nil && u.Port() != "" {
		if _, bad := strconv.ParseUint(u.Port(), 10, 16); bad != nil {
			err = fmt.Errorf("%s is no port", u.Port())
		}
	}
	if err == nil {
		return nil
	}
	f.Err = fmt.Errorf("%q: %w", uri, err)
	return f
}

// aboutRedirect reports whether a provider refused because of the redirect
// URIs or the kind of application. Not all say so in the code.
func aboutRedirect(err error) (*wire.Refusal, bool) {
	var r *wire.Refusal
	if !fault.Is(err, fault.Denied) || !errors.As(err, &r) {
		return nil, false
	}
	text := strings.ToLower(r.Description)
	return r, r.Code == "invalid_redirect_uri" ||
		r.Code == "invalid_client_metadata" && (strings.Contains(text, "redirect") || strings.Contains(text, "application_type"))
}

// aboutGrants reports whether a provider refused because of a grant type.
func aboutGrants(err error) bool {
	var r *wire.Refusal
	return fault.Is(err, fault.Denied) && errors.As(err, &r) &&
		(strings.Contains(r.Description, "grant") || strings.Contains(r.Description, "refresh_token"))
}
