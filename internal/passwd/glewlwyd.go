package passwd

import (
	"context"
	"net/http"
	"strings"

	"rely/internal/wire"
)

const glewlwydSpec = "Glewlwyd API, /profile/password"

// glewlwyd changes a password in a session of its own profile page, made with
// the current password: an access token gets 401 there.
func glewlwyd() Entry {
	return Entry{
		Name: "glewlwyd", Help: "Glewlwyd: its profile, signed in with the current password", Family: Product,
		Proof: "tried in the tests against Glewlwyd 2.7.5", After: "tokens and other sessions live on at Glewlwyd",
		Fits: func(a *Account) bool {
			return len(a.Metadata) > 0 && a.names("authorization_endpoint", "/auth") && a.names("token_endpoint", "/token") && strings.Contains(a.Issuer, "/api/")
		},
		Change: glewlwydChange,
		Verify: func(ctx context.Context, a *Account) error {
			_, err := glewlwydSession(ctx, a, a.New.Reveal())
			return err
		},
	}
}

// glewlwydBase makes https://host/api of the issuer https://host/api/oidc.
func glewlwydBase(a *Account) string {
	at := strings.LastIndex(strings.TrimRight(a.Issuer, "/"), "/")
	return a.base(a.Issuer[:max(at, 0)])
}

// glewlwydSession signs in; the answer's cookie is the session.
func glewlwydSession(ctx context.Context, a *Account, password string) (string, error) {
	answer, err := a.send(ctx, "sign in to the profile", sending{method: http.MethodPost, url: glewlwydBase(a) + "/auth/", contentType: "application/json",
		body: object(map[string]any{"username": a.Username, "password": password})})
	if err != nil {
		return "", err
	}
	session := cookie(answer, "GLEWLWYD2_SESSION_ID")
	if answer.Status != http.StatusOK || session == "" {
		return "", glewlwydRefused(answer, wrongOld)
	}
	return session, nil
}

// glewlwydRefused words an answer that mostly is an empty 400 or 401.
func glewlwydRefused(answer *wire.Answer, what reason) error {
	return refusal{words: strings.Trim(strings.TrimSpace(string(answer.Body)), "[]"), what: what}.fault(glewlwydSpec, answer.Status)
}

func glewlwydChange(ctx context.Context, a *Account) (string, error) {
	session, err := glewlwydSession(ctx, a, a.Old.Reveal())
	if err != nil {
		return "", err
	}
	answer, err := a.send(ctx, op, sending{method: http.MethodPut, url: glewlwydBase(a) + "/profile/password", contentType: "application/json",
		header: map[string]string{"Cookie": "GLEWLWYD2_SESSION_ID=" + session},
		body:   object(map[string]any{"username": a.Username, "old_password": a.Old.Reveal(), "password": a.New.Reveal()})})
	switch {
	case err != nil:
		return "", err
	case answer.Status == http.StatusOK:
		return "", nil
	case answer.Status == http.StatusBadRequest:
		// The session has just been made with the current password: what is
		// left to refuse is the new one.
		return "", glewlwydRefused(answer, policy)
	}
	return "", glewlwydRefused(answer, other)
}
