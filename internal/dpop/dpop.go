// Package dpop proves with each request that its sender holds the key to which
// tokens are bound (RFC 9449). It keeps no key and no nonce longer than the
// process, sends nothing by itself but the repetition that a nonce asks for,
// and decides nothing about tokens.
package dpop

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/secret"
)

// Algorithms are those that a key is made for, the best first.
func Algorithms() []string { return []string{"ES256", "EdDSA", "ES384", "PS256", "RS256"} }

// Choose is the algorithm for a provider that lists these in
// dpop_signing_alg_values_supported. One that lists none has no DPoP, which is
// a Config fault (RFC 9449 5.1).
func Choose(listed []string) (string, error) {
	for _, alg := range Algorithms() {
		if slices.Contains(listed, alg) {
			return alg, nil
		}
	}
	f := &fault.Error{Kind: fault.Config, ID: "dpop.impossible", Op: "bind the tokens to a key", Spec: "RFC 9449 5.1",
		Err:  errors.New("the provider's metadata names no dpop_signing_alg_values_supported: it has no DPoP"),
		Hint: "leave --dpop out, or bind the tokens to a certificate where the provider can (tls_client_certificate_bound_access_tokens)"}
	if len(listed) > 0 {
		f.Err = fmt.Errorf("the provider takes proofs signed with %q, and rely makes them with %s", listed, strings.Join(Algorithms(), ", "))
	}
	return "", f
}

// A Prover makes proofs with one key. It is safe for use by several goroutines.
type Prover struct {
	key        jose.Private
	alg        string
	public     json.RawMessage
	thumbprint string
	now        func() time.Time

	mu     sync.Mutex
	nonces map[string]string // by origin (RFC 9449 8.1)
}

// New makes a key for alg, and a prover with it.
func New(alg string, now func() time.Time) (*Prover, error) {
	key, err := jose.Generate(alg)
	if err != nil {
		return nil, broken(err)
	}
	return with(key, now)
}

// Open is the prover of a key that [Prover.Key] gave.
func Open(key secret.String, now func() time.Time) (*Prover, error) {
	keys, err := jose.ParsePrivate("the session", key)
	if err != nil {
		return nil, err
	}
	return with(keys[0], now)
}

func with(key jose.Private, now func() time.Time) (*Prover, error) {
	algs := key.SigningAlgorithms()
	p := &Prover{key: key, alg: algs[0], now: now, nonces: map[string]string{}}
	var err error
	if p.public, p.thumbprint, err = key.PublicKey(); err != nil {
		return nil, broken(err)
	}
	return p, nil
}

func broken(err error) error {
	return &fault.Error{Kind: fault.Internal, ID: "dpop.key", Op: "prove possession of the key", Err: err}
}

// Key is the private key, to be kept with the session.
func (p *Prover) Key() (secret.String, error) { return jose.PrivateSet([]jose.Private{p.key}) }

// Thumbprint is the value of dpop_jkt (RFC 9449 10).
func (p *Prover) Thumbprint() string { return p.thumbprint }

// Proof is the DPoP header of one request (RFC 9449 4.2). access is the token
// that goes with it; empty where none does. It is good for that method and
// address, and for a short time.
func (p *Prover) Proof(method string, to *url.URL, access secret.String) (string, error) {
	jti := make([]byte, 24)
	_, _ = rand.Read(jti) // never fails, by its documentation
	bare := *to
	bare.RawQuery, bare.Fragment, bare.User, bare.ForceQuery = "", "", nil, false
	claims := map[string]any{"jti": base64.RawURLEncoding.EncodeToString(jti), "htm": method, "htu": bare.String(), "iat": p.now().Unix()}
	if !access.Empty() {
		sum := sha256.Sum256([]byte(access.Reveal()))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if nonce := p.nonce(to); nonce != "" {
		claims["nonce"] = nonce
	}
	proof, err := jose.Sign(p.key, map[string]any{"typ": "dpop+jwt", "alg": p.alg, "jwk": p.public}, claims)
	if err != nil {
		return "", broken(err)
	}
	return proof.Reveal(), nil
}

func origin(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(u.Host) }

func (p *Prover) nonce(to *url.URL) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nonces[origin(to)]
}

// remember takes note of an origin's newest nonce, and says whether it is
// another than before. More than a nonce may have (RFC 9449 8.1) is none.
func (p *Prover) remember(to *url.URL, nonce string) bool {
	if nonce == "" || len(nonce) > 4096 || strings.ContainsFunc(nonce, func(r rune) bool { return r < 0x21 || r > 0x7e || r == '"' || r == '\\' }) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := p.nonces[origin(to)] != nonce
	p.nonces[origin(to)] = nonce
	return fresh
}
