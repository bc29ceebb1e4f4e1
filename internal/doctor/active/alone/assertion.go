package alone

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/jose"
	"rely/internal/registration"
	"rely/internal/wire"
)

// assertions are about clients that prove themselves with a key.
func assertions() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "A43", Name: "client-assertion", Title: "a client assertion for somebody else, expired, without sub, used before or unsigned is refused", Stage: "client", Severity: check.Error, Section: "RFC 7523 3; OIDC Core 9 (private_key_jwt)",
			Why:     "An assertion that was sent to another server, or that stands in a log, would be as good as the key.",
			Fix:     "check signature, aud, exp, sub and jti, and answer invalid_client",
			Unknown: "A used jti is a warning: RFC 7523 leaves it to the provider, OIDC Core 9 does not. Each wrong assertion is sent once, by a client of its own."}, Run: clientAssertion},
	}
}

// A keyed client has a key of its own.
type keyed struct {
	*registration.Client
	key jose.Private
	alg string
}

// signer makes a client that proves itself with a key.
func signer(ctx context.Context, p *trial.Patient, name string) (*keyed, error) {
	methods, _ := p.Evidence.List("token_endpoint_auth_methods_supported")
	algs, there := p.Evidence.List("token_endpoint_auth_signing_alg_values_supported")
	if !slices.Contains(methods, "private_key_jwt") {
		return nil, fmt.Errorf("the provider offers no private_key_jwt")
	}
	k := &keyed{alg: "ES256"}
	if there && !slices.Contains(algs, k.alg) {
		if k.alg = "PS256"; !slices.Contains(algs, k.alg) {
			k.alg = "RS256"
		}
	}
	var err error
	if k.key, err = jose.Generate(k.alg); err != nil {
		return nil, err
	}
	set, err := jose.PublicSet([]jose.Private{k.key})
	if err != nil {
		return nil, err
	}
	k.Client, err = p.Another(ctx, name, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": k.alg,
		"jwks": map[string]json.RawMessage{"keys": keysIn(set)}})
	return k, err
}

// keysIn is the list in a key set.
func keysIn(set json.RawMessage) json.RawMessage {
	var in struct{ Keys json.RawMessage }
	_ = json.Unmarshal(set, &in) // it was made a moment ago
	return in.Keys
}

// claims are those of a good assertion.
func (k *keyed) claims(p *trial.Patient, audience string) map[string]any {
	return map[string]any{"iss": k.ID, "sub": k.ID, "aud": audience, "jti": rand.Text(), "iat": p.Now().Unix(), "exp": p.Now().Add(time.Minute).Unix()}
}

// prove redeems a code that there is not, with an assertion of these claims.
func (k *keyed) prove(ctx context.Context, p *trial.Patient, claims map[string]any, unsigned bool) (*wire.Answer, error) {
	var text string
	if unsigned {
		text = bare(map[string]any{"alg": "none", "typ": "JWT"}, claims)
	} else {
		s, err := jose.Sign(k.key, map[string]any{"alg": k.alg, "typ": "JWT"}, claims)
		if err != nil {
			return nil, err
		}
		text = s.Reveal()
	}
	form := trial.Junk()
	maps.Copy(form, url.Values{"client_id": {k.ID}, "client_assertion": {text}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
	return p.Ask(ctx, "token_endpoint", form, nil)
}

// bare is a JWT that nobody signed (RFC 7519 6).
func bare(header, claims map[string]any) string {
	h, _ := json.Marshal(header) // maps of texts and numbers
	c, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c) + "."
}

func clientAssertion(ctx context.Context, p *trial.Patient) error {
	if err := minds(ctx, p); err != nil {
		return err
	}
	k, err := signer(ctx, p, "assertion used twice")
	if err != nil {
		return err
	}
	audience, again, err := goodAssertion(ctx, p, k)
	if err != nil {
		return err
	}
	a, err := k.prove(ctx, p, again, false)
	if err != nil {
		return err
	}
	if p.Believed(a) && p.Dry == nil {
		p.FoundAs(check.Warning, "jti", "the same assertion is taken again: "+trial.Described(a), "invalid_client")
	}
	for _, v := range []struct {
		where, seen string
		bend        func(claims map[string]any)
		unsigned    bool
	}{
		{"aud", "one for another server", func(c map[string]any) { c["aud"] = "https://rely-doctor.invalid/" }, false},
		{"exp", "one that expired an hour ago", func(c map[string]any) {
			c["iat"], c["exp"] = p.Now().Add(-2*time.Hour).Unix(), p.Now().Add(-time.Hour).Unix()
		}, false},
		{"sub", "one without sub", func(c map[string]any) { delete(c, "sub") }, false},
		{"alg", "one that nobody signed (none)", func(map[string]any) {}, true},
	} {
		if k, err = signer(ctx, p, "assertion with another "+v.where); err != nil {
			return err
		}
		claims := k.claims(p, audience)
		v.bend(claims)
		if a, err = k.prove(ctx, p, claims, v.unsigned); err != nil {
			return err
		}
		if p.Believed(a) && p.Dry == nil {
			p.Found(v.where, v.seen+" is taken: "+trial.Described(a), "invalid_client")
		}
	}
	return nil
}

// goodAssertion finds out which audience the provider takes, its issuer or its
// token endpoint; and gives the assertion that was taken.
func goodAssertion(ctx context.Context, p *trial.Patient, k *keyed) (audience string, taken map[string]any, err error) {
	token, err := p.Endpoint("token_endpoint")
	if err != nil {
		return "", nil, err
	}
	var a *wire.Answer
	for _, audience := range []string{p.Evidence.Issuer, token} {
		claims := k.claims(p, audience)
		if a, err = k.prove(ctx, p, claims, false); err != nil {
			return "", nil, err
		}
		if p.Believed(a) {
			return audience, claims, nil
		}
	}
	return "", nil, fmt.Errorf("a good assertion was not taken: %s", trial.Described(a))
}
