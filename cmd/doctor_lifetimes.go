package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/atomicfile"
	"rely/internal/config"
	"rely/internal/doctor/active/pace"
	"rely/internal/doctor/lifetime"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/output"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// lab is "rely doctor lifetimes". Its client is the profile's, or one that lives
// and ends as that of "rely smoke" does; no session of the person's takes part.
type lab struct {
	*smoke
	register bool
	most     time.Duration
	svg      string
}

// lifetimesJSON is schema lifetimes/1.
type lifetimesJSON struct {
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
	Made     bool   `json:"client_made"` // for this run, and deleted again
	*lifetime.Result
}

func newLifetimes(i *invocation) *cobra.Command {
	l := &lab{smoke: &smoke{invocation: i}}
	c := &cobra.Command{
		Use:   "lifetimes [ISSUER]",
		Short: "Measure how long tokens and sign-ins live",
		Long: `Signs in up to four times and measures: how long the access token is good for, when
a refresh token that nobody uses ends (idle), when a session in use ends all the same
(absolute), whether refresh tokens rotate, and how long an old one is still taken
(grace). What the provider states (expires_in, exp, introspection,
refresh_expires_in) stands beside it, and a timeline at the end. --svg FILE draws
the same for a page.

It waits for at most --for-at-most and says "at least" where it saw no end. It looks
at growing intervals, so it makes some hundred requests however long it looks, two a
second to a provider that is not on this machine. What ends between two looks ends
somewhere in between. An old refresh token that is refused may end its sign-in: that
is one of the lab's own.

The client is the profile's, or with --register one that is made for it and deleted
at the end, also on Ctrl-C, which ends the looking and shows what was seen. The
profile's session is neither used nor changed. A test user signs in with --username;
else a person does, as often as it says.`,
		Example: `  rely doctor lifetimes -p work
  rely doctor lifetimes https://op.example --register --username alice --password-file pw
  rely doctor lifetimes -p ci --for-at-most 2h --svg lifetimes.svg -o json`,
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := issuerArgument(c, args); err != nil {
				return err
			}
			if err := l.open(c, false); err != nil {
				return err
			}
			return l.run(c.Context())
		},
	}
	i.settingFlags(c.Flags(), "issuer", "client_id", "client_secret_file", "scope", "client_auth", "redirect_uri", "listen", "tls_cert", "tls_key", "browser", "username", "password_file",
		"totp_secret_file", "login_timeout", "open_timeout", "prompt", "acr_values", "param", "token_param", "initial_access_token_file")
	i.pages.add(c.Flags())
	c.Flags().BoolVar(&l.register, "register", false, "make a client for this, and delete it at the end")
	c.Flags().DurationVar(&l.most, "for-at-most", time.Minute, "how long to look, `D`")
	c.Flags().Var(&pathFlag{&l.svg, "FILE"}, "svg", "draw the timeline into this file as well")
	exclusive(c, "register", "client-id")
	providerFlags(c)
	return c
}

// check refuses what cannot be measured, before anything is sent.
func (l *lab) check() error {
	const op = "measure lifetimes"
	usage := func(id, what, hint string) error {
		return &fault.Error{Kind: fault.Usage, ID: id, Op: op, Err: errors.New(what), Hint: hint}
	}
	if err := l.forms("text", "json", "yaml"); err != nil {
		return err
	}
	switch {
	case l.values.String("issuer") == "":
		return usage("doctor.issuer", "no issuer is given, and no profile has one", "run \"rely doctor lifetimes ISSUER --register\"")
	case l.most < time.Second:
		return usage("lifetimes.for-at-most", fmt.Sprintf("--for-at-most is %v", l.most), "give a second or more")
	case !l.register && l.values.String("client_id") == "":
		return usage("lifetimes.client", "there is no client to sign in with", "add --register, or name a profile with -p")
	case l.values.Bool("non_interactive") && !l.robot() && l.values.String("username") == "":
		return &fault.Error{Kind: fault.Login, ID: "login.non-interactive", Op: "sign in", Err: errors.New("a person is needed, and --non-interactive forbids to ask one"),
			Hint: "use --browser forms with a test user"}
	}
	return nil
}

func (l *lab) run(ctx context.Context) (err error) {
	if err := l.check(); err != nil {
		return err
	}
	l.catch()
	dir, err := os.MkdirTemp(l.Dirs.Temp, "rely-lifetimes-")
	if err != nil {
		return &fault.Error{Kind: fault.Config, ID: "smoke.folder", Op: "make a temporary folder", Err: err, Hint: "check TMPDIR"}
	}
	defer os.RemoveAll(dir)
	if err := l.enter(dir); err != nil {
		return err
	}
	defer func() { err = l.gone(ctx, err) }()
	if err := l.client(ctx); err != nil {
		return err
	}
	l.say("Looking for at most %s; it signs in up to four times.\n", lifetime.Words(l.most))
	bench := &lifetime.Lab{SignIn: l.signIn, Now: l.Now, Sleep: l.Sleep, Most: l.most, Tell: l.progress()}
	r, err := bench.Run(ctx)
	l.wipe()
	if len(r.Spans) == 0 {
		return err
	}
	return errors.Join(l.told(r), l.stopped(err))
}

// stopped is that the person did not wait for the end.
func (l *lab) stopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return &fault.Error{Kind: fault.Cancelled, ID: "lifetimes.cancelled", Op: "measure lifetimes", Err: errors.New("stopped; what was seen until then is shown"), Hint: "run it again when you are ready"}
	}
	return err
}

// enter keeps the pace in all that the client does.
func (l *lab) enter(dir string) error {
	if err := l.smoke.enter(dir); err != nil {
		return err
	}
	l.inside.pace = &pace.Keeper{Now: l.Now, Sleep: l.Sleep}
	return nil
}

// client is the one to sign in with.
func (l *lab) client(ctx context.Context) error {
	if _, err := l.discovered(ctx); err != nil {
		return err
	}
	if l.register {
		_, err := l.smoke.register(ctx)
		return err
	}
	c, err := l.sessions(false).Client(ctx)
	if err != nil {
		return err
	}
	settings := map[string][]string{}
	for _, name := range append(clientSettings(), smokeSettings()...) {
		if l.values.Source(name) > config.FromDefault && len(l.all(name)) > 0 && l.all(name)[0] != "" {
			settings[name] = l.all(name)
		}
	}
	if len(settings["username"]) > 0 && len(settings["browser"]) == 0 {
		settings["browser"] = []string{"forms"}
	}
	if err := l.use(settings); err != nil {
		return err
	}
	l.smoke.client = c
	return l.inside.kept.PutClient(ctx, l.inside.profile, c)
}

// gone deletes the client that was made.
func (l *lab) gone(ctx context.Context, err error) error {
	if l.made == nil {
		return err
	}
	switch said, failed := l.remove(context.WithoutCancel(ctx)); {
	case failed == nil:
		l.say("The client is deleted.\n")
	case errors.As(failed, new(*leftOut)):
		l.say("rely: note: %s%s\n", fault.VisibleUpTo(said, 300), fault.VisibleUpTo(failed.Error(), 300))
	default:
		return errors.Join(err, failed)
	}
	return err
}

// signIn signs in once, apart from all other sign-ins.
func (l *lab) signIn(ctx context.Context) (*lifetime.Login, error) {
	in := l.inside
	entry, err := flows.Find(in.values.String("flow"))
	if err != nil {
		return nil, err
	}
	k := in.sessions(false)
	r, err := k.Request(ctx, entry, l.smoke.client)
	if err != nil {
		return nil, err
	}
	if entry.Person {
		if err := in.person(r); err != nil {
			return nil, err
		}
		defer useragent.Dismiss(r.Agent)
		r.Fallbacks = fallbacks(l.smoke.client, r.RedirectURI)
	}
	t, err := entry.Flow.Run(ctx, r)
	if err != nil {
		return nil, in.likely(ctx, k.Explain(l.smoke.client, err))
	}
	out := &lifetime.Login{Tokens: l.tokens(t)}
	out.Renew = func(ctx context.Context, refresh secret.String) (lifetime.Tokens, error) {
		again := *r
		again.Refresh, again.Prior, again.Keep = refresh, t.Claims, nil
		fresh, err := flows.Renew(ctx, &again)
		if err != nil {
			return lifetime.Tokens{}, err
		}
		return l.tokens(fresh), nil
	}
	if l.names("userinfo_endpoint") && slices.Contains(strings.Fields(t.Scope), "openid") {
		s := k.New(entry.Name, t)
		out.Claims = func(ctx context.Context) (map[string]json.RawMessage, error) { return k.Userinfo(ctx, l.provider, s) }
		out.Use = func(ctx context.Context, access secret.String) error {
			s := *s
			s.Access = access
			_, err := k.Userinfo(ctx, l.provider, &s)
			return err
		}
	}
	if l.cannotAsk() == "" {
		out.Ask = l.asker(ctx, in)
	}
	return out, nil
}

// asker is introspection with the client proving itself; nil where that is
// not possible.
func (l *lab) asker(ctx context.Context, in *invocation) func(context.Context, secret.String, string) (map[string]json.RawMessage, error) {
	p, hc, err := in.sessions(false).Proven(ctx, l.smoke.client)
	if err != nil {
		return nil
	}
	return func(ctx context.Context, token secret.String, hint string) (map[string]json.RawMessage, error) {
		return p.Introspect(ctx, hc, token, hint)
	}
}

// tokens are those of a flow, known as secrets from here on.
func (l *lab) tokens(t *flows.Tokens) lifetime.Tokens {
	for _, s := range []secret.String{t.Access, t.Refresh, t.ID} {
		l.redact.Learn(s.Reveal())
	}
	return lifetime.Tokens{Access: t.Access, Refresh: t.Refresh, ID: t.ID, Members: maps.Clone(t.Members)}
}

// progress draws a bar on a terminal. In a pipe the first line has said it all.
func (l *lab) progress() func(passed, whole time.Duration) {
	if l.quiet() || l.Columns() < 40 {
		return nil
	}
	const width = 24
	return func(passed, whole time.Duration) {
		full := int(width * passed / max(whole, 1))
		fmt.Fprintf(l.Stderr, "\r[%s%s] %s of %s ", strings.Repeat("#", full), strings.Repeat(".", width-full), lifetime.Words(passed.Truncate(time.Second)), lifetime.Words(whole))
	}
}

// wipe takes the bar away.
func (l *lab) wipe() {
	if !l.quiet() && l.Columns() >= 40 {
		fmt.Fprintf(l.Stderr, "\r%*s\r", 60, "")
	}
}

// told prints the result, and draws it.
func (l *lab) told(r *lifetime.Result) error {
	issuer := l.values.String("issuer")
	for n := range r.Notes {
		r.Notes[n] = fault.VisibleUpTo(l.redact.Text(r.Notes[n]), 400)
	}
	for n := range r.Spans {
		r.Spans[n].Said = l.redact.Text(r.Spans[n].Said)
	}
	width := 80
	if l.Shown && l.Columns() > 40 {
		width = min(l.Columns()-1, 110)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nLooked for %s, with %s and %s.\n\n", fault.Visible(issuer), lifetime.Words(r.Looked), fault.Count(r.SignIns, "sign-in", "sign-ins"), fault.Count(r.Renewals, "renewal", "renewals"))
	for _, f := range r.Facts() {
		fmt.Fprintf(&b, "%s\n", f)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "Note: %s.\n", n)
	}
	fmt.Fprintf(&b, "\n%s", r.Text(width))
	err := output.Print(l.Stdout, l.format(), output.Result{Schema: "lifetimes/1", Text: b.String(),
		JSON: lifetimesJSON{Issuer: issuer, ClientID: l.smoke.client.ClientID, Made: l.register, Result: r}})
	if l.svg != "" {
		err = errors.Join(err, atomicfile.Write(filepath.Clean(l.svg), []byte(r.SVG("Lifetimes at "+issuer)), 0o644))
	}
	return err
}
