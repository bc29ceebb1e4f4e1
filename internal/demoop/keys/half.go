package keys

import (
	"crypto/sha256"
	"crypto/sha512"
	"strings"
)

// Half is the left half of the hash that goes with alg (OIDC Core 3.1.3.6);
// Ed25519 hashes with SHA-512.
func Half(alg, value string) string {
	switch {
	case alg == "EdDSA":
		sum := sha512.Sum512([]byte(value))
		return Part(sum[:32])
	case strings.HasSuffix(alg, "384"):
		sum := sha512.Sum384([]byte(value))
		return Part(sum[:24])
	}
	sum := sha256.Sum256([]byte(value))
	return Part(sum[:16])
}
