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
// is there from the start, the others are made when first asked for, at the
// latest when the keys are published: what is offered has a key. It is safe for
// use by several goroutines.
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
	return r.first(alg)
}

// first is [Ring.For] under the lock.
func (r *Ring) first(alg string) (Key, error) {
	for _, k := range r.keys {
		if k.Alg == alg {
			return k, nil
		}
	}
	k, err := fresh(alg)
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

// fresh is a first key. An RSA key takes long to make, and a process may run
// many providers for trying things out: their first ones are the same.
func fresh(alg string) (Key, error) {
	var m made
	switch alg {
	case "RS256":
		m = rs256()
	case "PS256":
		m = ps256()
	default:
		return New(alg, 0)
	}
	return m.key, m.err
}

type made struct {
	key Key
	err error
}

var rs256 = sync.OnceValue(func() made { k, err := New("RS256", 0); return made{k, err} })

var ps256 = sync.OnceValue(func() made { k, err := New("PS256", 0); return made{k, err} })

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
	var young, old []Key
	for _, k := range r.keys {
		seen[k.Alg]++
		if seen[k.Alg] == 1 {
			n, err := New(k.Alg, 0)
			if err != nil {
				return err
			}
			young = append(young, n)
		}
		if seen[k.Alg] <= kept {
			old = append(old, k)
		}
	}
	r.keys = append(young, old...)
	return nil
}

// JWKs lists the public halves, with one at least for each of [Algs].
func (r *Ring) JWKs() ([]map[string]any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, alg := range Algs() {
		if _, err := r.first(alg); err != nil {
			return nil, err
		}
	}
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
