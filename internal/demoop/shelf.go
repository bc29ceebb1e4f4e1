package demoop

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"
)

// A shelf keeps a bounded number of things for a bounded time. Its keys are
// hashes of what was handed out, so how long a look-up takes says nothing
// about the values.
type shelf[T any] struct {
	max   int
	items map[[32]byte]kept[T]
}

type kept[T any] struct {
	value   T
	expires time.Time
}

func newShelf[T any](limit int) *shelf[T] {
	return &shelf[T]{max: limit, items: map[[32]byte]kept[T]{}}
}

// put keeps v under key. On a full shelf what has expired goes first, then
// what would expire soonest.
func (s *shelf[T]) put(key string, v T, now, expires time.Time) {
	if len(s.items) >= s.max {
		s.sweep(now)
	}
	s.items[sha256.Sum256([]byte(key))] = kept[T]{v, expires}
}

func (s *shelf[T]) sweep(now time.Time) {
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

// get gives what lies under key and has not expired.
func (s *shelf[T]) get(key string, now time.Time) (T, time.Time, bool) {
	i, ok := s.items[sha256.Sum256([]byte(key))]
	if !ok || !now.Before(i.expires) {
		var none T
		return none, time.Time{}, false
	}
	return i.value, i.expires, true
}

func (s *shelf[T]) drop(key string) { delete(s.items, sha256.Sum256([]byte(key))) }

// fresh makes a value nobody can guess: 256 bits.
func fresh() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, it would end the process (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// same compares in a time that tells nothing, not even the lengths.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
