package active

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/registration"
	"rely/internal/wire"
)

// A key is one PKCE pair (RFC 7636 4.1, 4.2).
type key struct{ verifier, challenge string }

func newKey() key {
	v := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(v))
	return key{v, base64.RawURLEncoding.EncodeToString(sum[:])}
}

// request is a good authorization request.
func request(c *registration.Client, k key) url.Values {
	q := clientOf(c)
	for name, v := range map[string]string{"response_type": "code", "redirect_uri": callback, "scope": "openid", "state": rand.Text(), "nonce": rand.Text(),
		"code_challenge": k.challenge, "code_challenge_method": "S256"} {
		q.Set(name, v)
	}
	return q
}

// authorize sends an authorization request that nobody signs in to.
func (p *patient) authorize(ctx context.Context, change func(q url.Values)) (*wire.Answer, url.Values, error) {
	return p.authorizeAs(ctx, p.client, change)
}

func (p *patient) authorizeAs(ctx context.Context, c *registration.Client, change func(q url.Values)) (*wire.Answer, url.Values, error) {
	address, err := p.endpoint("authorization_endpoint")
	if err != nil {
		return nil, nil, err
	}
	q := request(c, newKey())
	change(q)
	a, err := p.get(ctx, address, q)
	return a, q, err
}

// back is what an answer sends to the redirect URI, nil where it sends nothing
// there.
func back(a *wire.Answer, to string) url.Values {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.Status/100 != 3 || !strings.HasPrefix(u.String(), to) {
		return nil
	}
	q := u.Query()
	if f, err := url.ParseQuery(u.Fragment); err == nil {
		for name, v := range f {
			q[name] = v
		}
	}
	return q
}

// leaves reports whether an answer sends the browser to that host.
func leaves(a *wire.Answer, hosts ...string) bool {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.Status/100 != 3 {
		return false
	}
	for _, host := range hosts {
		if strings.EqualFold(u.Hostname(), host) {
			return true
		}
	}
	return u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https"
}

func (p *patient) corsAuthorize(ctx context.Context) error {
	address, err := p.endpoint("authorization_endpoint")
	if err != nil {
		return err
	}
	a, err := p.send(ctx, http.MethodGet, address+"?"+request(p.client, newKey()).Encode(), nil, http.Header{"Origin": {"https://doctor.invalid"}})
	if err != nil {
		return err
	}
	if allowed := a.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
		p.found("authorization_endpoint", "Access-Control-Allow-Origin: "+allowed, "no such header")
	}
	return nil
}

func (p *patient) unknownClient(ctx context.Context) error {
	a, _, err := p.authorize(ctx, func(q url.Values) { q.Set("client_id", "rely-doctor-no-such-client") })
	if err != nil {
		return err
	}
	if leaves(a, "rely-doctor.invalid") {
		p.found("authorization_endpoint", described(a), "an error page")
	}
	return nil
}

// wrongRedirects are near misses of the registered address.
func wrongRedirects() []string {
	return []string{
		"https://rely-doctor.invalid/not-registered", callback + "/more", callback + "/../other-path", callback + "?more=1", callback + "#part",
		"https://else.rely-doctor.invalid/callback", "https://rely-doctor.invalid@else.invalid/callback", "http://rely-doctor.invalid/callback",
		"https://rely-doctor.invalid/CALLBACK", "https://rely-doctor.invalid:8443/callback",
	}
}

func (p *patient) redirectExact(ctx context.Context) error {
	for _, wrong := range wrongRedirects() {
		a, _, err := p.authorize(ctx, func(q url.Values) { q.Set("redirect_uri", wrong) })
		if err != nil {
			return err
		}
		// A redirect to the provider's own pages is how many show an error, and
		// how they ask to sign in: only one that leaves tells.
		if leaves(a, "rely-doctor.invalid", "else.rely-doctor.invalid", "else.invalid") {
			p.found("redirect_uri "+wrong, described(a), "an error page")
		}
	}
	return nil
}

func (p *patient) responseType(ctx context.Context) error {
	for what, change := range map[string]func(url.Values){
		"a missing response_type":  func(q url.Values) { q.Del("response_type") },
		"an unknown response_type": func(q url.Values) { q.Set("response_type", "rely_doctor") },
	} {
		a, _, err := p.authorize(ctx, change)
		if err != nil {
			return err
		}
		if e := back(a, callback); a.Status >= 500 || e != nil && e.Get("error") == "" {
			p.found(what, described(a), "an error at the redirect URI, or an error page")
		}
	}
	return nil
}

// refused reports whether a request came to an error instead of a sign-in; why
// not is in words.
func refused(a *wire.Answer) bool {
	if e := back(a, callback); e != nil {
		return e.Get("error") != ""
	}
	return a.Status >= 400
}

func (p *patient) pkceRequired(ctx context.Context) error {
	a, _, err := p.authorizeAs(ctx, p.public, func(q url.Values) {
		q.Del("code_challenge")
		q.Del("code_challenge_method")
	})
	if err == nil && !refused(a) {
		p.found("code_challenge", described(a)+": a public client may go on without it", "invalid_request")
	}
	return err
}

func (p *patient) pkcePlain(ctx context.Context) error {
	a, _, err := p.authorizeAs(ctx, p.public, func(q url.Values) { q.Set("code_challenge_method", "plain") })
	if err == nil && !refused(a) {
		p.found("code_challenge_method", described(a)+": plain may go on", "invalid_request")
	}
	return err
}

func (p *patient) promptNone(ctx context.Context) error {
	a, _, err := p.authorize(ctx, func(q url.Values) { q.Set("prompt", "none") })
	if err != nil {
		return err
	}
	switch e := back(a, callback); {
	case p.Dry != nil:
	case e == nil:
		p.found("prompt=none", described(a), "a redirect with login_required")
	case !strings.HasSuffix(e.Get("error"), "_required"):
		p.found("prompt=none", "error "+e.Get("error"), "login_required")
	}
	return nil
}

// odd is a state that shows whether somebody decodes and encodes it.
func odd() string {
	return strings.Repeat("x", 300) + "+&=% \u00e9/?#" + rand.Text()
}

func (p *patient) errorState(ctx context.Context) error {
	state := odd()
	a, _, err := p.authorize(ctx, func(q url.Values) {
		q.Set("prompt", "none")
		q.Set("state", state)
	})
	if err != nil {
		return err
	}
	e := back(a, callback)
	if e == nil {
		p.skip("the provider answers prompt=none with no redirect, which A19 tells")
		return nil
	}
	if e.Get("state") != state {
		p.found("state", "another one, or none", "the one that was sent")
	}
	if promised, _ := p.evidence.Flag("authorization_response_iss_parameter_supported"); promised && e.Get("iss") != p.evidence.Issuer {
		p.found("iss", e.Get("iss"), p.evidence.Issuer)
	}
	return nil
}

func (p *patient) signInPage(ctx context.Context) error {
	a, _, err := p.authorize(ctx, func(url.Values) {})
	for hops := 0; err == nil && a.Status/100 == 3 && hops < 5; hops++ {
		var from, to *url.URL
		if from, err = url.Parse(a.URL); err == nil {
			to, err = from.Parse(a.Header.Get("Location"))
		}
		if err == nil {
			a, err = p.send(ctx, http.MethodGet, to.String(), nil, nil)
		}
	}
	if err != nil {
		return err
	}
	if a.Status != 200 {
		p.skip("the sign-in page was not reached: %s", described(a))
		return nil
	}
	if a.Header.Get("X-Frame-Options") == "" && !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors") {
		p.found("frame-ancestors", "neither X-Frame-Options nor frame-ancestors", "one of them")
	}
	if !strings.Contains(strings.ToLower(a.Header.Get("Cache-Control")), "no-store") {
		p.found("Cache-Control", "Cache-Control: "+a.Header.Get("Cache-Control"), "no-store")
	}
	if a.Header.Get("Referrer-Policy") == "" {
		p.found("Referrer-Policy", "none", "no-referrer, or another that hides the address")
	}
	return nil
}

func (p *patient) errorPage(ctx context.Context) error {
	const mark = `rely<b>'"doctor`
	a, _, err := p.authorize(ctx, func(q url.Values) { q.Set("client_id", mark) })
	if err == nil && strings.Contains(string(a.Body), "rely<b>") && strings.Contains(a.Header.Get("Content-Type"), "html") {
		p.found("client_id", "the page repeats <b> as it is", "&lt;b&gt;")
	}
	return err
}
