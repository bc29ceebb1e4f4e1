package signin

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/idtoken"
	"rely/internal/secret"
)

// asked are about what a client has to ask for, where the provider offers it.
func asked() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L33", Name: "request-uri-once", Title: "a pushed request_uri works once", Stage: "login", Severity: check.Warning, Section: "RFC 9126 4, 7.3",
			Why: "Whoever finds it in a log can start the same sign-in again.", Fix: "drop the request when a code is issued for it",
			Unknown: "It asks a second time in the same browser, as a person does who loads the page again, which a provider may allow. That it ends after its time is looked at with --slow."}, Robot: true, Login: true, Given: true, Run: requestOnce},
		{Check: check.Check{ID: "L35", Name: "hybrid-alike", Title: "in the hybrid flow both ID tokens are about the same, with c_hash and at_hash", Stage: "tokens", Severity: check.Error, Section: "OIDC Core 3.3.2.11, 3.3.3.6",
			Why: "A client that goes by the first one may sign in somebody else than the second one says.", Fix: "issue both from the same sign-in, in the fragment, with c_hash in the first"}, Robot: true, Login: true, Run: hybridAlike},
	}
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
			trouble = fmt.Errorf("the request could not be pushed: %s", trial.Words(a, err))
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
