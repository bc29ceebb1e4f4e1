// Package evidence looks at a provider from outside, with no client and no
// login: a handful of GETs and TLS handshakes. It notes what was seen, raw, and
// judges nothing; the checks do that.
package evidence

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/provider"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// Options are what an examination needs. Dial and Roots may be nil: then there
// are no handshakes.
type Options struct {
	HTTP  *wire.Client
	Dial  func(ctx context.Context, address string) (net.Conn, error)
	Roots func(host string) *x509.CertPool
	Now   func() time.Time
	Watch *Watch // nil: nobody watches
}

// An Evidence is all that was seen.
type Evidence struct {
	Issuer string
	URL    *url.URL // of the issuer

	OIDC    Document                   // at the place of OIDC Discovery 4
	OAuth   []Document                 // at the places of RFC 8414 3.1 and 5
	Members map[string]json.RawMessage // of the first of these that can be read; nil where none can
	Source  string                     // its address

	JWKS    Document
	Keys    []json.RawMessage // of the key set
	KeysErr error             // why there are none

	Front    *Document  // the authorization endpoint, asked without parameters; nil where there is none
	Plain    []Document // the same addresses by plain http
	Hosts    []Host     // TLS, one for each host that the metadata names
	Watch    *Watch
	Now      time.Time
	Requests int
}

// A Document is one address and what it answered.
type Document struct {
	Address string
	Answer  *wire.Answer // nil: it did not
	Err     error
	Took    time.Duration
	Members map[string]json.RawMessage // nil: it is no JSON object
	Trouble error                      // why
	Skew    time.Duration              // the provider's clock less ours
	Dated   bool                       // Skew is known
}

// OK reports whether a document came with status 200.
func (d *Document) OK() bool { return d.Answer != nil && d.Answer.Status == http.StatusOK }

// Header is a header of the answer; "" where there is no answer.
func (d *Document) Header(name string) string {
	if d.Answer == nil {
		return ""
	}
	return d.Answer.Header.Get(name)
}

// Type is the media type without parameters, in lower case.
func (d *Document) Type() string {
	t, _, err := mime.ParseMediaType(d.Header("Content-Type"))
	if err != nil {
		return d.Header("Content-Type")
	}
	return t
}

// Origin is the web page that the requests say they come from, so that what
// browsers are told shows.
const Origin = "https://doctor.invalid"

// A look is one examination under way.
type look struct {
	Options
	asked atomic.Int64
}

// Collect asks the questions of one issuer. The error is Usage for what cannot
// be an issuer and Cancelled where ctx ended; everything else is evidence.
func Collect(ctx context.Context, o Options, issuer string) (*Evidence, error) {
	places, err := provider.Addresses(issuer)
	if err != nil {
		return nil, err
	}
	u, _ := url.Parse(issuer) // Addresses has parsed it
	if path := strings.TrimSuffix(u.EscapedPath(), "/"); path != "" {
		places = append(places, strings.TrimSuffix(issuer, "/")+"/.well-known/oauth-authorization-server")
	}
	l := &look{Options: o}
	e := &Evidence{Issuer: issuer, URL: u, Now: o.Now(), Watch: o.Watch}
	e.OIDC = l.get(ctx, places[0], wire.Document, true)
	if ctx.Err() == nil && e.Reached() {
		for _, place := range places[1:] {
			e.OAuth = append(e.OAuth, l.get(ctx, place, wire.Document, false))
		}
	}
	for _, d := range append([]Document{e.OIDC}, e.OAuth...) {
		if d.OK() && d.Members != nil {
			e.Members, e.Source = d.Members, d.Address
			break
		}
	}
	l.rest(ctx, e)
	e.Requests = int(l.asked.Load())
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, &fault.Error{Kind: fault.Cancelled, ID: "cancelled", Op: "examine " + issuer, Err: errors.New("stopped"), Hint: "run it again when you are ready"}
	}
	return e, nil
}

// Reached reports whether anything answered at all.
func (e *Evidence) Reached() bool {
	return e.OIDC.Answer != nil || fault.Is(e.OIDC.Err, fault.Protocol)
}

// rest asks what the metadata leads to, side by side: they are different
// endpoints and often different hosts.
func (l *look) rest(ctx context.Context, e *Evidence) {
	var wait sync.WaitGroup
	defer wait.Wait()
	if l.Dial != nil {
		wait.Go(func() { e.Hosts = l.hosts(ctx, e) })
	}
	if e.Members == nil {
		return
	}
	wait.Go(func() { l.keys(ctx, e) })
	if address, ok := e.usable("authorization_endpoint"); ok {
		wait.Go(func() {
			d := l.once(ctx, address, "text/html")
			e.Front = &d
		})
	}
	if e.URL.Scheme == "https" && e.URL.Port() == "" && !wire.Loopback(e.URL.Hostname()) {
		wait.Go(func() { e.Plain = l.plain(ctx, e) })
	}
}

// usable is an address of the metadata that may be asked.
func (e *Evidence) usable(name string) (string, bool) {
	address, _ := e.Text(name)
	_, err := wire.Endpoint(name, address, e.Issuer)
	return address, address != "" && err == nil
}

func (l *look) keys(ctx context.Context, e *Evidence) {
	address, ok := e.usable("jwks_uri")
	if !ok {
		e.KeysErr = errors.New("the metadata names no jwks_uri that may be asked")
		return
	}
	e.JWKS = l.get(ctx, address, wire.KeySet, true)
	switch {
	case e.JWKS.Err != nil:
		e.KeysErr = e.JWKS.Err
	case !e.JWKS.OK():
		e.KeysErr = e.JWKS.Answer.Unexpected("fetch the provider's keys")
	case e.JWKS.Trouble != nil:
		e.KeysErr = e.JWKS.Trouble
	default:
		list, there := e.JWKS.Members["keys"]
		if !there {
			e.KeysErr = errors.New(`there is no member "keys"`)
			return
		}
		e.Keys, e.KeysErr = strictjson.Array(list, jose.MaxKeys)
	}
}

// plain asks the same questions without TLS. Only GETs, and no secret in them.
func (l *look) plain(ctx context.Context, e *Evidence) []Document {
	var out []Document
	for _, address := range []string{e.Source, first(e.usable("token_endpoint"))} {
		u, err := url.Parse(address)
		if err != nil || address == "" || u.Port() != "" {
			continue
		}
		u.Scheme = "http"
		out = append(out, l.once(ctx, u.String(), "application/json"))
	}
	return out
}

func first(s string, _ bool) string { return s }

// get asks for a document as rely asks for one, with the patience of
// [wire.Client.Get].
func (l *look) get(ctx context.Context, address string, limit int64, again bool) Document {
	d := Document{Address: address}
	began := l.Now()
	l.asked.Add(1)
	d.Answer, d.Err = l.ask(ctx, address, "application/json", limit)
	if d.Err == nil && again && d.Answer.Status >= 500 {
		// Once more, with the pauses that Retry-After asks for.
		l.asked.Add(1)
		d.Answer, d.Err = l.HTTP.Get(ctx, "look at "+address, address, "application/json", limit)
	}
	l.note(&d, began)
	return d
}

// once asks one time, whatever comes.
func (l *look) once(ctx context.Context, address, accept string) Document {
	d := Document{Address: address}
	began := l.Now()
	l.asked.Add(1)
	d.Answer, d.Err = l.ask(ctx, address, accept, wire.Document)
	l.note(&d, began)
	return d
}

func (l *look) ask(ctx context.Context, address, accept string, limit int64) (*wire.Answer, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "wire.url", Op: "look at " + address, Err: err, Hint: "check the address"}
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Origin", Origin)
	return l.HTTP.Do(ctx, "look at "+address, req, limit)
}

// note reads what every answer tells besides its body.
func (l *look) note(d *Document, began time.Time) {
	ended := l.Now()
	d.Took = ended.Sub(began)
	if d.Answer == nil {
		return
	}
	if date, err := http.ParseTime(d.Header("Date")); err == nil {
		// Date has whole seconds and was written somewhere in between.
		d.Skew, d.Dated = date.Add(500*time.Millisecond).Sub(began.Add(d.Took/2)), true
	}
	d.Members, d.Trouble = strictjson.Object(d.Answer.Body)
}

// Text is a member of the metadata that is a string.
func (e *Evidence) Text(name string) (string, bool) {
	var s string
	raw, there := e.Members[name]
	if !there || len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// List is a member that is an array of strings; there is false where the
// member is missing or something else.
func (e *Evidence) List(name string) (list []string, there bool) {
	raw, there := e.Members[name]
	if !there || len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	return list, true
}

// Flag is a member that is a boolean.
func (e *Evidence) Flag(name string) (value, there bool) {
	raw, there := e.Members[name]
	switch {
	case !there:
		return false, false
	case string(raw) == "true":
		return true, true
	}
	return false, string(raw) == "false"
}

// Has reports whether the metadata has a member, of whatever type.
func (e *Evidence) Has(name string) bool {
	_, there := e.Members[name]
	return there
}

// hostport is where a URL leads.
func hostport(u *url.URL) string {
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))
}
