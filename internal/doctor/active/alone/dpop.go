package alone

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/dpop"
	"rely/internal/jose"
	"rely/internal/registration"
	"rely/internal/wire"
)

// proofs are about tokens that are bound to a key.
func proofs() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A44", Name: "dpop-proof", Title: "a DPoP proof for another request, of another hour, used before or with a private key in it is refused", Stage: "client", Severity: check.Error, Section: "RFC 9449 4.3, 11.1",
			Why:     "A proof that is good elsewhere or later proves nothing: whoever sees one uses it.",
			Fix:     "compare htm, htu and iat, remember jti, and refuse a jwk with a private part",
			Unknown: "It asks for tokens by client_credentials. A used jti, or an iat an hour away, is a warning: how long a proof is good is the provider's to say."}, Run: dpopProof},
	}
}

// A prover makes proofs, good ones and others.
type prover struct {
	key             jose.Private
	alg             string
	public, private json.RawMessage
	nonce           string
	client          *registration.Client
	claims          map[string]any // of the latest
}

func newProver(ctx context.Context, p *trial.Patient) (*prover, error) {
	algs, there := p.Evidence.List("dpop_signing_alg_values_supported")
	if !there {
		return nil, fmt.Errorf("the provider offers no DPoP")
	}
	v := &prover{}
	var err error
	if v.alg, err = dpop.Choose(algs); err != nil {
		return nil, err
	}
	if v.key, err = jose.Generate(v.alg); err != nil {
		return nil, err
	}
	if v.public, _, err = v.key.PublicKey(); err != nil {
		return nil, err
	}
	set, err := jose.PrivateSet([]jose.Private{v.key})
	if err != nil {
		return nil, err
	}
	var in struct{ Keys []json.RawMessage }
	if err := json.Unmarshal([]byte(set.Reveal()), &in); err != nil {
		return nil, err
	}
	v.private = in.Keys[0]
	v.client, err = service(ctx, p)
	return v, err
}

// show asks for a token with a proof of these claims, once more where the
// provider wants a nonce in it and the claims have none of their own.
func (v *prover) show(ctx context.Context, p *trial.Patient, claims map[string]any, jwk json.RawMessage) (*wire.Answer, error) {
	if _, own := claims["nonce"]; own {
		return v.once(ctx, p, claims, jwk)
	}
	a, err := v.once(ctx, p, v.with(claims), jwk)
	if err == nil && trial.OAuthError(a) == "use_dpop_nonce" {
		a, err = v.once(ctx, p, v.with(claims), jwk)
	}
	return a, err
}

// with adds the nonce that the provider gave, where it gave one.
func (v *prover) with(claims map[string]any) map[string]any {
	claims = maps.Clone(claims)
	if v.nonce != "" {
		claims["nonce"] = v.nonce
	}
	return claims
}

func (v *prover) once(ctx context.Context, p *trial.Patient, claims map[string]any, jwk json.RawMessage) (*wire.Answer, error) {
	v.claims = claims
	proof, err := jose.Sign(v.key, map[string]any{"typ": "dpop+jwt", "alg": v.alg, "jwk": jwk}, claims)
	if err != nil {
		return nil, err
	}
	a, err := serve(ctx, p, v.client, "", http.Header{"Dpop": {proof.Reveal()}})
	if err == nil && a.Header.Get("DPoP-Nonce") != "" {
		v.nonce = a.Header.Get("DPoP-Nonce")
	}
	return a, err
}

func (v *prover) good(p *trial.Patient, address string) map[string]any {
	return map[string]any{"jti": rand.Text(), "htm": http.MethodPost, "htu": address, "iat": p.Now().Unix()}
}

func dpopProof(ctx context.Context, p *trial.Patient) error {
	address, err := p.Endpoint("token_endpoint")
	if err != nil {
		return err
	}
	v, err := newProver(ctx, p)
	if err != nil {
		return err
	}
	a, err := v.show(ctx, p, v.good(p, address), v.public)
	switch {
	case err != nil:
		return err
	case a.Status/100 != 2:
		return fmt.Errorf("a good proof brought no token: %s", trial.Described(a))
	}
	used := v.claims
	hour := func(d time.Duration) func(c map[string]any) {
		return func(c map[string]any) { c["iat"] = p.Now().Add(d).Unix() }
	}
	for _, t := range []struct {
		where, seen string
		severity    check.Severity
		jwk         json.RawMessage
		bend        func(c map[string]any)
	}{
		{"htu", "for another address", check.Error, v.public, func(c map[string]any) { c["htu"] = "https://rely-doctor.invalid/token" }},
		{"htm", "for GET", check.Error, v.public, func(c map[string]any) { c["htm"] = http.MethodGet }},
		{"iat, past", "of an hour ago", check.Warning, v.public, hour(-time.Hour)},
		{"iat, future", "of an hour from now", check.Warning, v.public, hour(time.Hour)},
		{"jti", "used a moment ago", check.Warning, v.public, func(c map[string]any) { maps.Copy(c, used) }},
		{"jwk", "with the private key in it", check.Error, v.private, func(map[string]any) {}},
	} {
		claims := v.good(p, address)
		t.bend(claims)
		show := v.show
		if strings.HasPrefix(t.where, "iat") {
			show = v.once // a nonce would say when it was made (RFC 9449 4.3 (11))
		}
		if a, err = show(ctx, p, claims, t.jwk); err != nil {
			return err
		}
		if a.Status/100 == 2 && p.Dry == nil {
			p.FoundAs(t.severity, t.where, "a proof "+t.seen+" is taken: "+trial.Described(a), "invalid_dpop_proof")
		}
	}
	return nil
}
