// Package quirk is the table of the embedded provider's misbehaviours: each
// entry turns on exactly one lie, or one liberty that the specifications
// grant. It only bends what the good provider made; it serves nothing by
// itself, and it knows nothing of the client that has to find out.
package quirk

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"time"

	"rely/internal/demoop/binding"
	"rely/internal/demoop/ciba"
	"rely/internal/demoop/keys"
	"rely/internal/demoop/sealing"
)

// An Endpoint names a part of the provider, for Stats and for [Fault.On].
type Endpoint string

// The endpoints that a fault can take over.
const (
	Discovery Endpoint = "discovery"
	JWKS      Endpoint = "jwks"
	Authorize Endpoint = "authorize"
	Tokens    Endpoint = "token"
	UserInfo  Endpoint = "userinfo"
	Register  Endpoint = "register"
	Devices   Endpoint = "device authorization"
	Elsewhere Endpoint = "backchannel"
	WebFinger Endpoint = "webfinger"
	Push      Endpoint = "pushed authorization request"
	Revoke    Endpoint = "revoke"
	Bureau    Endpoint = "bureau"

	Introspect   Endpoint = "introspect"
	Registration Endpoint = "registration"
)

// A Fault is one misbehaviour. The hooks that are nil leave the good answer
// as it is.
type Fault struct {
	Name  string // lower-kebab; those that start with good- must be accepted
	Help  string // one line: what the provider does
	Rule  string // the section a client cites; empty where nothing is broken
	Group string // discovery, webfinger, registration, keys, id-token, encryption, dpop, mtls, response, asked, pushed, token, device, userinfo, logout, transport, tls, words, good
	At    string // the command that meets it: register, login, userinfo, tokens (a refresh), introspect, logout, or doctor where none of these does
	Exit  int    // what that command should exit with; 0 for a tolerance
	Check string // the check of "rely doctor" that finds it, by its ID; empty where none does
	Needs string // what it shows up with only: "secret" (a confidential client), "encryption" (a client that registered for it), "dpop" or "mtls" (bound tokens), "device", "ciba", "implicit" or "hybrid" (that flow), "ciba-ping" (with a client that is registered for ping), "jarm" (a response JWT), "jarm-encryption" (an encrypted one), "form_post" (that mode), "sources" (claims from elsewhere), what has to be asked for ("max_age", "acr", ...; see wanting in cmd/tour_client.go), or nothing

	Alg         string                                         // every client's ID token algorithm
	Start       func(*keys.Ring) error                         // before the first request
	Metadata    func(m map[string]any)                         // discovery
	Keys        func(set []map[string]any) []map[string]any    // jwks
	Response    func(v url.Values)                             // the good authorization response, to be bent
	IDToken     func(t *Token) error                           // header, claims and key, before signing
	Signed      func(compact string, t *Token) (string, error) // after signing
	Sealed      func(l *sealing.Letter) error                  // before an ID token or UserInfo is encrypted
	Bind        func(r *binding.Rules)                         // how tokens are bound
	Answer      func(m map[string]any, refresh bool)           // the token response
	AccessToken func(t *Token) error                           // header, claims and key of access tokens, which are JWTs then (RFC 9068), before signing
	Claims      func(m map[string]any)                         // userinfo
	Back        func(v url.Values)                             // the parameters with which a logout sends the browser back
	Device      func(m map[string]any)                         // the device authorization response
	Ping        func(n *ciba.Notice)                           // what a client hears when the person has decided

	ResponseJWT    func(t *Token) error                           // the authorization response as a JWT, before signing
	ResponseSigned func(compact string, t *Token) (string, error) // and after
	ResponseSealed func(l *sealing.Letter) error                  // before it is encrypted
	Outside        func(v url.Values) (way string)                // what travels in the end; a way that is not empty is taken in place of the asked one

	Redirect func(q url.Values, registered []string, fits bool) bool // whether the redirect URI of a request is taken

	Pushed func(m map[string]any)    // the pushed authorization response
	Traded func(m map[string]any)    // the answer to a token exchange
	Keep   bool                      // refresh tokens are not rotated
	Again  bool                      // a pushed request is good for more than one time
	On     Endpoint                  // where Serve stands
	Serve  func(x *Exchange)         // answers instead of the good endpoint
	TLS    func(c *tls.Config) error // the https listener
	Front  func(h http.Header)       // what every answer of a public host has
	Plain  bool                      // a public host answers over http as well

	UserInfoToken  func(t *Token) error                           // header, claims and key of a signed UserInfo, before signing
	UserInfoSigned func(compact string, t *Token) (string, error) // after signing
	SourceToken    func(t *Token) error                           // header, claims and key of what a claims provider vouches for, before signing
	SourceSigned   func(compact string, t *Token) (string, error) // after signing
	LogoutToken    func(t *Token) error                           // header, claims and key of a logout token, before signing
	LogoutSigned   func(compact string, t *Token) (string, error) // after signing
	Frame          func(v url.Values)                             // the parameters of a front-channel notice
}

// A Token is an ID token that is about to be signed.
type Token struct {
	Header, Claims map[string]any
	Key            keys.Key   // the key the good provider signs with
	Ring           *keys.Ring // all its keys
	Refresh        bool       // this is the answer to a refresh request
	Front          bool       // it goes through the browser
	Access, Code   string     // what goes with it; empty where nothing does
	Now            time.Time
}

// An Exchange is one request to an endpoint that a fault has taken over.
type Exchange struct {
	W     http.ResponseWriter
	R     *http.Request
	Count int                                  // 1 for the first request to this endpoint
	Good  http.Handler                         // what would have answered
	Stop  <-chan struct{}                      // closed when the server closes
	Tick  func(time.Duration) <-chan time.Time // nil: time stands still
	Reach func(uri string)                     // asks for an address on this machine
}
