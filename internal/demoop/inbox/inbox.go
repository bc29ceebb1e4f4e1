// Package inbox takes authorization requests that do not stand in the query:
// pushed by the client itself (RFC 9126) or written into a signed object (RFC
// 9101, OIDC Core 6). It fetches nothing: a request_uri is one of its own.
package inbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"rely/internal/demoop/assertion"
	"rely/internal/demoop/shelf"
	"rely/internal/secret"
)

// A Sender is what is registered of the client that asks.
type Sender struct {
	ID       string
	Secret   secret.String
	Keys     json.RawMessage // jwks
	Alg      string          // request_object_signing_alg; empty: any
	MustPush bool
}

// How many requests are kept, and for how long.
const (
	most = 1000
	life = time.Minute
)

const prefix = "urn:ietf:params:oauth:request_uri:"

// An Inbox keeps what was pushed. It is not safe for concurrent use.
type Inbox struct {
	issuer string
	pushed *shelf.Shelf[url.Values]
	key    jwk.Key // objects may be encrypted to it
	Again  bool    // a fault: what was pushed is good for more than one time
}

// New is an empty one.
func New(issuer string) (*Inbox, error) {
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := jwk.FromRaw(raw)
	return &Inbox{issuer: issuer, pushed: shelf.New[url.Values](most), key: key}, err
}

// Metadata adds to the discovery document what this package takes.
func Metadata(m map[string]any, base string) {
	m["pushed_authorization_request_endpoint"] = base + "/par"
	m["request_parameter_supported"] = true
	m["request_object_signing_alg_values_supported"] = append(assertion.Algs("private_key_jwt"), "HS256")
	m["request_object_encryption_alg_values_supported"] = []string{"ECDH-ES", "ECDH-ES+A256KW"}
	m["request_object_encryption_enc_values_supported"] = []string{"A256GCM", "A128CBC-HS256"}
}

// JWK is the public half of the key to encrypt to.
func (i *Inbox) JWK() map[string]any {
	m := map[string]any{}
	if public, err := i.key.PublicKey(); err == nil {
		b, _ := json.Marshal(public) // a key that was just made
		_ = json.Unmarshal(b, &m)
	}
	m["use"], m["kid"] = "enc", "requests"
	return m
}

// opened is an object without its encryption, where it has one.
func (i *Inbox) opened(object string) string {
	if strings.Count(object, ".") != 4 {
		return object
	}
	for _, alg := range []jwa.KeyEncryptionAlgorithm{jwa.ECDH_ES, jwa.ECDH_ES_A256KW} {
		if text, err := jwe.Decrypt([]byte(object), jwe.WithKey(alg, i.key)); err == nil {
			return string(text)
		}
	}
	return object // the signature says that it is none
}

// Put keeps a request and words the answer (RFC 9126 2.2).
func (i *Inbox) Put(from Sender, q url.Values, now time.Time) map[string]any {
	uri := prefix + shelf.Fresh()
	i.pushed.Put(from.ID+" "+uri, q, now, now.Add(life))
	return map[string]any{"request_uri": uri, "expires_in": int(life / time.Second)}
}

// Open gives the request that a query at the authorization endpoint means: the
// pushed one, once (RFC 9126 4), the one in an object, or itself.
func (i *Inbox) Open(from Sender, q url.Values, now time.Time) (meant url.Values, id, why string) {
	uri := q.Get("request_uri")
	switch {
	case uri == "" && from.MustPush:
		return q, "invalid_request", "this client has to push its requests"
	case uri == "":
		return i.Unfold(from, q, now)
	case !strings.HasPrefix(uri, prefix):
		return q, "request_uri_not_supported", "this provider fetches no requests"
	}
	meant, _, found := i.pushed.Get(from.ID+" "+uri, now)
	if !found {
		return q, "invalid_request_uri", "there is no such request_uri, or it is too old or was used"
	}
	if !i.Again {
		i.pushed.Drop(from.ID + " " + uri)
	}
	return meant, "", ""
}

// Unfold gives the request that a form means: the one in its object, or
// itself, without what proves the client.
func (i *Inbox) Unfold(from Sender, q url.Values, now time.Time) (meant url.Values, id, why string) {
	if !q.Has("request") {
		if from.Alg != "" {
			return q, "invalid_request", "this client has to sign its requests"
		}
		meant = url.Values{}
		for name, values := range q {
			if !slices.Contains([]string{"client_secret", "client_assertion", "client_assertion_type"}, name) {
				meant[name] = values
			}
		}
		return meant, "", ""
	}
	meant, why = i.object(from, q, now)
	if why != "" {
		return q, "invalid_request_object", why
	}
	return meant, "", ""
}

// object reads a request object. Nothing beside it counts (RFC 9101 6.3), but
// what OIDC wants there too has to be the same (OIDC Core 6.1).
func (i *Inbox) object(from Sender, q url.Values, now time.Time) (url.Values, string) {
	payload, typ, err := assertion.Signed(i.opened(q.Get("request")), from.Alg, from.Secret, from.Keys)
	if err != nil {
		return nil, "the request object " + err.Error()
	}
	var all map[string]json.RawMessage
	var is struct {
		Iss, ClientID string
		Aud           any
		Exp, Nbf      float64
	}
	if json.Unmarshal(payload, &all) != nil || json.Unmarshal(payload, &is) != nil {
		return nil, "the request object's claims cannot be read"
	}
	_ = json.Unmarshal(all["client_id"], &is.ClientID) // compared below
	aud, _ := is.Aud.([]any)
	switch {
	case typ != "oauth-authz-req+jwt" && typ != "JWT" && typ != "":
		return nil, "the request object's typ is that of something else" // RFC 9101 10.8
	case is.Iss != from.ID || is.ClientID != from.ID:
		return nil, "the request object's iss and client_id must be the client's"
	case is.Aud != i.issuer && !slices.Contains(aud, any(i.issuer)):
		return nil, "the request object's aud must be the issuer"
	case is.Exp == 0 || now.After(time.Unix(int64(is.Exp), 0)) || is.Exp > float64(now.Add(time.Hour).Unix()):
		return nil, "the request object has expired, has no exp, or one more than an hour away"
	case is.Nbf > float64(now.Add(5*time.Second).Unix()):
		return nil, "the request object is not good yet"
	case all["request"] != nil || all["request_uri"] != nil:
		return nil, "the request object has a request in it" // RFC 9101 4
	}
	meant := parameters(all)
	for _, name := range []string{"response_type", "client_id"} {
		if q.Has(name) && q.Get(name) != meant.Get(name) {
			return nil, name + " beside the request object is another than in it"
		}
	}
	return meant, ""
}

// parameters turns claims back into what they stand for.
func parameters(all map[string]json.RawMessage) url.Values {
	out := url.Values{}
	for name, raw := range all {
		var text string
		var list []string
		switch {
		case slices.Contains([]string{"iss", "aud", "exp", "nbf", "iat", "jti"}, name):
		case json.Unmarshal(raw, &text) == nil:
			out.Set(name, text)
		case name == "resource" && json.Unmarshal(raw, &list) == nil:
			out[name] = list
		default:
			out.Set(name, string(raw)) // a number, or JSON as claims is
		}
	}
	return out
}
