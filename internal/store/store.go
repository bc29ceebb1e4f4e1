// Package store keeps sessions and client secrets between runs: one small file
// for each profile and kind, plain or encrypted with a key of the OS keyring,
// or nothing but memory. It refuses files that others may have read or written,
// never falls back to a weaker way of keeping by itself, and looks into no
// token.
package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"rely/internal/secret"
)

// A Session is what one sign-in left behind.
type Session struct {
	Profile  string // set by PutSession
	Issuer   string
	ClientID string
	Flow     string // name of the flow that obtained it
	Subject  string // sub of the ID token; empty without one
	Name     string // what to call the person; may be empty

	Scope     string
	TokenType string // as the OP sent it
	Access    secret.String
	Refresh   secret.String
	ID        secret.String

	Expiry   time.Time // of the access token; zero means unknown
	Obtained time.Time

	Settings    string   // digest of the settings it was obtained under, opaque here
	RedirectURI string   // the one used at sign-in
	Algs        []string // signing algorithms accepted for its ID tokens

	Behalf  string        // tells apart whose token was redeemed for these, opaque here; empty for nobody's
	DPoPKey secret.String // that the tokens are bound to (RFC 9449); empty where they are not
}

// Handed reports whether the access token is one to hand on, and none for use as
// it is (RFC 8693 2.2.1, token_type N_A).
func (s *Session) Handed() bool { return strings.EqualFold(s.TokenType, "n_a") }

// Scheme is how the access token goes into an Authorization header.
func (s *Session) Scheme() string {
	if s.DPoPKey.Empty() {
		return "Bearer"
	}
	return "DPoP"
}

// A Client is what a registration left behind.
type Client struct {
	Issuer            string
	ClientID          string
	Secret            secret.String
	RegistrationToken secret.String   // registration access token (RFC 7592 3)
	RegistrationURI   string          // client configuration endpoint (RFC 7592 3)
	SecretExpires     time.Time       // zero means never (RFC 7591 3.2.1)
	Metadata          json.RawMessage // what is registered, without secrets; nil for a client made by hand
	Keys              secret.String   // the client's own keys, a JWKS with the private halves
}

// A Store keeps the session and the client record of each profile. A name is
// any text; it cannot lead out of the store. Its methods may be called from
// several goroutines and processes at once.
//
// Every error is a [*fault.Error] of kind Config that names the file, but for
// a missing session, which is Login, and an ended ctx, which is Cancelled.
type Store interface {
	// Session gives the profile's session. A missing one is kind Login.
	Session(ctx context.Context, profile string) (*Session, error)
	// PutSession replaces the profile's session in one step.
	PutSession(ctx context.Context, profile string, s *Session) error
	// DeleteSession forgets the session. A missing one is no fault.
	DeleteSession(ctx context.Context, profile string) error
	// Client gives the profile's client record. A missing one is nil, nil.
	Client(ctx context.Context, profile string) (*Client, error)
	// PutClient replaces the profile's client record in one step.
	PutClient(ctx context.Context, profile string, c *Client) error
	// DeleteClient forgets the client record. A missing one is no fault.
	DeleteClient(ctx context.Context, profile string) error
	// Lock waits until no other process holds the profile, and holds it until
	// unlock is called or the process ends. Reading needs no lock; whoever
	// reads, decides and writes does it under one and reads again first.
	Lock(ctx context.Context, profile string) (unlock func(), err error)
	// Writable makes sure that a session could be kept now, before something
	// is spent that cannot be had twice: a refresh token, a registration.
	Writable(profile string) error
}

// Options is what the stores take. The zero value has no folder and no
// environment: only the memory store works.
type Options struct {
	Dir string              // absolute path of the state folder; empty means there is none
	Env func(string) string // a variable's value or ""; nil means no variables
	Now func() time.Time    // nil means no unfinished files are cleaned up

	LockWait    time.Duration // longest wait for a lock; 0 means 30 s
	KeyringWait time.Duration // longest wait for the keyring; 0 means 10 s

	// Keyring replaces the operating system's; nil means that one.
	Keyring Keyring
}

func (o Options) env(name string) string {
	if o.Env == nil {
		return ""
	}
	return o.Env(name)
}

func (o Options) lockWait() time.Duration {
	if o.LockWait <= 0 {
		return 30 * time.Second
	}
	return o.LockWait
}

func (o Options) keyringWait() time.Duration {
	if o.KeyringWait <= 0 {
		return 10 * time.Second
	}
	return o.KeyringWait
}
