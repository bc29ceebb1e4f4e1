package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rely/internal/app"
	"rely/internal/cause"
	"rely/internal/config"
	"rely/internal/doctor/active/pace"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/loopback"
	"rely/internal/output"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/trace"
	"rely/internal/useragent"
	"rely/internal/wire"
)

// An invocation is one run of one command: the process, and what flags,
// variables and profile came to.
type invocation struct {
	*app.App
	interrupt func() // from here on Ctrl-C is caught; until then it ends the process by itself

	started bool   // cobra found nothing wrong with the command line
	asked   string // the output format, as far as it is known before that
	loud    int    // -v, -vv

	files   config.Files
	values  config.Values
	profile string // to use; empty where there is none
	named   bool   // the person named it, by flag or variable
	redact  *trace.Redactor
	flags   *pflag.FlagSet
	read    map[string]secret.String // secrets that were given, read once

	password   secret.String // given by the demo in place of a file
	pages      pageFlags
	transport  http.RoundTripper
	base       *app.Network     // below transport
	single     bool             // one connection to each host does
	loose      bool             // nothing is lost or left behind where a signal ends the process by itself
	witness    *cause.Witness   // of what explains a failure
	sent       string           // the redirect URI of the sign-in under way
	record     *trace.Record    // of every exchange, for --har and --curl
	pace       *pace.Keeper     // that transport keeps; nil for none
	trust      func(pem []byte) // makes transport trust the local authority
	kept       store.Store
	opening    sync.Mutex         // of kept
	known      *provider.Provider // the one discovered last
	warm       bool               // metadata and keys may come from the cache
	keeps      atomic.Bool        // the command works on the profile's session
	shows      ownCertificate     // to servers, of the client
	handshakes sync.Mutex         // of which any may ask what to show, also one that nobody waits for any more
}

// open reads the settings of a command that works on a profile. make says that
// the command may be about to make it.
func (i *invocation) open(c *cobra.Command, make bool) error {
	i.started, i.flags = true, c.Flags()
	flags := given(c.Flags())
	filled, err := presetSettings(c.Flags())
	if err != nil {
		return err
	}
	name := i.Env(config.Variable("profile"))
	if p, there := flags["profile"]; there {
		name = p[0]
	}
	i.named = name != ""
	if make && !i.named {
		if issuer, there := flags["issuer"]; there {
			name = config.ProfileNameFor(issuer[0])
		} else if issuer := i.Env(config.Variable("issuer")); issuer != "" {
			name = config.ProfileNameFor(issuer)
		} else if filled != nil {
			name = config.ProfileNameFor(filled["issuer"][0])
		}
	}
	if err := i.load(name, flags, make); err != nil || filled == nil {
		return err
	}
	return i.fill(name, flags, filled)
}

// use is open for a profile and settings that a command of ours names.
func (i *invocation) use(profile string, settings map[string][]string) error {
	i.handshakes.Lock()
	defer i.handshakes.Unlock()
	i.named = true
	i.transport, i.kept, i.known, i.shows = nil, nil, nil, ownCertificate{}
	return i.load(profile, settings, true)
}

// settingsOnly reads what needs no profile: output, timeout and their like,
// from flags and variables. A broken profile must not stand in their way.
func (i *invocation) settingsOnly(c *cobra.Command) error {
	i.started = true
	var err error
	i.values, err = config.Files{}.Load("", given(c.Flags()), unprofiled(i.LookupEnv))
	return err
}

func (i *invocation) load(name string, flags map[string][]string, make bool) error {
	i.files = i.folder(flags)
	values, err := i.files.Load(name, flags, i.LookupEnv)
	var f *fault.Error
	missing := errors.As(err, &f) && f.ID == "config.missing"
	if err != nil && !(missing && make) {
		return err
	}
	i.values, i.profile = values, values.Profile
	switch {
	case make:
	case !values.Exists:
		i.profile = "" // nobody asked for one, and there is none
	case !i.named && i.another():
		// Flags or variables are about another client, and nobody named the
		// profile: nothing of it may leak into a CI job's request.
		i.profile = ""
		if i.values, err = (config.Files{}).Load("", flags, unprofiled(i.LookupEnv)); err != nil {
			return err
		}
	}
	_, err = output.Find(values.String("output"))
	return err
}

// another reports whether a flag or a variable names an issuer or a client.
func (i *invocation) another() bool {
	return i.values.Source("issuer") >= config.FromVariable || i.values.Source("client_id") >= config.FromVariable
}

// unprofiled is an environment in which nobody names a profile.
func unprofiled(lookup func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name == config.Variable("profile") {
			return "", false
		}
		return lookup(name)
	}
}

// folder is where preferences and profiles lie.
func (i *invocation) folder(flags map[string][]string) config.Files {
	files := config.Files{Dir: i.Dirs.Config, Now: i.Now}
	path := i.Env(config.Variable("config"))
	if given, there := flags["config"]; there {
		path = given[0]
	}
	if path != "" {
		files.Dir, files.Name = filepath.Dir(path), filepath.Base(path)
	}
	return files
}

// format is the output format in force, "text" by default.
func (i *invocation) format() string {
	switch {
	case i.values.String("output") != "":
		return i.values.String("output")
	case i.asked != "":
		return i.asked
	}
	return "text"
}

func (i *invocation) quiet() bool  { return i.values.Bool("quiet") }
func (i *invocation) verbose() int { return i.loud }

// say tells the person something on standard error, unless --quiet. Text from
// outside has to be made visible by the caller.
func (i *invocation) say(format string, args ...any) {
	if !i.quiet() {
		fmt.Fprintf(i.Stderr, format, args...)
	}
}

// network is the transport of every request, which --trace shows.
func (i *invocation) network() (http.RoundTripper, error) {
	if i.transport != nil {
		return i.transport, nil
	}
	if i.loose && i.values.String("har") == "" { // which is written at the end
		go i.catchLater()
	} else {
		i.catch()
	}
	i.Unhurried()
	base, err := i.Transport(i.values.String("ca_cert"))
	if err != nil {
		return nil, err
	}
	i.base, i.trust = base, base.Trust
	base.Client, base.Single = i.clientCertificate, i.single
	if i.values.String("tls_client_cert") != "" || i.values.String("tls_client_key") != "" {
		if _, err := i.clientCertificate(); err != nil {
			return nil, err // before anything is sent
		}
	}
	i.witness = &cause.Witness{Base: base, Now: i.Now}
	if i.record == nil && (i.values.String("har") != "" || i.values.Bool("curl")) {
		i.record = &trace.Record{}
	}
	i.transport = i.traced(i.witness)
	return i.transport, nil
}

// http is the client for exchanges with a provider.
func (i *invocation) http() (*wire.Client, error) {
	t, err := i.network()
	if err != nil {
		return nil, err
	}
	return &wire.Client{Base: t, Timeout: i.values.Duration("timeout"), Agent: "rely", Now: i.Now, Sleep: i.Sleep}, nil
}

// discover reads an issuer's metadata, once for each run of a command.
func (i *invocation) discover(ctx context.Context, issuer string) (*provider.Provider, error) {
	if i.known != nil && i.known.Metadata.Issuer == issuer {
		return i.known, nil
	}
	hc, err := i.http()
	if err != nil {
		return nil, err
	}
	hc.Cache = i.cache()
	p, err := provider.Discover(ctx, hc, issuer)
	if err != nil {
		return nil, err
	}
	for _, odd := range p.Oddities() {
		i.say("rely: note: %s\n", fault.VisibleUpTo(odd, 300))
	}
	if p.Aliased() {
		own, err := i.clientCertificate()
		if err != nil {
			return nil, err
		}
		if own != nil {
			err = p.Mutual()
		}
		if err != nil {
			return nil, err
		}
	}
	i.known = p
	return p, nil
}

// store is where the profile's session is kept.
func (i *invocation) store() (store.Store, error) {
	i.opening.Lock() // a handshake may ask for the client's certificate
	defer i.opening.Unlock()
	if i.kept != nil {
		return i.kept, nil
	}
	s, _, err := store.Choose(i.values.String("store"), store.Options{Dir: i.Dirs.State, Env: i.Env, Now: i.Now})
	i.kept = s
	return s, err
}

// agent is who walks the provider's pages, and what it knows of the world.
func (i *invocation) agent() (useragent.Agent, useragent.Options, error) {
	t, err := i.network()
	if err != nil {
		return nil, useragent.Options{}, err
	}
	password := i.password
	if password.Empty() {
		if password, err = i.given("password", "the password"); err != nil {
			return nil, useragent.Options{}, err
		}
	}
	secrets := secretVariables()
	o := useragent.Options{
		Stderr: i.Stderr, HTTP: pace.Pages(t), Username: i.values.String("username"), Password: password,
		Env: i.ChildEnv(secrets), Getenv: i.Env, ReadFile: os.ReadFile, Now: i.Now, Root: os.Geteuid() == 0,
	}
	if err := i.walkPages(&o); err != nil {
		return nil, o, err
	}
	a, err := useragent.Choose(i.values.String("browser"), o)
	if err == nil {
		i.Forget(secrets) // pkg/browser's child inherits this process's variables
	}
	return a, o, err
}

// person fills in what a flow needs to have somebody sign in.
func (i *invocation) person(r *flows.Request) error {
	agent, o, err := i.agent()
	if err != nil {
		return err
	}
	r.Agent = agent
	r.RedirectURI = i.values.String("redirect_uri")
	if r.RedirectURI == "" {
		r.RedirectURI = "https://127.0.0.1:0/callback"
	}
	i.listening(r)
	r.OpenWait = i.values.Duration("open_timeout")
	r.Announce = func(a flows.Announcement) {
		i.sent = a.RedirectURI
		i.announce(r, o, a)
	}
	if r.Agent.Name() == "system" || r.Agent.Name() == "none" {
		r.Person = true
		if i.Interactive && !i.values.Bool("non_interactive") {
			r.Paste = i.Line
		}
	}
	return nil
}

// listening fills in how this side is reached, and how long it waits.
func (i *invocation) listening(r *flows.Request) {
	r.Listen, r.Certificate, r.Wait = i.values.String("listen"), i.certificate, i.values.Duration("login_timeout")
	r.AllowHost = i.values.String("tls_cert") != ""
}

func secretVariables() []string {
	var names []string
	for _, s := range config.Settings() {
		if s.Secret {
			names = append(names, config.Variable(s.Name))
		}
	}
	return names
}

// robot reports whether the settings name a user agent that needs no person.
func (i *invocation) robot() bool {
	b := i.values.String("browser")
	return b != "" && b != "system" && b != "none"
}

// certificate is what an https listener shows: the user's own, or one of the
// local authority's.
func (i *invocation) certificate() (*tls.Certificate, error) {
	cert, key := i.values.String("tls_cert"), i.values.String("tls_key")
	if cert != "" || key != "" {
		own, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Config, ID: "listener.certificate", Op: "read the listener's certificate", Err: err, Hint: "check --tls-cert and --tls-key: both in PEM form, of one pair"}
		}
		return &own, nil
	}
	if i.Dirs.AuthorityDir() == "" {
		return nil, &fault.Error{Kind: fault.Config, ID: "listener.no-folder", Op: "make the listener's certificate", Err: errors.New("there is no folder to keep it in"),
			Hint: "set HOME or RELY_HOME, or use --redirect-uri http://127.0.0.1:0/callback"}
	}
	authority, err := loopback.OpenAuthority(i.Dirs.AuthorityDir(), i.Now)
	if err != nil {
		return nil, err
	}
	if i.trust != nil {
		i.trust(authority.PEM()) // forms goes to the listener itself
	}
	return authority.Certificate()
}

// freePort is a port of 127.0.0.1 that nobody listens on at the moment.
func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
