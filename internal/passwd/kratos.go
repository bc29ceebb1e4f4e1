package passwd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/wire"
)

const kratosSpec = "Ory Kratos, self-service settings flow for native applications"

// kratos changes a password in a session of Ory Kratos. Its settings flow asks
// for no current password but for a session that is young enough: the one made
// here.
func kratos() Entry {
	return Entry{
		Name: "kratos", Help: "Ory Kratos: its self-service interface, signed in with the current password", Family: Product,
		Proof: "tried by hand against Ory Kratos 1.3.1, its conversation replayed in the tests", After: "other sessions live on unless Kratos is told to end them",
		Fits: func(a *Account) bool { return atHost("oryapis.com", "projects.oryapis.com")(a) }, Change: kratosChange,
		Verify: func(ctx context.Context, a *Account) error {
			_, err := kratosSession(ctx, a, a.New.Reveal())
			return err
		},
	}
}

// kratosFlow begins a flow of Kratos; its answer says where the next step goes.
func kratosFlow(ctx context.Context, a *Account, what, name string, session secret.String) (string, error) {
	answer, err := a.send(ctx, what, sending{method: http.MethodGet, url: a.base(a.origin()) + "/self-service/" + name + "/api", header: kratosHeader(session)})
	if err != nil {
		return "", err
	}
	if answer.Status != http.StatusOK {
		return "", kratosRefused(answer, scope)
	}
	action := text(within(members(answer), "ui"), "action")
	return action, a.sameHost(what, action)
}

func kratosHeader(session secret.String) map[string]string {
	if session.Empty() {
		return nil
	}
	return map[string]string{"X-Session-Token": session.Reveal()}
}

func kratosSession(ctx context.Context, a *Account, password string) (secret.String, error) {
	const what = "sign in to Kratos"
	action, err := kratosFlow(ctx, a, what, "login", secret.String{})
	if err != nil {
		return secret.String{}, err
	}
	answer, err := a.send(ctx, what, sending{method: http.MethodPost, url: action, contentType: "application/json",
		body: object(map[string]any{"method": "password", "identifier": a.Username, "password": password})})
	if err != nil {
		return secret.String{}, err
	}
	session := secret.New(text(members(answer), "session_token"))
	if answer.Status != http.StatusOK || session.Empty() {
		return session, kratosRefused(answer, wrongOld)
	}
	return session, nil
}

func kratosChange(ctx context.Context, a *Account) (string, error) {
	session, err := kratosSession(ctx, a, a.Old.Reveal())
	if err != nil {
		return "", err
	}
	action, err := kratosFlow(ctx, a, op, "settings", session)
	if err != nil {
		return "", err
	}
	answer, err := a.send(ctx, op, sending{method: http.MethodPost, url: action, contentType: "application/json", header: kratosHeader(session),
		body: object(map[string]any{"method": "password", "password": a.New.Reveal()})})
	switch {
	case err != nil:
		return "", err
	case answer.Status == http.StatusBadRequest:
		return "", kratosRefused(answer, policy)
	case answer.Status != http.StatusOK:
		return "", kratosRefused(answer, scope)
	}
	if state := text(members(answer), "state"); state != "success" {
		return "", &fault.Error{Kind: fault.Protocol, ID: "passwd.state", Op: op, Spec: kratosSpec, Err: fmt.Errorf("the settings flow ended in the state %q", state),
			Hint: "sign in to see which password is in force"}
	}
	return "success", nil
}

// kratosRefused reads the messages of a flow, or the error object of a request
// that never became one.
func kratosRefused(answer *wire.Answer, what reason) error {
	type message struct {
		ID   int
		Text string
	}
	var e struct {
		Error struct{ ID, Reason, Message string }
		UI    struct {
			Messages []message
			Nodes    []struct{ Messages []message }
		}
	}
	_ = json.Unmarshal(answer.Body, &e)
	r := refusal{code: e.Error.ID, words: e.Error.Reason, what: what}
	if r.words == "" {
		r.words = e.Error.Message
	}
	all := e.UI.Messages
	for _, n := range e.UI.Nodes {
		all = append(all, n.Messages...)
	}
	for _, m := range all {
		r.unmet = append(r.unmet, fmt.Sprintf("%d: %s", m.ID, m.Text))
	}
	if len(r.unmet) > 0 && r.words == "" {
		r.words = "it is not taken"
	}
	return r.fault(kratosSpec, answer.Status)
}
