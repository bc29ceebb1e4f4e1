// Package demoop is a whole OpenID Provider for trying things out: two users,
// everything in memory, for callers on this machine only. It can be told to
// misbehave in exactly one way at a time ([Faults]). It shares no protocol
// code with the client, because two sides written from the same helper agree
// on the same mistake. It is no provider for real accounts: it stores nothing,
// throttles little and shows its users' passwords on the sign-in page.
package demoop

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"rely/internal/demoop/account"
	"rely/internal/demoop/application"
	"rely/internal/demoop/assertion"
	"rely/internal/demoop/binding"
	"rely/internal/demoop/bureau"
	"rely/internal/demoop/client"
	"rely/internal/demoop/device"
	"rely/internal/demoop/discovery"
	"rely/internal/demoop/door"
	"rely/internal/demoop/inbox"
	"rely/internal/demoop/keys"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/shelf"
	"rely/internal/fault"
	"rely/internal/secret"
)

// Options say what a server is. Issuer and Now are required.
type Options struct {
	Issuer string           // full URL, as https://127.0.0.1:9443 or with a path
	Now    func() time.Time // the clock
	// Tick starts a timer for the answers that come slowly on purpose; with nil
	// such an answer stops after its first bytes.
	Tick   func(time.Duration) <-chan time.Time
	Faults []string // names from [Faults]; usually none or one
	// Notify posts a form to a client of this machine; nil sends nothing. It is
	// for back-channel logout.
	Notify func(uri string, form url.Values)
	// Ping posts JSON with a bearer token to a client of this machine, and says
	// for the log what came of it; nil sends nothing. It is for CIBA.
	Ping func(uri, bearer string, body []byte) string
	Log  func(string) // one line for each request, without secrets; nil is silent

	CodeTTL, AccessTTL, RefreshTTL time.Duration // 0 means 60 s, 5 min, 24 h
	SignInTTL                      time.Duration // no refresh token outlives the sign-in by more; 0 means it may
	RefreshGrace                   time.Duration // an old refresh token is still taken for that long
	SecretTTL                      time.Duration // of registered clients; 0 means for ever
	DeviceTTL, DeviceInterval      time.Duration // 0 means 10 min, 1 s

	Legacy bool // the metadata lists implicit and hybrid flow and the password grant

	Clients            []Client      // beside demo, web and service
	InitialAccessToken secret.String // registration asks for it; empty: anyone may register
}

// A Client is a relying party the provider knows.
type Client = client.Client

// How much of anything the server keeps at a time.
const (
	maxCodes    = 1000
	maxTokens   = 10000
	maxSessions = 1000
	maxPending  = 1000
	maxBody     = 64 << 10
)

// A Server is the provider. It is an [http.Handler] for every path of its
// host: discovery of an issuer with a path has a place outside that path.
type Server struct {
	o      Options
	issuer *url.URL
	base   string // the issuer without a slash at the end: endpoints start with it
	mux    *http.ServeMux
	ring   *keys.Ring
	faults []quirk.Fault
	legacy bool // what Options.Legacy says, or a fault needs
	stop   chan struct{}
	once   sync.Once

	mu        sync.Mutex // guards everything below
	users     account.Directory
	clients   *client.Registry
	codes     *shelf.Shelf[*code]
	access    *shelf.Shelf[*access]
	refresh   *shelf.Shelf[*refresh]
	sessions  *shelf.Shelf[*session]
	pending   *shelf.Shelf[*pending]
	devices   *device.Desk[*grant]
	elsewhere *device.Desk[*grant]
	counts    map[string]int
	confirmed map[string]string // what the tokens of the token request under way are bound to

	assertions *assertion.Checker
	bindings   *binding.Desk
	inbox      *inbox.Inbox
	bureau     *bureau.Bureau
}

// New makes a server. Errors are [fault.Usage] for an unknown fault name and
// [fault.Config] for an issuer that cannot be one.
func New(o Options) (*Server, error) {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil ||
		strings.ContainsAny(o.Issuer, "?#{}") || o.Now == nil {
		return nil, &fault.Error{Kind: fault.Config, ID: "op.issuer", Op: "start the provider",
			Err: fmt.Errorf("%q cannot be an issuer", o.Issuer), Spec: "OIDC Core 2 (iss)",
			Hint: "use a URL with scheme and host, without query and fragment"}
	}
	o.CodeTTL = cmp.Or(o.CodeTTL, time.Minute)
	o.AccessTTL = cmp.Or(o.AccessTTL, 5*time.Minute)
	o.RefreshTTL = cmp.Or(o.RefreshTTL, 24*time.Hour)
	o.DeviceTTL = cmp.Or(o.DeviceTTL, 10*time.Minute)
	o.DeviceInterval = cmp.Or(o.DeviceInterval, time.Second)
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Notify == nil {
		o.Notify = func(string, url.Values) {}
	}
	s := &Server{o: o, issuer: u, legacy: o.Legacy, base: strings.TrimSuffix(o.Issuer, "/"), stop: make(chan struct{}),
		users: account.All(), counts: map[string]int{},
		codes: shelf.New[*code](maxCodes), access: shelf.New[*access](maxTokens), refresh: shelf.New[*refresh](maxTokens),
		sessions: shelf.New[*session](maxSessions), pending: shelf.New[*pending](maxPending),
		devices: device.New[*grant](o.DeviceInterval, o.DeviceTTL), elsewhere: device.New[*grant](o.DeviceInterval, o.DeviceTTL)}
	s.assertions = &assertion.Checker{Audiences: []string{o.Issuer, s.base + "/token"}}
	if s.inbox, err = inbox.New(o.Issuer); err == nil {
		s.ring, err = keys.NewRing()
	}
	if err != nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "op.key", Op: "make a signing key", Err: err}
	}
	if err := s.turnOn(o.Faults); err != nil {
		return nil, err
	}
	s.clients = &client.Registry{Base: s.base, Initial: o.InitialAccessToken, TTL: o.SecretTTL, Now: o.Now,
		Takes: application.Registrar{Grants: append(discovery.GrantTypes(), "implicit"), Alg: quirk.Alg(s.faults, "")}}
	for _, c := range slices.Concat(client.Standing(), o.Clients) {
		s.clients.Add(&c)
	}
	if s.bureau, err = bureau.New(s.base, o.Now, s.faults); err != nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "op.key", Op: "make the claims provider's key", Err: err}
	}
	var rules binding.Rules
	quirk.Bend(s.faults, func(f quirk.Fault) func(*binding.Rules) { return f.Bind }, &rules)
	s.bindings = binding.New(o.Now, rules, s.binds)
	s.inbox.Again = slices.ContainsFunc(s.faults, func(f Fault) bool { return f.Again })
	s.mux = s.routes()
	return s, nil
}

// binds says what a client registered to have its tokens bound to.
func (s *Server) binds(id string) (key, certificate bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients.Get(id)
	return c != nil && c.Registered.DPoPBound, c != nil && c.Registered.CertificateBound
}

// Close lets go of the requests that a fault keeps hanging. The server still
// answers; whoever listens ends that.
func (s *Server) Close() { s.once.Do(func() { close(s.stop) }) }

// RotateKeys makes new signing keys; the turned ones stay published for a
// while. Errors come from the random source only.
func (s *Server) RotateKeys() error { return s.ring.Rotate() }

// Stats counts requests by endpoint ("discovery", "jwks", "authorize", "token",
// "userinfo", ...), and token requests by grant as well ("token refresh_token").
func (s *Server) Stats() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Faults is the table of misbehaviours, in the order help shows it.
func Faults() []Fault { return quirk.All() }

// A Fault is one entry of [Faults].
type Fault = quirk.Fault

// turnOn looks the faults up and lets them prepare.
func (s *Server) turnOn(names []string) error {
	all := Faults()
	for _, n := range names {
		i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == n })
		if i < 0 {
			var known []string
			for _, f := range all {
				known = append(known, f.Name)
			}
			return &fault.Error{Kind: fault.Usage, ID: "op.fault", Op: "start the provider",
				Err: fmt.Errorf("there is no fault named %q", n), Hint: fault.Meant(n, known, "use ", "run \"rely demo --list\" to see the faults")}
		}
		f := all[i]
		if f.Start != nil {
			if err := f.Start(s.ring); err != nil {
				return &fault.Error{Kind: fault.Internal, ID: "op.fault", Op: "turn on " + n, Err: err}
			}
		}
		s.faults = append(s.faults, f)
		s.legacy = s.legacy || f.Needs == "implicit" || f.Needs == "hybrid"
	}
	return nil
}

// now is the injected clock.
func (s *Server) now() time.Time { return s.o.Now() }

// ServeHTTP answers callers on this machine that ask for this host by name;
// the rest gets a polite refusal, also a browser that was sent here under
// another host's name (DNS rebinding).
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	door.Answer(w, r, s.issuer.Host, s.mux, s.o.Log)
}

// errTooLarge is what a body over the limit gets.
const errTooLarge fault.Cause = "the request body is larger than 64 KiB"
