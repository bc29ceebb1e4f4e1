package signin

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/jose"
	"rely/internal/registration"
)

// hinted are about what a request carries in a signed token.
func hinted() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L40", Name: "id-token-hint", Title: "prompt=none takes the ID token of the session as id_token_hint, and no altered one", Stage: "login", Severity: check.Error, Section: "OIDC Core 3.1.2.1, 3.1.2.2",
			Why: "An application that renews its session in the background signs in somebody else than it asked for, or cannot renew at all.", Fix: "verify the hint as a token of your own, and answer login_required where it names somebody who is not signed in",
			Unknown: "It has one account: the hint about somebody else is an altered one, with a signature that does not fit."}, Robot: true, Login: true, Given: true, Run: idTokenHint},
		{Check: check.Check{ID: "L41", Name: "request-object", Title: "a signed request object works where it is offered, and what is in it counts", Stage: "login", Severity: check.Warning, Section: "OIDC Core 6.1; RFC 9101 5, 6.3", Demands: []check.Demand{{For: "fapi2", Severity: check.Error}},
			Why: "A client signs its request so that nobody can change it on the way: what stands beside it can be changed.", Fix: "verify the object with the client's registered key and take the parameters from it alone, or set request_parameter_supported to false",
			Unknown: "It goes by the state of the answer: the request and the object have one each. The object is signed, and not encrypted."}, Login: true, Run: requestObject},
	}
}

func idTokenHint(ctx context.Context, p *trial.Patient) error {
	whole, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	if p.Dry == nil && trial.Claims(whole.IDToken).All == nil {
		p.Skip("there is no ID token that could be read, and altered")
		return nil
	}
	// brings asks whether a hint is answered with a code; none where it is empty.
	brings := func(hint string) (came string, yes bool, err error) {
		g, a, err := p.Silently(ctx, whole.Client, func(q url.Values) {
			q.Set("prompt", "none")
			if hint != "" {
				q.Set("id_token_hint", hint)
			}
		})
		if err != nil || p.Dry != nil {
			return "", false, err
		}
		if g != nil && g.Response.Get("code") != "" {
			return "a code", true, nil
		}
		return outcome(g, trial.Described(a)), false, nil
	}
	came, good, err := brings(whole.IDToken)
	if err != nil {
		return err
	}
	if !good && p.Dry == nil {
		without, silent, err := brings("")
		if err == nil && silent {
			p.FoundAs(check.Warning, "id_token_hint", "the ID token of the session: "+came+"; without it comes a code", "a code")
		} else if err == nil {
			p.Skip("in the session of the sign-in prompt=none is answered with %s, so that nothing can be seen", without)
		}
		return err
	}
	for _, bad := range []struct{ seen, hint string }{
		{"one with another sub, whose signature does not fit", otherSubject(whole.IDToken)},
		{"one with a changed signature", otherSignature(whole.IDToken)},
	} {
		_, yes, err := brings(bad.hint)
		if err != nil {
			return err
		}
		if yes {
			p.Found("id_token_hint", bad.seen+": a code", "login_required, or invalid_request")
		}
	}
	return nil
}

// otherSubject is an ID token that names somebody else, and is not signed again.
func otherSubject(token string) string {
	parts := strings.Split(token, ".")
	said := trial.Claims(token).All
	if len(parts) != 3 || said == nil {
		return token
	}
	said["sub"] = json.RawMessage(`"somebody-else-of-rely-doctor"`)
	all, _ := json.Marshal(said) // it was JSON already
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(all) + "." + parts[2]
}

// otherSignature changes a bit in the middle of the signature.
func otherSignature(token string) string {
	at := strings.LastIndexByte(token, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(token[at:])
	if err != nil || len(signature) == 0 {
		return token + "AAAA"
	}
	signature[len(signature)/2] ^= 1
	return token[:at] + base64.RawURLEncoding.EncodeToString(signature)
}

// signing makes a client with a key for request objects.
func signing(ctx context.Context, p *trial.Patient) (c *registration.Client, key jose.Private, alg string, err error) {
	alg = "RS256" // OIDC Core 6.1: should be supported
	if algs, _ := p.Evidence.List("request_object_signing_alg_values_supported"); len(algs) > 0 {
		can := []string{"ES256", "PS256", "RS256", "EdDSA"}
		at := slices.IndexFunc(can, func(a string) bool { return slices.Contains(algs, a) })
		if at < 0 {
			return nil, key, "", errors.New("the provider lists no algorithm for request objects that the doctor has a key for")
		}
		alg = can[at]
	}
	if key, err = jose.Generate(alg); err != nil {
		return nil, key, "", err
	}
	set, err := jose.PublicSet([]jose.Private{key})
	if err != nil {
		return nil, key, "", err
	}
	c, err = p.Another(ctx, "request object", map[string]any{"token_endpoint_auth_method": "client_secret_basic", "jwks": set})
	return c, key, alg, err
}

func requestObject(ctx context.Context, p *trial.Patient) error {
	if offered, _ := p.Evidence.Flag("request_parameter_supported"); !offered {
		p.Skip("the provider does not offer request objects (request_parameter_supported)")
		return nil
	}
	c, key, alg, err := signing(ctx, p)
	if err != nil {
		return err
	}
	inside, trouble := rand.Text(), error(nil)
	g, err := p.SignIn(ctx, c, func(q url.Values) {
		claims := map[string]any{"iss": c.ID, "aud": p.Evidence.Issuer, "iat": p.Now().Unix(), "exp": p.Now().Add(5 * time.Minute).Unix(), "jti": rand.Text()}
		for name := range q {
			claims[name] = q.Get(name)
			if !slices.Contains([]string{"client_id", "response_type", "scope", "redirect_uri", "state"}, name) {
				q.Del(name)
			}
		}
		claims["state"] = inside
		object, err := jose.Sign(key, map[string]any{"alg": alg, "typ": "oauth-authz-req+jwt"}, claims)
		trouble = err
		q.Set("request", object.Reveal())
	})
	switch no := (*trial.Refusal)(nil); {
	case trouble != nil:
		return trouble
	case errors.As(err, &no):
		p.Found("request", "one that the client signed with its registered key ("+alg+"): "+strings.TrimSuffix(no.Code+" ("+no.Description+")", " ()"), "a code")
		return nil
	case err != nil || p.Dry != nil:
		return err
	}
	switch got := g.Response.Get("state"); got {
	case inside:
	case g.State:
		p.FoundAs(check.Error, "request", "the state beside the object came back, not the one in it", "the parameters of the object")
	default:
		p.Found("state", altered(got, inside), "state as it stands in the object")
	}
	return nil
}
