package registration

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/clientauth"
	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/useragent/page"
	"rely/internal/wire"
)

// An Outcome is what a check without a sign-in came to.
type Outcome string

// The outcomes. Unknown is an answer that proves nothing either way.
const (
	Good    Outcome = "ok"
	Bad     Outcome = "refused"
	Unknown Outcome = "unknown"
)

// A Finding is the result of one check.
type Finding struct {
	Name    string // "redirect", "secret", "key" or "client"
	Outcome Outcome
	Said    string // what the provider did, for the person
}

// CheckRedirectKnown asks whether the provider knows the client with this
// redirect URI: an authentication request with prompt=none (OIDC Core 3.1.2.1)
// is answered at the redirect URI only where both are right (RFC 6749
// 4.1.2.1). Nothing is followed and nobody is asked to sign in.
func CheckRedirectKnown(ctx context.Context, hc *wire.Client, p *provider.Provider, clientID, redirectURI string) (Finding, error) {
	const op = "ask whether the provider knows the client"
	f := Finding{Name: "redirect", Outcome: Unknown}
	endpoint, err := p.Need("authorization_endpoint", op)
	if err != nil {
		return f, err
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return f, &fault.Error{Kind: fault.Protocol, ID: "wire.url", Op: op, Err: err, Hint: "check the provider's metadata"}
	}
	q := u.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": clientID, "redirect_uri": redirectURI, "scope": "openid", "prompt": "none",
		"state": rand.Text(), "nonce": rand.Text(), "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	a, err := hc.Get(ctx, op, u.String(), "text/html", wire.Document)
	if err != nil {
		return f, err
	}
	return judgeRedirect(op, f, a, redirectURI)
}

func judgeRedirect(op string, f Finding, a *wire.Answer, redirectURI string) (Finding, error) {
	switch {
	case a.Status >= 500 || a.Status == http.StatusTooManyRequests:
		return f, a.Unexpected(op)
	case a.Status >= 400:
		f.Outcome, f.Said = Bad, fmt.Sprintf("it answered %d%s", a.Status, pageWords(a))
		return f, nil
	case a.Status/100 != 3:
		f.Said = fmt.Sprintf("it answered with a page (%d)", a.Status)
		return f, nil
	}
	to, err := url.Parse(a.Header.Get("Location"))
	want, err2 := url.Parse(redirectURI)
	if err != nil || err2 != nil || to.Scheme != want.Scheme || to.Host != want.Host || to.EscapedPath() != want.EscapedPath() {
		f.Said = "it sent the browser to a page of its own"
		return f, nil
	}
	params := to.Query()
	if to.Fragment != "" {
		if p, err := url.ParseQuery(to.Fragment); err == nil {
			params = p
		}
	}
	f.Outcome, f.Said = Good, "it answers at the redirect URI"
	switch code := params.Get("error"); code {
	case "", "login_required", "interaction_required", "consent_required", "account_selection_required":
	default:
		f.Said += " with " + code
		if d := params.Get("error_description"); d != "" {
			f.Said += ": " + d
		}
	}
	return f, nil
}

// pageWords are the error code and description of an error answer in JSON, or
// what a page marks as the error, else how it begins.
func pageWords(a *wire.Answer) string {
	members, err := a.JSON("")
	switch {
	case len(a.Body) == 0:
		return " and nothing else"
	case err != nil:
		kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
		p := page.Read(&url.URL{}, a.Status, kind, a.Body)
		return strings.TrimRight(" and an error page: "+cmp.Or(p.Alert, p.Text), ": ")
	}
	var code, text string
	_ = json.Unmarshal(members["error"], &code)
	_ = json.Unmarshal(members["error_description"], &text)
	return strings.TrimRight(": "+code+": "+text, ": ")
}

// CheckSecret asks whether the provider takes the client's proof, with one
// token request for a code that does not exist: the client is authenticated
// before the code is looked at (RFC 6749 5.2), so invalid_grant proves that
// the client was believed.
func CheckSecret(ctx context.Context, hc *wire.Client, p *provider.Provider, method clientauth.Method, c clientauth.Credentials, redirectURI string) (Finding, error) {
	const op = "ask whether the provider takes the client's proof"
	f := Finding{Name: "secret", Outcome: Unknown}
	switch {
	case !c.Secret.Empty():
	case !c.Keys.Empty():
		f.Name = "key"
	default:
		f.Name = "client" // public: that it is one is all there is to believe
	}
	endpoint, err := p.Need("token_endpoint", op)
	if err != nil {
		return f, err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"rely-asks-" + rand.Text()}, "redirect_uri": {redirectURI},
		"client_id": {c.ID}, "code_verifier": {rand.Text() + rand.Text()}}
	req, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return f, &fault.Error{Kind: fault.Protocol, ID: "wire.url", Op: op, Err: err, Hint: "check the provider's metadata"}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// The transport proves the client below the bounds that hc sets.
	through := *hc
	through.Base = &clientauth.Transport{Base: hc.Base, Method: method}
	a, err := through.Do(ctx, op, req, wire.Token)
	if err != nil {
		return f, err
	}
	if a.Status >= 500 || a.Status == http.StatusTooManyRequests {
		return f, a.Unexpected(op)
	}
	return judgeSecret(f, a), nil
}

func judgeSecret(f Finding, a *wire.Answer) Finding {
	var code, why string
	if members, err := a.JSON(""); err == nil {
		_ = json.Unmarshal(members["error"], &code)
		_ = json.Unmarshal(members["error_description"], &why)
	}
	f.Said = fmt.Sprintf("it answered %d %s", a.Status, code)
	switch {
	case code == "invalid_client" || code == "" && a.Status == http.StatusUnauthorized:
		f.Outcome = Bad
		f.Said = strings.TrimRight(f.Said+": "+why, ": ")
	case f.Name == "client" && code == "unauthorized_client":
	case code == "unauthorized_client" && a.Status != http.StatusBadRequest:
		// By the book the client was believed and may not use this grant; some
		// providers say so of a wrong secret, but never with 400.
		f.Said += ", which some providers say of a wrong secret"
	case code == "invalid_grant", code == "unauthorized_client", code == "invalid_code":
		f.Outcome = Good
	}
	return f
}

// Refused is the fault of a check that went wrong.
func (f Finding) Refused() error {
	e := &fault.Error{Kind: fault.Denied, ID: "registration.check-" + f.Name, Op: "check the client at the provider", Spec: "RFC 6749 4.1.2.1",
		Err:  fmt.Errorf("the provider does not know the client id with this redirect URI: %s", f.Said),
		Hint: "compare client id and redirect URI with the provider's, character by character; --no-check records them all the same"}
	if f.Name != "redirect" {
		e.Spec = "RFC 6749 5.2"
		e.Err = errors.New("the provider does not take the client's proof: " + f.Said)
		e.Hint = "check the client's secret or key and --client-auth; --no-check records them all the same"
	}
	return e
}
