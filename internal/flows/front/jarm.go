package front

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

// responseParameters are what an authorization response is made of. Beside a
// JWT they are nobody's word, and a reader might take them for the answer.
func responseParameters() []string {
	return []string{"code", "id_token", "access_token", "token_type", "expires_in", "scope", "state", "iss", "error", "error_description", "error_uri"}
}

func jarmCheck() ResponseCheck {
	return ResponseCheck{"jarm-response", "JARM 2.3", "the answer is one JWT in the parameter response, with no other parameter of an answer beside it"}
}

// opened takes the answer out of its JWT, once everything about that is right
// (JARM 2.4). Where no JWT was asked for it is the answer as it came.
//
// A plain error is passed on: it ends the sign-in anyway, and the person is
// helped by the provider's words.
func (a *attempt) opened(ctx context.Context, p url.Values) (url.Values, error) {
	if !a.asked.jwt {
		return p, nil
	}
	check := jarmCheck()
	if len(p["response"]) == 0 && p.Get("error") != "" && p.Get("code") == "" && p.Get("access_token") == "" && p.Get("id_token") == "" {
		a.ladder = append(a.ladder, skipped(check, "an error, without a JWT"))
		return p, nil
	}
	if err := alone(p); err != nil {
		a.ladder = append(a.ladder, idtoken.Rung{Name: check.Name, Spec: check.Spec, Expected: "one JWT", Actual: err.Error(), Status: idtoken.Failed})
		return nil, &fault.Error{Kind: fault.Protocol, ID: "login." + check.Name, Op: "check the authorization response", Spec: check.Spec, Err: err,
			Hint: "have the provider mend its JWT secured responses, or leave --response-mode out"}
	}
	a.ladder = append(a.ladder, idtoken.Rung{Name: check.Name, Spec: check.Spec, Expected: "one JWT", Actual: "one JWT", Status: idtoken.Passed})
	claims, ladder, err := idtoken.VerifyResponse(ctx, secret.New(p.Get("response")), a.responseJWT())
	a.ladder = append(a.ladder, ladder...)
	if err != nil {
		return nil, err
	}
	return inside(claims), nil
}

// responseJWT is what the JWT of an answer has to be.
func (a *attempt) responseJWT() idtoken.Expected {
	return idtoken.Expected{
		Issuer: a.Provider.Metadata.Issuer, ClientID: a.ClientID, Algs: a.ResponseAlgs, ClientSecret: a.ClientSecret,
		Encryption: a.ResponseEncryption, OwnKeys: a.ResponseKeys, Keys: a.Provider.Keys, Now: a.Now(),
	}
}

func alone(p url.Values) error {
	switch n := len(p["response"]); {
	case n == 0:
		return errors.New("it has no response, and a JWT was asked for")
	case n > 1:
		return fmt.Errorf("\"response\" is there %d times", n)
	}
	for _, name := range responseParameters() {
		if p.Has(name) {
			return fmt.Errorf("%q stands beside the JWT, where nobody signed it", name)
		}
	}
	return nil
}

// inside are the JWT's claims as the parameters that they stand for (JARM 2.1).
func inside(c *idtoken.Claims) url.Values {
	p := url.Values{}
	for name, raw := range c.All {
		var text string
		switch {
		case name == "aud" || name == "exp":
		case strictjson.Read(raw, &text):
			p.Set(name, text)
		default:
			p.Set(name, string(raw)) // a number, as expires_in
		}
	}
	return p
}

// states are all that an answer says of its state: as it came, and inside of
// JWTs that nobody has verified yet. That is enough to tell this sign-in's
// answer from a stranger's, because a stranger does not know the state.
func (a *attempt) states(p url.Values) []string {
	states := p["state"]
	if !a.asked.jwt {
		return states
	}
	states = slices.Clone(states)
	for _, jwt := range p["response"] {
		c, err := idtoken.Peek(secret.New(jwt), a.responseJWT())
		if err != nil {
			a.unread(err)
			continue
		}
		states = append(states, inside(c)["state"]...)
	}
	return states
}

// unread remembers why an answer could not be read. It is a stranger's like any
// other without the state; but a provider that encrypts to another key looks
// just like that, so the person is told, once.
func (a *attempt) unread(err error) {
	if a.unopened == nil {
		a.Warn(fmt.Sprintf("an answer came that cannot be read, so nobody knows whose it is, and the sign-in goes on: %v", idtoken.Unread(err)))
	}
	a.unopened = err
}
