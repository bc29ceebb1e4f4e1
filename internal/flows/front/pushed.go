package front

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
)

const pushOp = "push the authorization request"

// A pushedRule is one check on a pushed authorization response (RFC 9126 2.2).
type pushedRule struct {
	ResponseCheck
	check func(m request.Members, status int) (expected, actual string, is idtoken.Status, err error)
}

func pushedRules() []pushedRule {
	const spec = "RFC 9126 2.2"
	return []pushedRule{
		{ResponseCheck{"pushed-status", spec, "a pushed request is answered with 201; another 2xx is told"}, checkPushedStatus},
		{ResponseCheck{"pushed-request-uri", spec, "the answer has a request_uri: a urn or an https address of at most 2,048 characters"}, checkPushedURI},
		{ResponseCheck{"pushed-lifetime", spec, "expires_in is there and more than 0"}, checkPushedLife},
	}
}

// PushedChecks are the checks on a pushed authorization response, in order.
func PushedChecks() []ResponseCheck {
	var out []ResponseCheck
	for _, r := range pushedRules() {
		out = append(out, r.ResponseCheck)
	}
	return out
}

// push sends the request from here, not through the browser, and gives what
// takes its place there: the client and the request_uri, nothing else (RFC 9126
// 4).
func (a *attempt) push(ctx context.Context, p url.Values) (url.Values, error) {
	endpoint, err := a.Provider.Need("pushed_authorization_request_endpoint", pushOp)
	if err != nil {
		return nil, err
	}
	m, status, err := a.Exchange(ctx, pushOp, endpoint, "authorization_code", p)
	if err != nil {
		return nil, err
	}
	for _, rule := range pushedRules() {
		expected, actual, is, err := rule.check(m, status)
		a.ladder = append(a.ladder, idtoken.Rung{Name: rule.Name, Spec: rule.Spec, Expected: expected, Actual: actual, Status: is})
		if err != nil {
			return nil, &request.LadderError{Ladder: a.ladder, Err: &fault.Error{Kind: fault.Protocol, ID: "login." + rule.Name, Op: pushOp, Spec: rule.Spec, Err: err,
				Hint: "have the provider mend its pushed authorization request endpoint"}}
		}
	}
	return url.Values{"client_id": {a.ClientID}, "request_uri": {m.Text("request_uri")}}, nil
}

func checkPushedStatus(_ request.Members, status int) (expected, actual string, is idtoken.Status, err error) {
	if status != http.StatusCreated {
		return "201", fmt.Sprint(status), idtoken.Noted, nil
	}
	return "201", "201", idtoken.Passed, nil
}

// checkPushedURI: the value is the provider's own business, and goes into an
// address that a browser opens.
func checkPushedURI(m request.Members, _ int) (expected, actual string, is idtoken.Status, err error) {
	const want = "a urn or an https address"
	text := m.Text("request_uri")
	u, parseErr := url.Parse(text)
	switch {
	case text == "":
		return want, "none", idtoken.Failed, errors.New("the answer has no request_uri")
	case len(text) > 2048 || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }):
		return want, "characters that no URI has", idtoken.Failed, errors.New("the request_uri is longer than 2,048 characters, or holds some that no URI has")
	case parseErr != nil || u.Scheme != "urn" && u.Scheme != "https":
		return want, text, idtoken.Failed, fmt.Errorf("the request_uri is neither a urn nor an https address: %.300q", text)
	}
	return want, u.Scheme, idtoken.Passed, nil
}

func checkPushedLife(m request.Members, _ int) (expected, actual string, is idtoken.Status, err error) {
	life, known, err := request.Lifetime(m["expires_in"])
	switch {
	case err != nil:
		return "more than 0 s", "not readable", idtoken.Failed, err
	case !known || life <= 0:
		return "more than 0 s", "none", idtoken.Failed, errors.New("the request_uri is of no use: expires_in is missing or 0")
	}
	return "more than 0 s", life.String(), idtoken.Passed, nil
}
