package alone

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rely/internal/clientauth"
	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/registration"
	"rely/internal/wire"
)

// offers are about what the metadata lists, and whether it works.
func offers() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A45", Name: "client-auth-offered", Title: "each client authentication method that is listed is taken from a client that is registered for it", Stage: "client", Severity: check.Error, Section: "OIDC Core 9; RFC 8414 2",
			Why:     "A client that goes by the metadata registers for a method, signs people in, and gets no tokens.",
			Fix:     "take every method of token_endpoint_auth_methods_supported at the token endpoint, or list those alone that are taken",
			Unknown: "It redeems a code that there is not, and can tell nothing where a client that there is not gets the same answer. For tls_client_auth the certificate has to be one of an authority that the provider knows: give it with --tls-client-cert FILE."}, Run: clientAuthOffered},
	}
}

func clientAuthOffered(ctx context.Context, p *trial.Patient) error {
	const member = "token_endpoint_auth_methods_supported"
	methods, there := p.Evidence.List(member)
	if !there {
		methods = []string{"client_secret_basic"} // RFC 8414 2
	}
	if _, err := p.Endpoint("token_endpoint"); err != nil {
		return err
	}
	control := p.Trusts(ctx)
	a, err := answerToNobody(ctx, p)
	if err != nil {
		return err
	}
	anybody := proven(p, control, a)
	var taken []string
	var not untried
	for n, method := range methods {
		if slices.Contains(methods[:n], method) {
			continue
		}
		yes, why, err := tried(ctx, p, method, control, anybody)
		if err != nil {
			return err
		}
		if yes {
			taken = append(taken, method)
		} else if why != "" {
			not.add(method, fault.VisibleUpTo(why, 300))
		}
	}
	if len(not) > 0 {
		p.Skip("%s", not.told(taken))
	}
	return nil
}

// tried reports whether a client that is registered for a method is taken; why
// is what else there is to say, but for a finding.
func tried(ctx context.Context, p *trial.Patient, method string, control error, anybody bool) (yes bool, why string, err error) {
	if method == tlsClient && p.Own == nil {
		why, err = nobodyVouches(ctx, p, control)
		return false, why, err
	}
	c, err := holder(ctx, p, method)
	if err != nil && ctx.Err() == nil {
		return false, err.Error(), nil
	}
	var a *wire.Answer
	if err == nil {
		a, err = redeem(ctx, p, method, c)
	}
	switch {
	case p.Dry != nil && err == nil:
		return false, "", nil
	case err != nil && c.shows != nil && ctx.Err() == nil:
		return false, brokenOff(ctx, p, method, err), nil
	case err != nil:
		return false, "", err
	case c.shows != nil:
		anybody = believesAnybody(ctx, p, control)
	}
	switch code := trial.OAuthError(a); {
	case proven(p, control, a) && anybody:
		why = "a client that there is not gets the same answer: " + trial.Described(a)
	case proven(p, control, a):
		yes = true
	case a.Status == http.StatusUnauthorized || code == "invalid_client" || code == "unauthorized_client":
		seen := "a client that is registered for it proves itself, and is refused: " + trial.Described(a)
		if text := c.ID + c.Secret.Reveal(); method == "client_secret_basic" && text != url.QueryEscape(text) {
			seen += "; its id or secret has characters that are encoded there (RFC 6749 2.3.1)"
		}
		p.Found(method, seen, "invalid_grant, for a code that there is not")
	default:
		why = "what comes says nothing of the client: " + trial.Described(a)
	}
	return yes, why, nil
}

// untried are methods that cannot be judged, by why that is so.
type untried []reason

type reason struct {
	why     string
	methods []string
}

func (u *untried) add(method, why string) {
	for n := range *u {
		if (*u)[n].why == why {
			(*u)[n].methods = append((*u)[n].methods, method)
			return
		}
	}
	*u = append(*u, reason{why, []string{method}})
}

// told is all of it in a sentence, and what was taken besides.
func (u untried) told(taken []string) string {
	var parts []string
	for _, t := range u {
		parts = append(parts, strings.Join(t.methods, ", ")+" ("+t.why+")")
	}
	text := "not looked at: " + strings.Join(parts, ", ")
	if len(taken) > 0 {
		text += "; taken as they should be: " + strings.Join(taken, ", ")
	}
	return text
}

// proven reports whether an answer is that to a client that was believed: like
// [trial.Patient.Believed], but for where the client that all is compared with
// was not believed itself.
func proven(p *trial.Patient, control error, a *wire.Answer) bool {
	return a.Status/100 == 2 || trial.OAuthError(a) == "invalid_grant" || control == nil && p.Believed(a)
}

// holder is a client that is registered for this method and no other, with what
// it proves itself with. The error is why there is none.
func holder(ctx context.Context, p *trial.Patient, method string) (credentials, error) {
	var c *registration.Client
	var err error
	has := credentials{Credentials: clientauth.Credentials{Now: p.Now}}
	switch method {
	case "client_secret_basic":
		c = p.Client
	case "client_secret_post":
		c, err = poster(ctx, p)
	case "none":
		if c = p.Public; c == p.Client {
			err = p.NoPublic
		}
	case "client_secret_jwt":
		algs, there := p.Evidence.List("token_endpoint_auth_signing_alg_values_supported")
		has.Alg = "HS256"
		if at := slices.IndexFunc(algs, func(alg string) bool { return strings.HasPrefix(alg, "HS") }); there && !slices.Contains(algs, has.Alg) {
			if at < 0 {
				return has, errors.New("no algorithm is listed that signs with a secret")
			}
			has.Alg = algs[at]
		}
		c, err = p.Another(ctx, "secret that signs", map[string]any{"token_endpoint_auth_method": method, "token_endpoint_auth_signing_alg": has.Alg})
	case "private_key_jwt":
		var k *keyed
		if k, err = signer(ctx, p, "key that signs"); err == nil {
			c, has.Alg = k.Client, k.alg
			has.Keys, err = jose.PrivateSet([]jose.Private{k.key})
		}
	case tlsClient, selfSigned:
		return certified(ctx, p, method, method)
	default:
		err = errors.New("rely does not know it")
	}
	if err == nil {
		err = has.of(c, method)
	}
	return has, err
}

// credentials are what a client proves itself with, in a form, a header or TLS.
type credentials struct {
	clientauth.Credentials
	shows *tls.Certificate
}

// of fills in whose they are. The error says that it is registered for another
// method.
func (has *credentials) of(c *registration.Client, method string) error {
	var is string
	if json.Unmarshal(c.Metadata["token_endpoint_auth_method"], &is) == nil && is != method {
		return fmt.Errorf("who asks for it is registered for %s", is)
	}
	has.ID, has.Secret = c.ID, c.Secret
	return nil
}

// redeem has a client prove itself, as rely does it everywhere, for a code that
// there is not. An assertion is for the issuer, and where that is refused for
// the token endpoint, which older providers want.
func redeem(ctx context.Context, p *trial.Patient, method string, c credentials) (a *wire.Answer, err error) {
	if method == "client_secret_basic" {
		return p.AnswerToJunk(ctx)
	}
	if c.shows == nil {
		return prove(ctx, p, method, c.Credentials)
	}
	err = p.Showing(c.shows, func() error { a, err = prove(ctx, p, method, c.Credentials); return err })
	return a, err
}

func prove(ctx context.Context, p *trial.Patient, method string, c clientauth.Credentials) (*wire.Answer, error) {
	token, err := p.Endpoint("token_endpoint")
	if err != nil {
		return nil, err
	}
	audiences := []string{p.Evidence.Issuer}
	if strings.HasSuffix(method, "_jwt") {
		audiences = append(audiences, token)
	}
	var a *wire.Answer
	for _, c.Audience = range audiences {
		e, err := clientauth.Choose(method, nil, c)
		if err != nil {
			return nil, err
		}
		m, err := e.New(c)
		if err != nil {
			return nil, err
		}
		form, header := trial.Junk(), http.Header{}
		if err := m.Prove(header, form); err != nil {
			return nil, err
		}
		if a, err = p.Post(ctx, token, form, header); err != nil || p.Believed(a) {
			return a, err
		}
	}
	return a, nil
}
