package binding

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// Algs are the algorithms of proofs that the desk takes.
func Algs() []string { return []string{"ES256", "EdDSA", "RS256"} }

// fresh is how old a proof may be, and how far ahead its clock.
const fresh = time.Minute

// check looks at the proof of one request (RFC 9449 4.3) and gives the
// thumbprint of its key, or what is wrong with it.
func (d *Desk) check(proofs []string, method, address, token string) (jkt, why string) {
	if len(proofs) != 1 {
		return "", "there has to be exactly one DPoP header"
	}
	m, err := jws.Parse([]byte(proofs[0]), jws.WithCompact())
	if err != nil || len(m.Signatures()) != 1 {
		return "", "the proof is not a compact JWS"
	}
	h := m.Signatures()[0].ProtectedHeaders()
	key := h.JWK()
	if h.Type() != "dpop+jwt" || key == nil || !slices.Contains(Algs(), h.Algorithm().String()) {
		return "", "the proof's typ, alg or jwk is not right"
	}
	if _, private := key.Get("d"); private {
		return "", "the proof carries a private key"
	}
	payload, err := jws.Verify([]byte(proofs[0]), jws.WithKey(jwa.SignatureAlgorithm(h.Algorithm()), key))
	if err != nil {
		return "", "the proof is not signed with the key in it"
	}
	var is struct {
		Jti, Htm, Htu, Ath, Nonce string
		Iat                       int64
	}
	if json.Unmarshal(payload, &is) != nil || is.Jti == "" {
		return "", "the proof's claims cannot be read"
	}
	sum := sha256.Sum256([]byte(token))
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _, used := d.used.Get(is.Jti, d.now())
	switch at := time.Unix(is.Iat, 0); {
	case is.Htm != method || is.Htu != address:
		return "", "the proof is for another request"
	case at.Before(d.now().Add(-fresh)) || at.After(d.now().Add(fresh)):
		return "", "the proof's iat is too old or in the future"
	case token != "" && is.Ath != base64.RawURLEncoding.EncodeToString(sum[:]):
		return "", "the proof's ath is not of the access token"
	case used:
		return "", "the proof was used before"
	case d.rules.Always || d.rules.Nameless || d.rules.Nonce && is.Nonce != d.nonce:
		return "", useNonce
	}
	d.used.Put(is.Jti, true, d.now(), d.now().Add(2*fresh))
	return thumbprint(key), ""
}

func thumbprint(key jwk.Key) string {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// Thumbprint is x5t#S256 of the certificate that the client showed (RFC 8705
// 3.1); empty where it showed none.
func Thumbprint(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
