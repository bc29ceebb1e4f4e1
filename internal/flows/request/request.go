// Package request is what all flows have in common: what they need from
// outside, one request in which the client proves itself, and what the tokens
// that it brings have to be. Which requests a flow is made of, flows knows.
package request

import (
	"context"
	"crypto/tls"
	"net/url"
	"time"

	"rely/internal/clientauth"
	"rely/internal/dpop"
	"rely/internal/flows/ask"
	"rely/internal/idtoken"
	"rely/internal/jose"
	"rely/internal/loopback"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/useragent"
	"rely/internal/wire"
)

// A Request is everything that a flow needs from outside.
type Request struct {
	Provider *provider.Provider
	HTTP     *wire.Client
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) error

	ClientID     string
	ClientSecret secret.String // key of HS256 ID tokens; empty for a public client
	Prove        clientauth.Method
	IDTokenAlgs  []string        // the registered algorithm, or those the provider lists
	Encryption   jose.Encryption // of ID tokens, as registered
	DPoP         *dpop.Prover    // binds the tokens to its key; nil where they are not bound
	Proven       ask.Proven      // the certificate's part of what the tokens are bound to
	OwnKeys      []jose.Private  // that decrypt
	Scope        string          // separated by spaces
	ResponseType string          // words in any order; empty for the flow's own
	Registered   []string        // response types that the client is registered for; none where that is not known
	ResponseMode string          // empty for the response type's own
	ResponseAlgs []string        // of a response JWT (JARM 3): the registered algorithm, or those the provider lists
	// ResponseEncryption is of a response JWT, as registered (JARM 3), and
	// ResponseKeys open it.
	ResponseEncryption jose.Encryption
	ResponseKeys       []jose.Private
	Param              url.Values
	TokenParam         url.Values
	Asked              *ask.Ask // what Param asks for; nil for nothing
	Push               bool     // the authorization request goes to the provider from here first (RFC 9126)
	Object             *Object  // how it is signed; nil for not at all (RFC 9101)

	// Where a person signs in.
	RedirectURI string   // loopback; port 0 is any free one
	Fallbacks   []string // other registered ones, for when its port is busy
	Listen      string   // another address to bind, for a forwarded port
	Certificate func() (*tls.Certificate, error)
	Agent       useragent.Agent
	Person      bool                                      // somebody may still finish by hand when Agent fails
	Paste       func(ctx context.Context) (string, error) // the next line typed; nil where there is no terminal
	Announce    func(Announcement)
	Wait        time.Duration // how long to wait for the person; 0 is 5 minutes
	OpenWait    time.Duration // after which a person is told that the browser does not come up; 0 is never
	AllowHost   bool          // the redirect URI may name a host of the user's own, with their certificate

	// What a flow's own settings came to, by their names in the table of
	// settings; which ones it has, its entry says.
	Text  func(setting string) string
	List  func(setting string) []string
	Given func(setting, what string) (secret.String, error)                 // a secret one: standard input, file or variable; empty where there is none
	Ask   func(question string) (secret.String, error)                      // nil where nobody can be asked
	Job   func(ctx context.Context, audience string) (secret.String, error) // identity token of the CI job that this is a part of
	Own   func(ctx context.Context) (*Tokens, error)                        // of the profile's session, renewed where they are old
	Warn  func(text string)                                                 // what the person should know

	// The client's keys, for what it signs beside its proof.
	Keys     secret.String
	KeysName string
	Audience string // of what it signs

	Behalf string // tells apart whose token is redeemed for others; empty for nobody's

	// What is renewed; for the refresh grant alone.
	Refresh secret.String
	Prior   *idtoken.Claims

	// Keep stores the tokens once they have passed every check, before the
	// person is told that they are signed in. Its error ends the flow.
	Keep func(*Tokens) error
}

// An Object is how an authorization request is signed, and encrypted after that
// where Encryption says how.
type Object struct {
	Key        jose.Private
	Alg        string
	Encryption jose.Encryption
}

// An Announcement is what the person is told while the flow waits for them.
type Announcement struct {
	URL         string             // the authorization request, or a device's page with the code in it, to be opened
	Page        string             // where a person types UserCode; empty but for the device flow
	UserCode    string             // what they type there, or compare
	RedirectURI string             // where the answer is awaited
	Listener    *loopback.Listener // nil where none could be opened
	Trouble     error              // why the user agent could not be started; nil at first
	Ignored     error              // a pasted line that was not the answer
	ByAddress   bool               // the answer stands in the address that the browser ends on
	ByCode      bool               // a code alone would be the whole answer
}

// Tokens are what a provider answered, after every check.
type Tokens struct {
	Access, Refresh, ID secret.String
	TokenType           string
	IssuedType          string    // what Access is, where a token exchange says so (RFC 8693 2.2.1)
	Scope               string    // granted; what was asked where the provider says nothing (RFC 6749 5.1)
	Expiry              time.Time // of the access token; zero where the provider says nothing
	Claims              *idtoken.Claims
	Ladder              []idtoken.Rung // what was checked, in order
	RedirectURI         string         // that was used, with its port
	Answer              url.Values     // the authorization response that they came of; nil where there was none
	Members             Members        // of the token response; nil where there was none
	DPoPKey             secret.String  // that the tokens are bound to; empty where they are not
	Behalf              string         // see [Request.Behalf]
}

// A LadderError is a refusal together with everything that was checked up to
// it and after it.
type LadderError struct {
	Ladder []idtoken.Rung
	Err    error
}

// Error is the refusal's own text.
func (e *LadderError) Error() string { return e.Err.Error() }

// Unwrap gives the refusal.
func (e *LadderError) Unwrap() error { return e.Err }

// Kept has the tokens stored, once they have passed every check.
func (r *Request) Kept(t *Tokens) error {
	if t.Behalf = r.Behalf; r.Keep == nil {
		return nil
	}
	return r.Keep(t)
}
