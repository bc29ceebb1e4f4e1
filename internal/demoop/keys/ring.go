package keys

import (
	"errors"
	"sync"

	"github.com/lestrrat-go/jwx/v2/jws"

	"rely/internal/secret"
)

// kept is how many turned keys stay published for each algorithm, so that
// tokens signed just before still verify.
const kept = 2

// A Ring holds the provider's keys, the newest of each algorithm first. ES256
// is there from the start, the others are made when first asked for. It is
// safe for use by several goroutines.
type Ring struct {
	mu   sync.Mutex
	keys []Key
}

// NewRing makes a ring with one ES256 key.
func NewRing() (*Ring, error) {
	r := &Ring{}
	_, err := r.For("ES256")
	return r, err
}

// For gives the key that signs with alg, made now if it is the first time.
func (r *Ring) For(alg string) (Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.keys {
		if k.Alg == alg {
			return k, nil
		}
	}
	k, err := New(alg, 0)
	if err == nil {
		r.keys = append(r.keys, k)
	}
	return k, err
}

// Of is [Ring.For], and for HS256 the client's secret.
func (r *Ring) Of(alg string, s secret.String) (Key, error) {
	if alg == "HS256" {
		return HMAC([]byte(s.Reveal())), nil
	}
	return r.For(alg)
}

// Add puts a key in front: it signs from now on.
func (r *Ring) Add(k Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append([]Key{k}, r.keys...)
}

// Rotate makes a new key for every algorithm in use. The last two of each
// stay published.
func (r *Ring) Rotate() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]int{}
	var fresh, old []Key
	for _, k := range r.keys {
		seen[k.Alg]++
		if seen[k.Alg] == 1 {
			n, err := New(k.Alg, 0)
			if err != nil {
				return err
			}
			fresh = append(fresh, n)
		}
		if seen[k.Alg] <= kept {
			old = append(old, k)
		}
	}
	r.keys = append(fresh, old...)
	return nil
}

// JWKs lists the public halves.
func (r *Ring) JWKs() ([]map[string]any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]map[string]any, 0, len(r.keys))
	for _, k := range r.keys {
		j, err := k.JWK()
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}

// Verify gives the payload of a token that a key of the ring signed. Only the
// algorithm of the key counts, never the one the token claims.
func (r *Ring) Verify(token string) ([]byte, error) {
	m, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil || len(m.Signatures()) != 1 {
		return nil, errors.New("not a compact JWS")
	}
	kid := m.Signatures()[0].ProtectedHeaders().KeyID()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.keys {
		if k.Kid == kid {
			return k.Verify(token)
		}
		if kid == "" { // one of ours may have come without
			if payload, err := k.Verify(token); err == nil {
				return payload, nil
			}
		}
	}
	return nil, errors.New("signed by no key of this provider")
}
