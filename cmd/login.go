package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/request"
	"rely/internal/output"
	"rely/internal/store"
	"rely/internal/useragent"
)

// login signs a person in, or a machine where the flow is one for machines,
// and keeps the session in the profile.
type login struct {
	*invocation
	secretStdin bool
}

// clientSettings are what a profile keeps of the client and how it signs in.
func clientSettings() []string {
	names := []string{
		"issuer", "client_id", "client_auth", "client_key_file", "tls_client_cert", "tls_client_key", "assertion_audience",
		"id_token_signed_response_alg", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
		"userinfo_signed_response_alg", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc", "authorization_signed_response_alg",
		"authorization_encrypted_response_alg", "authorization_encrypted_response_enc", "redirect_uri", "post_logout_redirect_uri", "listen", "tls_cert", "tls_key",
		"scope", "flow", "response_type", "response_mode", "dpop", "browser", "username", "store", "login_timeout", "open_timeout", "ca_cert", "prompt", "max_age", "acr_values", "login_hint",
		"ui_locales", "claims_locales", "display", "claims", "resource", "audience", "authorization_details", "par", "request_object", "fapi", "param", "token_param",
	}
	for _, name := range flows.Settings() {
		for _, spelt := range []string{name, name + "_file"} {
			if s, _ := config.Find(spelt); s.Profile && !slices.Contains(names, spelt) {
				names = append(names, spelt)
			}
		}
	}
	return names
}

type loginJSON struct {
	Profile string     `json:"profile"`
	Issuer  string     `json:"issuer"`
	Subject string     `json:"sub,omitempty"`
	Name    string     `json:"name,omitempty"`
	Scope   string     `json:"scope,omitempty"`
	Expires *time.Time `json:"expires_at,omitempty"`
	Checks  []rungJSON `json:"checks"`
}

func newLogin(i *invocation) *cobra.Command {
	l := &login{invocation: i}
	c := &cobra.Command{
		Use:   "login [ISSUER]",
		Short: "Sign in, check everything, keep the session",
		Long: `Signs in at the OpenID Provider with the flow of the profile (authorization code
with PKCE by default), checks the answer and the ID token rule by rule, and keeps
the session. With an ISSUER and flags it makes the profile named by --profile, or
one named after the issuer's host, and keeps what was given; alone it uses the
current profile.

A person signs in in the system's browser; the URL is printed as well, and on a
terminal the address that the browser ended on can be pasted. In CI,
--browser forms fills the login form itself with --username and a password from
--password-file, --password-stdin or RELY_PASSWORD; --totp-secret-file makes the
one-time codes. Where the page needs scripts, --browser chrome does the same in a
headless Chrome. Pages that neither understands: see --save-pages and --recipe.

Nothing is kept unless every check passed.`,
		Example: `  rely login https://op.example --client-id my-client
  rely login -p work
  rely login https://op.example -p ci --client-id ci --browser forms --username alice --password-file pw`,
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := l.fingered(c, args); err != nil {
				return err
			}
			if err := issuerArgument(c, args); err != nil {
				return err
			}
			if err := l.open(c, true); err != nil {
				return err
			}
			return l.recorded(l.likely(c.Context(), l.run(c.Context())))
		},
	}
	i.settingFlags(c.Flags(), clientSettings()...)
	i.settingFlags(c.Flags(), "client_secret_file", "password_file", "totp_secret_file", "qr", "id_token_hint", "id_token_hint_file")
	i.pages.add(c.Flags())
	i.flowFlags(c)
	providerFlags(c)
	c.Flags().BoolVar(&l.secretStdin, "client-secret-stdin", false, "read the client's secret from standard input")
	exclusive(c, "client-secret-stdin", "client-secret-file")
	exclusive(c, "client-secret-stdin", "password-stdin")
	exclusive(c, "id-token-hint", "id-token-hint-file")
	return c
}

func (l *login) run(ctx context.Context) error {
	if l.values.String("issuer") == "" {
		return &fault.Error{Kind: fault.Usage, ID: "login.issuer", Op: "sign in", Err: errors.New("no issuer is given, and there is no current profile"),
			Hint: "run \"rely register ISSUER\" or \"rely login ISSUER --client-id ID\", or \"rely demo\" to see it work"}
	}
	entry, err := flows.Find(l.values.String("flow"))
	if err != nil {
		return err
	}
	if entry.Person && l.values.Bool("non_interactive") && !l.robot() {
		return &fault.Error{Kind: fault.Login, ID: "login.non-interactive", Op: "sign in", Err: fmt.Errorf("the flow %s needs a person, and --non-interactive forbids to ask one", entry.Name),
			Hint: "use --browser forms with a test user, or --flow client-credentials"}
	}
	l.single = l.values.String("browser") == "forms"
	l.loose = l.single
	k := l.sessions(l.secretStdin)
	if err := k.Fits(entry); err != nil {
		return err
	}
	if l.Interactive && !l.values.Bool("non_interactive") {
		k.Prompt = l.Prompt
	}
	client, err := k.Client(ctx)
	if err != nil {
		return err
	}
	r, err := k.Request(ctx, entry, client)
	if err != nil {
		return err
	}
	l.listening(r)
	if entry.Person {
		if err := l.person(r); err != nil {
			return err
		}
		defer useragent.Dismiss(r.Agent)
		r.Fallbacks = fallbacks(client, r.RedirectURI)
	}
	r.Keep = func(t *flows.Tokens) error { return l.keep(ctx, entry, client, t) }
	return l.signIn(ctx, k, entry, client, r)
}

// keep writes what was learnt, the session last: a session without its profile
// would be of no use, a profile without a session is one to sign in with.
func (l *login) keep(ctx context.Context, entry flows.Entry, client *store.Client, t *flows.Tokens) error {
	s, err := l.store()
	if err != nil {
		return err
	}
	unlock, err := s.Lock(ctx, l.profile)
	if err != nil {
		return err
	}
	defer unlock()
	if err := keepSecret(ctx, s, l.profile, client); err != nil {
		return err
	}
	if err := l.keepSettings(); err != nil {
		return err
	}
	return s.PutSession(ctx, l.profile, l.sessions(false).New(entry.Name, t))
}

// keepSecret keeps a client's secret. What a registration left behind for the
// same client stays.
func keepSecret(ctx context.Context, s store.Store, profile string, client *store.Client) error {
	if client.Secret.Empty() {
		return nil
	}
	kept, err := s.Client(ctx, profile)
	if err != nil {
		return err
	}
	next := *client
	if kept != nil && kept.Issuer == client.Issuer && kept.ClientID == client.ClientID {
		if kept.Secret.Reveal() == client.Secret.Reveal() {
			return nil
		}
		next = *kept
		next.Secret, next.SecretExpires = client.Secret, client.SecretExpires
	}
	return s.PutClient(ctx, profile, &next)
}

func (l *login) report(t *flows.Tokens) error {
	issuer := l.values.String("issuer")
	who := "Signed in"
	out := loginJSON{Profile: l.profile, Issuer: issuer, Scope: t.Scope, Checks: rungs(t.Ladder)}
	if t.Claims != nil {
		out.Subject, out.Name = t.Claims.Subject, request.DisplayName(t.Claims)
		who += " as " + fault.VisibleUpTo(out.Name, 100)
	}
	if !t.Expiry.IsZero() {
		out.Expires = &t.Expiry
	}
	l.say("%s at %s (profile %s).\n", who, fault.Visible(issuer), l.profile)
	l.showLadder(t.Ladder, false)
	l.scopeDifference(t.Scope)
	if l.format() == "text" {
		return nil
	}
	return output.Print(l.Stdout, l.format(), output.Result{Schema: "login/1", JSON: out})
}

// scopeDifference tells where the provider granted less than was asked, which
// it may (RFC 6749 3.3).
func (l *login) scopeDifference(granted string) {
	if missing := request.MissingScopes(l.values.String("scope"), granted); missing != "" {
		l.say("rely: note: the provider did not grant: %s\n", fault.Visible(missing))
	}
}
