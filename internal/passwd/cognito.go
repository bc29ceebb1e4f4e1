package passwd

import (
	"net/http"
	"strings"

	"rely/internal/wire"
)

// cognito is Amazon Cognito's ChangePassword, which has the token in its body.
func cognito() Entry {
	c := call{
		method: http.MethodPost, base: own(""), path: "/", contentType: "application/x-amz-json-1.1", inBody: true,
		header: map[string]string{"X-Amz-Target": "AWSCognitoIdentityProviderService.ChangePassword"},
		body: func(a *Account) map[string]any {
			return map[string]any{"AccessToken": a.Access.Reveal(), "PreviousPassword": a.Old.Reveal(), "ProposedPassword": a.New.Reveal()}
		},
		refused: cognitoRefused, spec: "Amazon Cognito API, ChangePassword",
	}
	return Entry{
		Name: "cognito", Help: "Amazon Cognito: ChangePassword", Family: Bearer, Proof: recorded,
		Scopes: []string{"aws.cognito.signin.user.admin"}, After: untold,
		Fits: func(a *Account) bool { return strings.HasPrefix(a.host(), "cognito-idp.") }, Change: c.change,
	}
}

// cognitoRefused reads the type of the exception, which may have the service's
// name before it.
func cognitoRefused(answer *wire.Answer) refusal {
	m := members(answer)
	_, code, found := strings.Cut(text(m, "__type"), "#")
	if !found {
		code = text(m, "__type")
	}
	r := refusal{code: code, words: text(m, "message")}
	switch code {
	case "NotAuthorizedException":
		r.what = wrongOld
		if strings.Contains(strings.ToLower(r.words), "token") || strings.Contains(strings.ToLower(r.words), "scope") {
			r.what = scope
		}
	case "InvalidPasswordException", "PasswordHistoryPolicyViolationException":
		r.what = policy
	}
	return r
}
