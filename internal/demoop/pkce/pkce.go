// Package pkce is the embedded provider's side of RFC 7636: S256 and nothing
// else, for plain protects against nothing (RFC 9700 2.1.1).
package pkce

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"

	"rely/internal/demoop/shelf"
)

// The alphabets of a challenge and of a verifier (RFC 7636 4.1, 4.2).
const (
	base64url  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	unreserved = base64url + ".~"
)

// Read reads the challenge (RFC 7636 4.3); who has no secret needs one. It
// returns an error code and a sentence where it cannot be taken.
func Read(q url.Values, needed bool) (challenge, id, why string) {
	challenge = q.Get("code_challenge")
	method := q.Get("code_challenge_method")
	switch {
	case challenge == "" && method == "" && !needed:
		return "", "", ""
	case challenge == "":
		return "", "invalid_request", "code_challenge is missing: PKCE is required"
	case method != "S256":
		return "", "invalid_request", "code_challenge_method must be S256"
	case len(challenge) != 43 || strings.Trim(challenge, base64url) != "":
		return "", "invalid_request", "code_challenge is not a SHA-256 hash in base64url"
	}
	return challenge, "", ""
}

// Misfit says why a verifier does not go with a challenge (RFC 7636 4.6);
// empty where it does.
func Misfit(verifier, challenge string) string {
	sum := sha256.Sum256([]byte(verifier))
	switch {
	case challenge == "" && verifier != "":
		return "code_verifier without a code_challenge in the authorization request"
	case challenge != "" && (len(verifier) < 43 || len(verifier) > 128 || strings.Trim(verifier, unreserved) != ""),
		challenge != "" && !shelf.Same(base64.RawURLEncoding.EncodeToString(sum[:]), challenge):
		return "code_verifier does not fit the code_challenge"
	}
	return ""
}
