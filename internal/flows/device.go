package flows

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
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

	standardInterval = 5 * time.Second // where the provider says nothing, and what slow_down adds (RFC 8628 3.2, 3.5)
	leastInterval    = 100 * time.Millisecond
	unanswered       = 3 // requests in a row without an answer end the sign-in
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
	*Request
	code     secret.String // device_code
	userCode string
	page     string // verification_uri
	complete string // verification_uri_complete; empty where there is none
	interval time.Duration
	lifetime time.Duration
	failed   chan error         // why a user agent that needs no person gave up
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
	d := &device{Request: r, failed: make(chan error, 1)}
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

// times reads expires_in, which has to be there, and interval; both are whole
// seconds by the book, and strings or fractions at some providers.
func (d *device) times(m request.Members) error {
	life, known, err := request.Lifetime(m["expires_in"])
	switch {
	case err != nil:
		return brokenDevice("expires-in", err)
	case !known || life <= 0:
		return brokenDevice("expires-in", errors.New("the answer does not say how long the code lives: expires_in is missing or 0"))
	}
	d.lifetime, d.interval = life, standardInterval
	if raw := strings.Trim(string(m["interval"]), `"`); raw != "" && raw != "null" {
		seconds, err := strconv.ParseFloat(raw, 64)
		if err != nil || !(seconds >= 0) || seconds >= life.Seconds() {
			return brokenDevice("interval", fmt.Errorf("interval is %.40s, which is no number of seconds below the code's %s", m["interval"], life))
		}
		d.interval = max(leastInterval, time.Duration(seconds*float64(time.Second)))
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

// poll asks the token endpoint for the tokens until the person has decided or
// the code has run out.
//
// The first request goes out after one interval, and every slow_down adds 5 s
// for good (RFC 8628 3.5). A request that got no answer doubles the wait until
// one does. d.Sleep does all the waiting and d.Now says how late it is, so a
// test needs no real time.
//
// Every error is a [*fault.Error]:
//
//	Denied     token.access_denied  the person said no
//	Login      device.expired       the lifetime ran out, or expired_token
//	Network    token.unreachable    three requests in a row got no answer
//	Unfinished login.unfinished     d.Wait passed
//	Cancelled  login.cancelled      ctx ended first
//
// Any other error of the provider is Denied, its ID "token." and its code.
// Where a user agent that needs no person gave up, its error is the one that
// counts, unless the next request finds that it came far enough.
func (d *device) poll(ctx context.Context) (*Tokens, error) {
	patience := d.Wait
	if patience == 0 {
		patience = 5 * time.Minute
	}
	start, silent := d.Now(), 0
	form := url.Values{"grant_type": {deviceGrant}, "device_code": {d.code.Reveal()}}
	for {
		if err := d.pause(ctx, d.interval<<silent, patience-d.Now().Sub(start), d.lifetime-d.Now().Sub(start)); err != nil {
			return nil, err
		}
		var gaveUp error
		select {
		case gaveUp = <-d.failed:
		default:
		}
		t, err := d.Redeem(ctx, "ask for the tokens", form)
		var f *fault.Error
		switch {
		case err == nil:
			return t, nil
		case ctx.Err() != nil:
			return nil, stoppedWaiting()
		case !errors.As(err, &f):
			return nil, err
		}
		switch {
		case f.Kind == fault.Network:
			if silent++; silent == unanswered {
				return nil, &fault.Error{Kind: fault.Network, ID: "token.unreachable", Op: f.Op, Spec: "RFC 8628 3.5", Hint: f.Hint,
					Err: fmt.Errorf("three requests in a row got no answer, the last: %w", f.Err)}
			}
			continue
		case f.ID == "token."+request.SlowDown:
			d.interval += standardInterval
		case f.ID == "token.expired_token":
			return nil, codeExpired(f.Err)
		case f.ID == "token.access_denied":
			f.Spec, f.Hint = "RFC 8628 3.5", "sign in again and approve the request"
			return nil, f
		case f.ID != "token."+request.Pending:
			return nil, f
		}
		silent = 0
		if gaveUp != nil {
			return nil, gaveUp
		}
	}
}

// pause waits before the next request, or for as long as there is any use in
// waiting.
func (d *device) pause(ctx context.Context, interval, patience, life time.Duration) error {
	if d.Sleep(ctx, max(0, min(interval, patience, life))) != nil || ctx.Err() != nil {
		return stoppedWaiting()
	}
	switch {
	case patience <= interval && patience <= life:
		return &fault.Error{Kind: fault.Unfinished, ID: "login.unfinished", Op: "wait for the person to sign in",
			Err: errors.New("nobody finished signing in in time"), Hint: "run \"rely login\" again, or allow more time with --login-timeout"}
	case life <= interval:
		return codeExpired(fmt.Errorf("the code lived for %s, and nobody finished signing in", d.lifetime))
	}
	return nil
}

func codeExpired(err error) error {
	return &fault.Error{Kind: fault.Login, ID: "device.expired", Op: "wait for the person to sign in", Spec: "RFC 8628 3.5", Err: err,
		Hint: "run \"rely login\" again for a new code"}
}

func stoppedWaiting() error {
	return &fault.Error{Kind: fault.Cancelled, ID: "login.cancelled", Op: "wait for the person to sign in", Err: errors.New("stopped"),
		Hint: "run \"rely login\" again when you are ready"}
}
