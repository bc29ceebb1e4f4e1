// Package front is a sign-in at the authorization endpoint: the request, the
// person's way there and back, the checks of what comes back, and the token
// request where a code came.
package front

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"

	"golang.org/x/oauth2"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/loopback"
)

// attempt is one sign-in: what was sent, to compare the answer with.
type attempt struct {
	*request.Request
	op          string
	state       string
	typed       string // the state of a code that is typed at the terminal, see wait.address
	nonce       string
	verifier    string
	redirectURI string
	asked       asked
	came        loopback.Way // how the answer came
	ladder      []idtoken.Rung
	unopened    error // why the last response JWT that came could not be decrypted
}

// SignIn has a person, or a robot in its place, sign in. types are the response
// types of the flow, the default first.
func SignIn(ctx context.Context, r *request.Request, types ...string) (*request.Tokens, error) {
	wanted, err := ask(r, types)
	if err != nil {
		return nil, err
	}
	a := &attempt{Request: r, op: "sign in", asked: wanted, state: oauth2.GenerateVerifier(), typed: oauth2.GenerateVerifier(),
		nonce: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier()}
	// The listener is up before anything opens the URL: an agent may be back
	// within milliseconds.
	l, err := a.listen(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	a.redirectURI = l.RedirectURI()
	address, err := a.address(ctx, a.parameters())
	if err != nil {
		return nil, err
	}
	fetching, stop := context.WithCancel(ctx)
	defer stop()
	answer, err := a.await(ctx, l, address, func() { r.Provider.Prefetch(fetching) })
	if unread := a.unopened; unread != nil && fault.Is(err, fault.Protocol) {
		return nil, idtoken.Unread(unread) // that is why nobody knew its state
	}
	if err != nil {
		return nil, err
	}
	a.came = answer.Way
	t, err := a.finish(ctx, answer.Params)
	answer.Finish(pageFor(t, a.ladder, err))
	if err != nil {
		return nil, &request.LadderError{Ladder: a.ladder, Err: err}
	}
	return t, nil
}

// accept tells this sign-in's answer from a stranger's: by the state that was
// sent, compared in constant time (RFC 6749 10.12). A repeated state counts as
// ours when any of it fits; finish refuses it.
func (a *attempt) accept(params url.Values) error {
	if a.byHand(params) {
		return nil
	}
	states := a.states(params)
	for _, state := range states {
		if subtle.ConstantTimeCompare([]byte(state), []byte(a.state)) == 1 {
			return nil
		}
	}
	if len(states) == 0 {
		return errors.New("it has no state")
	}
	return errors.New("its state is not the one that was sent")
}

// byHand reports whether the answer is a code that was typed at the terminal.
func (a *attempt) byHand(params url.Values) bool {
	return a.typed != "" && subtle.ConstantTimeCompare([]byte(params.Get("state")), []byte(a.typed)) == 1
}

// finish checks the authorization response and the tokens in it, redeems the
// code where there is one, and checks those tokens. The code is sent once,
// whatever comes, and not at all where anything before it was wrong.
func (a *attempt) finish(ctx context.Context, params url.Values) (*request.Tokens, error) {
	params, err := a.opened(ctx, params)
	if err != nil {
		return nil, err
	}
	if err := a.checkResponse(params); err != nil {
		return nil, err
	}
	t, err := a.browserTokens(ctx, params)
	if err == nil && a.asked.code {
		t, err = a.redeemed(ctx, params.Get("code"), t)
	}
	if err != nil {
		return nil, err
	}
	t.Ladder, t.Answer = a.ladder, params
	return t, a.Kept(t)
}
