package cmd

import (
	"context"
	"errors"
	"net/url"

	"rely/internal/cause"
	"rely/internal/clientauth"
	"rely/internal/doctor/check"
	"rely/internal/doctor/evidence"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/idtoken"
	"rely/internal/provider"
	"rely/internal/registration"
)

// A causeError is a failed sign-in together with its likely cause.
type causeError struct {
	found *cause.Finding
	err   error
}

// Error is the failure's own text.
func (c *causeError) Error() string { return c.err.Error() }

// Unwrap gives the failure.
func (c *causeError) Unwrap() error { return c.err }

// causeJSON is a likely cause in JSON errors.
type causeJSON struct {
	ID     string `json:"id"`
	Likely string `json:"likely"`
	Change string `json:"change"`
	Where  string `json:"where"`
	Hint   string `json:"provider_hint,omitempty"`
}

func (c *causeError) json(clean func(string) string) *causeJSON {
	if c == nil {
		return nil
	}
	f := c.found
	return &causeJSON{f.Name, clean(f.Likely), clean(f.Change), string(f.Where), f.Hint}
}

// lines are at most three more than an error has.
func (c *causeError) lines() []string {
	if c == nil {
		return nil
	}
	out := []string{"likely: " + c.found.Likely, "change: " + c.found.Change + " (" + string(c.found.Where) + ")"}
	if c.found.Hint != "" {
		out = append(out, "there: "+c.found.Hint)
	}
	return out
}

// showCompared shows what the cause was found by as a rung, where no ladder
// showed one.
func (i *invocation) showCompared(c *causeError, shown bool) {
	if c == nil || c.found.Check == nil || shown {
		return
	}
	k := c.found.Check
	i.showLadder([]idtoken.Rung{{Name: k.Name, Spec: k.Spec, Expected: k.Expected, Actual: k.Actual, Status: idtoken.Failed}}, true)
}

// likely adds the likely cause to a sign-in that failed, where one is known.
func (i *invocation) likely(ctx context.Context, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Usage || f.Kind == fault.Internal {
		return err
	}
	if found := cause.Find(i.facts(context.WithoutCancel(ctx), f, err)); found != nil {
		return &causeError{found, err}
	}
	return err
}

// facts is what is known of a sign-in that failed.
func (i *invocation) facts(ctx context.Context, f *fault.Error, err error) *cause.Case {
	c := &cause.Case{
		ID: f.ID, Text: f.Error(), Issuer: i.values.String("issuer"), ClientID: i.values.String("client_id"), Profile: i.profile,
		Scope: i.values.String("scope"), Redirect: i.sent, Method: i.values.String("client_auth"), Seen: i.witness.Seen(),
	}
	var other *provider.Mismatch
	if errors.As(err, &other) {
		c.Metadata = other.Said
	}
	var climbed *flows.LadderError
	if errors.As(err, &climbed) {
		for _, r := range climbed.Ladder {
			if r.Status == idtoken.Failed {
				c.Failed = append(c.Failed, cause.Check{Name: r.Name, Spec: r.Spec, Expected: r.Expected, Actual: r.Actual})
			}
		}
	}
	if u, bad := url.Parse(c.Issuer); bad == nil {
		look := &evidence.Evidence{Issuer: c.Issuer, URL: u}
		if i.known != nil {
			c.Metadata, look.Members = i.known.Metadata.Issuer, i.known.Metadata.Raw
		}
		c.Vendor, _ = check.Recognise(look)
	}
	i.clientFacts(ctx, c)
	return c
}

// clientFacts adds what the profile's record says of the client, and how it
// proves itself.
func (i *invocation) clientFacts(ctx context.Context, c *cause.Case) {
	if i.flags != nil && i.flags.Lookup("client-secret-stdin") != nil && i.flags.Changed("client-secret-stdin") {
		return // it was read, and cannot be read again
	}
	k := i.sessions(false)
	client, err := k.Client(ctx)
	if err != nil {
		return
	}
	c.Registered = append(c.Registered, registration.ListOf(recordOf(client), "redirect_uris")...)
	if i.known == nil {
		return
	}
	c.Methods = i.known.Metadata.ClientAuth
	creds, err := k.Credentials(client, i.known)
	if err != nil {
		return
	}
	if entry, err := clientauth.Choose(c.Method, c.Methods, creds); err == nil {
		c.Method = entry.Name
	}
	secret := client.Secret.Reveal()
	c.Encoded = url.QueryEscape(secret) != secret || url.QueryEscape(client.ClientID) != client.ClientID
}
