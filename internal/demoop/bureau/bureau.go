// Package bureau is a claims provider behind the embedded provider: an issuer
// with keys of its own, which vouches for what the provider itself does not
// know (OIDC Core 5.6.2). It signs nobody in, and the provider's access tokens
// mean nothing to it.
package bureau

import (
	"net/http"
	"slices"
	"time"

	"rely/internal/demoop/bearer"
	"rely/internal/demoop/keys"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
)

// The two sources that a UserInfo answer names: one whose claims come along,
// and one to be asked.
const (
	aggregated  = "bureau"
	distributed = "scores"
)

// names are the claims of each.
func names(source string) []string {
	if source == distributed {
		return []string{"credit_score"}
	}
	return []string{"payment_info", "shipping_address"}
}

// facts are what is known of a user of the provider; nil for who is unknown.
func facts(user string) map[string]any {
	if user != "alice" {
		return nil
	}
	return map[string]any{"credit_score": 680, "payment_info": "Looking-Glass Bank, account ending in 1865",
		"shipping_address": map[string]any{"street_address": "1 Rabbit Hole", "locality": "Oxford", "country": "GB"}}
}

// A Bureau is the claims provider.
type Bureau struct {
	issuer  string
	ring    *keys.Ring
	now     func() time.Time
	faults  []quirk.Fault
	tickets *shelf.Shelf[string] // access tokens for [Bureau.Claims], and whom they are about
}

// New is a bureau below the provider's base address.
func New(base string, now func() time.Time, faults []quirk.Fault) (*Bureau, error) {
	ring, err := keys.NewRing()
	return &Bureau{base + "/bureau", ring, now, faults, shelf.New[string](1000)}, err
}

// Metadata says in the provider's discovery document what it can pass on.
func Metadata(m map[string]any) {
	m["claim_types_supported"] = []string{"normal", "aggregated", "distributed"}
	if all, ok := m["claims_supported"].([]string); ok {
		m["claims_supported"] = slices.Concat(all, names(aggregated), names(distributed))
	}
}

// Tell adds to a UserInfo answer where the claims are that were asked for by
// name and that the bureau has (OIDC Core 5.6.2).
func (b *Bureau) Tell(m map[string]any, user string, asked []string) error {
	from, sources := map[string]any{}, map[string]any{}
	for _, source := range []string{aggregated, distributed} {
		var wanted []string
		for _, name := range names(source) {
			if _, known := facts(user)[name]; known && slices.Contains(asked, name) {
				wanted, from[name] = append(wanted, name), source
			}
		}
		if wanted == nil {
			continue
		}
		if source == distributed {
			ticket := shelf.Fresh()
			b.tickets.Put(ticket, user, b.now(), b.now().Add(5*time.Minute))
			sources[source] = map[string]any{"endpoint": b.issuer + "/claims", "access_token": ticket}
			continue
		}
		token, err := b.vouch(user, wanted)
		if err != nil {
			return err
		}
		sources[source] = map[string]any{"JWT": token}
	}
	if len(sources) > 0 {
		m["_claim_names"], m["_claim_sources"] = from, sources
	}
	return nil
}

// vouch signs what is known. There is no sub: the provider's means nothing here.
func (b *Bureau) vouch(user string, wanted []string) (string, error) {
	key, err := b.ring.For("ES256")
	if err != nil {
		return "", err
	}
	claims := map[string]any{"iss": b.issuer, "iat": b.now().Unix(), "exp": b.now().Add(5 * time.Minute).Unix()}
	for _, name := range wanted {
		claims[name] = facts(user)[name]
	}
	t := &quirk.Token{Header: quirk.Head("ES256", "JWT", key), Claims: claims, Key: key, Ring: b.ring, Now: b.now()}
	return t.Sign(quirk.Vouched, b.faults)
}

// Claims answers whoever brings the access token that came with the source: in
// the header, or as the key of an address that is a secret itself.
func (b *Bureau) Claims(r *http.Request) reply.Reply {
	ticket := r.URL.Query().Get("key")
	if ticket == "" || r.Header.Get("Authorization") != "" {
		var no reply.Reply
		if ticket, no = bearer.Token(r); no != nil {
			return no
		}
	}
	user, _, ok := b.tickets.Get(ticket, b.now())
	if !ok {
		return reply.Challenge(http.StatusUnauthorized, "invalid_token", "the access token is not one of the bureau's")
	}
	token, err := b.vouch(user, names(distributed))
	if err != nil {
		return reply.Refuse(http.StatusInternalServerError, "server_error", "the claims cannot be signed")
	}
	return reply.JWT(token)
}

// Discovery says where the keys are.
func (b *Bureau) Discovery(*http.Request) reply.Reply {
	return reply.Object(http.StatusOK, map[string]any{"issuer": b.issuer, "jwks_uri": b.issuer + "/jwks"})
}

// JWKS publishes the keys.
func (b *Bureau) JWKS(*http.Request) reply.Reply {
	set, err := b.ring.JWKs()
	if err != nil {
		return reply.Refuse(http.StatusInternalServerError, "server_error", "the keys cannot be published")
	}
	return reply.Object(http.StatusOK, map[string]any{"keys": set})
}
