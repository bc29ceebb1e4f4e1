package jose

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"rely/internal/strictjson"
)

// KeySize is the length in bytes of a key for [Encrypt] and [Decrypt].
const KeySize = 32

// maxSealed bounds what [Decrypt] looks at, in bytes.
const maxSealed = 16 << 20

// Encrypt seals plaintext as a compact JWE with alg dir and enc A256GCM
// (RFC 7518 4.5, 5.3) and a fresh random nonce. The key has [KeySize] bytes;
// the plaintext is not empty, because jwx could not open it again.
func Encrypt(key, plaintext []byte) ([]byte, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key has %d bytes, not %d", len(key), KeySize)
	}
	if len(plaintext) == 0 {
		return nil, errors.New("there is nothing to seal")
	}
	return jwe.Encrypt(plaintext, jwe.WithKey(jwa.DIRECT, key), jwe.WithContentEncryption(jwa.A256GCM))
}

// Decrypt opens what [Encrypt] sealed. A header that asks for anything else,
// such as zip, PBES2 or another enc, is refused before any cryptography, so a
// forged file costs nothing. Its errors are for the caller to word, which
// knows the file's name; they say no more than what is wrong.
func Decrypt(key, sealed []byte) ([]byte, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key has %d bytes, not %d", len(key), KeySize)
	}
	if len(sealed) > maxSealed {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(sealed), maxSealed)
	}
	if dots := bytes.Count(sealed, []byte(".")); dots != 4 {
		return nil, errors.New("it is not a compact JWE")
	}
	first, rest, _ := bytes.Cut(sealed, []byte("."))
	header, err := decode(string(first))
	if err != nil {
		return nil, errors.New("its header is not base64url")
	}
	all, err := strictjson.Object(header)
	if err != nil {
		return nil, fmt.Errorf("its header cannot be read: %w", err)
	}
	if len(all) != 2 || string(all["alg"]) != `"dir"` || string(all["enc"]) != `"A256GCM"` || rest[0] != '.' {
		return nil, errors.New("it is not sealed with dir and A256GCM alone")
	}
	plaintext, err := jwe.Decrypt(sealed, jwe.WithKey(jwa.DIRECT, key))
	if err != nil {
		// jwx names algorithms and internals; the person needs one fact.
		return nil, errors.New("the key does not open it, or it was changed")
	}
	return plaintext, nil
}
