package jose

import (
	"encoding/json"
	"fmt"
	"strings"

	"rely/internal/fault"
	"rely/internal/strictjson"
)

// A Set is a provider's JWKS (RFC 7517 5), split into raw keys; a key is read
// only when a signature needs it, so a key of an unknown type does no harm.
// The zero value has no keys.
type Set struct{ keys []json.RawMessage }

// A KeyInfo describes a key for messages. Members that the key lacks are
// empty; Bits is the size of the modulus or the curve, 0 where unknown.
type KeyInfo struct {
	Kid, Kty, Alg, Use, Crv string
	Bits                    int
}

// String is the description in a few words, as "RSA 2048 bits, kid \"k1\"".
// The kid is quoted as Go does it.
func (k KeyInfo) String() string {
	if k.Kty == "oct" {
		return "the client secret"
	}
	words := k.Kty
	switch {
	case k.Crv != "":
		words += " " + k.Crv
	case k.Bits > 0:
		words += fmt.Sprintf(" %d bits", k.Bits)
	}
	if k.Kid == "" {
		return words + ", no kid"
	}
	return words + ", kid " + quote(k.Kid)
}

// ParseSet splits a JWKS: at most [MaxKeySet] bytes and [MaxKeys] keys, JSON
// without repeated members, "keys" an array. The set shares memory with data.
// Every error is Protocol, its ID [IDKeySet].
func ParseSet(data []byte) (Set, error) {
	keys, err := split(data)
	if err != nil {
		return Set{}, &fault.Error{Kind: fault.Protocol, ID: IDKeySet, Op: "read the provider's keys",
			Hint: "look at the provider's jwks_uri", Spec: "RFC 7517 5", Err: err}
	}
	return Set{keys}, nil
}

func split(data []byte) ([]json.RawMessage, error) {
	if len(data) > MaxKeySet {
		return nil, fmt.Errorf("the key set has %d bytes, more than %d", len(data), MaxKeySet)
	}
	keys, found, err := strictjson.ArrayIn(data, "keys", MaxKeys)
	switch {
	case !found && err == nil:
		err = fmt.Errorf("the key set has no member %q", "keys")
	case !found:
		err = fmt.Errorf("the key set cannot be read: %w", err)
	case err != nil:
		err = fmt.Errorf("the member %q cannot be used: %w", "keys", err)
	}
	return keys, err
}

// Keys describes every key, in order, also those that cannot be used.
func (s Set) Keys() []KeyInfo {
	all := make([]KeyInfo, 0, len(s.keys))
	for _, raw := range s.keys {
		all = append(all, describe(raw))
	}
	return all
}

// candidates are the keys that may have made a signature: those with the kid
// and a fitting description, or without a kid all that fit.
func (s Set) candidates(kid string, alg algorithm) ([]json.RawMessage, error) {
	var fitting []json.RawMessage
	var reason error
	seen := 0
	for _, raw := range s.keys {
		if kid != "" && text(raw, "kid") != kid {
			continue
		}
		seen++
		if err := fits(raw, alg); err != nil {
			if reason == nil {
				reason = err
			}
			continue
		}
		fitting = append(fitting, raw)
	}
	const spec = "OIDC Core 10.1"
	switch {
	case len(fitting) > 0:
		return fitting, nil
	case kid != "" && seen == 0:
		return nil, refuse(IDKey, spec, "of %s none has the kid %s: %w", fault.Count(len(s.keys), "key", "keys"), quote(kid), ErrUnknownKey)
	case kid != "":
		return nil, refuse(IDKey, spec, "the key %s does not fit %s: %w", quote(kid), alg.name, reason)
	case len(s.keys) == 1:
		return nil, refuse(IDKey, spec, "the only key does not fit %s: %w: %w", alg.name, reason, ErrUnknownKey)
	}
	return nil, refuse(IDKey, spec, "of %s none fits %s: %w", fault.Count(len(s.keys), "key", "keys"), alg.name, ErrUnknownKey)
}

// fits tells from the description alone whether a key may verify alg.
func fits(raw json.RawMessage, alg algorithm) error {
	if kty := text(raw, "kty"); kty != alg.kty {
		return fmt.Errorf("its kty is %s, not %s", quote(kty), alg.kty)
	}
	if crv := text(raw, "crv"); alg.crv != "" && crv != alg.crv {
		return fmt.Errorf("its crv is %s, not %s", quote(crv), alg.crv)
	}
	if v, ok := strictjson.Lookup(raw, "use"); ok && string(v) != `"sig"` {
		return fmt.Errorf("its use is %s, not sig", quote(strings.Trim(string(v), `"`)))
	}
	if v, ok := strictjson.Lookup(raw, "key_ops"); ok {
		if ops, err := strictjson.Array(v, 100); err != nil || !contains(ops, `"verify"`) {
			return fmt.Errorf("its key_ops are %s, without verify", quote(string(v)))
		}
	}
	if v, ok := strictjson.Lookup(raw, "alg"); ok && string(v) != `"`+alg.name+`"` {
		return fmt.Errorf("its alg is %s, not %s", quote(strings.Trim(string(v), `"`)), alg.name)
	}
	return nil
}

func contains(list []json.RawMessage, want string) bool {
	for _, v := range list {
		if string(v) == want {
			return true
		}
	}
	return false
}

func describe(raw json.RawMessage) KeyInfo {
	k := KeyInfo{Kid: text(raw, "kid"), Kty: text(raw, "kty"), Alg: text(raw, "alg"), Use: text(raw, "use"), Crv: text(raw, "crv")}
	switch k.Crv {
	case "P-256", "Ed25519", "X25519":
		k.Bits = 256
	case "P-384":
		k.Bits = 384
	case "P-521":
		k.Bits = 521
	}
	if k.Kty == "RSA" {
		if n, err := number(raw, "n"); err == nil {
			k.Bits = n.BitLen()
		}
	}
	return k
}

// text is a member that is a string, "" where it is missing or something else.
func text(raw json.RawMessage, name string) (s string) {
	value, _ := strictjson.Lookup(raw, name)
	_ = strictjson.Read(value, &s)
	return s
}
