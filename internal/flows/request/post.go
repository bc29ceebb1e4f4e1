package request

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// Members are those of a JSON object that a provider answered.
type Members map[string]json.RawMessage

// Text is a member that is a string; empty where it is anything else.
func (m Members) Text(name string) string {
	var s string
	_ = strictjson.Read(m[name], &s)
	return s
}

// Post sends a form to an endpoint that is no token endpoint; the client proves
// itself as it does there. grant is what it is sent for. A refusal is a fault
// in the provider's own words (RFC 6749 5.2).
func (r *Request) Post(ctx context.Context, op, endpoint, grant string, form url.Values) (Members, error) {
	m, _, err := r.Exchange(ctx, op, endpoint, grant, form)
	return m, err
}

// Exchange is [Request.Post] for those who look at the status of success.
func (r *Request) Exchange(ctx context.Context, op, endpoint, grant string, form url.Values) (Members, int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, 0, &fault.Error{Kind: fault.Internal, ID: "token.request", Op: op, Err: err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client, answer := r.prover(op)
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, tokenFault(op, grant, answer, err)
	}
	_ = resp.Body.Close() // all of it is in answer
	m := answer.members
	if resp.StatusCode/100 != 2 || m["error"] != nil {
		return nil, resp.StatusCode, refusedToken(op, grant, resp.StatusCode, wire.RefusalIn(m))
	}
	return m, resp.StatusCode, nil
}
