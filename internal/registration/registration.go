// Package registration makes a client at a provider and looks after it
// (OpenID Connect Dynamic Client Registration 1.0, RFC 7591, RFC 7592). It
// keeps nothing: what the provider answered is the caller's to save, first.
package registration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/wire"
)

// A Client is what the provider answered.
type Client struct {
	ID                string
	Secret            secret.String // empty for a public client
	SecretExpires     time.Time     // zero is never (RFC 7591 3.2.1)
	RegistrationToken secret.String // empty where the provider has no management
	RegistrationURI   string
	Metadata          map[string]json.RawMessage // all of it, secrets taken out
}

// An Endpoint is where clients are made. All fields but Initial must be set.
type Endpoint struct {
	Provider *provider.Provider
	HTTP     *wire.Client
	Initial  secret.String // initial access token; empty where none is needed
	Now      time.Time
}

// A Made is a new client and how it came about.
type Made struct {
	*Client
	Asked       map[string]any // the request that succeeded
	Redirect    Redirect
	Differences []Difference // between the request and the answer
	Notes       []string     // what was tried before, for the person
}

// An Orphan is a client that the provider made, that is of no use, and that
// could not be deleted again. Whoever sees it hands its registration URI and
// token to the person, or they are lost.
type Orphan struct {
	Client *Client
	Err    error // why it is of no use
	Kept   error // why it could not be deleted
}

// Error is the first trouble's text.
func (o *Orphan) Error() string { return o.Err.Error() }

// Unwrap gives the first trouble.
func (o *Orphan) Unwrap() error { return o.Err }

// Make asks for a client as planned. Where the provider refuses the redirect
// URIs it is asked once more with the next candidate, and where it refuses a
// grant type that it never listed, once more without.
//
// Errors are those of [Endpoint.Register].
func (e *Endpoint) Make(ctx context.Context, p *Plan) (*Made, error) {
	var notes []string
	var first error
	for at := 0; ; {
		candidate := p.Redirects[at]
		asked := p.With(candidate)
		c, err := e.Register(ctx, asked)
		if err == nil {
			return &Made{c, asked, candidate, Compare(asked, c.Metadata), notes}, nil
		}
		r, redirect := aboutRedirect(err)
		switch {
		case redirect && at+1 < len(p.Redirects):
			at, first = at+1, err
			notes = append(notes, fmt.Sprintf("the provider refused %s (%s); asked again for %s", candidate.words(), r, p.Redirects[at].words()))
		case aboutGrants(err) && p.timid():
			notes = append(notes, "the provider refused the grant type refresh_token, which it does not list; asked again without")
		case redirect:
			return nil, p.noRedirect(first, err)
		default:
			return nil, err
		}
	}
}

// noRedirect words the refusal of every candidate: the first one's is about
// what was wanted most.
func (p *Plan) noRedirect(first, last error) error {
	var f, l *fault.Error
	if !errors.As(last, &l) {
		return last
	}
	out := *l
	if errors.As(first, &f) {
		out.Err = fmt.Errorf("%w; as a %s application: %w", f.Err, p.Redirects[len(p.Redirects)-1].Type, l.Err)
	}
	out.Hint = "ask the provider's administrator which redirect URIs it takes, and name one with --redirect-uri"
	for _, uri := range p.Redirects[0].URIs {
		if u, err := url.Parse(uri); err == nil && u.Hostname() == "localhost" {
			out.Hint = "use 127.0.0.1 in place of localhost in --redirect-uri"
		}
	}
	return &out
}

func (r Redirect) words() string {
	switch {
	case len(r.URIs) == 0:
		return "a client without redirect URI"
	case r.Type == "":
		return r.URIs[0]
	}
	return r.URIs[0] + " as a " + r.Type + " application"
}

// Register makes a client with this metadata (RFC 7591 3.1).
//
// Errors: Denied in the provider's own words; Protocol where its answer is not
// the client that was asked for, and then the client is deleted again, or the
// error is an [Orphan].
func (e *Endpoint) Register(ctx context.Context, metadata map[string]any) (*Client, error) {
	const op = "register a client"
	address, err := e.Provider.Need("registration_endpoint", op)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "registration.none", Op: op, Spec: "OIDC Discovery 3", Err: errors.New("the provider's metadata names no registration_endpoint"),
			Hint: "have its administrator make the client, then run \"rely register ISSUER --client-id ID\""}
	}
	body, err := json.Marshal(metadata)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "registration.metadata", Op: op, Err: err}
	}
	a, err := send(ctx, e.HTTP, op, http.MethodPost, address, e.Initial, body)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusCreated && a.Status != http.StatusOK { // 200 by some
		return nil, e.refused(op, a)
	}
	members, err := a.JSON(op)
	if err != nil {
		return nil, err
	}
	issuer := e.Provider.Metadata.Issuer
	c, err := read(op, members)
	if err != nil {
		return nil, err
	}
	if err = c.manageable(issuer); err == nil {
		err = c.Fits(op, metadata, e.Now)
	}
	if err == nil {
		return c, nil
	}
	if kept := Undo(ctx, e.HTTP, issuer, c); kept != nil {
		err = &Orphan{c, err, kept}
	}
	return nil, err
}

// refused words a refusal and adds what only the registration endpoint knows.
func (e *Endpoint) refused(op string, a *wire.Answer) error {
	err := refused(op, a)
	var f *fault.Error
	if a.Status != http.StatusUnauthorized && a.Status != http.StatusForbidden || !errors.As(err, &f) || f.Kind != fault.Denied {
		return err
	}
	f.ID, f.Spec = "registration.initial-token", "RFC 7591 3; RFC 6750 3.1"
	f.Hint = "get an initial access token from the provider's administrator and give it with --initial-access-token-file"
	if !e.Initial.Empty() {
		f.Hint = "check the initial access token: it may be used up, too old, or another provider's"
	}
	return f
}

func send(ctx context.Context, hc *wire.Client, op, method, address string, token secret.String, body []byte) (*wire.Answer, error) {
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "wire.url", Op: op, Err: err, Hint: "check the address"}
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !token.Empty() {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return hc.Do(ctx, op, req, wire.Document)
}

// read takes an answer apart. Secrets leave the metadata.
func read(op string, members map[string]json.RawMessage) (*Client, error) {
	broken := func(why string) error {
		return &fault.Error{Kind: fault.Protocol, ID: "registration.answer", Op: op, Spec: "RFC 7591 3.2.1", Err: errors.New(why),
			Hint: "have the provider mend its registration endpoint"}
	}
	c := &Client{Metadata: members}
	var expires float64
	var clientSecret, token string
	for name, into := range map[string]any{
		"client_id": &c.ID, "client_secret": &clientSecret, "client_secret_expires_at": &expires,
		"registration_access_token": &token, "registration_client_uri": &c.RegistrationURI,
	} {
		if raw, there := members[name]; there && json.Unmarshal(raw, into) != nil {
			return nil, broken(fmt.Sprintf("%q has the wrong type", name))
		}
	}
	if r := wire.RefusalIn(members); c.ID == "" && r.Code != "" {
		return nil, brokenRefusal(op, fmt.Errorf("the provider answered %w; with a status that says that all is well: an error comes with 400", r))
	}
	if c.ID == "" {
		return nil, broken("it has no client_id")
	}
	delete(members, "client_secret")
	delete(members, "registration_access_token")
	c.Secret, c.RegistrationToken = secret.New(clientSecret), secret.New(token)
	if expires > 0 && expires < 1<<40 {
		c.SecretExpires = time.Unix(int64(expires), 0).UTC()
	}
	return c, nil
}

// refused keeps the provider's own words (RFC 7591 3.2.2, RFC 6750 3).
func refused(op string, a *wire.Answer) error {
	if a.Status/100 != 4 || a.Status == http.StatusTooManyRequests {
		return a.Unexpected(op)
	}
	f := &fault.Error{Kind: fault.Denied, ID: "registration.refused", Op: op, Spec: "RFC 7591 3.2.2", Hint: "change what was asked for, or have the provider's administrator make the client"}
	r := &wire.Refusal{}
	if members, err := a.JSON(op); err == nil {
		r = wire.RefusalIn(members)
	}
	f.Err = fmt.Errorf("the provider answered %d: %w", a.Status, r)
	if r.Code == "" {
		f.Err = fmt.Errorf("the provider answered %d without saying why", a.Status)
	}
	if broken := r.Check(); broken != nil {
		return brokenRefusal(op, fmt.Errorf("%w; %w", f.Err, broken))
	}
	return f
}

// brokenRefusal is an error that breaks the rules of errors.
func brokenRefusal(op string, err error) error {
	return &fault.Error{Kind: fault.Protocol, ID: "registration.error-response", Op: op, Spec: "RFC 7591 3.2.2", Err: err,
		Hint: "have the provider mend the errors of its registration endpoint"}
}
