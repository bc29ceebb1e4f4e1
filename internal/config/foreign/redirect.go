package foreign

import (
	"net/netip"
	"net/url"
	"strings"
)

// redirect collects redirect URIs, all of which are client metadata.
func (r *reader) redirect(v value, separators string) error {
	items, err := r.list(v, separators)
	if err != nil {
		return err
	}
	for _, item := range items {
		r.redirects = appendNew(r.redirects, item)
	}
	return nil
}

// chooseRedirect takes the redirect URI to sign in with: the first on this
// machine, else the first that is http or https at all. native says that the
// provider ignores a loopback port (RFC 8252 7.3).
func (r *reader) chooseRedirect(native bool) {
	if len(r.redirects) == 0 {
		return
	}
	r.Metadata["redirect_uris"] = r.redirects
	var best *url.URL
	for _, text := range r.redirects {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			r.note("the redirect URI %s is left out: rely listens on http and https", text)
			continue
		}
		if best == nil || !loopback(best) && loopback(u) {
			best = u
		}
	}
	if best == nil {
		return
	}
	if native && best.Port() == "" && loopback(best) {
		best.Host += ":0"
	}
	if path, wild := strings.CutSuffix(best.Path, "*"); wild {
		best.Path = strings.TrimSuffix(path, "/") + "/callback"
		r.note("the redirect URI has a *: %s is used", best)
	}
	r.Settings["redirect_uri"] = []string{best.String()}
	if !loopback(best) {
		r.note("the redirect URI %s is not on this machine: have %s point at 127.0.0.1 and give --listen, --tls-cert and --tls-key, or register one like https://127.0.0.1:8443/callback", best, best.Hostname())
	}
}

func loopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback() || strings.EqualFold(u.Hostname(), "localhost")
}
