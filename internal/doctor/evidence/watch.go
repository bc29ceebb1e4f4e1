package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"rely/internal/jose"
	"rely/internal/strictjson"
)

// A Watch is what looks before left, and who signs now.
type Watch struct {
	Past   *Past      // nil: this is the first look
	Signed *Signature // what signed just now; nil: nobody signed in
}

// A Past is an earlier look at the keys, by their fingerprints.
type Past struct {
	Taken  time.Time
	Keys   []string
	Signed string // of the key that signed then; empty where that is not known
}

// A Signature is what an ID token said of its key.
type Signature struct{ Kid, Alg string }

// Fingerprint names a key by what it is, not by its kid, which may be used
// again.
func Fingerprint(key json.RawMessage) string {
	h := sha256.New()
	for _, part := range []string{"kty", "crv", "n", "e", "x", "y"} {
		value, _ := strictjson.Lookup(key, part)
		h.Write([]byte(part + string(value) + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Fingerprints are those of the key set, in its order.
func (e *Evidence) Fingerprints() []string {
	var out []string
	for _, k := range e.Keys {
		out = append(out, Fingerprint(k))
	}
	return out
}

// Signing is the fingerprint of the key that signs; empty where nobody signed
// in, or where the set leaves it open.
func (e *Evidence) Signing() string {
	if e.Watch == nil || e.Watch.Signed == nil {
		return ""
	}
	out := ""
	for _, k := range e.Keys {
		info, _, _ := jose.Examine(k)
		if info.Kid != e.Watch.Signed.Kid || info.Alg != "" && info.Alg != e.Watch.Signed.Alg || info.Use == "enc" {
			continue
		}
		if out != "" {
			return ""
		}
		out = Fingerprint(k)
	}
	return out
}
