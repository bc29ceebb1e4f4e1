package front

import (
	"errors"
	"fmt"
	"net/url"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/secret"
	"rely/internal/wire"
)

// A responseRule is one check on an authorization response, made before
// anything of it is used.
type responseRule struct {
	ResponseCheck
	check func(a *attempt, p url.Values) (expected, actual string, skip bool, err error)
}

// responseRules is the table of those checks, in order.
func responseRules() []responseRule {
	return []responseRule{
		{ResponseCheck{"response-state", "RFC 6749 10.12", "state is the one that was sent"}, checkState},
		{ResponseCheck{"response-once", "RFC 6749 3.1", "no parameter is there twice"}, checkOnce},
		{ResponseCheck{"response-iss", "RFC 9207 2.4", "iss is the issuer the sign-in was sent to; it may be absent only where the provider does not announce it, or an ID token is there in its place"}, checkResponseIss},
		{ResponseCheck{"response-mode", "OAuth 2.0 Multiple Response Types 2.1", "the answer comes in the way that was asked for"}, checkWay},
		{ResponseCheck{"response-type", "OAuth 2.0 Multiple Response Types 3, 5", "it holds the tokens that were asked for, and nothing that was not"}, checkKind},
		{ResponseCheck{"response-token", "RFC 6749 4.2.2", "an access token comes with token_type Bearer, and in printable characters"}, checkToken},
	}
}

// A ResponseCheck says what a check on the authorization response demands.
type ResponseCheck struct{ Name, Spec, Demand string }

// ResponseChecks are those checks, in order, for the reference.
func ResponseChecks() []ResponseCheck {
	out := []ResponseCheck{jarmCheck()}
	for _, r := range responseRules() {
		out = append(out, r.ResponseCheck)
	}
	return out
}

// checkResponse runs the rules, then reads what the provider said: its error
// in its own words, or a code.
func (a *attempt) checkResponse(p url.Values) error {
	for _, rule := range responseRules() {
		expected, actual, skip, err := rule.check(a, p)
		rung := idtoken.Rung{Name: rule.Name, Spec: rule.Spec, Expected: expected, Actual: actual, Status: idtoken.Passed}
		switch {
		case err != nil:
			rung.Status = idtoken.Failed
		case skip:
			rung.Status = idtoken.Skipped
		}
		a.ladder = append(a.ladder, rung)
		if err != nil {
			return &fault.Error{Kind: fault.Protocol, ID: "login." + rule.Name, Op: "check the authorization response", Spec: rule.Spec, Err: err,
				Hint: "do not use this provider until this is explained"}
		}
	}
	if p.Has("error") {
		return saidNo(p, a.asked.kind)
	}
	if a.asked.code && p.Get("code") == "" {
		return &fault.Error{Kind: fault.Protocol, ID: "login.no-code", Op: "check the authorization response", Spec: "RFC 6749 4.1.2",
			Err: errors.New("it has neither a code nor an error"), Hint: "check that the client may use the response type " + a.asked.kind}
	}
	return nil
}

// typedCode stands in the ladder where a code came without its answer.
const typedCode = "none: the code was typed at the terminal"

func checkState(a *attempt, p url.Values) (expected, actual string, skip bool, err error) {
	if a.byHand(p) {
		return secret.Fingerprint(a.state), typedCode, true, nil
	}
	return secret.Fingerprint(a.state), secret.Fingerprint(p.Get("state")), false, a.accept(p)
}

// checkOnce refuses a parameter that is there twice: two readers could take
// different ones.
func checkOnce(_ *attempt, p url.Values) (expected, actual string, skip bool, err error) {
	for name, values := range p {
		if len(values) > 1 {
			return "each parameter once", fmt.Sprintf("%q is there %d times", name, len(values)), false,
				fmt.Errorf("%q is there %d times", name, len(values))
		}
	}
	return "each parameter once", "each parameter once", false, nil
}

func checkResponseIss(a *attempt, p url.Values) (expected, actual string, skip bool, err error) {
	want, got := a.Provider.Metadata.Issuer, p.Get("iss")
	switch {
	case a.byHand(p):
		return want, typedCode, true, nil
	case !p.Has("iss") && a.asked.idToken && p.Get("id_token") != "":
		// It has to be the same one, and is checked before the code is sent.
		return want, "none; the ID token beside it names the issuer (RFC 9207 4)", true, nil
	case !p.Has("iss") && !a.Provider.Metadata.ResponseIss:
		return "none, or " + want, "none; the provider does not announce it", true, nil
	case !p.Has("iss"):
		return want, "none", false, errors.New("\"iss\" is missing, and the provider's metadata says that it sends it")
	case got != want:
		return want, got, false, fmt.Errorf("\"iss\" is %q, and the sign-in was sent to %q: the answer is from somebody else", got, want)
	}
	return want, got, false, nil
}

// saidNo keeps the provider's error as sent (RFC 6749 4.1.2.1). One that breaks
// the rules of errors is no answer of a person or of the provider to act on.
func saidNo(p url.Values, kind string) error {
	r := &wire.Refusal{Code: p.Get("error"), Description: p.Get("error_description"), URI: p.Get("error_uri")}
	if broken := r.Check(); broken != nil {
		return &fault.Error{Kind: fault.Protocol, ID: "login.error-response", Op: "check the authorization response", Spec: "RFC 6749 4.1.2.1",
			Err: fmt.Errorf("the provider answered %w; %w", r, broken), Hint: "have the provider mend its error responses"}
	}
	f := &fault.Error{Kind: fault.Denied, ID: "login." + request.IDPart(r.Code), Op: "sign in", Spec: "RFC 6749 4.1.2.1",
		Err: fmt.Errorf("the provider answered %w", r), Hint: "look at the request with --trace, and at the provider's log"}
	switch r.Code {
	case "access_denied":
		f.Hint = "sign in again and approve the request"
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		f.Spec, f.Hint = "OIDC Core 3.1.2.6", "sign in again without --param prompt=none"
	case "invalid_scope":
		f.Hint = "ask for other scopes with --scope"
	case "unauthorized_client", "unsupported_response_type":
		f.Hint = "allow the response type " + kind + " for this client at the provider"
	case "server_error", "temporarily_unavailable":
		f.Hint = "try again later; the provider's log says why"
	}
	return f
}
