// Package active tries what a provider promises, with clients of its own that
// are made for the run and always deleted. It is careful: at most two requests
// a second against a provider of the internet and a bounded number in all, one
// wrong secret and no more, no guessing, redirect URIs that lead nowhere, and a
// dry run that sends nothing.
package active

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/useragent"
	"rely/internal/wire"
)

// Where codes are sent: a name that can never lead anywhere (RFC 6761 6.4).
const (
	callback = "https://rely-doctor.invalid/callback"
	other    = "https://rely-doctor.invalid/other"
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

// An Outcome is what became of one check.
type Outcome struct {
	Check    *check.Check
	Findings []check.Finding
	Reason   string // why it was not run
}

// A patient is one provider under examination.
type patient struct {
	Options
	evidence *evidence.Evidence
	vendor   string
	purpose  string
	gate     *gate
	hc       *wire.Client

	client, public *registration.Client
	agent          useragent.Agent
	good           *grant // a sign-in of which all was taken

	check    *check.Check
	findings []check.Finding
	reason   string
}

// Run makes the clients, runs the chosen checks and deletes the clients again,
// also where ctx ended. The error is about the deletion, and names the client
// that is left behind; outcomes are there all the same.
func Run(ctx context.Context, o Options, e *evidence.Evidence, vendor, purpose string, chosen []*check.Check) (out []Outcome, left error) {
	p := &patient{Options: o, evidence: e, vendor: vendor, purpose: purpose}
	p.gate = &gate{base: o.HTTP.Base, sleep: o.Sleep, now: o.Now, dry: o.Dry, quick: wire.Loopback(e.URL.Hostname())}
	hc := *o.HTTP
	hc.Base, hc.Agent = p.gate, "rely doctor (active examination)"
	p.hc = &hc
	reason := ""
	if err := p.prepare(ctx); err != nil {
		reason = "there is no client to try it with: " + fault.VisibleUpTo(err.Error(), 300)
	}
	defer func() { left = p.clean(context.WithoutCancel(ctx)) }()
	for _, probe := range probes() {
		at := slices.IndexFunc(chosen, func(k *check.Check) bool { return k.ID == probe.id })
		if at < 0 {
			continue
		}
		p.check, p.findings, p.reason = chosen[at], nil, reason
		switch {
		case ctx.Err() != nil:
			p.reason = "the examination was stopped"
		case p.gate.spent():
			p.reason = fmt.Sprintf("%d requests were made", MostRequests)
		case reason == "":
			p.run(ctx, probe)
		}
		out = append(out, Outcome{p.check, p.findings, p.reason})
	}
	return out, nil
}

// run runs one probe. One that finds nothing and got no answer has not passed.
func (p *patient) run(ctx context.Context, probe probe) {
	if probe.login && p.agent == nil {
		p.skip("nobody signs in: add --browser forms --username NAME --password-file FILE")
		return
	}
	if err := probe.run(p, ctx); err != nil {
		p.skip("%v", err)
	}
	if len(p.findings) > 0 {
		p.reason = ""
	}
}

func (p *patient) found(where, seen, expected string) {
	p.findings = append(p.findings, check.New(p.check, p.vendor, p.purpose, p.check.Severity, where, seen, expected))
}

func (p *patient) skip(format string, args ...any) { p.reason = fmt.Sprintf(format, args...) }

// endpoint is an address of the metadata; the error says that there is none.
func (p *patient) endpoint(name string) (string, error) {
	address, _ := p.evidence.Text(name)
	if _, err := wire.Endpoint(name, address, p.evidence.Issuer); address == "" || err != nil {
		return "", fmt.Errorf("the provider offers no %s", name)
	}
	return address, nil
}

// prepare makes a client with a secret and a public one.
func (p *patient) prepare(ctx context.Context) error {
	if _, err := p.endpoint("registration_endpoint"); err != nil {
		return err
	}
	known, err := provider.Discover(ctx, p.HTTP, p.evidence.Issuer)
	if err != nil {
		return err
	}
	e := registration.Endpoint{Provider: known, HTTP: p.hc, Initial: p.Initial, Now: p.Now()}
	make := func(method string, more map[string]any) (*registration.Client, error) {
		metadata := map[string]any{"client_name": "rely doctor, may be deleted", "redirect_uris": []string{callback, other}, "response_types": []string{"code"},
			"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": method}
		for name, v := range more {
			metadata[name] = v
		}
		return e.Register(ctx, metadata)
	}
	if p.client, err = make("client_secret_basic", nil); err != nil {
		return err
	}
	if p.public, err = make("none", nil); err != nil {
		return err
	}
	if p.Agent != nil {
		p.agent, err = p.Agent(p.gate)
	}
	return err
}

// clean deletes the clients, whatever became of the run.
func (p *patient) clean(ctx context.Context) error {
	var left []error
	p.gate.free = true
	for _, c := range []*registration.Client{p.public, p.client} {
		if c == nil {
			continue
		}
		if err := registration.Undo(ctx, p.hc, p.evidence.Issuer, c); err != nil {
			left = append(left, fmt.Errorf("the client %s is left behind: %w", c.ID, err))
		}
	}
	return errors.Join(left...)
}

// get asks an address with parameters and follows nothing.
func (p *patient) get(ctx context.Context, address string, q url.Values) (*wire.Answer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	all := u.Query()
	for name, v := range q {
		all[name] = v
	}
	u.RawQuery = all.Encode()
	return p.send(ctx, http.MethodGet, u.String(), nil, nil)
}

// post sends a form.
func (p *patient) post(ctx context.Context, address string, form url.Values, header http.Header) (*wire.Answer, error) {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.send(ctx, http.MethodPost, address, strings.NewReader(form.Encode()), header)
}

func (p *patient) send(ctx context.Context, method, address string, body *strings.Reader, header http.Header) (*wire.Answer, error) {
	var req *http.Request
	var err error
	if body == nil {
		req, err = http.NewRequestWithContext(ctx, method, address, nil)
	} else {
		req, err = http.NewRequestWithContext(ctx, method, address, body)
	}
	if err != nil {
		return nil, err
	}
	for name, v := range header {
		req.Header[name] = v
	}
	req.Header.Set("Accept", "application/json, text/html;q=0.5")
	return p.hc.Do(ctx, "try "+p.check.ID, req, wire.Document)
}

// basic proves the client with a secret.
func basic(c *registration.Client, password string) http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(password))
	return r.Header
}

// oauthError is the error code of an answer, empty where it is none.
func oauthError(a *wire.Answer) string {
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(a.Body, &e) != nil {
		return ""
	}
	return e.Error
}

// described is an answer in a few words.
func described(a *wire.Answer) string {
	out := fmt.Sprintf("status %d", a.Status)
	if e := oauthError(a); e != "" {
		out += ", " + e
	}
	if to := a.Header.Get("Location"); to != "" {
		base, _, _ := strings.Cut(to, "?")
		out += ", to " + base
	}
	return out
}
