package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/store"
)

// register makes a client at a provider, or records one that somebody else
// made, and keeps it in a profile.
type register struct {
	*invocation
	members                   memberFlags
	generate                  listFlag
	initialStdin, secretStdin bool
	replace, noCheck          bool

	kept     store.Store
	replaced *store.Client // what the profile's record was before

	former     []config.Change // what the profile said of its client before
	hadProfile bool
	wanted     map[string]any
	keys       secret.String // made on request, with the private halves
	endpoint   registration.Endpoint
}

func newRegister(i *invocation) *cobra.Command {
	r := &register{invocation: i}
	c := &cobra.Command{
		Use:   "register [ISSUER]",
		Short: "Register a client, or record one that exists",
		Long: `Makes a client at the OpenID Provider (dynamic client registration: RFC 7591,
OpenID Connect Registration 1.0) and keeps it in the profile named by --profile, or
in one named after the issuer's host. "rely login" then needs nothing more.

What you do not say is chosen to suit the provider, and told: grant types, client
authentication, algorithms, the redirect URI. The answer is compared with what was
asked for; a client that could not sign in is deleted again. Any member of client
metadata goes with its flag, or with --metadata. Secrets go into the store, the
rest into the profile's file.

With --client-id nothing is made: the client that the administrator made is
recorded, and what can be checked without signing in is checked.

Where the provider wants an initial access token: --initial-access-token-file,
--initial-access-token-stdin or RELY_INITIAL_ACCESS_TOKEN.`,
		Example: `  rely register https://op.example
  rely register https://op.example -p work --client-name "My tool" --scope "openid email"
  rely register https://op.example --client-auth none --metadata client.yaml
  rely register https://op.example --client-id my-client --client-secret-file FILE`,
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := issuerArgument(c, args); err != nil {
				return err
			}
			if err := r.open(c, true); err != nil {
				return err
			}
			return r.run(c)
		},
	}
	r.members.add(i, c)
	i.settingFlags(c.Flags(), "issuer", "client_id", "client_secret_file", "client_key_file", "tls_client_cert", "tls_client_key", "assertion_audience", "initial_access_token_file", "listen", "tls_cert", "tls_key", "flow", "param", "token_param", "store")
	providerFlags(c)
	c.Flags().BoolVar(&r.initialStdin, "initial-access-token-stdin", false, "read the initial access token from standard input")
	c.Flags().BoolVar(&r.secretStdin, "client-secret-stdin", false, "read the client's secret from standard input")
	c.Flags().VarP(&r.generate, "generate-key", "", "make a key for `USE`: auth, mtls, dpop or encryption; may stand more than once")
	c.Flags().BoolVar(&r.replace, "replace", false, "let the profile forget the client that it has")
	c.Flags().BoolVar(&r.noCheck, "no-check", false, "record a client without asking the provider about it")
	_ = c.RegisterFlagCompletionFunc("generate-key", completeKeyUses)
	exclusive(c, "initial-access-token-stdin", "initial-access-token-file")
	exclusive(c, "client-secret-stdin", "client-secret-file")
	exclusive(c, "initial-access-token-stdin", "client-secret-stdin")
	exclusive(c, "client-id", "initial-access-token-stdin")
	exclusive(c, "client-id", "generate-key")
	c.AddCommand(newRegisterShow(i), newRegisterUpdate(i), newRegisterDelete(i), newRegisterImport(i))
	return c
}

func completeKeyUses(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, u := range registration.KeyUses() {
		out = append(out, u.Name+"\t"+u.Help)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (r *register) run(c *cobra.Command) error {
	ctx := c.Context()
	if err := r.forms("text", "json", "yaml"); err != nil {
		return err
	}
	if r.values.String("issuer") == "" {
		return &fault.Error{Kind: fault.Usage, ID: "registration.issuer", Op: "register a client", Err: errors.New("no issuer is given, and there is no current profile"),
			Hint: "run \"rely register ISSUER\""}
	}
	src := r.values.Source("client_id")
	known := src == config.FromFlag || src == config.FromVariable
	if !known && (r.secretStdin || c.Flags().Changed("client-secret-file")) {
		return usage(errors.New("a client's secret is given, and no --client-id"), "add --client-id for a client that exists; a new one gets its secret from the provider")
	}
	if err := r.keepsNothing("register a client"); err != nil {
		return err
	}
	var err error
	if r.wanted, err = r.members.read(r.invocation, c); err != nil {
		return err
	}
	if r.kept, err = r.store(); err != nil {
		return err
	}
	unlock, err := r.kept.Lock(ctx, r.profile)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.kept.Writable(r.profile); err != nil {
		return err
	}
	if err := r.existing(ctx); err != nil {
		return err
	}
	if known {
		return r.likely(ctx, r.record(ctx))
	}
	return r.make(ctx)
}

// existing refuses to overwrite a profile's client, and says what would be
// lost with it. The same client may be recorded again.
func (r *register) existing(ctx context.Context) error {
	was, err := r.files.Load(r.profile, nil, noVariables)
	var f *fault.Error
	if errors.As(err, &f) && f.ID == "config.missing" {
		err = nil
	}
	if err != nil {
		return err
	}
	if r.replaced, err = r.kept.Client(ctx, r.profile); err != nil {
		return err
	}
	r.hadProfile = was.Exists
	for _, name := range registeredSettings() {
		change := config.Change{Name: name}
		if was.Exists && was.Source(name) == config.FromProfile {
			change.Values = []string{was.String(name)}
		}
		r.former = append(r.former, change)
	}
	id, issuer := "", ""
	if was.Exists && was.Source("client_id") == config.FromProfile {
		id, issuer = was.String("client_id"), was.String("issuer")
	} else if r.replaced != nil {
		id, issuer = r.replaced.ClientID, r.replaced.Issuer
	}
	if id == "" || r.replace || id == r.values.String("client_id") && issuer == r.values.String("issuer") && r.values.Source("client_id") >= config.FromVariable {
		return nil
	}
	lost := ""
	if r.replaced != nil && !r.replaced.Secret.Empty() {
		lost = ", its secret"
	}
	if r.replaced != nil && r.replaced.RegistrationURI != "" {
		lost += ", the token that can change and delete it at the provider"
	}
	if _, err := r.kept.Session(ctx, r.profile); err == nil {
		lost += ", the session"
	}
	return &fault.Error{Kind: fault.Config, ID: "registration.exists", Op: "register a client", Err: fmt.Errorf("the profile %s has the client %s at %s already; a new one would replace it%s", r.profile, id, issuer, lost),
		Hint: fmt.Sprintf("name another profile with -p, run \"rely register delete -p %s\" first, or add --replace", r.profile)}
}

// make registers a new client. It is saved before anything else happens; a
// client that cannot be saved is deleted again.
func (r *register) make(ctx context.Context) error {
	plan, err := r.plan(ctx)
	if err != nil {
		return err
	}
	made, err := r.endpoint.Make(ctx, plan)
	if err != nil {
		return r.orphaned(err)
	}
	r.redact.Learn(made.Secret.Reveal())
	r.redact.Learn(made.RegistrationToken.Reveal())
	record := registration.Record(made.Asked, made.Metadata)
	// From here on Ctrl-C comes too late: the client exists.
	saving := context.WithoutCancel(ctx)
	if err := r.save(saving, made, record); err != nil {
		return r.undo(saving, made.Client, err)
	}
	if err := r.kept.DeleteSession(saving, r.profile); err != nil { // of another client, if there is one
		return err
	}
	return r.report(made, plan, record)
}

// plan is what to ask for, from the person's wishes and the provider's
// metadata.
func (r *register) plan(ctx context.Context) (*registration.Plan, error) {
	initial, err := r.secretOnce(r.initialStdin, "initial_access_token", "the initial access token")
	if err != nil {
		return nil, err
	}
	entry, err := flows.Find(r.values.String("flow"))
	if err != nil {
		return nil, err
	}
	r.settingsAsWishes()
	for _, uri := range registration.ListOf(r.wanted, "redirect_uris") {
		if err := registration.CheckRedirect(uri, r.values.String("listen") != ""); err != nil {
			return nil, err
		}
	}
	ports, err := steadyPorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	hc, err := r.http()
	if err != nil {
		return nil, err
	}
	p, err := r.discover(ctx, r.values.String("issuer"))
	if err != nil {
		return nil, err
	}
	if _, said := r.wanted["response_types"]; !said {
		if err := entry.Flow.Possible(&p.Metadata); err != nil {
			return nil, err
		}
	}
	r.endpoint = registration.Endpoint{Provider: p, HTTP: hc, Initial: initial, Now: r.Now()}
	if err := r.makeKeys(p); err != nil {
		return nil, err
	}
	return registration.Choose(&p.Metadata, registration.Wish{Metadata: r.wanted, Grant: entry.Grant, Types: entry.Types, Ports: ports})
}

// settingsAsWishes takes what variables and the profile say of the client for
// what the person wants, unless the profile's client is being replaced: that
// one's settings suited another.
func (r *register) settingsAsWishes() {
	for _, m := range registration.Members() {
		name := m.Name
		if other := map[string]string{"token_endpoint_auth_method": "client_auth", "redirect_uris": "redirect_uri"}[name]; other != "" {
			name = other
		}
		if name != "scope" && !slices.Contains(registeredSettings(), name) || r.values.Source(name) <= config.FromDefault || r.values.String(name) == "" {
			continue
		}
		if _, said := r.wanted[m.Name]; said || m.Name != "scope" && r.stale(name) {
			continue
		}
		r.wanted[m.Name] = r.values.String(name)
		if m.Kind == registration.List {
			r.wanted[m.Name] = []string{r.values.String(name)}
		}
	}
}

// stale reports whether a setting is the replaced client's.
func (r *register) stale(name string) bool {
	return r.replace && r.values.Source(name) == config.FromProfile
}

// save keeps the secrets first, then the profile.
func (r *register) save(ctx context.Context, made *registration.Made, record map[string]any) error {
	c, err := storeClient(r.values.String("issuer"), made.Client, record)
	if err != nil {
		return err
	}
	c.Keys = r.keys
	if err := r.kept.PutClient(ctx, r.profile, c); err != nil {
		return err
	}
	redirect := ""
	if len(made.Redirect.URIs) > 0 {
		redirect = made.Redirect.URIs[0]
	}
	changes := learnt(made.ID, record, redirect)
	if scope := registration.TextOf(r.wanted, "scope"); scope != "" && r.values.String("scope") == "" {
		changes = append(changes, config.Change{Name: "scope", Values: []string{scope}}) // from --metadata
	}
	if err := r.keepSettings(changes...); err != nil {
		return errors.Join(err, r.restore(ctx))
	}
	return nil
}

// restore puts the profile's former client back.
func (r *register) restore(ctx context.Context) error {
	switch {
	case !r.files.Exists(r.profile):
	case r.hadProfile:
		_ = r.files.Set(r.profile, r.former) // what could not be written was told
	default:
		_ = r.files.Delete(r.profile)
	}
	if r.replaced == nil {
		return r.kept.DeleteClient(ctx, r.profile)
	}
	return r.kept.PutClient(ctx, r.profile, r.replaced)
}

// undo deletes a client that could not be saved, or hands it to the person.
func (r *register) undo(ctx context.Context, c *registration.Client, why error) error {
	if kept := registration.Undo(ctx, r.endpoint.HTTP, r.values.String("issuer"), c); kept != nil {
		r.handOver(c, kept)
		return why
	}
	fmt.Fprintf(r.Stderr, "rely: note: the client %s could not be kept and was deleted again at the provider.\n", fault.VisibleUpTo(c.ID, 200))
	return why
}

// orphaned hands a client over that the registration could not delete again.
func (r *register) orphaned(err error) error {
	var o *registration.Orphan
	if errors.As(err, &o) {
		r.handOver(o.Client, o.Kept)
	}
	return err
}

// handOver is the one place that shows a registration token: it would be lost,
// and the client with it.
func (r *register) handOver(c *registration.Client, why error) {
	fmt.Fprintf(r.Stderr, "rely: note: the provider made the client %s, which is not kept here and could not be deleted again (%s).\n",
		fault.VisibleUpTo(c.ID, 200), fault.VisibleUpTo(r.redact.Text(why.Error()), 500))
	if c.RegistrationURI == "" {
		fmt.Fprintf(r.Stderr, "rely: note: have the provider's administrator delete it.\n")
		return
	}
	fmt.Fprintf(r.Stderr, "rely: note: this deletes it; the token in it is a secret:\n\n  curl -X DELETE -H 'Authorization: Bearer %s' '%s'\n\n",
		fault.Visible(c.RegistrationToken.Reveal()), fault.Visible(c.RegistrationURI))
}
