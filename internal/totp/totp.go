// Package totp makes time-based one-time codes (RFC 6238) from a secret that a
// provider gave out, as base32 or as the otpauth:// address behind its QR code.
// It keeps no count of codes and asks no clock: when a code is wanted, and
// whether the last one may be used again, is for the caller to say.
package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// A Key is a shared secret and how codes are made of it. The zero value is no
// key.
type Key struct {
	key    secret.String // raw bytes
	hash   func() hash.Hash
	digits int
	period time.Duration
}

// Parse reads a key: base32, in either case, blanks, dashes and padding left
// out or not, which means SHA-1, 6 digits and 30 seconds; or an
// otpauth://totp/ address, whose algorithm (SHA1, SHA256, SHA512), digits (6
// to 10) and period (1 to 3,600 seconds) count. It takes at most 4 KiB.
//
// Every error is Config, totp.secret (RFC 6238 1.2), and quotes nothing of it.
func Parse(text secret.String) (Key, error) {
	k, err := parse(strings.TrimSpace(text.Reveal()))
	if err != nil {
		return Key{}, &fault.Error{Kind: fault.Config, ID: "totp.secret", Op: "read the secret for one-time codes", Spec: "RFC 6238 1.2",
			Hint: "give the base32 text, or the otpauth:// address, that the provider shows when the second factor is set up", Err: err}
	}
	return k, nil
}

func parse(text string) (Key, error) {
	const most = 4 << 10
	k := Key{hash: sha1.New, digits: 6, period: 30 * time.Second}
	switch {
	case len(text) > most:
		return Key{}, fmt.Errorf("it is larger than %d bytes", most)
	case !strings.HasPrefix(strings.ToLower(text), "otpauth:"):
		return k.with(text)
	}
	u, err := url.Parse(text)
	if err != nil {
		return Key{}, errors.New("the otpauth address is not a URL")
	}
	if !strings.EqualFold(u.Host, "totp") {
		return Key{}, errors.New("the otpauth address is of another type than totp")
	}
	q := u.Query()
	switch strings.ToUpper(q.Get("algorithm")) {
	case "", "SHA1":
	case "SHA256":
		k.hash = sha256.New
	case "SHA512":
		k.hash = sha512.New
	default:
		return Key{}, errors.New("its algorithm is none of SHA1, SHA256, SHA512")
	}
	seconds := 30
	if err := number(q.Get("digits"), &k.digits, 6, 10); err != nil {
		return Key{}, fmt.Errorf("its digits are %w", err)
	}
	if err := number(q.Get("period"), &seconds, 1, 3600); err != nil {
		return Key{}, fmt.Errorf("its period is %w", err)
	}
	k.period = time.Duration(seconds) * time.Second
	return k.with(q.Get("secret"))
}

func number(text string, to *int, least, most int) error {
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return fmt.Errorf("no number from %d to %d", least, most)
	}
	*to = n
	return nil
}

// with adds the secret, written in base32 (RFC 4648 6).
func (k Key) with(text string) (Key, error) {
	text = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\t", "", "\r", "", "\n", "").Replace(text))
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(text, "="))
	switch {
	case err != nil:
		return Key{}, errors.New("it is not base32 (letters A to Z, digits 2 to 7)")
	case len(raw) == 0:
		return Key{}, errors.New("there is no secret in it")
	}
	k.key = secret.New(string(raw))
	return k, nil
}

// Empty reports that there is no key.
func (k Key) Empty() bool { return k.key.Empty() }

// Step numbers the period that at lies in (RFC 6238 4.2). A code is good for
// one use within its step.
func (k Key) Step(at time.Time) int64 {
	if k.Empty() {
		return 0
	}
	return at.Unix() / int64(k.period/time.Second)
}

// Code is the code at a time, empty without a key (RFC 4226 5.3).
func (k Key) Code(at time.Time) string {
	if k.Empty() {
		return ""
	}
	mac := hmac.New(k.hash, []byte(k.key.Reveal()))
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(k.Step(at)))
	_, _ = mac.Write(counter[:]) // a hash takes everything
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	number := uint64(binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff)
	modulus := uint64(1)
	for range k.digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", k.digits, number%modulus)
}
