package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/clientauth"
	"rely/internal/config"
	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/fault"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// activeFlags are those that say what is tried, and who signs in.
func (d *examination) activeFlags(c *cobra.Command) {
	f := c.Flags()
	d.settingFlags(f, "browser", "username", "password_file", "totp_secret_file", "initial_access_token_file", "tls_client_cert", "tls_client_key", "login_timeout")
	d.pages.add(f)
	f.StringVar(&d.purpose, "for", "", "what the provider is meant to be: `NAME`, one of "+purposes())
	d.only.placeholder, d.skip.placeholder = "ID", "ID"
	f.Var(&d.only, "only", "run this check and no other, or all of a kind (P, A or L); repeatable, or with commas")
	f.Var(&d.skip, "skip", "leave this check out; repeatable, or with commas")
	for _, flag := range []string{"only", "skip"} {
		_ = c.RegisterFlagCompletionFunc(flag, completeChecks)
	}
	f.BoolVar(&d.active, "active", false, "try what the provider promises, with clients made for it and deleted at the end")
	f.BoolVar(&d.register, "register", false, "with --active: make clients for it, as it does without --profile, also where they cannot be deleted")
	f.BoolVar(&d.dry, "dry-run", false, "with --active: show each request and send none")
	f.IntVar(&d.most, "max-requests", 0, "with --active: send at most `N` requests (default 100; 1000 to a provider on this machine)")
	f.BoolVar(&d.slow, "slow", false, "with --active: run the checks that wait for codes and tokens to run out, too")
	f.StringVar(&d.testURL, "test-url", "", "with --active: address of this machine that the provider can reach, as `URL`, for the check A24")
	f.StringVar(&d.testListen, "test-listen", "", "where --test-url is forwarded to, as `HOST:PORT`, in plain http")
}

// prepareActive fills in what --active needs, and says what it will do.
func (d *examination) prepareActive(ctx context.Context) error {
	const op = "examine actively"
	switch {
	case d.dry && !d.active:
		return &fault.Error{Kind: fault.Usage, ID: "doctor.dry-run", Op: op, Err: errors.New("--dry-run is about --active, which is not given"), Hint: "add --active"}
	case d.register && !d.active:
		return &fault.Error{Kind: fault.Usage, ID: "doctor.register", Op: op, Err: errors.New("--register is about --active, which is not given"), Hint: "add --active"}
	case d.register && d.flags.Changed("profile"):
		return &fault.Error{Kind: fault.Usage, ID: "doctor.register", Op: op, Err: errors.New("--profile names a client, and --register wants new ones"), Hint: "give one of the two"}
	case d.testURL != "" && !d.active:
		return &fault.Error{Kind: fault.Usage, ID: "doctor.test-url", Op: op, Err: errors.New("--test-url is about --active, which is not given"), Hint: "add --active"}
	case !d.active:
		return nil
	}
	o := &trial.Options{HTTP: d.options.Look.HTTP, Now: d.Now, Sleep: d.Sleep, Most: d.most, Slow: d.slow, Anyway: d.register, Show: d.showing}
	var err error
	if o.Own, err = d.clientCertificate(); err != nil {
		return err
	}
	if d.testURL != "" {
		if o.Site, err = d.site(d.testURL, d.testListen); err != nil {
			return err
		}
	}
	if o.Initial, err = d.secretOnce(false, "initial_access_token", "the initial access token"); err != nil {
		return err
	}
	if d.flags.Changed("profile") {
		if o.Borrowed, err = d.borrowed(ctx); err != nil {
			return err
		}
	}
	switch browser := d.values.String("browser"); {
	case d.drives() || d.dry:
		o.Agent, err = d.robots()
	case d.values.Source("browser") > config.FromDefault && browser != "":
		o.Person, err = d.person(ctx)
	}
	if err != nil {
		return err
	}
	if d.dry {
		o.Dry = func(request string) {
			for line := range strings.Lines(d.redact.Text(request)) {
				fmt.Fprintln(d.Stdout, fault.Visible(strings.TrimSuffix(line, "\n")))
			}
		}
	} else {
		o.Announce, o.Progress = d.plan, d.progress()
	}
	d.options.Active = o
	return nil
}

// borrowed is the client of the profile that --profile names. It is neither
// changed nor deleted.
func (d *examination) borrowed(ctx context.Context) (*trial.Borrowed, error) {
	const op = "examine actively"
	k := d.sessions(false)
	client, err := k.Client(ctx)
	if err != nil {
		return nil, err
	}
	creds, err := k.Credentials(client, nil)
	if err != nil {
		return nil, err
	}
	record := recordOf(client)
	b := &trial.Borrowed{Client: &registration.Client{ID: client.ClientID, Secret: client.Secret}, RedirectURI: d.values.String("redirect_uri")}
	if alg := registration.TextOf(record, "id_token_signed_response_alg"); alg != "" {
		b.Metadata = map[string]json.RawMessage{"id_token_signed_response_alg": json.RawMessage(strconv.Quote(alg))}
	}
	if all := registration.ListOf(record, "redirect_uris"); b.RedirectURI == "" && len(all) > 0 {
		b.RedirectURI = all[0]
	}
	u, err := url.Parse(b.RedirectURI)
	if err != nil || u.Host == "" {
		return nil, &fault.Error{Kind: fault.Config, ID: "doctor.profile", Op: op, Err: errors.New("the profile has no redirect URI"), Hint: "add --redirect-uri to the profile: \"rely profile set redirect_uri=URI\""}
	}
	if u.Port() == "0" { // any will do, and nobody listens
		u.Host = u.Hostname() + ":49152"
		b.RedirectURI = u.String()
	}
	entry, err := clientauth.Choose(d.values.String("client_auth"), nil, creds)
	switch {
	case err != nil:
		return nil, err
	case entry.Name == "client_secret_post":
		b.Post = true
	case entry.Name == "none":
		b.Secret = secret.String{}
	case entry.Name != "client_secret_basic":
		return nil, &fault.Error{Kind: fault.Config, ID: "doctor.profile", Op: op, Err: fmt.Errorf("the profile's client proves itself with %s, which these checks cannot bend", entry.Name),
			Hint: "leave --profile out, or name one with a client secret or without any"}
	}
	return b, nil
}

// drives reports whether a robot signs in, and not a person in a browser.
func (d *examination) drives() bool {
	return slices.Contains([]string{"forms", "chrome"}, d.values.String("browser"))
}

// person signs in by the browser that was named.
func (d *examination) person(ctx context.Context) (*trial.Person, error) {
	agent, _, err := d.agent()
	if err != nil {
		return nil, err
	}
	tell := func(address string) {
		if agent.Name() == "system" || agent.Name() == "none" {
			fmt.Fprintf(d.Stderr, "Sign in at this address; the browser is led on by itself:\n\n  %s\n\n", fault.Visible(address))
		}
	}
	return trial.NewPerson(ctx, agent, tell, d.values.Duration("login_timeout"))
}

// plan tells what is about to be done.
func (d *examination) plan(p trial.Plan) {
	who := ""
	if p.Codes > 0 {
		who = fmt.Sprintf(" %s signs in, and the session is used for %s;", fault.Visible(d.values.String("username")), fault.Count(p.Codes, "code", "codes"))
		if d.options.Active.Person != nil {
			who = " you sign in once, and may be asked to agree once for each client; " + fault.Count(p.Codes, "code is taken;", "codes are taken;")
		}
	}
	few := p.Requests > p.Most
	if d.compares() { // which is not the checks', and none of it is left out
		p.Requests, p.Most, p.Clients = p.Requests+comparison, p.Most+comparison, p.Clients+1
	}
	made := fault.Count(p.Clients, "client is made and deleted again", "clients are made and deleted again")
	if d.options.Active.Borrowed != nil {
		made = "the profile's client is used"
	}
	d.say("About %s, at most %d:%s %s.\n", fault.Count(p.Requests, "request follows", "requests follow"), p.Most, who, made)
	if few {
		d.say("rely: note: not all checks can be run so: raise the limit with --max-requests %d, or choose checks with --only\n", (p.Requests/50+1)*50)
	}
}

// progress shows on a terminal which check is at work; in a pipe the plan is
// all that is said.
func (d *examination) progress() func(n, of int, k *check.Check) {
	if !d.Interactive || d.quiet() {
		return nil
	}
	d.clears = true
	return func(n, of int, k *check.Check) {
		fmt.Fprintf(d.Stderr, "\r\x1b[K%d of %d: %s %s", n, of, k.ID, k.Name)
	}
}

// cleared takes the line of progress away.
func (d *examination) cleared() {
	if d.clears {
		fmt.Fprint(d.Stderr, "\r\x1b[K")
	}
}

// robots makes who signs in, over a transport of the examination's own.
func (i *invocation) robots() (func(http.RoundTripper) (useragent.Agent, error), error) {
	password, err := i.secretOnce(false, "password", "the password")
	if err != nil {
		return nil, err
	}
	o := useragent.Options{Username: i.values.String("username"), Password: password, Now: i.Now, Getenv: i.Env,
		Env: i.ChildEnv(secretVariables()), ReadFile: os.ReadFile, Root: os.Geteuid() == 0}
	if err := i.walkPages(&o); err != nil {
		return nil, err
	}
	return func(over http.RoundTripper) (useragent.Agent, error) {
		o.HTTP = over
		name := i.values.String("browser")
		if name != "chrome" {
			name = "forms" // or a dry run, which visits nobody
		}
		return useragent.Choose(name, o)
	}, nil
}
