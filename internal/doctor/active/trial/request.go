package trial

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"rely/internal/registration"
	"rely/internal/wire"
)

// A Key is one PKCE pair (RFC 7636 4.1, 4.2).
type Key struct{ Verifier, Challenge string }

// NewKey makes a pair that nobody can guess.
func NewKey() Key {
	v := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(v))
	return Key{v, base64.RawURLEncoding.EncodeToString(sum[:])}
}

// Request is a good authorization request.
func Request(c *registration.Client, k Key) url.Values {
	q := clientOf(c)
	for name, v := range map[string]string{"response_type": "code", "redirect_uri": Callback, "scope": "openid", "state": rand.Text(), "nonce": rand.Text(),
		"code_challenge": k.Challenge, "code_challenge_method": "S256"} {
		q.Set(name, v)
	}
	return q
}

// request is one whose answer comes to where codes are taken.
func (p *Patient) request(c *registration.Client, k Key) url.Values {
	q := Request(c, k)
	q.Set("redirect_uri", p.RedirectURI())
	return q
}

// Authorize sends an authorization request that nobody signs in to.
func (p *Patient) Authorize(ctx context.Context, change func(q url.Values)) (*wire.Answer, url.Values, error) {
	return p.AuthorizeAs(ctx, p.Client, change)
}

// AuthorizeAs is Authorize for another client.
func (p *Patient) AuthorizeAs(ctx context.Context, c *registration.Client, change func(q url.Values)) (*wire.Answer, url.Values, error) {
	address, err := p.Endpoint("authorization_endpoint")
	if err != nil {
		return nil, nil, err
	}
	q := p.request(c, NewKey())
	change(q)
	a, err := p.Get(ctx, address, q)
	return a, q, err
}

// Back is what an answer sends to the redirect URI, nil where it sends nothing
// there.
func Back(a *wire.Answer, to string) url.Values {
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

// Leaves reports whether an answer sends the browser to that host.
func Leaves(a *wire.Answer, hosts ...string) bool {
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

// Refused reports whether a request came to an error instead of a sign-in; why
// not is in words.
func Refused(a *wire.Answer) bool {
	if e := Back(a, Callback); e != nil {
		return e.Get("error") != ""
	}
	return a.Status >= 400
}

// Odd is a state that shows whether somebody decodes and encodes it.
func Odd() string {
	return strings.Repeat("x", 300) + "+&=% \u00e9/?#" + rand.Text()
}

// clientOf is the parameters that name a client.
func clientOf(c *registration.Client) url.Values { return url.Values{"client_id": {c.ID}} }

// OddNonce is a nonce of 64 characters, such as the conformance suite sends.
func OddNonce() string { return (rand.Text() + "-._~!$*+=&%/?" + rand.Text())[:64] }

// part reads one part of a JWT.
func part(text string, into any) ([]byte, bool) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	return data, err == nil && json.Unmarshal(data, into) == nil
}
