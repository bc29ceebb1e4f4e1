package signin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/dpop"
	"rely/internal/idtoken"
	"rely/internal/secret"
	"rely/internal/wire"
)

// asked are about what a client has to ask for, where the provider offers it.
func asked() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L32", Name: "dpop-bound", Title: "a DPoP token is refused as Bearer, with another key, and with a used proof", Stage: "tokens", Severity: check.Error, Section: "RFC 9449 4.3, 7.1, 7.2, 11.1",
			Why: "A bound token that works without its key is a bearer token, and the client believes it is safe.", Fix: "compare the proof's key with cnf in the token, demand the scheme DPoP, and remember jti",
			Unknown: "It asks UserInfo: what other resource servers do it does not see."}, Login: true, Given: true, Run: dpopBound},
		{Check: check.Check{ID: "L33", Name: "request-uri-once", Title: "a pushed request_uri works once", Stage: "login", Severity: check.Warning, Section: "RFC 9126 4, 7.3",
			Why: "Whoever finds it in a log can start the same sign-in again.", Fix: "drop the request when a code is issued for it",
			Unknown: "It asks a second time in the same browser, as a person does who loads the page again, which a provider may allow. That it ends after its time is looked at with --slow."}, Robot: true, Login: true, Given: true, Run: requestOnce},
		{Check: check.Check{ID: "L35", Name: "hybrid-alike", Title: "in the hybrid flow both ID tokens are about the same, with c_hash and at_hash", Stage: "tokens", Severity: check.Error, Section: "OIDC Core 3.3.2.11, 3.3.3.6",
			Why: "A client that goes by the first one may sign in somebody else than the second one says.", Fix: "issue both from the same sign-in, in the fragment, with c_hash in the first"}, Robot: true, Login: true, Run: hybridAlike},
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

func requestOnce(ctx context.Context, p *trial.Patient) error {
	at, err := p.Endpoint("pushed_authorization_request_endpoint")
	if err != nil {
		return err
	}
	var uri string
	var life float64
	var trouble error
	push := func(q url.Values) {
		header := p.Proof(p.Client, q)
		a, err := p.Post(ctx, at, q, header)
		clear(q)
		q.Set("client_id", p.Client.ID)
		if err == nil {
			uri, _ = trial.Text(a, "request_uri")
		}
		if uri == "" {
			trouble = fmt.Errorf("the request could not be pushed: %s", words(a, err))
			uri = "urn:rely:doctor:none"
		}
		life = trial.Number(a, "expires_in")
		q.Set("request_uri", uri)
	}
	g, err := p.SignIn(ctx, p.Client, push)
	if trouble != nil && p.Dry == nil {
		return trouble
	}
	if err == nil && p.Dry == nil {
		err = p.Take(ctx, p.Client, g)
	}
	if err != nil {
		return err
	}
	same := func(q url.Values) {
		clear(q)
		q.Set("client_id", p.Client.ID)
		q.Set("request_uri", uri)
	}
	g, _, err = p.Silently(ctx, p.Client, same)
	if err != nil {
		return err
	}
	if g != nil && g.Response.Get("code") != "" {
		p.Found("request_uri", "it brought a second code", "an error page, or invalid_request_uri")
	}
	if !p.Slow || life > 600 {
		return nil
	}
	return requestExpires(ctx, p, push, same, &life)
}

func requestExpires(ctx context.Context, p *trial.Patient, push, same func(url.Values), life *float64) error {
	push(p.Asking(p.Client))
	if err := p.Wait(ctx, time.Duration(*life+5)*time.Second); err != nil {
		return err
	}
	g, _, err := p.Silently(ctx, p.Client, same)
	if err == nil && g != nil && g.Response.Get("code") != "" {
		p.Found("expires_in", fmt.Sprintf("it brought a code %.0f seconds after it was pushed", *life+5), "an error page, or invalid_request_uri")
	}
	return err
}

func hybridAlike(ctx context.Context, p *trial.Patient) error {
	const kind = "code id_token"
	if types, _ := p.Evidence.List("response_types_supported"); !slices.Contains(types, kind) && !slices.Contains(types, "id_token code") {
		p.Skip("the provider does not offer the hybrid flow, which is well")
		return nil
	}
	c, err := p.Another(ctx, "hybrid", map[string]any{"response_types": []string{kind}, "grant_types": []string{"authorization_code", "implicit"},
		"token_endpoint_auth_method": "client_secret_basic"})
	if err != nil {
		return err
	}
	g, err := p.SignIn(ctx, c, func(q url.Values) { q.Set("response_type", kind) })
	if err != nil || p.Dry != nil {
		return err
	}
	if g.Came.Fragment.Get("code") == "" {
		p.Found("response_mode", "the answer came in the query, tokens included", "in the fragment")
	}
	front := *g
	front.IDToken = g.Response.Get("id_token")
	claims, rungs := p.Ladder(ctx, c, &front, func(e *idtoken.Expected) { e.FrontChannel, e.Code = true, secret.New(g.Response.Get("code")) })
	p.Broken(rungs)
	if err := p.Take(ctx, c, g); err != nil || claims == nil {
		return err
	}
	_, rungs = p.Ladder(ctx, c, g, func(e *idtoken.Expected) { e.Front = claims })
	p.Broken(rungs)
	return nil
}
