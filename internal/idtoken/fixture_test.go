package idtoken

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/secret"
)

const (
	issuer       = "https://op.example"
	clientID     = "demo"
	nonce        = "a nonce that is long enough to have a tag"
	accessToken  = "an access token nobody may see"
	code         = "an authorization code nobody may see"
	clientSecret = "a client secret of decent length"
	now          = 1_795_000_000 // whole seconds, late 2026
)

type members = map[string]any

// The tokens are signed with the standard library, not with what verifies them.
var (
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, 32)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func keySet() jose.Set {
	point := must(ecKey().PublicKey.Bytes())
	return must(jose.ParseSet(must(json.Marshal(members{"keys": []members{
		{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
		{"kty": "EC", "crv": "P-256", "kid": "e", "x": b64(point[1:33]), "y": b64(point[33:])},
		{"kty": "RSA", "kid": "r", "n": b64(rsaKey().N.Bytes()), "e": b64(big.NewInt(int64(rsaKey().E)).Bytes())},
		{"kty": "OKP", "crv": "Ed25519", "kid": "d", "x": b64(edKey().Public().(ed25519.PublicKey))},
		{"kty": "RSA", "kid": "weak", "n": b64(rsaKey().N.Bytes()[:128]), "e": "AQAB"},
	}}))))
}

func signature(alg, input string) []byte {
	sum := sha256.Sum256([]byte(input))
	switch alg {
	case "ES256":
		r, s, err := ecdsa.Sign(rand.Reader, ecKey(), sum[:])
		if err != nil {
			panic(err)
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	case "RS256":
		return must(rsa.SignPKCS1v15(rand.Reader, rsaKey(), crypto.SHA256, sum[:]))
	case "PS256":
		return must(rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	case "EdDSA":
		return ed25519.Sign(edKey(), []byte(input))
	case "HS256":
		mac := hmac.New(sha256.New, []byte(clientSecret))
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
	return []byte("no signature")
}

func sign(header members, payload []byte) string {
	alg, _ := header["alg"].(string)
	input := b64(must(json.Marshal(header))) + "." + b64(payload)
	return input + "." + b64(signature(alg, input))
}

// merged is a copy of base changed by with; nil deletes a member.
func merged(base, with members) members {
	m := maps.Clone(base)
	for name, v := range with {
		if v == nil {
			delete(m, name)
		} else {
			m[name] = v
		}
	}
	return m
}

func goodHeader() members { return members{"alg": "ES256", "kid": "e", "typ": "JWT"} }

func goodClaims() members {
	return members{"iss": issuer, "sub": "alice", "aud": clientID, "exp": now + 300, "iat": now, "nonce": nonce, "name": "Alice"}
}

func goodExpected() Expected {
	return Expected{
		Issuer: issuer, ClientID: clientID, Algs: []string{"ES256"}, Nonce: nonce,
		ClientSecret: secret.New(clientSecret), AccessToken: secret.New(accessToken), Code: secret.New(code),
		Keys: func(context.Context, bool) (jose.Set, error) { return keySet(), nil },
		Now:  time.Unix(now, 0),
	}
}

// failed are the names of the rungs that failed.
func failed(rungs []Rung) string {
	var names []string
	for _, r := range rungs {
		if r.Status == Failed {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, " ")
}

// check compares an outcome with the names of the rules that must fail, the
// first of which must be in the error.
func check(t *testing.T, c *Claims, rungs []Rung, err error, want, words string) {
	t.Helper()
	if got := failed(rungs); got != want {
		t.Errorf("got the failed rules %q, want %q (%v)", got, want, err)
	}
	if len(rungs) != len(Rules()) {
		t.Errorf("got %d rungs, want %d", len(rungs), len(Rules()))
	}
	for _, r := range rungs {
		all := fmt.Sprint(r)
		for _, s := range []string{nonce, accessToken, code, clientSecret} {
			if strings.Contains(all, s) {
				t.Errorf("the rung %s shows a secret: %s", r.Name, all)
			}
		}
		if r.Status != Skipped && (r.Expected == "" || r.Actual == "") {
			t.Errorf("the rung %+v lacks expected or actual", r)
		}
	}
	if want == "" {
		if err != nil || c == nil {
			t.Errorf("got %v, %v, want claims and no error", c, err)
		}
		return
	}
	first, _, _ := strings.Cut(want, " ")
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.Protocol || f.ID != "idtoken."+first || f.Spec == "" || f.Hint == "" || f.Op != "check the ID token" {
		t.Errorf("got %+v, want idtoken.%s with section and hint", err, first)
	}
	if err != nil && !strings.Contains(err.Error(), words) {
		t.Errorf("got %q, want %q in it", err, words)
	}
	if c != nil {
		t.Errorf("got claims of a refused token: %v", c)
	}
}

// rotated is a set whose only key fits and is not the one that signs.
func rotated() jose.Set {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point := must(other.PublicKey.Bytes())
	return must(jose.ParseSet(must(json.Marshal(members{"keys": []members{{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}}}))))
}
