// Package bearer finds the access token of a request to the embedded provider
// (RFC 6750 2). It does not know what the token is good for.
package bearer

import (
	"net/http"
	"strings"

	"rely/internal/demoop/reply"
)

// Token is the access token, in the header or in the body (RFC 6750 2.1, 2.2).
// The reply is the refusal, or nil.
func Token(r *http.Request) (string, reply.Reply) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	body := r.PostForm["access_token"]
	switch {
	case r.Header.Get("Authorization") == "" && len(body) == 0:
		return "", reply.Challenge(http.StatusUnauthorized, "", "")
	case r.Header.Get("Authorization") != "" && len(body) > 0 || len(body) > 1:
		return "", reply.Challenge(http.StatusBadRequest, "invalid_request", "more than one access token")
	case len(body) == 1:
		token = body[0]
	case !strings.EqualFold(scheme, "Bearer"):
		return "", reply.Challenge(http.StatusUnauthorized, "", "")
	}
	return strings.TrimLeft(token, " "), nil
}
