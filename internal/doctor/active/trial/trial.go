// Package trial is what a probe of the active examination works with: a
// provider under examination, clients of the doctor's own at it, and a gate
// through which every request goes, counted and not too fast. It judges
// nothing, and it cleans up behind the probes.
package trial

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/provider"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/useragent"
	"rely/internal/wire"
)

// Where codes are sent: a name that can never lead anywhere (RFC 6761 6.4).
const (
	Callback = "https://rely-doctor.invalid/callback"
	Other    = "https://rely-doctor.invalid/other"
)

// MostRequests bounds one examination.
const MostRequests = 100

// Options are what an active examination needs.
type Options struct {
	HTTP    *wire.Client
	Initial secret.String // initial access token; empty where none is needed
	Now     func() time.Time
	Sleep   func(ctx context.Context, d time.Duration) error
	// Agent makes who signs in, over the given transport; nil where nobody does.
	Agent func(http.RoundTripper) (useragent.Agent, error)
	// Dry, if set, is told of each request, and nothing is sent.
	Dry func(line string)
}

// A Probe is an active check: what it is about, and what it does.
type Probe struct {
	check.Check
	Login bool // somebody has to sign in
	Run   func(ctx context.Context, p *Patient) error
}

// A Patient is one provider under examination.
type Patient struct {
	Options
	Evidence *evidence.Evidence
	Client   *registration.Client // with a secret, sent as client_secret_basic
	Public   *registration.Client // without one

	vendor, purpose string
	gate            *gate
	hc              *wire.Client
	known           *provider.Provider
	made            []*registration.Client
	others          map[string]*registration.Client
	agent           useragent.Agent
	good            *Grant // a sign-in of which all was taken

	check    *check.Check
	findings []check.Finding
	reason   string
}

// New is a provider about which nothing was tried yet.
func New(o Options, e *evidence.Evidence, vendor, purpose string) *Patient {
	p := &Patient{Options: o, Evidence: e, vendor: vendor, purpose: purpose, others: map[string]*registration.Client{}}
	p.gate = &gate{base: o.HTTP.Base, sleep: o.Sleep, now: o.Now, dry: o.Dry, quick: wire.Loopback(e.URL.Hostname())}
	hc := *o.HTTP
	hc.Base, hc.Agent = p.gate, "rely doctor (active examination)"
	p.hc = &hc
	return p
}

// Run runs one probe. One that finds nothing and got no answer has not passed:
// reason says why.
func (p *Patient) Run(ctx context.Context, probe Probe) (findings []check.Finding, reason string) {
	p.check, p.findings, p.reason = &probe.Check, nil, ""
	switch {
	case ctx.Err() != nil:
		return nil, "the examination was stopped"
	case p.gate.spent():
		return nil, fmt.Sprintf("%d requests were made", MostRequests)
	case probe.Login && p.agent == nil:
		return nil, "nobody signs in: add --browser forms --username NAME --password-file FILE"
	}
	if err := probe.Run(ctx, p); err != nil {
		p.Skip("%v", err)
	}
	if len(p.findings) > 0 {
		p.reason = ""
	}
	return p.findings, p.reason
}

// Found notes what is wrong.
func (p *Patient) Found(where, seen, expected string) {
	p.FoundAs(p.check.Severity, where, seen, expected)
}

// FoundAs is Found with another severity than the check's own.
func (p *Patient) FoundAs(s check.Severity, where, seen, expected string) {
	p.findings = append(p.findings, check.New(p.check, p.vendor, p.purpose, s, where, seen, expected))
}

// Skip notes why the check cannot judge. A finding counts all the same.
func (p *Patient) Skip(format string, args ...any) { p.reason = fmt.Sprintf(format, args...) }

// Endpoint is an address of the metadata; the error says that there is none.
func (p *Patient) Endpoint(name string) (string, error) {
	address, _ := p.Evidence.Text(name)
	if _, err := wire.Endpoint(name, address, p.Evidence.Issuer); address == "" || err != nil {
		return "", fmt.Errorf("the provider offers no %s", name)
	}
	return address, nil
}

// Prepare makes a client with a secret and a public one.
func (p *Patient) Prepare(ctx context.Context) error {
	if _, err := p.Endpoint("registration_endpoint"); err != nil {
		return err
	}
	var err error
	if p.known, err = provider.Discover(ctx, p.HTTP, p.Evidence.Issuer); err != nil {
		return err
	}
	if p.Client, err = p.Another(ctx, "confidential", map[string]any{"token_endpoint_auth_method": "client_secret_basic"}); err != nil {
		return err
	}
	if p.Public, err = p.Another(ctx, "public", map[string]any{"token_endpoint_auth_method": "none"}); err != nil {
		return err
	}
	if p.Agent != nil {
		p.agent, err = p.Agent(p.gate)
	}
	return err
}

// Another is one more client of the doctor's own, which is made at the first
// call with that name and deleted at the end; more is what differs from a
// client that signs people in.
func (p *Patient) Another(ctx context.Context, name string, more map[string]any) (*registration.Client, error) {
	if c := p.others[name]; c != nil {
		return c, nil
	}
	metadata := map[string]any{"client_name": clientName, "redirect_uris": []string{Callback, Other}, "response_types": []string{"code"},
		"grant_types": []string{"authorization_code", "refresh_token"}}
	maps.Copy(metadata, more)
	e := registration.Endpoint{Provider: p.known, HTTP: p.hc, Initial: p.Initial, Now: p.Now()}
	c, err := e.Register(ctx, metadata)
	if err != nil {
		return nil, err
	}
	p.others[name] = c
	p.made = append(p.made, c)
	return c, nil
}

// clientName is what the provider's administrator sees where a client is left
// behind.
const clientName = "rely doctor, may be deleted"

// Clean deletes the clients, whatever became of the run. Its error names those
// that are left behind.
func (p *Patient) Clean(ctx context.Context) error {
	var left []error
	p.gate.free = true
	for _, c := range slices.Backward(p.made) {
		if err := registration.Undo(ctx, p.hc, p.Evidence.Issuer, c); err != nil {
			left = append(left, fmt.Errorf("the client %s is left behind: %w", c.ID, err))
		}
	}
	return errors.Join(left...)
}
