package quirk

import (
	"errors"
	"net/url"

	"rely/internal/demoop/sealing"
)

// Outside bends what travels of an authorization response, and says by which
// way; empty is the one that was asked for.
func Outside(faults []Fault, v url.Values) (way string) {
	for _, f := range faults {
		if f.Outside != nil {
			way = f.Outside(v)
		}
	}
	return way
}

// Redirect says whether the redirect URI of a request is taken, and may put
// another one into it; fits is what the good provider says.
func Redirect(faults []Fault, q url.Values, registered []string, fits bool) bool {
	for _, f := range faults {
		if f.Redirect != nil {
			fits = f.Redirect(q, registered, fits)
		}
	}
	return fits
}

// Bend runs one hook of every fault that has it.
func Bend[T any](faults []Fault, hook func(Fault) func(T), v T) {
	for _, f := range faults {
		if bend := hook(f); bend != nil {
			bend(v)
		}
	}
}

// Alg is every client's ID token algorithm where a fault names one, else what
// stands without.
func Alg(faults []Fault, without string) string {
	for _, f := range faults {
		if f.Alg != "" {
			without = f.Alg
		}
	}
	return without
}

// Answer bends a token response.
func Answer(faults []Fault, m map[string]any, refresh bool) {
	for _, f := range faults {
		if f.Answer != nil {
			f.Answer(m, refresh)
		}
	}
}

// Keys bends the published key set.
func Keys(faults []Fault, set []map[string]any) []map[string]any {
	for _, f := range faults {
		if f.Keys != nil {
			set = f.Keys(set)
		}
	}
	return set
}

// Sealer bends what is about to be encrypted.
func Sealer(faults []Fault) func(*sealing.Letter) error {
	return sealer(faults, func(f Fault) func(*sealing.Letter) error { return f.Sealed })
}

// ResponseSealer bends a response JWT that is about to be encrypted.
func ResponseSealer(faults []Fault) func(*sealing.Letter) error {
	return sealer(faults, func(f Fault) func(*sealing.Letter) error { return f.ResponseSealed })
}

func sealer(faults []Fault, hook func(Fault) func(*sealing.Letter) error) func(*sealing.Letter) error {
	return func(l *sealing.Letter) (err error) {
		for _, f := range faults {
			if lie := hook(f); lie != nil {
				err = errors.Join(err, lie(l))
			}
		}
		return err
	}
}
