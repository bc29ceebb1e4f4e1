package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/expect"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/provider"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/trace"
)

// smoke is the whole life of a throw-away client. Nothing of it is kept: its
// profile lies in a temporary folder, its secrets in memory.
type smoke struct {
	*invocation
	expects      listFlag
	initialStdin bool

	expected []expect.Expectation
	inside   *invocation
	provider *provider.Provider
	keys     secret.String      // of the client, where it proves itself with one
	made     *registration.Made // nil where there is no client, or no more
	client   *store.Client
	tokens   *flows.Tokens
	refused  error // the tokens did not pass
	session  *store.Session
	claims   map[string]json.RawMessage
	steps    []smokeStep
	failed   map[string]bool // steps that did not pass, by name
}

// smokeSettings are those that the throw-away client is used with.
func smokeSettings() []string {
	return []string{"issuer", "ca_cert", "timeout", "trace", "scope", "client_auth", "redirect_uri", "listen", "tls_cert", "tls_key", "browser", "username", "password_file", "totp_secret_file",
		"login_timeout", "open_timeout", "prompt", "acr_values", "param", "token_param", "non_interactive", "quiet"}
}

func newSmoke(i *invocation) *cobra.Command {
	s := &smoke{invocation: i, expects: listFlag{placeholder: "EXPECTATION"}}
	c := &cobra.Command{
		Use:   "smoke [ISSUER]",
		Short: "Live the whole life of a throw-away client",
		Long: `Registers a client at the OpenID Provider, signs in with it, checks the tokens, asks
UserInfo and introspection, renews, revokes, proves that what was revoked is dead,
signs out and deletes the client: one line for each step, with its time. The client
is deleted whatever happens, also on Ctrl-C; nothing of it is kept here, and no
profile is made or changed.

A step that the provider does not offer is "not run, because ...", never passed. A
step that fails, or an --expect that does not hold, makes exit code 8. -o junit and
-o json are for CI. --expect looks at the claims of the ID token and of UserInfo.

A person signs in once; a test user does with --browser forms or chrome. Where the
provider wants an initial access token: --initial-access-token-file,
--initial-access-token-stdin or RELY_INITIAL_ACCESS_TOKEN.`,
		Example: `  rely smoke https://op.example
  rely smoke https://op.example --browser forms --username alice --password-file pw -o junit
  rely smoke https://op.example --expect email_verified==true --expect "groups contains admin"`,
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := issuerArgument(c, args); err != nil {
				return err
			}
			if err := s.open(c, false); err != nil {
				return err
			}
			return s.run(c.Context())
		},
	}
	i.settingFlags(c.Flags(), "issuer", "scope", "client_auth", "redirect_uri", "listen", "tls_cert", "tls_key", "browser", "username", "password_file", "totp_secret_file",
		"login_timeout", "open_timeout", "prompt", "acr_values", "param", "token_param", "initial_access_token_file")
	i.pages.add(c.Flags())
	c.Flags().Var(&s.expects, "expect", "what has to hold of the claims, as email_verified==true; may stand more than once")
	c.Flags().Bool("password-stdin", false, "read the password from standard input")
	c.Flags().BoolVar(&s.initialStdin, "initial-access-token-stdin", false, "read the initial access token from standard input")
	exclusive(c, "password-stdin", "password-file")
	exclusive(c, "password-stdin", "initial-access-token-stdin")
	exclusive(c, "initial-access-token-stdin", "initial-access-token-file")
	providerFlags(c)
	return c
}

// smokeSteps is the table of the steps, in order. One that needs another is
// not run where that one failed.
func smokeSteps() []smokeStep {
	return []smokeStep{
		{Name: "discover", What: "discover the provider", Spec: "OIDC Discovery 4", run: (*smoke).discovered},
		{Name: "register", What: "register a client", Spec: "RFC 7591 3", needs: "discover", run: (*smoke).register},
		{Name: "login", What: "sign in", Spec: "OIDC Core 3.1", needs: "register", run: (*smoke).login},
		{Name: "tokens", What: "look at the tokens", Spec: "RFC 6749 5.1", needs: "login", run: (*smoke).lookAtTokens},
		{Name: "userinfo", What: "ask who is signed in", Spec: "OIDC Core 5.3", needs: "tokens", run: (*smoke).userinfo},
		{Name: "introspect", What: "ask what the access token is worth", Spec: "RFC 7662 2", needs: "tokens", run: (*smoke).introspect},
		{Name: "refresh", What: "renew the tokens", Spec: "RFC 6749 6", needs: "tokens", run: (*smoke).refresh},
		{Name: "revoke-access", What: "revoke the access token", Spec: "RFC 7009 2", needs: "tokens", run: (*smoke).revokeAccess},
		{Name: "access-dead", What: "prove that the access token is dead", Spec: "RFC 7009 2", needs: "revoke-access", run: (*smoke).accessDead},
		{Name: "revoke-refresh", What: "revoke the refresh token", Spec: "RFC 7009 2", needs: "tokens", run: (*smoke).revokeRefresh},
		{Name: "refresh-dead", What: "prove that the refresh token is dead", Spec: "RFC 7009 2", needs: "revoke-refresh", run: (*smoke).refreshDead},
		{Name: "logout", What: "sign out", Spec: rpInitiated, needs: "tokens", run: (*smoke).logout},
	}
}

func (s *smoke) run(ctx context.Context) error {
	if err := s.forms("text", "json", "yaml", "junit"); err != nil {
		return err
	}
	issuer := s.values.String("issuer")
	if issuer == "" {
		return &fault.Error{Kind: fault.Usage, ID: "smoke.issuer", Op: "try a provider", Err: errors.New("no issuer is given, and no profile has one"), Hint: "run \"rely smoke ISSUER\""}
	}
	var err error
	if s.expected, err = expectations(s.expects.values); err != nil {
		return err
	}
	if s.values.Bool("non_interactive") && !s.robot() && s.values.String("username") == "" {
		return &fault.Error{Kind: fault.Login, ID: "login.non-interactive", Op: "sign in", Err: errors.New("a person is needed, and --non-interactive forbids to ask one"),
			Hint: "use --browser forms with a test user"}
	}
	s.catch()
	dir, err := os.MkdirTemp(s.Dirs.Temp, "rely-smoke-")
	if err != nil {
		return &fault.Error{Kind: fault.Config, ID: "smoke.folder", Op: "make a temporary folder", Err: err, Hint: "check TMPDIR"}
	}
	defer os.RemoveAll(dir)
	if err := s.enter(dir); err != nil {
		return err
	}
	began := s.Now()
	s.tell("Trying %s with a throw-away client.\n", fault.Visible(issuer))
	unreached := s.walk(ctx)
	return s.verdict(ctx, issuer, s.Now().Sub(began), unreached)
}

// enter makes the invocation that the client is used with: its profile is in
// dir, and no other profile and no variable of the person's takes part.
func (s *smoke) enter(dir string) error {
	a := *s.App
	a.Dirs.Config, a.Dirs.Cache = dir, ""
	a.Stdout = s.Stderr
	a.LookupEnv = func(name string) (string, bool) {
		if strings.HasPrefix(name, "RELY_") && name != config.Variable("password") && name != config.Variable("totp_secret") {
			return "", false
		}
		return s.LookupEnv(name)
	}
	s.inside = &invocation{App: &a, loud: s.loud, redact: s.redact, pages: s.pages, asked: "text", started: true, flags: s.flags}
	if s.values.String("har") != "" || s.values.Bool("curl") {
		s.record = &trace.Record{}
		s.inside.record = s.record
	}
	settings := map[string][]string{}
	for _, name := range smokeSettings() {
		if s.values.Source(name) > config.FromDefault && len(s.all(name)) > 0 && s.all(name)[0] != "" {
			settings[name] = s.all(name)
		}
	}
	if len(settings["username"]) > 0 && len(settings["browser"]) == 0 {
		settings["browser"] = []string{"forms"} // who names a test user wants no browser
	}
	return s.use(settings)
}

// use puts settings in force, with a store that ends with this process.
func (s *smoke) use(settings map[string][]string) error {
	settings["store"] = []string{"memory"}
	kept := s.inside.kept
	if err := s.inside.use("smoke", settings); err != nil {
		return err
	}
	if kept == nil {
		kept = &store.Memory{}
	}
	s.inside.kept = kept
	return nil
}

// walk takes the steps, and whatever became of them deletes the client. The
// error is that the provider was not reached at all.
func (s *smoke) walk(ctx context.Context) error {
	defer s.delete(ctx)
	s.failed = map[string]bool{}
	for _, step := range smokeSteps() {
		switch {
		case ctx.Err() != nil:
			step.Status, step.Said = notRun, "it was stopped"
			s.failed[step.Name] = true
		case s.failed[step.needs]:
			step.Status, step.Said = notRun, fmt.Sprintf("the step %s did not pass", step.needs)
			s.failed[step.Name] = true
		default:
			began := s.Now()
			step.Said, step.err = step.run(s, ctx)
			step.took(s.Now().Sub(began))
			s.failed[step.Name] = step.Status != passed
		}
		s.note(step)
		if step.Name == "discover" && fault.Is(step.err, fault.Network) {
			return step.err
		}
		if step.Name == "userinfo" {
			s.checkExpectations()
		}
	}
	return nil
}

// checkExpectations makes a step of each.
func (s *smoke) checkExpectations() {
	for _, e := range s.expected {
		step := smokeStep{Name: "expect", What: "expect " + e.Text}
		if s.tokens == nil {
			step.Status, step.Said = notRun, "nobody is signed in"
			s.note(step)
			continue
		}
		began := s.Now()
		if r := e.Check(s.claims, s.Now()); !r.Holds {
			step.err = &fault.Error{Kind: fault.Findings, ID: "expect.failed", Op: "check the claims", Err: fmt.Errorf("%s", strings.TrimSpace(strings.Join([]string{"it is", r.Actual, r.Why}, " ")))}
		}
		step.took(s.Now().Sub(began))
		s.note(step)
	}
}

// took ends a step.
func (p *smokeStep) took(d time.Duration) {
	p.Millis = float64(d.Microseconds()) / 1000
	var left *leftOut
	switch {
	case errors.As(p.err, &left):
		p.Status, p.Said, p.err = notRun, left.why, nil
	case p.err != nil:
		p.Status = failedStep
	default:
		p.Status = passed
	}
}
