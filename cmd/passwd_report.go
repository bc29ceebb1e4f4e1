package cmd

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/output"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/useragent"
)

type passwdJSON struct {
	Via      string `json:"via"`
	Username string `json:"username,omitempty"`
	Changed  bool   `json:"changed"`            // the provider said so
	Verified bool   `json:"verified"`           // a sign-in with the new password succeeded
	Said     string `json:"said,omitempty"`     // by the provider
	Page     string `json:"page,omitempty"`     // where the person goes on
	Password string `json:"password,omitempty"` // that was made
}

type passwdCheckJSON struct {
	Via   string           `json:"via"`
	Fits  *bool            `json:"fits,omitempty"` // absent where no password was given
	Rules []passwdRuleJSON `json:"rules"`
}

type passwdRuleJSON struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Met  *bool  `json:"met,omitempty"` // absent where only the provider can tell, or no password was given
}

// judged is the result of --check.
func (p *changePasswd) judged() error {
	out := passwdCheckJSON{Via: p.entry.Name, Rules: []passwdRuleJSON{}}
	var unmet map[string]bool
	if !p.account.New.Empty() && p.policy != nil {
		unmet = map[string]bool{}
		for _, r := range p.policy.Unmet(p.account, p.account.New) {
			unmet[r.Text] = true
		}
	}
	if p.policy != nil {
		for _, r := range p.policy.Rules {
			j := passwdRuleJSON{Name: r.Name, Text: r.Text}
			if met := !unmet[r.Text]; unmet != nil && r.Unmet != nil {
				j.Met = &met
			}
			out.Rules = append(out.Rules, j)
		}
	}
	var verdict error
	if !p.account.New.Empty() {
		verdict = p.unmet()
		fits := verdict == nil
		out.Fits = &fits
	}
	if err := output.Print(p.Stdout, p.format(), output.Result{Schema: "passwd-check/1", JSON: out, Text: p.ruleText(unmet)}); err != nil {
		return err
	}
	return verdict
}

// stepUp signs in again for the scopes that are missing, beside those that the
// session has.
func (p *changePasswd) stepUp(ctx context.Context, s *store.Session, missing []string) (*store.Session, error) {
	wanted := strings.Join(append(strings.Fields(s.Scope), missing...), " ")
	if p.values.Bool("non_interactive") && !p.robot() {
		return nil, &fault.Error{Kind: fault.Login, ID: "passwd.scope", Op: "change the password", Err: errors.New("the session has not the scope " + strings.Join(missing, " ")),
			Hint: "run \"rely login --scope '" + wanted + "'\""}
	}
	p.say("rely: note: the provider changes a password only with the scope %s; signing in again.\n", fault.Visible(strings.Join(missing, " ")))
	if p.robot() { // the sign-in needs the password that the change needs again
		if err := p.current(ctx); err != nil {
			return nil, err
		}
	}
	next, _, err := p.signIn(ctx, wanted, p.account.Old, nil)
	if err == nil && len(p.entry.MissingScopes(next.Scope)) > 0 {
		err = &fault.Error{Kind: fault.Denied, ID: "passwd.scope-denied", Op: "change the password", Err: errors.New("the provider did not grant " + strings.Join(p.entry.MissingScopes(next.Scope), " ")),
			Hint: "allow these scopes for the client at the provider"}
	}
	return next, err
}

// signIn has the person, or the robot with this password, sign in, and keeps
// the session.
func (p *changePasswd) signIn(ctx context.Context, scope string, password secret.String, further url.Values) (*store.Session, *flows.Tokens, error) {
	entry, err := flows.Find(p.values.String("flow"))
	if err == nil && !entry.Person {
		entry, err = flows.Find("code")
	}
	if err != nil {
		return nil, nil, err
	}
	k := p.sessions(false)
	client, err := k.Client(ctx)
	if err != nil {
		return nil, nil, err
	}
	r, err := k.Request(ctx, entry, client)
	if err != nil {
		return nil, nil, err
	}
	r.Scope = scope
	for name, values := range further {
		r.Param[name] = values
	}
	if !password.Empty() {
		p.password = password
	}
	if err := p.person(r); err != nil {
		return nil, nil, err
	}
	defer useragent.Dismiss(r.Agent)
	r.Fallbacks = fallbacks(client, r.RedirectURI)
	var s *store.Session
	r.Keep = func(t *flows.Tokens) error {
		st, err := p.store()
		if err != nil {
			return err
		}
		unlock, err := st.Lock(ctx, p.profile)
		if err != nil {
			return err
		}
		defer unlock()
		s = k.New(entry.Name, t)
		return st.PutSession(ctx, p.profile, s)
	}
	t, err := entry.Flow.Run(ctx, r)
	return s, t, k.Explain(client, err)
}

// changed proves the change where it can and reports it. The new password has
// been taken by now: an error here says so.
func (p *changePasswd) changed(ctx context.Context, said string) error {
	out := passwdJSON{Via: p.entry.Name, Username: p.account.Username, Changed: true, Said: said}
	if p.generate {
		out.Password = p.account.New.Reveal()
	}
	var unproven error
	if p.proves() {
		if unproven = p.prove(ctx); unproven == nil {
			out.Verified = true
		}
	}
	words := "Password of " + fault.VisibleUpTo(p.account.Username, 100) + " changed"
	switch {
	case out.Verified:
		words += "; a sign-in with the new one succeeded.\n"
	case unproven == nil:
		words += ", as the provider says. To be sure, sign in with it.\n"
	default:
		words = "The provider said that the password was changed, and a sign-in with the new one failed.\n"
	}
	p.say("%s", words)
	if out.Said != "" && p.verbose() > 0 {
		p.say("The provider said: %s\n", fault.VisibleUpTo(out.Said, 300))
	}
	if unproven == nil {
		p.say("About other sessions: %s.\n", p.entry.After)
		if p.session != nil {
			p.say("\"rely logout\" ends this one.\n")
		}
	}
	if p.generate || p.format() != "text" {
		if err := output.Print(p.Stdout, p.format(), output.Result{Schema: "passwd/1", JSON: out, Text: out.Password + "\n"}); err != nil {
			return err
		}
	}
	return unproven
}

// proves reports whether a sign-in with the new password follows: when it was
// asked for, and by itself where nobody has to do anything for it.
func (p *changePasswd) proves() bool {
	if p.verifySaid {
		return p.verify
	}
	return p.entry.Verify != nil || p.robot()
}

// prove signs in once with the new password.
func (p *changePasswd) prove(ctx context.Context) error {
	var err error
	if p.entry.Verify != nil {
		err = p.entry.Verify(ctx, p.account)
	} else {
		scope := strings.Join(p.entry.Scopes, " ")
		if p.session != nil {
			scope = p.session.Scope
		}
		_, _, err = p.signIn(ctx, scope, p.account.New, url.Values{"prompt": {"login"}})
	}
	if err == nil {
		return nil
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	return &fault.Error{Kind: f.Kind, ID: "passwd.unproven", Op: "sign in with the new password", Spec: f.Spec, Err: f,
		Hint: "find out which password is in force before you try again: wrong ones lock the account"}
}

// handOff leads the person to where they change it themselves.
func (p *changePasswd) handOff(ctx context.Context) error {
	if p.check || p.generate {
		return &fault.Error{Kind: fault.Usage, ID: "passwd.page", Op: "change the password", Err: errors.New(p.entry.Name + " changes it on a page of its own, which has its own rules"),
			Hint: "leave --check and --generate out"}
	}
	h, err := p.entry.Handoff(ctx, p.account)
	if err != nil {
		return err
	}
	out := passwdJSON{Via: p.entry.Name, Username: p.account.Username, Said: h.Said, Page: h.URL}
	switch {
	case h.Param != nil:
		if out.Said, err = p.overPage(ctx, h.Param); err != nil {
			return err
		}
	case h.URL != "":
		err = p.openPage(ctx, h.URL)
	default:
		p.say("The provider said: %s\n", fault.VisibleUpTo(h.Said, 300))
	}
	if err != nil || p.format() == "text" {
		return err
	}
	return output.Print(p.Stdout, p.format(), output.Result{Schema: "passwd/1", JSON: out})
}

// overPage signs in with the parameters that lead over the provider's page.
// Keycloak's kc_action_status says how it ended; nobody signs that, so it is
// told and no proof.
func (p *changePasswd) overPage(ctx context.Context, param url.Values) (string, error) {
	scope := "openid profile email"
	if p.session != nil {
		scope = p.session.Scope
	}
	_, t, err := p.signIn(ctx, scope, secret.String{}, param)
	if err != nil {
		return "", err
	}
	status := t.Answer.Get("kc_action_status")
	switch status {
	case "success", "":
		p.say("You are back from the provider's page. Whether the password was changed, your next sign-in tells.\n")
		return status, nil
	case "cancelled":
		return status, &fault.Error{Kind: fault.Denied, ID: "passwd.cancelled", Op: "change the password", Err: errors.New("it was cancelled on the provider's page"), Hint: "run it again when you are ready"}
	}
	return status, &fault.Error{Kind: fault.Denied, ID: "passwd.refused", Op: "change the password", Err: errors.New("the provider's page ended with kc_action_status " + status),
		Hint: "see that the required action UPDATE_PASSWORD is switched on in the realm"}
}

// openPage opens the provider's page in the person's browser.
func (p *changePasswd) openPage(ctx context.Context, page string) error {
	p.say("Change your password on the provider's page:\n\n  %s\n\n", fault.Visible(page))
	if p.values.Bool("non_interactive") || p.robot() {
		return nil
	}
	o := useragent.Options{Stderr: p.Stderr, Env: p.ChildEnv(secretVariables()), Getenv: p.Env}
	agent, err := useragent.Choose(p.values.String("browser"), o)
	if err != nil {
		return nil //nolint:nilerr // the address is on the screen, which is enough
	}
	if err := agent.Visit(ctx, useragent.Visit{URL: page}); err != nil {
		p.say("rely: note: the browser did not open: %s\n", fault.VisibleUpTo(err.Error(), 300))
	}
	return nil
}
