package cmd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/passwd"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/store"
)

// changePasswd changes the password of the person who is signed in.
type changePasswd struct {
	*invocation
	stdin, newStdin         bool
	check, generate, verify bool
	verifySaid              bool // --verify was given, one way or the other

	account *passwd.Account
	entry   passwd.Entry
	policy  *passwd.Policy
	session *store.Session // nil where there is none
}

func newPasswd(i *invocation) *cobra.Command {
	p := &changePasswd{invocation: i}
	c := &cobra.Command{
		Use:   "passwd",
		Short: "Change the password of the signed-in user",
		Long: `Changes your own password, in the way that your provider has for it: --via names
it where issuer and metadata do not tell. What the provider demands of a password
is shown first and checked here as far as it can be; then the change is tried
once, because wrong passwords lock accounts.

Passwords come from a prompt without echo, from files, or from standard input
(the current one in the first line, the new one in the next). A good answer is no
proof: --verify signs in with the new password, and does so by itself where no
person is needed for it. --check changes nothing. --generate makes a password that
fits and prints it. Providers that change passwords on a page of their own have
it opened.

A session without the scopes that the provider wants is replaced by signing in
again. Afterwards you are told what becomes of other sessions.`,
		Example: `  rely passwd
  rely passwd --check
  rely passwd --password-file old --new-password-file new --non-interactive
  rely passwd --via ldap --via-url ldaps://ldap.example --via-param 'dn=uid={username},ou=people,dc=example,dc=com' --username alice`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			p.verifySaid = c.Flags().Changed("verify")
			if err := p.open(c, false); err != nil {
				return err
			}
			return p.recorded(p.run(c.Context()))
		},
	}
	i.settingFlags(c.Flags(), "via", "via_url", "via_param", "username", "password_file", "new_password_file", "totp_secret_file",
		"browser", "login_timeout", "open_timeout", "store")
	i.pages.add(c.Flags())
	c.Flags().BoolVar(&p.stdin, "password-stdin", false, "read the current password from standard input")
	c.Flags().BoolVar(&p.newStdin, "new-password-stdin", false, "read the new password from standard input")
	c.Flags().BoolVar(&p.check, "check", false, "show the rules and whether a password meets them; change nothing")
	c.Flags().BoolVar(&p.generate, "generate", false, "make a password that meets the rules, and print it")
	c.Flags().BoolVar(&p.verify, "verify", false, "sign in with the new password afterwards")
	exclusive(c, "password-stdin", "password-file")
	exclusive(c, "new-password-stdin", "new-password-file")
	exclusive(c, "generate", "new-password-stdin")
	exclusive(c, "generate", "new-password-file")
	exclusive(c, "check", "generate")
	return c
}

func (p *changePasswd) run(ctx context.Context) error {
	if err := p.forms("text", "json", "yaml"); err != nil {
		return err
	}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	defer p.wipe()
	if p.entry.Handoff != nil {
		return p.handOff(ctx)
	}
	if err := p.rules(ctx); err != nil {
		return err
	}
	if err := p.passwords(ctx); err != nil {
		return err
	}
	if p.check {
		return p.judged()
	}
	if err := p.unmet(); err != nil {
		return err
	}
	said, err := p.entry.Change(ctx, p.account)
	if err != nil {
		return err
	}
	return p.changed(ctx, said)
}

// wipe overwrites the passwords.
func (p *changePasswd) wipe() {
	p.account.Old.Wipe()
	p.account.New.Wipe()
}

// prepare finds the provider's way and who is asking.
func (p *changePasswd) prepare(ctx context.Context) error {
	hc, err := p.http()
	if err != nil {
		return err
	}
	p.account = &passwd.Account{Issuer: p.values.String("issuer"), ClientID: p.values.String("client_id"), Username: p.values.String("username"),
		Base: p.values.String("via_url"), HTTP: hc, TLS: p.tls}
	via := p.values.String("via")
	if p.account.Issuer != "" && via != "ldap" {
		var known *provider.Provider
		if known, err = p.discover(ctx, p.account.Issuer); err != nil {
			return err
		}
		p.account.Metadata = known.Metadata.Raw
	}
	if p.account.Issuer == "" && via == "" {
		return &fault.Error{Kind: fault.Login, ID: "session.none", Op: "change the password", Err: errNoProfile, Hint: "run \"rely login ISSUER --client-id ID\" first"}
	}
	if p.entry, err = passwd.Find(via, p.account); err != nil {
		return err
	}
	if err := p.entry.Fill(p.account, p.values.List("via_param")); err != nil {
		return err
	}
	if err := p.signedIn(ctx); err != nil {
		return err
	}
	if p.account.Username == "" && p.entry.Family != passwd.OnAPage {
		return &fault.Error{Kind: fault.Usage, ID: "passwd.username", Op: "change the password", Err: errors.New("nobody said whose password it is"),
			Hint: "give the user name with --username"}
	}
	return nil
}

// signedIn takes from the session what there is. Only the family that shows an
// access token cannot do without one.
func (p *changePasswd) signedIn(ctx context.Context) error {
	if p.profile == "" {
		if p.entry.Family != passwd.Bearer {
			return nil
		}
		return &fault.Error{Kind: fault.Login, ID: "session.none", Op: "change the password", Err: errNoProfile, Hint: "run \"rely login ISSUER --client-id ID\" first"}
	}
	var s *store.Session
	var err error
	if p.entry.Family == passwd.Bearer {
		s, err = p.sessions(false).Fresh(ctx, p.values.Duration("min_ttl"), false)
	} else {
		var st store.Store
		if st, err = p.store(); err == nil {
			s, err = st.Session(ctx, p.profile)
		}
		if fault.Is(err, fault.Login) {
			return nil // nobody is signed in, and nobody needs to be
		}
	}
	if err != nil {
		return err
	}
	if missing := p.entry.MissingScopes(s.Scope); len(missing) > 0 {
		if s, err = p.stepUp(ctx, s, missing); err != nil {
			return err
		}
	}
	p.about(s)
	return nil
}

// about takes from a session who it is.
func (p *changePasswd) about(s *store.Session) {
	p.session, p.account.Access, p.account.Subject = s, s.Access, s.Subject
	claims, err := idtoken.Decode(s.ID)
	if err != nil {
		return // a machine's session has no ID token
	}
	for _, name := range []string{"preferred_username", "email"} {
		var text string
		if p.account.Username == "" && json.Unmarshal(claims.All[name], &text) == nil {
			p.account.Username = text
		}
	}
	if p.account.Username == "" {
		p.account.Username = s.Subject
	}
	_ = json.Unmarshal(claims.All["email"], &p.account.Email)
}

// tls is for a directory.
func (p *changePasswd) tls() (*tls.Config, error) {
	network, err := p.Transport(p.values.String("ca_cert"))
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(p.account.Base)
	if err != nil {
		return nil, err
	}
	return network.TLS(u.Hostname()), nil
}

// rules asks for the provider's rules and shows them.
func (p *changePasswd) rules(ctx context.Context) error {
	if p.entry.Policy == nil {
		return nil
	}
	var err error
	if p.policy, err = p.entry.Policy(ctx, p.account); err != nil {
		return err
	}
	if !p.check { // there the rules are the result
		p.say("%s", p.ruleText(nil))
	}
	return nil
}

// ruleText is the policy for a person. With unmet rules, each rule says
// whether it is met.
func (p *changePasswd) ruleText(unmet map[string]bool) string {
	if p.policy == nil {
		return "The provider tells no rules for passwords.\n"
	}
	var b strings.Builder
	b.WriteString("A new password needs")
	if p.policy.Name != "" {
		b.WriteString(" (policy " + fault.VisibleUpTo(p.policy.Name, 100) + ")")
	}
	b.WriteString(":\n")
	for _, r := range p.policy.Rules {
		mark := "-"
		switch {
		case unmet == nil:
		case r.Unmet == nil:
			mark = "?"
		case unmet[r.Text]:
			mark = "x"
		default:
			mark = "+"
		}
		fmt.Fprintf(&b, "  %s %s (%s)\n", mark, fault.VisibleUpTo(r.Text, 200), fault.VisibleUpTo(r.Name, 60))
	}
	return b.String()
}

// passwords reads what is needed: the current password, unless it is only to
// be checked or is not asked for, and the new one.
func (p *changePasswd) passwords(ctx context.Context) error {
	if !p.check && !p.entry.NoOld {
		if err := p.current(ctx); err != nil {
			return err
		}
	}
	var err error
	if p.generate {
		p.account.New, err = passwd.Generate(p.policy, p.account)
	} else {
		p.account.New, err = p.secretFrom(ctx, p.newStdin, "new_password", "the new password", true)
	}
	if p.check && fault.Is(err, fault.Usage) {
		return nil // the rules alone, then
	}
	p.redact.Learn(p.account.New.Reveal())
	return err
}

// current reads the current password, once.
func (p *changePasswd) current(ctx context.Context) error {
	if !p.account.Old.Empty() {
		return nil
	}
	var err error
	p.account.Old, err = p.secretFrom(ctx, p.stdin, "password", "the current password", false)
	return err
}

// secretFrom reads a password from a line of standard input, a file, or the
// terminal, where a new one is asked for twice. A new one has no variable: the
// environment of a process is read too easily.
func (p *changePasswd) secretFrom(ctx context.Context, stdin bool, setting, what string, twice bool) (secret.String, error) {
	if stdin {
		line, err := p.Line(ctx)
		if err == nil && line == "" {
			err = errors.New("the line is empty")
		}
		if err != nil {
			return secret.String{}, &fault.Error{Kind: fault.Config, ID: "secret.stdin", Op: "read " + what, Err: err, Hint: "write it to standard input, one line"}
		}
		p.redact.Learn(line)
		return secret.New(line), nil
	}
	if file := p.values.String(setting + "_file"); file != "" {
		s, err := p.SecretFile(file, what)
		p.redact.Learn(s.Reveal())
		return s, err
	}
	if s := p.values.Secret("password"); !twice && !s.Empty() { // of the variable that signs in as well
		return s, nil
	}
	if p.values.Bool("non_interactive") || !p.Interactive {
		return secret.String{}, &fault.Error{Kind: fault.Usage, ID: "passwd.no-password", Op: "change the password", Err: errors.New(what + " is not given, and nobody can be asked"),
			Hint: "use --password-file and --new-password-file, or --password-stdin and --new-password-stdin"}
	}
	first, err := p.Prompt(strings.ToUpper(what[:1]) + what[1:] + ": ")
	if err != nil || !twice {
		return first, err
	}
	again, err := p.Prompt("Again: ")
	if err == nil && again.Reveal() != first.Reveal() {
		err = &fault.Error{Kind: fault.Usage, ID: "passwd.differ", Op: "read the new password", Err: errors.New("the two are not the same"), Hint: "run it again; nothing was changed"}
	}
	return first, err
}

// unmet refuses a new password that the rules refuse anyway, before anything
// is sent, and one that is the old one.
func (p *changePasswd) unmet() error {
	f := &fault.Error{Kind: fault.Denied, ID: "passwd.policy", Op: "check the new password", Spec: "the provider's password policy", Hint: "choose another one; nothing was sent"}
	if !p.account.Old.Empty() && p.account.Old.Reveal() == p.account.New.Reveal() {
		f.ID, f.Spec, f.Err = "passwd.same", "", errors.New("it is the current one")
		return f
	}
	if p.policy == nil {
		return nil
	}
	var words []string
	for _, r := range p.policy.Unmet(p.account, p.account.New) {
		words = append(words, r.Text+" ("+r.Name+")")
	}
	if len(words) == 0 {
		return nil
	}
	f.Err = errors.New("it does not meet: " + strings.Join(words, "; "))
	return f
}
