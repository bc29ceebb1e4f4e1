// Package shelf keeps what the embedded provider has handed out: so much of it
// and for so long, under keys that say nothing. It knows no protocol.
package shelf

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"
)

// A Shelf keeps a bounded number of things for a bounded time. Its keys are
// hashes of what was handed out, so how long a look-up takes says nothing
// about the values.
type Shelf[T any] struct {
	max   int
	items map[[32]byte]kept[T]
}

type kept[T any] struct {
	value   T
	expires time.Time
}

// New is an empty shelf for that many things.
func New[T any](limit int) *Shelf[T] {
	return &Shelf[T]{max: limit, items: map[[32]byte]kept[T]{}}
}

// Put keeps v under key. On a full shelf what has expired goes first, then
// what would expire soonest.
func (s *Shelf[T]) Put(key string, v T, now, expires time.Time) {
	if len(s.items) >= s.max {
		s.sweep(now)
	}
	s.items[sha256.Sum256([]byte(key))] = kept[T]{v, expires}
}

func (s *Shelf[T]) sweep(now time.Time) {
	var first [32]byte
	var at time.Time
	for k, i := range s.items {
		if !now.Before(i.expires) {
			delete(s.items, k)
		} else if at.IsZero() || i.expires.Before(at) {
			first, at = k, i.expires
		}
	}
	if len(s.items) >= s.max {
		delete(s.items, first)
	}
}

// Get gives what lies under key and has not expired.
func (s *Shelf[T]) Get(key string, now time.Time) (T, time.Time, bool) {
	i, ok := s.items[sha256.Sum256([]byte(key))]
	if !ok || !now.Before(i.expires) {
		var none T
		return none, time.Time{}, false
	}
	return i.value, i.expires, true
}

// All is everything there, in no order; what has expired may be among it.
func (s *Shelf[T]) All() []T {
	var out []T
	for _, i := range s.items {
		out = append(out, i.value)
	}
	return out
}

// Drop takes away what lies under key.
func (s *Shelf[T]) Drop(key string) { delete(s.items, sha256.Sum256([]byte(key))) }

// Fresh makes a value nobody can guess: 256 bits.
func Fresh() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, it would end the process (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Same compares in a time that tells nothing, not even the lengths.
func Same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
