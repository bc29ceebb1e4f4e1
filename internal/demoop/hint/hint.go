// Package hint reads ID tokens that come back to the embedded provider as
// id_token_hint. They may have expired (RP-Initiated Logout 4); they must be
// the provider's own. It knows no session.
package hint

import (
	"encoding/json"
	"errors"

	"rely/internal/demoop/keys"
	"rely/internal/secret"
)

// A Hint is what one says.
type Hint struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Session  string   `json:"sid"`
	Audience Audience `json:"aud"`
}

// An Audience is a text, or a list of them.
type Audience []string

// UnmarshalJSON implements [json.Unmarshaler].
func (a *Audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = Audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// Read takes a token that a key of the ring signed, or one of the clients'
// secrets: the claims say whose, and the signature whether that is true.
func Read(token, issuer string, ring *keys.Ring, secrets []secret.String) (Hint, error) {
	payload, err := ring.Verify(token)
	for n := 0; err != nil && n < len(secrets); n++ {
		payload, err = keys.HMAC([]byte(secrets[n].Reveal())).Verify(token)
	}
	var h Hint
	if err == nil {
		err = json.Unmarshal(payload, &h)
	}
	if err == nil && h.Issuer != issuer {
		err = errors.New("another issuer's")
	}
	return h, err
}
