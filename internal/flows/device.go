package flows

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"rely/internal/fault"
	"rely/internal/flows/request"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// Device is the device authorization grant (RFC 8628): the person signs in
// with any browser anywhere, and this process asks until they have.
type Device struct{}

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	deviceOp    = "sign in with a code"
)

// Possible implements [Flow].
func (Device) Possible(m *provider.Metadata) error {
	if m.DeviceEndpoint == "" {
		return impossible("device", errors.New("the provider's metadata names no device_authorization_endpoint (RFC 8628 4)"))
	}
	return m.Names("token_endpoint", "jwks_uri")
}

// Run implements [Flow]. No nonce is sent, because RFC 8628 has no place for
// one: what binds the answer is the device code, which only this process has.
func (Device) Run(ctx context.Context, r *Request) (*Tokens, error) {
	d, err := authorizeDevice(ctx, r)
	if err != nil {
		return nil, err
	}
	r.Provider.Prefetch(ctx)
	d.show(ctx)
	t, err := d.poll(ctx)
	if err != nil {
		d.giveUp()
		return nil, err
	}
	e := r.Expected(t)
	e.MaxAge = request.MaxAge(r.Param)
	if err := r.CheckIDToken(ctx, t, e); err != nil {
		return nil, &LadderError{Ladder: t.Ladder, Err: err}
	}
	return t, r.Kept(t)
}

// A device is one sign-in that waits for its person.
type device struct {
	asking
	code     secret.String // device_code
	userCode string
	page     string             // verification_uri
	complete string             // verification_uri_complete; empty where there is none
	giveUp   context.CancelFunc // ends that one; not called after a sign-in, because it may be the person's own browser
}

// authorizeDevice makes the device authorization request (RFC 8628 3.1); the
// client proves itself as it does for a token.
func authorizeDevice(ctx context.Context, r *Request) (*device, error) {
	endpoint, err := r.Provider.Need("device_authorization_endpoint", deviceOp)
	if err != nil {
		return nil, err
	}
	form := url.Values{"client_id": {r.ClientID}}
	if r.Scope != "" {
		form.Set("scope", r.Scope)
	}
	for name, values := range r.Param {
		form[name] = values
	}
	m, err := r.Post(ctx, deviceOp, endpoint, deviceGrant, form)
	if err != nil {
		return nil, err
	}
	d := &device{asking: asking{Request: r, what: "code", failed: make(chan error, 1)}}
	return d, d.read(m)
}

// read takes the answer apart (RFC 8628 3.2).
func (d *device) read(m request.Members) error {
	code := m.Text("device_code")
	d.code, d.userCode = secret.New(code), m.Text("user_code")
	switch {
	case code == "" || strings.ContainsFunc(code, func(c rune) bool { return c < 0x20 || c > 0x7e }):
		return brokenDevice("device-code", errors.New("the answer has no device_code that could be sent back"))
	case d.userCode == "" || len(d.userCode) > 100 || strings.ContainsFunc(d.userCode, func(c rune) bool { return !unicode.IsPrint(c) }):
		return brokenDevice("user-code", fmt.Errorf("the answer has no user_code that a person could type: %.100q", d.userCode))
	}
	page := m.Text("verification_uri")
	if page == "" {
		page = m.Text("verification_url") // what drafts called it, and Google still does
	}
	var err error
	if d.page, err = d.verification("verification_uri", page); err != nil {
		return err
	}
	if complete := m.Text("verification_uri_complete"); complete != "" {
		if d.complete, err = d.verification("verification_uri_complete", complete); err != nil {
			return err
		}
	}
	return d.times(m)
}

// verification checks an address before anything shows or opens it: what holds
// for an endpoint holds for it, except that it may have a fragment.
func (d *device) verification(member, address string) (string, error) {
	if address == "" {
		return "", brokenDevice("uri", errors.New("the answer has no verification_uri"))
	}
	clean, err := useragent.CheckURL(address)
	var f *fault.Error
	if errors.As(err, &f) {
		err = f.Err
	} else if strings.HasPrefix(clean, "http://") && !strings.HasPrefix(d.Provider.Metadata.Issuer, "http://") {
		err = errors.New("it is http, and the issuer is https")
	}
	if err != nil {
		return "", brokenDevice("uri", fmt.Errorf("%s is refused: %w: %.300q", member, err, address))
	}
	return clean, nil
}

// times reads expires_in and interval.
func (d *device) times(m request.Members) error {
	member, err := d.paced(m)
	if err != nil {
		return brokenDevice(member, err)
	}
	return nil
}

func brokenDevice(what string, err error) error {
	return &fault.Error{Kind: fault.Protocol, ID: "device." + what, Op: "read the device authorization response", Spec: "RFC 8628 3.2", Err: err,
		Hint: "have the provider mend its device authorization endpoint"}
}

// show tells the person what to do and sets the user agent to work.
func (d *device) show(ctx context.Context) {
	address := d.page
	if d.complete != "" {
		address = d.complete
	}
	say := func(a Announcement) {
		if d.Announce != nil {
			a.URL, a.Page, a.UserCode = address, d.page, d.userCode
			d.Announce(a)
		}
	}
	say(Announcement{})
	var agent context.Context
	agent, d.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		err := d.Visited(agent, useragent.Visit{URL: address, Origins: d.Origins(d.page, address)})
		switch {
		case err == nil:
		case d.Person:
			say(Announcement{Trouble: err})
		default:
			d.failed <- err
		}
	}()
}

// poll asks until the person has decided or the code has run out.
func (d *device) poll(ctx context.Context) (*Tokens, error) {
	d.spec, d.form = "RFC 8628 3.5", url.Values{"grant_type": {deviceGrant}, "device_code": {d.code.Reveal()}}
	return d.ask(ctx)
}
