package idtoken

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

// Decode reads the claims of a token without verifying anything: for a token
// that was verified when it was stored, and for showing one with a warning. A
// claim of a wrong type counts as missing. Every error is Protocol.
func Decode(token secret.String) (*Claims, error) {
	s, err := jose.Parse(token.Reveal())
	if err != nil {
		return nil, err
	}
	c, _, err := parse(s.Payload)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "idtoken.claims", Op: "read the ID token", Spec: "RFC 7519 7.2", Hint: hintBug, Err: err}
	}
	return c, nil
}

// parse reads the claims; wrong has an entry for each one of a wrong type, so
// that its own rule can say so.
func parse(payload []byte) (c *Claims, wrong map[string]error, err error) {
	all, err := strictjson.Object(payload)
	if err != nil {
		return nil, nil, fmt.Errorf("the payload cannot be read: %w", err)
	}
	c = &Claims{Raw: payload, All: all}
	wrong = make(map[string]error)
	read := func(name string, into func(json.RawMessage) error) {
		if raw, ok := all[name]; ok {
			if err := into(raw); err != nil {
				wrong[name] = fmt.Errorf("%q %w", name, err)
			}
		}
	}
	for name, to := range map[string]*string{
		"iss": &c.Issuer, "sub": &c.Subject, "azp": &c.Azp, "nonce": &c.Nonce,
		"acr": &c.Acr, "at_hash": &c.AtHash, "c_hash": &c.CHash,
	} {
		read(name, func(raw json.RawMessage) (err error) { *to, err = text(raw); return })
	}
	for name, to := range map[string]*time.Time{"exp": &c.Expiry, "iat": &c.IssuedAt, "auth_time": &c.AuthTime} {
		read(name, func(raw json.RawMessage) (err error) { *to, err = date(raw); return })
	}
	read("aud", func(raw json.RawMessage) (err error) { c.Audience, err = texts(raw); return })
	return c, wrong, nil
}

func text(raw json.RawMessage) (string, error) {
	var s string
	if raw[0] != '"' || !strictjson.Read(raw, &s) {
		return "", errors.New("is not a string")
	}
	return s, nil
}

// texts is a string or an array of strings, as aud may be.
func texts(raw json.RawMessage) ([]string, error) {
	if raw[0] == '"' {
		s, err := text(raw)
		return []string{s}, err
	}
	bad := errors.New("is neither a string nor an array of strings")
	if raw[0] != '[' {
		return nil, bad
	}
	list, err := strictjson.Array(raw, jose.MaxToken)
	if err != nil {
		return nil, bad
	}
	all := make([]string, 0, len(list))
	for _, item := range list {
		s, err := text(item)
		if err != nil {
			return nil, bad
		}
		all = append(all, s)
	}
	return all, nil
}

// date is a NumericDate (RFC 7519 2): seconds since 1970, with or without a
// fraction. It stops at the year 9999, beyond which are milliseconds, jokes
// and overflow.
func date(raw json.RawMessage) (time.Time, error) {
	const last = 253402300799
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return time.Time{}, errors.New("is not a number")
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds > last {
		return time.Time{}, errors.New("is after the year 9999; a date is in seconds")
	}
	if seconds < 0 {
		return time.Time{}, errors.New("is before 1970")
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), nil
}
