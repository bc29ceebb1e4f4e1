package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/dpop"
	"rely/internal/secret"
	"rely/internal/wire"
)

// bindings are about access tokens that are worth nothing without what they are
// bound to.
func bindings() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L32", Name: "dpop-bound", Title: "a DPoP token is refused as Bearer, with another key, and with a used proof", Stage: "tokens", Severity: check.Error, Section: "RFC 9449 4.3, 7.1, 7.2, 11.1",
			Why: "A bound token that works without its key is a bearer token, and the client believes it is safe.", Fix: "compare the proof's key with cnf in the token, demand the scheme DPoP, and remember jti",
			Unknown: "It asks UserInfo: what other resource servers do it does not see."}, Login: true, Given: true, Run: dpopBound},
		{Check: check.Check{ID: "L42", Name: "certificate-bound", Title: "a token that is bound to a certificate is refused without it, and with another one", Stage: "tokens", Severity: check.Error, Section: "RFC 8705 3, 3.4, 5",
			Why: "A bound token that works without its certificate is a bearer token, and the client believes it is safe.", Fix: "compare the certificate of the connection with x5t#S256 of cnf in the token, and answer 401 invalid_token",
			Unknown: "It asks UserInfo: what other resource servers do it does not see."}, Login: true, Run: certificateBound},
	}
}

// bound is a sign-in whose tokens are bound to a key.
func bound(ctx context.Context, p *trial.Patient) (*trial.Grant, *dpop.Prover, error) {
	algs, _ := p.Evidence.List("dpop_signing_alg_values_supported")
	if len(algs) == 0 {
		return nil, nil, fmt.Errorf("the provider does not offer DPoP")
	}
	alg, err := dpop.Choose(algs)
	if err != nil {
		return nil, nil, err
	}
	prover, err := dpop.New(alg, p.Now)
	if err != nil {
		return nil, nil, err
	}
	g, err := p.SignIn(ctx, p.Client, asUsual)
	if err == nil {
		err = p.Proving(prover, func() error { return p.Take(ctx, p.Client, g) })
	}
	return g, prover, err
}

func dpopBound(ctx context.Context, p *trial.Patient) error {
	g, prover, err := bound(ctx, p)
	if err != nil || p.Dry != nil {
		return err
	}
	if kind, _ := trial.Text(g.Tokens, "token_type"); kind != "DPoP" {
		p.Found("token_type", kind+", to a request with a proof", "DPoP")
		return nil
	}
	at, err := p.Endpoint("userinfo_endpoint")
	if err != nil {
		return err
	}
	ask := func(scheme string, header http.Header) (*wire.Answer, error) {
		if header == nil {
			header = http.Header{}
		}
		header.Set("Authorization", scheme+" "+g.Access)
		return p.Send(ctx, http.MethodGet, at, nil, header)
	}
	var a *wire.Answer
	if err = p.Proving(prover, func() (err error) { a, err = ask("DPoP", nil); return err }); err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		p.Skip("UserInfo does not take the token with its proof: %s", trial.Described(a))
		return nil
	}
	if a, err = ask("Bearer", nil); err != nil {
		return err
	}
	if a.Status == http.StatusOK {
		p.Found("Authorization", "as Bearer, without a proof: "+trial.Described(a), "401 invalid_token")
	}
	stranger, err := dpop.New("ES256", p.Now)
	if err != nil {
		return err
	}
	if err = p.Proving(stranger, func() (err error) { a, err = ask("DPoP", nil); return err }); err == nil && a.Status == http.StatusOK {
		p.Found("DPoP", "proven with another key: "+trial.Described(a), "401 invalid_token")
	}
	return usedProof(p, prover, at, g.Access, ask)
}

// usedProof sends one proof twice. Where the provider wants a nonce of its own
// in it, the first is refused already, and nothing can be seen.
func usedProof(p *trial.Patient, prover *dpop.Prover, at, access string, ask func(string, http.Header) (*wire.Answer, error)) error {
	u, err := url.Parse(at)
	if err != nil {
		return err
	}
	proof, err := prover.Proof(http.MethodGet, u, secret.New(access))
	if err != nil {
		return err
	}
	for n := range 2 {
		a, err := ask("DPoP", http.Header{dpop.Header: {proof}})
		if err != nil || a.Status != http.StatusOK {
			return err
		}
		if n == 1 {
			p.FoundAs(check.Warning, "jti", "the same proof twice: "+trial.Described(a), "401 invalid_dpop_proof")
		}
	}
	return nil
}

// certificateBound has a token of a client that registered for bound ones, and
// shows it to UserInfo with its certificate, with none, and with another.
func certificateBound(ctx context.Context, p *trial.Patient) error {
	const member = "tls_client_certificate_bound_access_tokens"
	if yes, _ := p.Evidence.Flag(member); !yes {
		return errors.New("the provider does not offer tokens that are bound to a certificate")
	}
	own, _, err := p.Certificate()
	if err != nil {
		return err
	}
	c, err := p.Another(ctx, "bound to a certificate", map[string]any{"token_endpoint_auth_method": "client_secret_basic", member: true})
	if err != nil {
		return err
	}
	if string(c.Metadata[member]) != "true" && p.Dry == nil {
		return fmt.Errorf("who asks for %s is registered without", member)
	}
	g, err := p.SignIn(ctx, c, asUsual)
	var a *wire.Answer
	if err == nil {
		err = p.Showing(own, func() error {
			if err := p.Take(ctx, c, g); err != nil {
				return err
			}
			a, _, err = p.UserInfo(ctx, http.MethodGet, g)
			return err
		})
	}
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK && p.Dry == nil {
		return fmt.Errorf("UserInfo does not take the token with its certificate: %s", trial.Described(a))
	}
	return unshown(ctx, p, g)
}

// unshown shows a bound token without its certificate, at each address of
// UserInfo, and with another.
func unshown(ctx context.Context, p *trial.Patient, g *trial.Grant) error {
	other, _, err := p.Certificate()
	if err != nil {
		return err
	}
	ask := func(where, seen string) error {
		a, _, err := p.UserInfo(ctx, http.MethodGet, g)
		if err == nil && a.Status == http.StatusOK {
			p.Found(where, seen+": "+trial.Described(a), "401 invalid_token")
		}
		return err
	}
	plain, err := p.Endpoint("userinfo_endpoint")
	if err != nil {
		return err
	}
	err = p.Showing(nil, func() error {
		if alias, _ := p.Endpoint("userinfo_endpoint"); alias == plain {
			return nil
		}
		return ask("mtls_endpoint_aliases.userinfo_endpoint", "without the certificate")
	})
	if ctx.Err() != nil {
		return err
	}
	// A connection that is broken off is a refusal, too.
	_ = p.Showing(other, func() error { return ask("certificate", "with another certificate") })
	return ask("userinfo_endpoint", "without the certificate")
}
