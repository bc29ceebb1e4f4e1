// Package trial is what a probe of the active examination works with: a
// provider under examination, clients of the doctor's own at it, and a gate
// through which every request goes, counted and not too fast. It judges
// nothing, and it cleans up behind the probes.
package trial

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"rely/internal/doctor/active/pace"
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
	// SignedOut is where a sign-out ends.
	SignedOut = "https://rely-doctor.invalid/signed-out"
)

// MostRequests bounds one examination of a stranger's provider; one on this
// machine is given ten times as many.
const MostRequests = 100

// Options are what an active examination needs.
type Options struct {
	HTTP    *wire.Client
	Initial secret.String // initial access token; empty where none is needed
	Now     func() time.Time
	Sleep   func(ctx context.Context, d time.Duration) error
	// Show makes a transport whose connections show a certificate; nil is none.
	Show func(*tls.Certificate) http.RoundTripper
	// Own is a certificate of the user's, of an authority that the provider knows;
	// nil for none.
	Own *tls.Certificate
	// Agent makes who signs in, over the given transport; nil where nobody does.
	Agent func(http.RoundTripper) (useragent.Agent, error)
	// Dry, if set, is told of each request, and nothing is sent.
	Dry func(line string)
	// Most bounds the requests; 0 means [MostRequests].
	Most int
	// Slow runs the checks that wait for something to run out.
	Slow bool
	// Anyway goes on making clients where they cannot be deleted.
	Anyway bool
	// Borrowed is a client that the user named; then none is made, and none is
	// deleted.
	Borrowed *Borrowed
	// Site opens an address that the provider could ask for; nil where the user
	// named none.
	Site func(context.Context) (*Site, error)
	// Person signs in in a browser of their own, in place of Agent.
	Person *Person
	// Announce, if set, is told before the first request what will be done.
	Announce func(Plan)
	// Progress, if set, is told before each check, and how many there are.
	Progress func(n, of int, k *check.Check)
}

// A Site is an address of ours that the provider could ask for.
type Site struct {
	URL   string
	Asked func() bool // whether it did
	Close func() error
}

// A Borrowed client is one that was there before.
type Borrowed struct {
	*registration.Client
	RedirectURI string
	Post        bool // the secret goes into the form
}

// A Plan is what an examination will cost.
type Plan struct {
	Requests int // about
	Most     int // allowed
	Codes    int // authorization requests that somebody signs in for
	Clients  int // to be made and deleted
}

// A Probe is an active check: what it is about, and what it does.
type Probe struct {
	check.Check
	Login bool // somebody has to sign in
	Given bool // a client that the user named will do
	Robot bool // it looks at pages, or presses buttons: a person's browser shows nothing of it
	Slow  bool // it waits for something to run out
	Run   func(ctx context.Context, p *Patient) error
}

// A Patient is one provider under examination.
type Patient struct {
	Options
	Evidence *evidence.Evidence
	Client   *registration.Client // with a secret, sent as client_secret_basic
	Public   *registration.Client // without one; the same where no more than one is to be had

	vendor, purpose string
	gate            *gate
	aliased         bool // endpoints are those for who shows a certificate
	hc              *wire.Client
	known           *provider.Provider
	made            []*registration.Client
	others          map[string]other
	silent          *wire.Answer // to a good request with prompt=none
	junk            *wire.Answer // to a good token request with a code that there is not
	agent           useragent.Agent
	browser         *browser
	signedIn        bool
	turnedAway      error  // why nobody is sent to sign in again
	denied          error  // the provider, or the person at it, said no
	wanted          bool   // a check was about to have somebody sign in
	codes           int    // sign-ins that were asked for
	good            *Grant // a sign-in of which all was taken
	bad             error  // why there is none
	left            []error
	stays           bool // a client that was made cannot be deleted

	// Seen are codes and tokens by kind, and Twice the kinds of which one came
	// more than once.
	Seen  map[string][]string
	Twice []string
	// NoPublic is why the public client cannot be looked at; nil where it can.
	NoPublic error
	// Kept is what checks leave for those behind them.
	Kept map[string]any

	// Tried says that a check was begun.
	Tried bool

	check    *check.Check
	findings []check.Finding
	reason   string
}

// New is a provider about which nothing was tried yet.
func New(o Options, e *evidence.Evidence, vendor, purpose string) *Patient {
	p := &Patient{Options: o, Evidence: e, vendor: vendor, purpose: purpose, others: map[string]other{}, Seen: map[string][]string{}, Kept: map[string]any{}}
	if p.Most == 0 {
		p.Most = MostRequests
		if wire.Loopback(e.URL.Hostname()) {
			p.Most *= 10
		}
	}
	p.gate = &gate{base: o.HTTP.Base, pace: pace.Keeper{Now: o.Now, Sleep: o.Sleep}, dry: o.Dry, most: p.Most}
	if o.Borrowed != nil {
		p.gate.ours = o.Borrowed.RedirectURI
	}
	hc := *o.HTTP
	hc.Base, hc.Agent = p.gate, "rely doctor (active examination)"
	p.hc = &hc
	return p
}

// RedirectURI is where codes are taken.
func (p *Patient) RedirectURI() string {
	if p.Borrowed != nil {
		return p.Borrowed.RedirectURI
	}
	return Callback
}

// signInURI is where codes that somebody signs in for are taken.
func (p *Patient) signInURI() string {
	if p.Person != nil && p.Borrowed == nil {
		return p.Person.uri
	}
	return p.RedirectURI()
}

// Rehearse runs what do does without sending anything, and says what it would
// cost. What the provider's answers change cannot be known before.
func (p *Patient) Rehearse(ctx context.Context, do func(*Patient)) Plan {
	o := p.Options
	o.Dry, o.Announce, o.Progress, o.Most = func(string) {}, nil, nil, 1<<20
	dry := New(o, p.Evidence, p.vendor, p.purpose)
	dry.known = p.known
	if err := dry.Prepare(ctx); err == nil {
		do(dry)
	}
	clients := len(dry.made)
	_ = dry.Clean(ctx)
	// A sign-in is one request more or less than two: to the page, and back.
	return Plan{Requests: dry.gate.count + dry.codes, Most: p.Most, Codes: dry.codes, Clients: clients}
}

// Run runs one probe. One that finds nothing and got no answer has not passed:
// reason says why.
func (p *Patient) Run(ctx context.Context, probe Probe) (findings []check.Finding, reason string) {
	p.check, p.findings, p.reason = &probe.Check, nil, ""
	p.gate.heading = "# " + probe.ID + " " + probe.Name
	switch over := p.gate.spent(); {
	case ctx.Err() != nil:
		return nil, "the examination was stopped"
	case over != nil:
		return nil, over.Error()
	case p.Borrowed != nil && !probe.Given:
		if _, err := p.Endpoint("registration_endpoint"); err != nil {
			return nil, "it needs more clients than the profile's, and " + err.Error()
		}
		return nil, "it needs clients of the doctor's own, and the profile's client is used: leave --profile out"
	case probe.Login && p.turnedAway != nil && !p.signedIn:
		p.wanted = true
		return nil, p.turnedAway.Error()
	case probe.Login && p.agent == nil:
		return nil, "nobody signs in: add --browser forms --username NAME --password-file FILE"
	case probe.Robot && p.Person != nil:
		return nil, "a robot alone can see it: use --browser forms or chrome"
	case probe.Slow && !p.Slow:
		return nil, "it waits for something to run out: add --slow"
	}
	p.Tried, p.wanted = true, p.wanted || probe.Login
	err := probe.Run(ctx, p)
	switch over := p.gate.spent(); {
	case err != nil && over != nil:
		p.Skip("%v", over)
	case err != nil:
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
	if p.aliased {
		address = cmp.Or(p.alias(name), address)
	}
	if _, err := wire.Endpoint(name, address, p.Evidence.Issuer); address == "" || err != nil {
		return "", fmt.Errorf("the provider offers no %s", name)
	}
	return address, nil
}

// Know reads the metadata as a client does.
func (p *Patient) Know(ctx context.Context) error {
	var err error
	if p.known == nil {
		p.known, err = provider.Discover(ctx, p.HTTP, p.Evidence.Issuer)
	}
	return err
}

// Prepare makes a client with a secret and a public one, and readies whoever
// signs in.
func (p *Patient) Prepare(ctx context.Context) error {
	err := p.Know(ctx)
	if err == nil {
		err = p.clients(ctx)
	}
	if err != nil {
		return err
	}
	if p.browser, err = newBrowser(p.gate); err != nil {
		return err
	}
	if p.Person != nil {
		p.agent = p.Person
		if p.Dry == nil {
			p.Person.mu.Lock()
			defer p.Person.mu.Unlock()
			p.Person.gate = p.gate
		}
		return nil
	}
	if p.Agent == nil {
		return nil
	}
	if p.agent, p.turnedAway = p.Agent(p.browser); p.turnedAway != nil {
		p.agent = nil // what needs nobody is tried all the same
	}
	return nil
}
