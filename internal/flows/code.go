package flows

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/oauth2"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/loopback"
	"rely/internal/provider"
	"rely/internal/secret"
)

// Code is the authorization code flow (OIDC Core 3.1) with PKCE (RFC 7636),
// state, nonce and the issuer in the response (RFC 9207).
type Code struct{}

// Possible implements [Flow].
func (Code) Possible(m *provider.Metadata) error {
	if len(m.ResponseTypes) > 0 && !slices.Contains(m.ResponseTypes, "code") {
		return impossible("code", fmt.Errorf("the provider lists the response types %q, not code", m.ResponseTypes))
	}
	return m.Names("authorization_endpoint", "token_endpoint", "jwks_uri")
}

// attempt is one sign-in: what was sent, to compare the answer with.
type attempt struct {
	*Request
	op          string
	state       string
	typed       string // the state of a code that comes from the terminal
	nonce       string
	verifier    string
	redirectURI string
	ladder      []idtoken.Rung
}

// Run implements [Flow].
func (Code) Run(ctx context.Context, r *Request) (*Tokens, error) {
	a := &attempt{Request: r, op: "sign in", state: oauth2.GenerateVerifier(), nonce: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier()}
	a.typed = oauth2.GenerateVerifier()
	r.typed = a.typed
	// The listener is up before anything opens the URL: an agent may be back
	// within milliseconds.
	l, err := r.listen(ctx, a.accept)
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	a.redirectURI = l.RedirectURI()
	address, err := a.authorizationURL()
	if err != nil {
		return nil, err
	}
	fetching, stop := context.WithCancel(ctx)
	defer stop()
	r.Provider.Prefetch(fetching)
	answer, err := r.await(ctx, l, address)
	if err != nil {
		return nil, err
	}
	t, err := a.finish(ctx, answer.Params)
	answer.Finish(pageFor(t, a.ladder, err))
	if err != nil {
		return nil, &LadderError{a.ladder, err}
	}
	return t, nil
}

// authorizationURL is the authentication request (OIDC Core 3.1.2.1).
func (a *attempt) authorizationURL() (string, error) {
	endpoint, err := a.Provider.Need("authorization_endpoint", a.op)
	if err != nil {
		return "", err
	}
	config := oauth2.Config{
		ClientID: a.ClientID, RedirectURL: a.redirectURI, Endpoint: oauth2.Endpoint{AuthURL: endpoint},
	}
	if a.Scope != "" {
		config.Scopes = []string{a.Scope}
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.verifier), oauth2.SetAuthURLParam("nonce", a.nonce)}
	for name, values := range a.Param {
		for _, value := range values {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	return config.AuthCodeURL(a.state, options...), nil
}

// accept tells this sign-in's answer from a stranger's: by the state that was
// sent, compared in constant time (RFC 6749 10.12). A repeated state counts as
// ours when any of it fits; finish refuses it.
func (a *attempt) accept(params url.Values) error {
	if a.byHand(params) {
		return nil
	}
	for _, state := range params["state"] {
		if subtle.ConstantTimeCompare([]byte(state), []byte(a.state)) == 1 {
			return nil
		}
	}
	if !params.Has("state") {
		return errors.New("it has no state")
	}
	return errors.New("its state is not the one that was sent")
}

// byHand reports whether the answer is a code that was typed at the terminal.
func (a *attempt) byHand(params url.Values) bool {
	return a.typed != "" && subtle.ConstantTimeCompare([]byte(params.Get("state")), []byte(a.typed)) == 1
}

// finish checks the authorization response, redeems the code and checks the
// tokens. The code is sent once, whatever comes.
func (a *attempt) finish(ctx context.Context, params url.Values) (*Tokens, error) {
	if err := a.checkResponse(params); err != nil {
		return nil, err
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {params.Get("code")},
		"redirect_uri": {a.redirectURI}, "code_verifier": {a.verifier},
	}
	t, err := a.redeem(ctx, "redeem the code", form)
	if err != nil {
		return nil, err
	}
	t.RedirectURI = a.redirectURI
	e := a.expected(t)
	e.Nonce, e.Code, e.MaxAge = a.nonce, secret.New(params.Get("code")), maxAge(a.Param)
	err = a.checkIDToken(ctx, t, e)
	a.ladder = append(a.ladder, t.Ladder...)
	t.Ladder = a.ladder
	if err != nil {
		return nil, err
	}
	return t, a.keep(t)
}

// maxAge is the max_age that was asked for; nil where none was.
func maxAge(param url.Values) *time.Duration {
	seconds, err := strconv.ParseInt(param.Get("max_age"), 10, 32)
	if err != nil {
		return nil
	}
	d := time.Duration(seconds) * time.Second
	return &d
}

// listen opens the loopback listener for the redirect URI, or for the next one
// registered where its port is busy.
func (r *Request) listen(ctx context.Context, accept func(url.Values) error) (*loopback.Listener, error) {
	l, err := r.listenAt(ctx, r.RedirectURI, accept)
	for _, uri := range r.Fallbacks {
		var f *fault.Error
		if !errors.As(err, &f) || f.ID != "loopback.port-busy" || r.Listen != "" {
			break
		}
		if next, other := r.listenAt(ctx, uri, accept); other == nil {
			return next, nil
		}
	}
	return l, err
}

func (r *Request) listenAt(ctx context.Context, uri string, accept func(url.Values) error) (*loopback.Listener, error) {
	o := loopback.Options{RedirectURI: uri, Bind: r.Listen, AllowHost: r.AllowHost, Accept: accept}
	if u, err := url.Parse(uri); err == nil && u.Scheme == "https" {
		if o.Certificate, err = r.Certificate(); err != nil {
			return nil, err
		}
	}
	return loopback.Listen(ctx, o)
}

// await announces the URL, sets the user agent to work, and waits for the
// answer at the listener or on the terminal, whichever is first.
func (r *Request) await(ctx context.Context, l *loopback.Listener, address string) (*loopback.Answer, error) {
	patience := r.Wait
	if patience == 0 {
		patience = 5 * time.Minute
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	say := func(a Announcement) {
		if r.Announce != nil {
			a.URL, a.RedirectURI, a.Listener = address, l.RedirectURI(), l
			r.Announce(a)
		}
	}
	say(Announcement{})
	w := &wait{Request: r, say: say}
	w.start(waiting, l, address)
	answer, err := w.result(waiting)
	if err == nil {
		return answer, nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, &fault.Error{Kind: fault.Cancelled, ID: "login.cancelled", Op: "wait for the person to sign in",
			Err: errors.New("stopped"), Hint: "run \"rely login\" again when you are ready"}
	case waiting.Err() != nil:
		return nil, &fault.Error{Kind: fault.Unfinished, ID: "login.unfinished", Op: "wait for the person to sign in",
			Err: fmt.Errorf("no answer within %s; the listener is closed", patience), Hint: "run \"rely login\" again, or allow more time with --login-timeout"}
	}
	return nil, err
}
