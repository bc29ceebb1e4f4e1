package flows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"rely/internal/fault"
	"rely/internal/flows/ping"
	"rely/internal/flows/request"
	"rely/internal/jose"
	"rely/internal/provider"
)

// CIBA asks a person who is elsewhere, on a device of their own: nobody walks a
// page here (OpenID CIBA Core 1.0). It polls; where the client is registered for
// ping, the provider says when to, and polling is slow, for the day when no ping
// gets through (CIBA 10.1, 10.2).
type CIBA struct{}

// pingSlack is how many times slower a client polls that waits for a ping.
const pingSlack = 5

const (
	cibaGrant    = "urn:openid:params:grant-type:ciba"
	cibaEndpoint = "backchannel_authentication_endpoint"
	cibaOp       = "ask the person elsewhere"
)

// Possible implements [Flow].
func (CIBA) Possible(m *provider.Metadata) error {
	if m.CIBAEndpoint == "" {
		return impossible("ciba", errors.New("the provider's metadata names no "+cibaEndpoint+" (CIBA 4)"))
	}
	return m.Names("token_endpoint", "jwks_uri")
}

// Run implements [Flow].
func (CIBA) Run(ctx context.Context, r *Request) (*Tokens, error) {
	form, err := cibaRequest(r)
	if err != nil {
		return nil, err
	}
	endpoint, err := r.Provider.Need(cibaEndpoint, cibaOp)
	if err != nil {
		return nil, err
	}
	desk, err := pinged(ctx, r)
	if err != nil {
		return nil, err
	}
	if desk != nil {
		defer desk.Close()
		form.Set("client_notification_token", desk.Token().Reveal())
	}
	if form, err = cibaSigned(r, form); err != nil {
		return nil, err
	}
	m, err := r.Post(ctx, cibaOp, endpoint, cibaGrant, form)
	if err != nil {
		return nil, err
	}
	d := &asking{Request: r, spec: "CIBA 11", what: "request", failed: make(chan error, 1)}
	id := m.Text("auth_req_id")
	// The characters are those of CIBA 7.3.
	if id == "" || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return nil, brokenCIBA("id", errors.New("the answer has no auth_req_id that could be sent back"))
	}
	if member, err := d.paced(m); err != nil {
		return nil, brokenCIBA(member, err)
	}
	d.form = url.Values{"grant_type": {cibaGrant}, "auth_req_id": {id}}
	if desk != nil {
		desk.Expect(id)
		d.pings, d.interval = desk.Came(), pingSlack*d.interval
	}
	r.Provider.Prefetch(ctx)
	r.Warn(fmt.Sprintf("waiting for %s to decide on a device of their own (up to %s)", who(r), min(d.lifetime, waits(r))))
	t, err := d.ask(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.CheckIDToken(ctx, t, r.Expected(t)); err != nil {
		return nil, &LadderError{Ladder: t.Ladder, Err: err}
	}
	if err := cibaClaim(t, id); err != nil {
		return nil, err
	}
	if desk != nil {
		t.Ladder = append(t.Ladder, desk.Rung())
	}
	return t, r.Kept(t)
}

// pinged is the notification endpoint of a client that is registered for ping;
// nil for poll. Push is refused: its tokens come from whoever knows the
// endpoint, and none of the proofs that protect a token request protects them.
func pinged(ctx context.Context, r *Request) (*ping.Desk, error) {
	const setting = "backchannel_token_delivery_mode"
	mode := r.Text(setting)
	f := &fault.Error{Kind: fault.Config, ID: "ciba.mode", Op: cibaOp, Spec: "CIBA 5", Hint: "register the client for poll or ping: \"rely register update --backchannel-token-delivery-mode poll\""}
	switch mode {
	case "", "poll":
		return nil, nil
	case "push":
		f.Err = errors.New("the mode push is not for rely: whoever reaches the notification endpoint could bring tokens there, and nothing would prove the client")
		return nil, f
	case "ping":
	default:
		f.Err = fmt.Errorf("%q is no delivery mode that rely knows", mode)
		return nil, f
	}
	var offered []string
	if json.Unmarshal(r.Provider.Metadata.Raw[setting+"s_supported"], &offered) == nil && !slices.Contains(offered, mode) {
		f.Spec, f.Err = "CIBA 4", fmt.Errorf("the provider offers the delivery modes %q, not ping", offered)
		return nil, f
	}
	return ping.Open(ctx, r, r.Text("backchannel_client_notification_endpoint"))
}

// cibaSigned puts the request into a JWT that the client signed, where that is
// wanted; then nothing stands beside it but the client's proof (CIBA 7.1.1).
func cibaSigned(r *Request, form url.Values) (url.Values, error) {
	if r.Object == nil {
		return form, nil
	}
	now := r.Now()
	claims := map[string]any{"iss": r.ClientID, "aud": r.Provider.Metadata.Issuer, "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(5 * time.Minute).Unix(), "jti": oauth2.GenerateVerifier()}
	for name, values := range form {
		claims[name] = request.Claim(name, values)
	}
	token, err := jose.Sign(r.Object.Key, map[string]any{"alg": r.Object.Alg, "typ": "JWT"}, claims)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "ciba.sign", Op: cibaOp, Spec: "CIBA 7.1.1", Err: err, Hint: "look at the parameters that are asked for"}
	}
	return url.Values{"request": {token.Reveal()}}, nil
}

// cibaRequest is the authentication request (CIBA 7.1): exactly one hint says
// who is asked.
func cibaRequest(r *Request) (url.Values, error) {
	form := scoped(r, url.Values{})
	for name, values := range r.Param {
		form[name] = values
	}
	token, err := r.Given("login_hint_token", "the hint's token")
	if err != nil {
		return nil, err
	}
	if !token.Empty() {
		form.Set("login_hint_token", token.Reveal())
	}
	hints := 0
	for _, name := range []string{"login_hint", "login_hint_token", "id_token_hint"} {
		if form.Get(name) != "" {
			hints++
		}
	}
	refuse := func(err error, hint string) error {
		return &fault.Error{Kind: fault.Usage, ID: "ciba.request", Op: cibaOp, Spec: "CIBA 7.1", Err: err, Hint: hint}
	}
	switch {
	case hints != 1:
		return nil, refuse(fmt.Errorf("one hint has to say who is asked, and there are %d", hints), "give --login-hint NAME, --id-token-hint or --login-hint-token-file FILE")
	case !strings.Contains(" "+r.Scope+" ", " openid "):
		return nil, refuse(errors.New("the scope openid is not asked for"), "add openid to --scope")
	}
	for _, name := range []string{"binding_message", "requested_expiry"} {
		if value := r.Text(name); value != "" {
			form.Set(name, value)
		}
	}
	code, err := r.Given("user_code", "the user code")
	if err != nil {
		return nil, err
	}
	if !code.Empty() {
		form.Set("user_code", code.Reveal())
	}
	return form, nil
}

// who is the person as the request names them.
func who(r *Request) string {
	if name := r.Param.Get("login_hint"); name != "" {
		return fault.VisibleUpTo(name, 100)
	}
	return "the person"
}

// cibaClaim compares the request that the ID token says it answers, where it
// says one (CIBA 10.3.1).
func cibaClaim(t *Tokens, id string) error {
	const name = "urn:openid:params:jwt:claim:auth_req_id"
	if t.Claims == nil || t.Claims.All[name] == nil {
		return nil
	}
	var said string
	if json.Unmarshal(t.Claims.All[name], &said) == nil && said == id {
		return nil
	}
	return &fault.Error{Kind: fault.Protocol, ID: "ciba.other-request", Op: "check the ID token", Spec: "CIBA 10.3.1",
		Err: errors.New("it answers another request than this one (" + name + ")"), Hint: "do not use this provider until this is explained"}
}

func brokenCIBA(what string, err error) error {
	return &fault.Error{Kind: fault.Protocol, ID: "ciba." + what, Op: "read the backchannel authentication response", Spec: "CIBA 7.3", Err: err,
		Hint: "have the provider mend its backchannel authentication endpoint"}
}
