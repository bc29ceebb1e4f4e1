package request

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"rely/internal/clientauth"
	"rely/internal/dpop"
	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// TokenExchange is the grant type of RFC 8693.
const TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

// Redeem makes the token request of any grant, once: x/oauth2 words it and
// reads OAuth's part of the answer, clientauth proves the client, and the
// transport below bounds and checks what comes back.
func (r *Request) Redeem(ctx context.Context, op string, form url.Values) (*Tokens, error) {
	endpoint, err := r.Provider.Need("token_endpoint", op)
	if err != nil {
		return nil, err
	}
	form = maps.Clone(form)
	maps.Copy(form, r.TokenParam)
	client, answer := r.prover(op)
	// clientcredentials is x/oauth2's token request for any grant_type; the
	// style is set because AutoDetect would send a one-time code twice.
	config := clientcredentials.Config{
		ClientID: r.ClientID, TokenURL: endpoint, EndpointParams: form, AuthStyle: oauth2.AuthStyleInParams,
	}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return nil, tokenFault(op, form.Get("grant_type"), answer, err)
	}
	return r.tokens(op, form.Get("grant_type"), token, answer.members)
}

// prover is an HTTP client for one request in which the client proves itself,
// and where the answer to it will be.
func (r *Request) prover(op string) (*http.Client, *tokenTransport) {
	answer := &tokenTransport{http: r.HTTP, op: op}
	var transport http.RoundTripper = &clientauth.Transport{Base: answer, Method: r.Prove}
	if r.DPoP != nil { // above the client's proof, which is for one request
		transport = &dpop.Transport{Base: transport, Prover: r.DPoP}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, answer
}

// tokenTransport carries one token request and keeps the answer's members.
type tokenTransport struct {
	http    *wire.Client
	op      string
	answer  *wire.Answer
	members Members
}

// RoundTrip implements [http.RoundTripper]. A redirect, a 5xx and anything
// that is not one well-formed JSON object end here.
func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	a, err := t.http.Do(req.Context(), t.op, req, wire.Token)
	if err != nil {
		return nil, err
	}
	t.answer = a
	if s := a.Status; s >= 500 || s/100 == 3 {
		return nil, a.Unexpected(t.op)
	}
	t.members, err = a.JSON(t.op)
	switch {
	case err != nil && a.Status/100 == 2:
		return nil, err
	case a.Status == http.StatusTooManyRequests && t.members.Text("error") != SlowDown:
		return nil, a.Unexpected(t.op) // Auth0 says slow_down with this status
	}
	kind := "application/x-www-form-urlencoded"
	body, err := t.form()
	switch {
	case a.Status/100 != 2: // a nonce that is wanted is looked for in it (RFC 9449 8)
		kind, body = "application/json", string(a.Body)
	case err != nil:
		return nil, broken(t.op, "token.member", "RFC 6749 5.1", err)
	}
	return &http.Response{
		StatusCode: a.Status, Status: strconv.Itoa(a.Status), Request: req,
		Header: http.Header{"Content-Type": {kind}, "Dpop-Nonce": a.Header["Dpop-Nonce"]}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// form is what x/oauth2 reads of the answer, as a form: some providers answer
// so, and JSON it would take apart twice more. It is not given expires_in, in
// which it refuses fractions, and which it counts by the process's clock:
// tokens() reads that.
func (t *tokenTransport) form() (string, error) {
	form := url.Values{}
	var wrong error
	for _, name := range []string{"access_token", "token_type", "refresh_token", "error"} {
		text := ""
		if raw, there := t.members[name]; there && !strictjson.Read(raw, &text) {
			wrong = notText(name)
		}
		form.Set(name, text)
	}
	return form.Encode(), wrong
}

func notText(name string) error { return fmt.Errorf("%q is no string", name) }

// broken is an answer of the token endpoint that is against the rules.
func broken(op, id, spec string, err error) error {
	return &fault.Error{Kind: fault.Protocol, ID: id, Op: op, Spec: spec, Err: err, Hint: "have the provider mend its token endpoint"}
}

// tokens reads a successful answer (RFC 6749 5.1).
func (r *Request) tokens(op, grant string, token *oauth2.Token, members Members) (*Tokens, error) {
	t := &Tokens{Access: secret.New(token.AccessToken), Refresh: secret.New(token.RefreshToken), TokenType: token.TokenType, Scope: r.Scope, Members: members}
	t.IssuedType = Members(members).Text("issued_token_type")
	// What a token exchange issues need not be for use as it is (RFC 8693 2.2.1).
	other := grant == TokenExchange && strings.EqualFold(token.TokenType, "n_a")
	switch bound := r.DPoP != nil; {
	case other:
	case bound && strings.EqualFold(token.TokenType, "bearer"):
		return nil, &fault.Error{Kind: fault.Protocol, ID: "token.downgrade", Op: op, Spec: "RFC 9449 5",
			Err:  errors.New("token_type is \"Bearer\": the provider did not bind the token to the key that was proven"),
			Hint: "have the provider bind this client's tokens (dpop_bound_access_tokens), or leave --dpop out"}
	case bound && !strings.EqualFold(token.TokenType, "dpop"), !bound && !strings.EqualFold(token.TokenType, "bearer"):
		return nil, broken(op, "token.type", "RFC 6749 7.1", fmt.Errorf("token_type is %q, and only %s was asked for", token.TokenType, map[bool]string{true: "DPoP", false: "Bearer"}[bound]))
	}
	var id, scope string
	for name, value := range map[string]*string{"id_token": &id, "scope": &scope} {
		if raw, there := members[name]; there && !strictjson.Read(raw, value) {
			return nil, broken(op, "token.member", "RFC 6749 5.1", notText(name))
		}
	}
	if scope != "" {
		t.Scope = scope
	}
	t.ID = secret.New(id)
	if r.DPoP != nil {
		var err error
		if t.DPoPKey, err = r.DPoP.Key(); err != nil {
			return nil, err
		}
	}
	for name, value := range map[string]string{"access_token": token.AccessToken, "refresh_token": token.RefreshToken, "id_token": id} {
		if strings.ContainsFunc(value, func(c rune) bool { return c < 0x20 || c > 0x7e }) {
			return nil, broken(op, "token.characters", "RFC 6749 A.12, A.17", fmt.Errorf("%s holds characters that no token has", name))
		}
	}
	life, known, err := Lifetime(members["expires_in"])
	if err != nil {
		return nil, broken(op, "token.expires-in", "RFC 6749 5.1", err)
	}
	if known {
		t.Expiry = r.Now().Add(life).UTC().Truncate(time.Second)
	}
	return t, nil
}

// Lifetime reads expires_in: seconds, as a number or, at some providers, as a
// string with one; absent is unknown. More than ten years are ten years.
func Lifetime(raw json.RawMessage) (life time.Duration, known bool, err error) {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		return 0, false, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds < 0 || seconds != seconds {
		return 0, false, fmt.Errorf("expires_in is %s, which is no number of seconds", raw)
	}
	const most = 10 * 365 * 24 * time.Hour
	return time.Duration(min(seconds, most.Seconds())) * time.Second, true, nil
}

// tokenFault words a token request that gave no tokens.
func tokenFault(op, grant string, t *tokenTransport, err error) error {
	var already *fault.Error
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &already):
		return already
	case errors.As(err, &refused):
		return refusedToken(op, grant, t.answer.Status, wire.RefusalIn(t.members))
	}
	return &fault.Error{
		Kind: fault.Protocol, ID: "token.answer", Op: op, Spec: "RFC 6749 5.1",
		Err:  errors.New(strings.TrimPrefix(err.Error(), "oauth2: ")),
		Hint: "have the provider mend its token endpoint",
	}
}

// The errors that are no end, while a person decides elsewhere (RFC 8628 3.5).
const (
	Pending  = "authorization_pending"
	SlowDown = "slow_down"
)

// refusedToken keeps the provider's own words (RFC 6749 5.2). An error that
// breaks the rules of errors is no refusal to act on.
func refusedToken(op, grant string, status int, r *wire.Refusal) error {
	if r.Code == "" {
		f := &fault.Error{Kind: fault.Denied, ID: "token.refused", Op: op, Spec: "RFC 6749 5.2",
			Err: fmt.Errorf("the provider answered %d without saying why", status), Hint: tokenHint("", grant)}
		if status != http.StatusBadRequest && status != http.StatusUnauthorized && status != http.StatusForbidden {
			f.Kind, f.ID = fault.Protocol, "token.status"
		}
		return f
	}
	breach := r.Check()
	if status/100 == 2 && r.Code != Pending && r.Code != SlowDown { // GitHub sends those two with 200; to ask again does no harm
		breach = fmt.Errorf("with the status %d, which is for tokens; an error comes with 400 or 401", status)
	}
	if breach != nil {
		return &fault.Error{Kind: fault.Protocol, ID: "token.error-response", Op: op, Spec: "RFC 6749 5.2",
			Err: fmt.Errorf("the provider answered %w; %w", r, breach), Hint: "have the provider mend the errors of its token endpoint; --trace shows this one"}
	}
	return &fault.Error{Kind: fault.Denied, ID: "token." + IDPart(r.Code), Op: op, Spec: "RFC 6749 5.2",
		Err: fmt.Errorf("the provider answered %w", r), Hint: tokenHint(r.Code, grant)}
}

// IDPart makes a provider's error code fit for the ID of a fault.
func IDPart(code string) string {
	if code == "" || len(code) > 60 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != "" {
		return "other"
	}
	return code
}

func tokenHint(code, grant string) string {
	switch code {
	case "invalid_client":
		return "check the client id, its secret or key, and how they are sent (--client-auth)"
	case "invalid_grant":
		if grant == "refresh_token" {
			return "sign in again with \"rely login\""
		}
		return "sign in again; if it goes on, compare the redirect URI and the clocks"
	case "unauthorized_client", "unsupported_grant_type":
		return "allow the grant type " + grant + " for this client at the provider, or choose another --flow"
	case "invalid_dpop_proof":
		return "check this computer's clock: a proof is good for a short time"
	case "invalid_scope":
		return "ask for other scopes with --scope"
	case "invalid_target":
		return "ask for another resource or audience"
	}
	return "look at the request with --trace, and at the provider's log"
}
