package trial

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"rely/internal/dpop"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/registration"
	"rely/internal/secret"
)

const idTokenAlg = "id_token_signed_response_alg"

// A Refusal is an error that came back from the authorization endpoint.
type Refusal struct{ Code, Description string }

// Error is the provider's own words.
func (r *Refusal) Error() string {
	if r.Description == "" {
		return "the sign-in brought no code: " + r.Code
	}
	return "the sign-in brought no code: " + r.Code + " (" + r.Description + ")"
}

// Ladder has the ID token of a grant judged as rely login does; change adds
// what is expected besides. The claims are nil where a rule is broken.
func (p *Patient) Ladder(ctx context.Context, c *registration.Client, g *Grant, change func(*idtoken.Expected)) (*idtoken.Claims, []idtoken.Rung) {
	e := idtoken.Expected{Issuer: p.Evidence.Issuer, ClientID: c.ID, ClientSecret: c.Secret, Keys: p.known.Keys, Nonce: g.Nonce,
		AccessToken: secret.New(g.Access), Now: p.Now()}
	var alg string
	listed, _ := p.Evidence.List("id_token_signing_alg_values_supported")
	if json.Unmarshal(c.Metadata[idTokenAlg], &alg) == nil && alg != "" {
		e.Algs = []string{alg}
	} else if p.Borrowed != nil || !slices.Contains(listed, "RS256") {
		// Nobody knows what it is registered for; RS256, which would be meant, is not
		// among what the provider has.
		e.Algs = request.IDTokenAlgs("", listed)
	}
	change(&e)
	// The error is the first broken rung's, and of no other use.
	claims, rungs, _ := idtoken.Verify(ctx, secret.New(g.IDToken), e)
	return claims, rungs
}

// Broken notes the rungs that a token fell from, but for those that another
// check is about.
func (p *Patient) Broken(rungs []idtoken.Rung, but ...string) {
	for _, r := range rungs {
		if r.Status == idtoken.Failed && !slices.Contains(but, r.Name) {
			p.Found(r.Name, r.Actual, r.Expected+" ("+r.Spec+")")
		}
	}
}

// Proving has every request of do proven with a key (RFC 9449).
func (p *Patient) Proving(prover *dpop.Prover, do func() error) error {
	before := p.hc.Base
	defer func() { p.hc.Base = before }()
	p.hc.Base = &dpop.Transport{Base: p.gate, Prover: prover}
	return do()
}

// Wait lets time pass.
func (p *Patient) Wait(ctx context.Context, d time.Duration) error {
	if p.Dry != nil {
		return nil
	}
	return p.Sleep(ctx, d)
}
