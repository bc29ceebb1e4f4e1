// Package exchange judges what a token exchange asks the embedded provider for
// (RFC 8693 2.1). It issues nothing and looks into no token.
package exchange

import (
	"net/url"
	"slices"
)

// Grant is the registered grant type.
const Grant = "urn:ietf:params:oauth:grant-type:token-exchange"

// Token types that the provider takes (RFC 8693 3). It issues the first alone.
const (
	AccessToken = "urn:ietf:params:oauth:token-type:access_token"
	JWT         = "urn:ietf:params:oauth:token-type:jwt"
)

// audience is the only service that tokens can be for by name.
const audience = "api"

// Check gives the type of the token to issue, or an error of RFC 6749 5.2 or
// RFC 8693 2.2.2 and a sentence.
func Check(f url.Values) (kind, id, why string) {
	types := []string{AccessToken, JWT}
	switch {
	case f.Get("subject_token") == "" || f.Get("subject_token_type") == "":
		return "", "invalid_request", "subject_token and subject_token_type must be there"
	case !slices.Contains(types, f.Get("subject_token_type")):
		return "", "invalid_request", "no subject token of this type can be exchanged here"
	case f.Has("actor_token") != f.Has("actor_token_type"):
		return "", "invalid_request", "actor_token and actor_token_type go together"
	case f.Get("requested_token_type") != "" && f.Get("requested_token_type") != AccessToken:
		return "", "invalid_request", "only access tokens are issued"
	}
	for _, to := range f["audience"] {
		if to != audience {
			return "", "invalid_target", "no service is known as audience here but " + audience
		}
	}
	return AccessToken, "", ""
}
