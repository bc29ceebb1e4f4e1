package jose

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

// IDs of the errors of [ParseEncrypted] and [Encrypted.Decrypt].
const (
	IDPlain      = "jose.plain"      // not encrypted where encryption was registered
	IDEncryption = "jose.encryption" // alg or enc is not the registered one
	IDCompressed = "jose.zip"        // it is compressed
	IDDecryption = "jose.decryption" // no key of the client's opens it, or it was changed
	IDRecipient  = "jose.recipient"  // the other side has no key to encrypt to
)

// An Encryption is how something is encrypted, as it was registered. The zero
// value is: not at all.
type Encryption struct {
	Alg string // RFC 7518 4.1
	Enc string // RFC 7518 5.1; empty is A128CBC-HS256 (OIDC Registration 2)
}

// None reports whether nothing is encrypted.
func (e Encryption) None() bool { return e.Alg == "" }

func (e Encryption) enc() string { return cmp.Or(e.Enc, "A128CBC-HS256") }

// String is the two algorithms, for messages.
func (e Encryption) String() string { return e.Alg + " with " + e.enc() }

// KeyAlgorithms lists the values of alg that this package encrypts and
// decrypts with, the best first. RSA1_5 is not among them (RFC 8725 3.2; a
// padding oracle), and neither is PBES2, whose work the sender would choose.
func KeyAlgorithms() []string {
	return []string{"ECDH-ES+A256KW", "ECDH-ES+A192KW", "ECDH-ES+A128KW", "ECDH-ES", "RSA-OAEP-256", "RSA-OAEP", "A256KW", "A192KW", "A128KW", "dir"}
}

// ContentAlgorithms lists the values of enc, the best first.
func ContentAlgorithms() []string {
	return []string{"A256GCM", "A128GCM", "A256CBC-HS512", "A128CBC-HS256"}
}

// Check refuses algorithms that this package does not have, as a Config fault.
func (e Encryption) Check() error {
	unknown := ""
	switch {
	case e.None() && e.Enc == "":
	case e.None():
		unknown = fmt.Sprintf("enc %s is there without an alg", quote(e.Enc))
	case !slices.Contains(KeyAlgorithms(), e.Alg):
		unknown = fmt.Sprintf("alg %s is not one of %s", quote(e.Alg), strings.Join(KeyAlgorithms(), ", "))
	case !slices.Contains(ContentAlgorithms(), e.enc()):
		unknown = fmt.Sprintf("enc %s is not one of %s", quote(e.Enc), strings.Join(ContentAlgorithms(), ", "))
	}
	if unknown == "" {
		return nil
	}
	return &fault.Error{Kind: fault.Config, ID: IDEncryption, Op: "read the client's registration", Spec: "RFC 7518 4.1, 5.1",
		Err: errors.New(unknown), Hint: "register the client for one of those"}
}

// kty is the type of key that alg needs.
func (e Encryption) kty() string {
	switch {
	case strings.HasPrefix(e.Alg, "RSA"):
		return "RSA"
	case strings.HasPrefix(e.Alg, "ECDH"):
		return "EC"
	}
	return "oct"
}

// shared is the key that follows from the client's secret (OIDC Core 10.2): the
// left part of a hash of its bytes, as long as alg needs it, or for dir enc.
func (e Encryption) shared(s secret.String) []byte {
	size := map[string]int{"A128KW": 16, "A192KW": 24, "A256KW": 32}[e.Alg]
	if e.Alg == "dir" {
		size = map[string]int{"A128GCM": 16, "A256GCM": 32, "A128CBC-HS256": 32, "A256CBC-HS512": 64}[e.enc()]
	}
	if size > 32 {
		sum := sha512.Sum512([]byte(s.Reveal()))
		return sum[:size]
	}
	sum := sha256.Sum256([]byte(s.Reveal()))
	return sum[:size]
}

// An Encrypted is a compact JWE taken apart. Nothing in its header is trusted.
type Encrypted struct {
	Header
	Enc string
	Zip string // compression, which is never undone

	token string
	sizes [5]int          // of the parts, in bytes
	epk   json.RawMessage // of ECDH-ES; nil where there is none
}

// ParseEncrypted takes a compact JWE apart (RFC 7516 7.1): at most [MaxToken]
// bytes, exactly five parts of base64url without padding, a header that is a
// JSON object without repeated members. It decrypts nothing.
//
// Every error is Protocol, its ID [IDForm], or [IDPlain] for a token of three
// parts.
func ParseEncrypted(token string) (*Encrypted, error) {
	bad := func(format string, args ...any) (*Encrypted, error) {
		return nil, refuseSealed(IDForm, "RFC 7516 7.1", format, args...)
	}
	switch dots := strings.Count(token, "."); {
	case len(token) > MaxToken:
		return bad("it has %d bytes, more than %d", len(token), MaxToken)
	case strings.HasPrefix(token, "{"):
		return bad("it is in the JSON serialization, not the compact one")
	case dots == 2:
		return nil, refuseSealed(IDPlain, "OIDC Core 3.1.3.7 (1)", "it is not encrypted, and the client is registered for encryption")
	case dots != 4:
		return bad("it has %d parts, not five", dots+1)
	}
	parts := strings.Split(token, ".")
	var head []byte
	var sizes [5]int
	for n, part := range parts {
		b, err := decode(part)
		if err != nil {
			return bad("part %d is not base64url without padding: %w", n+1, err)
		}
		if sizes[n] = len(b); n == 0 {
			head = b
		}
	}
	h, err := parseHeader(head)
	if err != nil {
		return bad("the header cannot be read: %w", err)
	}
	e := &Encrypted{Header: h, Enc: text(head, "enc"), token: token, sizes: sizes}
	if zip, there := strictjson.Lookup(head, "zip"); there {
		e.Zip = strings.Trim(string(zip), `"`)
	}
	e.epk, _ = strictjson.Lookup(head, "epk")
	return e, nil
}

// refuseSealed words a broken rule of an encrypted token.
func refuseSealed(id, spec, format string, args ...any) error {
	e := &fault.Error{Kind: fault.Protocol, ID: id, Op: "decrypt the token", Spec: spec, Err: fmt.Errorf(format, args...)}
	switch id {
	case IDPlain, IDEncryption:
		e.Hint = "compare the algorithms with the client's registration at the provider (\"rely register show\")"
	case IDCompressed:
		e.Hint = "have the provider encrypt without compression"
	case IDDecryption:
		e.Hint = "compare the client's key with the one that is registered; \"rely register update\" replaces it"
	}
	return e
}

// Decrypt gives the plaintext: for a nested JWT its compact form. want is what
// was registered; the header has to say the same, so that nobody but the
// client decides what is done with its keys. zip is refused, because nothing
// says how much comes out of it (RFC 8725 3.6). keys are the client's own, and
// clientSecret the one that alg dir and the AES ones derive their key from.
//
// An error is Protocol, its ID [IDCritical], [IDEncryption],
// [IDCompressed] or [IDDecryption],
// or Config where want itself or the client's keys cannot be used.
func (t *Encrypted) Decrypt(want Encryption, keys []Private, clientSecret secret.String) ([]byte, error) {
	if err := want.Check(); err != nil {
		return nil, err
	}
	const spec = "RFC 8725 3.1"
	switch {
	case len(t.Critical) > 0:
		return nil, refuseSealed(IDCritical, "RFC 7516 4.1.13", "the header has %s, which is not understood here", strings.Join(t.Critical, " and "))
	case t.Alg != want.Alg:
		return nil, refuseSealed(IDEncryption, spec, "alg is %s, and %s is registered", quote(t.Alg), want.Alg)
	case t.Enc != want.enc():
		return nil, refuseSealed(IDEncryption, spec, "enc is %s, and %s is registered", quote(t.Enc), want.enc())
	case t.Zip != "":
		return nil, refuseSealed(IDCompressed, "RFC 8725 3.6", "it is compressed (zip %s), which is refused", quote(t.Zip))
	}
	if err := want.Openable(keys, clientSecret); err != nil {
		return nil, err
	}
	if !want.Asymmetric() {
		return t.open(want, want.shared(clientSecret))
	}
	fitting, err := want.own(keys, t.Kid)
	if err != nil {
		return nil, err
	}
	for _, k := range fitting {
		if plain, err := t.open(want, k.signer); err == nil {
			return plain, nil
		}
	}
	f := refuseSealed(IDDecryption, "RFC 7516 5.2", "no key of the client's for %s opens it, or it was changed", want.Alg)
	if t.Kid != "" {
		f = refuseSealed(IDDecryption, "RFC 7516 5.2", "no key of the client's for %s opens it, or it was changed; it is for the key %s, and here %s", want.Alg, quote(t.Kid), names(fitting))
	}
	return nil, f
}

// Asymmetric reports whether alg takes a key of the client's own; the others
// take its secret.
func (e Encryption) Asymmetric() bool { return !e.None() && e.kty() != "oct" }

// Openable refuses, as a Config fault, what these keys and this secret could
// not decrypt: before anybody encrypts it.
func (e Encryption) Openable(keys []Private, clientSecret secret.String) error {
	switch {
	case e.None():
		return nil
	case e.Asymmetric():
		_, err := e.own(keys, "")
		return err
	case clientSecret.Empty():
		return noKey(e, errors.New("it is made from the client's secret, and there is none"))
	}
	return nil
}

// own are those of the client's keys that may open it: by kid where one has
// it, else all of the right type.
func (e Encryption) own(keys []Private, kid string) ([]Private, error) {
	var fitting, named []Private
	for _, k := range keys {
		if k.kty() != e.kty() || k.alg() != "" && k.alg() != e.Alg || k.use() == "sig" {
			continue
		}
		fitting = append(fitting, k)
		if kid != "" && k.Kid() == kid {
			named = append(named, k)
		}
	}
	switch {
	case len(named) > 0:
		return named[:min(len(named), maxTries)], nil
	case len(fitting) > 0:
		return fitting[:min(len(fitting), maxTries)], nil
	}
	return nil, noKey(e, fmt.Errorf("none of the client's keys is an %s one for encryption", e.kty()))
}

func noKey(e Encryption, why error) error {
	return &fault.Error{Kind: fault.Config, ID: "key.decryption", Op: "decrypt the token", Spec: "OIDC Core 10.2", Err: fmt.Errorf("%s needs a key: %w", e.Alg, why),
		Hint: "register with --generate-key encryption, or give the registered key with --client-key-file FILE"}
}

// open lets jwx do the cryptography, once the header is known to be harmless.
func (t *Encrypted) open(want Encryption, key any) ([]byte, error) {
	refused := refuseSealed(IDDecryption, "RFC 7516 5.2", "the client's key does not open it, or it was changed")
	if !want.shaped(t.sizes) {
		return nil, refused
	}
	if k, isEC := key.(*ecdsa.PrivateKey); isEC {
		// A point that is not on the curve would tell of the key (RFC 8725 3.4).
		crv := k.Curve.Params().Name
		if _, err := ecKey(t.epk, crv); err != nil || text(t.epk, "crv") != crv {
			return nil, refused
		}
	}
	plain, err := jwe.Decrypt([]byte(t.token), jwe.WithKey(jwa.KeyEncryptionAlgorithm(want.Alg), key))
	if err != nil || len(plain) == 0 {
		return nil, refused // jwx names algorithms and internals; the person needs one fact
	}
	return plain, nil
}

// shaped reports whether the parts have the lengths that the algorithms give
// them. jwx panics on a wrapped key that is empty, and takes a tag that is cut
// short.
func (e Encryption) shaped(sizes [5]int) bool {
	enc := map[string]struct{ cek, iv, tag int }{
		"A128GCM": {16, 12, 16}, "A256GCM": {32, 12, 16}, "A128CBC-HS256": {32, 16, 16}, "A256CBC-HS512": {64, 16, 32},
	}[e.enc()]
	key := sizes[1] == 0
	switch {
	case e.kty() == "RSA":
		key = sizes[1] >= 256
	case strings.HasSuffix(e.Alg, "KW"):
		key = sizes[1] == enc.cek+8 // RFC 3394 2.2.1
	}
	return key && sizes[2] == enc.iv && sizes[3] > 0 && sizes[4] == enc.tag && (enc.iv == 12 || sizes[3]%16 == 0)
}

// Encrypt makes a compact JWE of plaintext, which is not empty, for the owner
// of keys: a provider, by its JWKS. cty is "JWT" for a nested token and empty
// for anything else. alg dir and the AES ones take the key that follows from
// clientSecret.
//
// An error is Config for algorithms that this package does not have, and
// Protocol ([IDRecipient]) where no key of the set fits.
func (e Encryption) Encrypt(plaintext []byte, cty string, keys Set, clientSecret secret.String) (string, error) {
	if err := e.Check(); err != nil {
		return "", err
	}
	headers := jwe.NewHeaders()
	var key any
	if !e.Asymmetric() {
		if err := e.Openable(nil, clientSecret); err != nil {
			return "", err
		}
		key = e.shared(clientSecret)
	} else {
		raw, public, err := e.recipient(keys)
		if err != nil {
			return "", err
		}
		key = public
		if kid := text(raw, "kid"); kid != "" {
			_ = headers.Set(jwe.KeyIDKey, kid)
		}
	}
	if cty != "" {
		_ = headers.Set(jwe.ContentTypeKey, cty)
	}
	if len(plaintext) == 0 {
		return "", &fault.Error{Kind: fault.Internal, ID: "jose.encrypt", Op: "encrypt with " + e.String(), Err: errors.New("there is nothing to encrypt")}
	}
	sealed, err := jwe.Encrypt(plaintext, jwe.WithKey(jwa.KeyEncryptionAlgorithm(e.Alg), key),
		jwe.WithContentEncryption(jwa.ContentEncryptionAlgorithm(e.enc())), jwe.WithProtectedHeaders(headers))
	if err != nil {
		return "", &fault.Error{Kind: fault.Internal, ID: "jose.encrypt", Op: "encrypt with " + e.String(), Err: err}
	}
	return string(sealed), nil
}

// recipient is the first key of the set that may be encrypted to.
func (e Encryption) recipient(keys Set) (json.RawMessage, any, error) {
	reason := fmt.Errorf("of %s none is an %s one for encryption", fault.Count(len(keys.keys), "key", "keys"), e.kty())
	for _, raw := range keys.keys {
		use, alg := text(raw, "use"), text(raw, "alg")
		ops, hasOps := strictjson.Lookup(raw, "key_ops")
		list, _ := strictjson.Array(ops, 100)
		if text(raw, "kty") != e.kty() || use != "" && use != "enc" || alg != "" && alg != e.Alg ||
			hasOps && !contains(list, `"encrypt"`) && !contains(list, `"wrapKey"`) && !contains(list, `"deriveKey"`) && !contains(list, `"deriveBits"`) {
			continue
		}
		key, err := publicKey(raw, algorithm{kty: e.kty(), crv: text(raw, "crv")})
		if err == nil {
			return raw, key, nil
		}
		reason = err
	}
	return nil, nil, &fault.Error{Kind: fault.Protocol, ID: IDRecipient, Op: "encrypt with " + e.String(), Spec: "OIDC Core 10.2", Err: reason,
		Hint: "look at the keys at the provider's jwks_uri: it needs one with use enc"}
}

// kty is the key's type, as in a JWK.
func (p Private) kty() string {
	switch p.signer.(type) {
	case *rsa.PrivateKey:
		return "RSA"
	case *ecdsa.PrivateKey:
		return "EC"
	}
	return ""
}

func (p Private) alg() string {
	if p.key == nil {
		return ""
	}
	return p.key.Algorithm().String()
}

func (p Private) use() string {
	if p.key == nil {
		return ""
	}
	return p.key.KeyUsage()
}
