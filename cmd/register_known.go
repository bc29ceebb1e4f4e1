package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rely/internal/clientauth"
	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/output"
	"rely/internal/provider"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/store"
)

type checkJSON struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	Detail  string `json:"detail,omitempty"`
}

// record keeps a client that somebody else made, once the provider has been
// asked about it as far as that goes without signing in.
func (r *register) record(ctx context.Context) error {
	if n := len(r.members.redirects.values); n > 1 {
		return usage(fmt.Errorf("%d redirect URIs are given, and a recorded client is used with one", n), "give the one to sign in with; the others stay registered at the provider")
	}
	redirect := r.values.String("redirect_uri")
	if redirect == "" || r.stale("redirect_uri") {
		redirect = "https://127.0.0.1:0/callback"
	} else if err := registration.CheckRedirect(redirect, r.values.String("listen") != ""); err != nil {
		return err
	}
	if err := r.onlySettings(); err != nil {
		return err
	}
	s, err := r.secretOfKnown()
	if err != nil {
		return err
	}
	client := &store.Client{Issuer: r.values.String("issuer"), ClientID: r.values.String("client_id"), Secret: s}
	if kept := r.replaced; kept != nil && kept.Issuer == client.Issuer && kept.ClientID == client.ClientID {
		given := client.Secret
		if client = kept; !given.Empty() {
			client.Secret = given
		}
	}
	if _, err := r.proof(client, nil); err != nil {
		return err
	}
	var checks []checkJSON
	if !r.noCheck {
		if checks, err = r.check(ctx, client, redirect); err != nil {
			return err
		}
	}
	if err := r.kept.PutClient(ctx, r.profile, client); err != nil {
		return err
	}
	var gone []config.Change
	for _, name := range registeredSettings() {
		if name != "client_id" && r.stale(name) {
			gone = append(gone, config.Change{Name: name})
		}
	}
	if err := r.keepSettings(gone...); err != nil {
		return errors.Join(err, r.restore(ctx))
	}
	r.say("Recorded the client %s at %s (profile %s).\n", fault.VisibleUpTo(client.ClientID, 200), fault.Visible(client.Issuer), r.profile)
	for _, c := range checks {
		r.line(c.Name, c.Outcome, fault.VisibleUpTo(c.Detail, 300))
	}
	r.say("Sign in with: rely login%s\n", r.suffix())
	if r.format() == "text" {
		return nil
	}
	out := clientResult(r.profile, "local", client)
	out.Checks = checks
	return output.Print(r.Stdout, r.format(), output.Result{Schema: "client/1", JSON: out})
}

// onlySettings refuses metadata that means nothing for a client which is not
// made here.
func (r *register) onlySettings() error {
	for name := range r.wanted {
		if m, _ := registration.Find(name); m.Flag == "" || !isSetting(m) {
			return &fault.Error{Kind: fault.Usage, ID: "registration.not-ours", Op: "record the client", Err: fmt.Errorf("%s is registered at the provider, and --client-id makes no client there", name),
				Hint: "leave it out, or leave --client-id out to make a new client"}
		}
	}
	return nil
}

// clientAuth is the client authentication that was named; empty where it is to
// be chosen.
func (r *register) clientAuth() string {
	if r.stale("client_auth") {
		return ""
	}
	return r.values.String("client_auth")
}

// isSetting reports whether a member is a setting of the profile as well, and
// so has a meaning for a client that is only recorded.
func isSetting(m registration.Member) bool {
	return m.Flag == "scope" || slices.Contains(registeredSettings(), strings.ReplaceAll(m.Flag, "-", "_"))
}

// secretOfKnown is the client's secret: given, or asked for on the terminal.
// Nothing typed means a public client.
func (r *register) secretOfKnown() (secret.String, error) {
	s, err := r.secretOnce(r.secretStdin, "client_secret", "the client's secret")
	if err != nil || !s.Empty() || r.clientAuth() == "none" || r.values.String("client_key_file") != "" || !r.Interactive || r.values.Bool("non_interactive") {
		return s, err
	}
	s, err = r.Prompt("The client's secret (nothing for a public client): ")
	r.redact.Learn(s.Reveal())
	return s, err
}

// check asks the provider what can be asked without a person: does it know the
// client and its redirect URI, does it take the secret.
func (r *register) check(ctx context.Context, client *store.Client, redirect string) ([]checkJSON, error) {
	hc, err := r.http()
	if err != nil {
		return nil, err
	}
	p, err := r.discover(ctx, r.values.String("issuer"))
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(redirect); err == nil && u.Port() == "0" {
		port, err := freePort(ctx) // what a sign-in would have
		if err != nil {
			return nil, &fault.Error{Kind: fault.Config, ID: "registration.port", Op: "find a free port", Err: err, Hint: "try again"}
		}
		redirect = strings.Replace(redirect, ":0", ":"+strconv.Itoa(port), 1)
	}
	r.sent = redirect
	var out []checkJSON
	note := func(f registration.Finding, err error) error {
		if err == nil && f.Outcome == registration.Bad {
			err = f.Refused()
		}
		out = append(out, checkJSON{f.Name, string(f.Outcome), f.Said})
		return err
	}
	if r.values.String("flow") == "code" && r.values.Source("redirect_uri") > config.FromDefault && !r.stale("redirect_uri") {
		if err := note(registration.CheckRedirectKnown(ctx, hc, p, client.ClientID, redirect)); err != nil {
			return nil, err
		}
	}
	proof, err := r.proof(client, p)
	if err != nil {
		return nil, err
	}
	if err := note(registration.CheckSecret(ctx, hc, p, proof.method, proof.creds, redirect)); err != nil {
		return nil, err
	}
	return out, nil
}

// A credentialed is how a client proves itself, and with what.
type credentialed struct {
	method clientauth.Method
	creds  clientauth.Credentials
}

// proof is chosen as a sign-in would; p is nil where the provider is not asked.
func (r *register) proof(client *store.Client, p *provider.Provider) (credentialed, error) {
	creds, err := r.sessions(false).Credentials(client, p)
	if err != nil {
		return credentialed{}, err
	}
	var listed []string
	if p != nil {
		listed = p.Metadata.ClientAuth
	}
	entry, err := clientauth.Choose(r.clientAuth(), listed, creds)
	if err != nil {
		return credentialed{}, err
	}
	if err := clientauth.Offered(entry.Name, listed); err != nil {
		return credentialed{}, err
	}
	method, err := entry.New(creds)
	return credentialed{method, creds}, err
}

// makeKeys makes the keys that --generate-key asks for.
func (r *register) makeKeys(p *provider.Provider) error {
	var err error
	r.keys, err = registration.Keys(&p.Metadata, r.generate.values, r.wanted, r.Now())
	return err
}
