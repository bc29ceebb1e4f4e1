package session

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
	"rely/internal/wire"
)

const jobOp = "get the CI job's identity token"

// Job is the identity token of the CI job that this process is a part of, for
// the audience, or for the issuer where there is none. GitHub hands it out at
// an address that the job gets in variables; GitLab and others put it into a
// variable, which has to be RELY_CI_TOKEN.
func (k *Keeper) Job(ctx context.Context, audience string) (secret.String, error) {
	if audience == "" {
		audience = k.Settings.String("issuer")
	}
	if token := k.Settings.Secret("ci_token"); !token.Empty() {
		return token, nil
	}
	if token, there := k.jobs[audience]; there {
		return token, nil
	}
	address, bearer := k.Env("ACTIONS_ID_TOKEN_REQUEST_URL"), k.Env("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if address != "" && bearer != "" {
		k.Learn(bearer)
		return k.github(ctx, address, bearer, audience)
	}
	f := &fault.Error{Kind: fault.Config, ID: "ci.none", Op: jobOp, Err: errors.New("this is no job of a CI system that rely knows"),
		Hint: "run it in GitHub Actions or GitLab CI, or put the job's token into RELY_CI_TOKEN"}
	switch {
	case k.Env("GITHUB_ACTIONS") == "true":
		f.Err, f.Hint = errors.New("GitHub gave this job no ACTIONS_ID_TOKEN_REQUEST_URL"), `give the job "permissions: id-token: write"`
	case k.Env("GITLAB_CI") == "true":
		f.Err, f.Hint = errors.New("GitLab gave this job no RELY_CI_TOKEN"), fmt.Sprintf(`give the job "id_tokens: {RELY_CI_TOKEN: {aud: %s}}"`, audience)
	}
	return secret.String{}, f
}

// github asks GitHub Actions' own service. The answer is one short object.
func (k *Keeper) github(ctx context.Context, address, bearer, audience string) (secret.String, error) {
	broken := func(err error) error {
		return &fault.Error{Kind: fault.Protocol, ID: "ci.answer", Op: jobOp, Err: err, Spec: "GitHub Actions, OpenID Connect reference", Hint: "look at the request with --trace, and at GitHub's status page"}
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && !wire.Loopback(u.Hostname()) || u.User != nil {
		return secret.String{}, broken(errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no https address"))
	}
	q := u.Query()
	q.Set("audience", audience)
	u.RawQuery = q.Encode()
	hc, err := k.World()
	if err != nil {
		return secret.String{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return secret.String{}, broken(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("Accept", "application/json")
	a, err := hc.Do(ctx, jobOp, req, 64<<10)
	if err != nil {
		return secret.String{}, err
	}
	if a.Status != http.StatusOK {
		return secret.String{}, a.Unexpected(jobOp)
	}
	m, err := a.JSON(jobOp)
	if err != nil {
		return secret.String{}, err
	}
	var token string
	if json.Unmarshal(m["value"], &token) != nil || strings.Count(token, ".") != 2 {
		return secret.String{}, broken(errors.New("the answer has no token in its value"))
	}
	k.Learn(token)
	k.jobs = map[string]secret.String{audience: secret.New(token)}
	return k.jobs[audience], nil
}
