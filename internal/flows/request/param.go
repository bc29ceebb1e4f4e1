package request

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rely/internal/fault"
)

// IDTokenAlgs are the algorithms an ID token may have: the registered one,
// else the asymmetric ones that the provider lists, else RS256 (OIDC
// Registration 2). A symmetric one has to be registered by name, and none is
// never taken.
func IDTokenAlgs(registered string, listed []string) []string {
	if registered != "" {
		return []string{registered}
	}
	var algs []string
	for _, alg := range listed {
		if alg != "none" && !strings.HasPrefix(alg, "HS") {
			algs = append(algs, alg)
		}
	}
	if len(algs) == 0 {
		return []string{"RS256"}
	}
	return algs
}

// Parameters reads k=v pairs. What rely checks in the answer cannot be
// replaced, or the check would be of nothing.
func Parameters(flag string, pairs []string) (url.Values, error) {
	out := url.Values{}
	for _, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		why := ""
		switch {
		case !found || name == "":
			why = "is not NAME=VALUE"
		case slices.Contains([]string{"state", "nonce", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "response_mode", "client_id", "client_secret", "code", "code_verifier", "device_code", "grant_type"}, name):
			why = "is a parameter that rely sets itself"
		default:
			out.Add(name, value)
			continue
		}
		return nil, &fault.Error{Kind: fault.Usage, ID: "param", Op: "read --" + flag, Err: fmt.Errorf("%q %s", pair, why),
			Hint: "give it as --" + flag + " NAME=VALUE, for parameters that rely has no flag for"}
	}
	return out, nil
}

// MissingScopes are those of asked that were not granted, separated by spaces.
func MissingScopes(asked, granted string) string {
	var missing []string
	for _, scope := range strings.Fields(asked) {
		if !slices.Contains(strings.Fields(granted), scope) {
			missing = append(missing, scope)
		}
	}
	return strings.Join(missing, " ")
}

// Claim is a parameter as it stands in an object: what is JSON as JSON, and
// max_age as a number (OIDC Core 6.1).
func Claim(name string, values []string) any {
	switch name {
	case "claims", "authorization_details":
		return json.RawMessage(values[0])
	case "max_age":
		if n, err := strconv.ParseInt(values[0], 10, 64); err == nil {
			return n
		}
	}
	if len(values) > 1 {
		return values
	}
	return values[0]
}
