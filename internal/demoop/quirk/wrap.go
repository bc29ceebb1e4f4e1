package quirk

import (
	"encoding/json"
	"time"

	"rely/internal/demoop/keys"
	"rely/internal/secret"
)

// Wrap is UserInfo as a client registered it: a JWT, or without an alg JSON
// that will be encrypted (OIDC Core 5.3.2).
func Wrap(ring *keys.Ring, alg string, s secret.String, issuer, clientID string, m map[string]any, now time.Time, faults []Fault) (text, cty string, err error) {
	if alg == "" {
		b, err := json.Marshal(m)
		return string(b), "", err
	}
	key, err := ring.Of(alg, s)
	if err != nil {
		return "", "", err
	}
	m["iss"], m["aud"] = issuer, clientID
	t := &Token{Header: Head(alg, "", key), Claims: m, Key: key, Ring: ring, Now: now}
	text, err = t.Sign(UserInfos, faults)
	return text, "JWT", err
}
