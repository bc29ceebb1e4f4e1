package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// Introspect asks what a token is worth (RFC 7662 2). The client proves itself
// in the transport of hc. hint is the kind of token, "access_token" or
// "refresh_token"; empty where that is not known. The answer's "active" is
// true or false, or the answer is refused.
//
// Errors: Denied where the provider refused to say, Protocol where the answer
// broke a rule or there is no such endpoint, Network where it was not reached.
func (p *Provider) Introspect(ctx context.Context, hc *wire.Client, token secret.String, hint string) (map[string]json.RawMessage, error) {
	const op = "ask what the token is worth"
	a, err := p.present(ctx, hc, op, "introspection_endpoint", token, hint)
	if err != nil {
		return nil, err
	}
	if a.Status/100 == 4 && a.Status != http.StatusTooManyRequests {
		return nil, declined(op, "introspection", "RFC 7662 2.3", a)
	}
	if a.Status != http.StatusOK {
		return nil, a.Unexpected(op)
	}
	members, err := a.JSON(op)
	if err != nil {
		return nil, err
	}
	if raw := string(members["active"]); raw != "true" && raw != "false" {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "introspection.active", Op: op, Spec: "RFC 7662 2.2",
			Err:  errors.New("the answer does not say whether the token is active: \"active\" is neither true nor false"),
			Hint: "have the provider mend its introspection endpoint"}
	}
	return members, nil
}

// Revoke ends a token (RFC 7009 2). A provider that never knew the token says
// yes as well (2.2). Parameters and errors are those of [Provider.Introspect].
func (p *Provider) Revoke(ctx context.Context, hc *wire.Client, token secret.String, hint string) error {
	op := "revoke the token"
	if kind := strings.TrimSuffix(hint, "_token"); kind != hint {
		op = "revoke the " + kind + " token"
	}
	a, err := p.present(ctx, hc, op, "revocation_endpoint", token, hint)
	switch {
	case err != nil:
		return err
	case a.Status/100 == 4 && a.Status != http.StatusTooManyRequests:
		return declined(op, "revocation", "RFC 7009 2.2.1", a)
	case a.Status == http.StatusOK || a.Status == http.StatusNoContent:
		return nil
	}
	return a.Unexpected(op)
}

// present posts a token to an endpoint that the client has to prove itself to.
func (p *Provider) present(ctx context.Context, hc *wire.Client, op, endpoint string, token secret.String, hint string) (*wire.Answer, error) {
	address, err := p.Need(endpoint, op)
	if err != nil {
		return nil, err
	}
	form := url.Values{"token": {token.Reveal()}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "wire.url", Op: op, Err: err, Hint: "check the provider's metadata"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	return hc.Do(ctx, op, req, wire.Token)
}

// declined words a 4xx of an endpoint that the client has to prove itself to,
// in the provider's own words where it has any (RFC 6749 5.2).
func declined(op, subject, spec string, a *wire.Answer) error {
	var code, text string
	if members, err := strictjson.Object(a.Body); err == nil {
		_ = strictjson.Read(members["error"], &code)
		_ = strictjson.Read(members["error_description"], &text)
	}
	if code == "" {
		code, text = challenge(a.Header.Get("WWW-Authenticate"))
	}
	said := fmt.Sprintf("the provider answered %d", a.Status)
	if code != "" {
		said += " " + code
	}
	if text != "" {
		said += ": " + text
	}
	f := &fault.Error{Kind: fault.Denied, ID: subject + ".refused", Op: op, Spec: spec, Err: errors.New(said),
		Hint: "look at the request with --trace, and at the provider's log"}
	switch {
	case code == "invalid_client" || a.Status == http.StatusUnauthorized:
		f.ID, f.Hint = subject+".client", "check the client's secret or key, and how it is sent (--client-auth); a public client may not ask everywhere"
	case code == "unsupported_token_type" && subject == "introspection":
		f.ID, f.Hint = subject+".unsupported", "read what a token of this kind says itself; a JWT was compared with what was asked at the sign-in"
	case code == "unsupported_token_type":
		f.ID, f.Hint = subject+".unsupported", "revoke the refresh token instead: that ends what was issued with it (--token-type-hint refresh_token)"
	case a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed:
		f.Kind, f.Hint = fault.Protocol, "have the provider mend its metadata: the endpoint is not there"
	}
	return f
}
