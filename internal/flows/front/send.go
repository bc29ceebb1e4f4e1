package front

import (
	"context"
	"maps"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// parameters are the authentication request (OIDC Core 3.1.2.1). What the
// person asked for comes first, so that nothing replaces what is checked.
func (a *attempt) parameters() url.Values {
	p := maps.Clone(a.Param)
	if p == nil {
		p = url.Values{}
	}
	for name, value := range map[string]string{
		"client_id": a.ClientID, "redirect_uri": a.redirectURI,
		"state": a.state, "nonce": a.nonce,
	} {
		p.Set(name, value)
	}
	a.asked.parameters(p)
	if a.asked.code {
		p.Set("code_challenge", oauth2.S256ChallengeFromVerifier(a.verifier))
		p.Set("code_challenge_method", "S256")
	}
	if a.Scope != "" {
		p.Set("scope", a.Scope)
	}
	return p
}

// address is where the person has to go with these parameters. The endpoint's
// own query stays (RFC 6749 3.1).
func (a *attempt) address(ctx context.Context, parameters url.Values) (string, error) {
	endpoint, err := a.Provider.Need("authorization_endpoint", a.op)
	if err != nil {
		return "", err
	}
	if a.Object != nil {
		if parameters, err = a.object(ctx, parameters); err != nil {
			return "", err
		}
	}
	if a.Push {
		if parameters, err = a.push(ctx, parameters); err != nil {
			return "", err
		}
	}
	separator := "?"
	if strings.Contains(endpoint, "?") {
		separator = "&"
	}
	return endpoint + separator + parameters.Encode(), nil
}
