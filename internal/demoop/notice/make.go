package notice

import (
	"net/url"
	"time"

	"rely/internal/demoop/keys"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/shelf"
)

// An Ended is a session that is over, and how the provider lies about it.
type Ended struct {
	Issuer, Subject, Session string
	Now                      time.Time
	Ring                     *keys.Ring
	Faults                   []quirk.Fault
}

// Token makes a client's logout token, signed as its ID tokens are.
func (e Ended) Token(client string, key keys.Key, alg string) (string, error) {
	t := &quirk.Token{Header: quirk.Head(alg, "logout+jwt", key), Claims: Claims(e.Issuer, client, e.Subject, e.Session, shelf.Fresh(), e.Now), Key: key, Ring: e.Ring, Now: e.Now}
	return t.Sign(quirk.LogoutTokens, e.Faults)
}

// Frame is the address of a client's frame.
func (e Ended) Frame(uri string) string {
	v := url.Values{"iss": {e.Issuer}, "sid": {e.Session}}
	for _, f := range e.Faults {
		if f.Frame != nil {
			f.Frame(v)
		}
	}
	return address(uri, v)
}
