package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/output"
	"rely/internal/provider"
)

// discover shows what a provider publishes of itself.
type discover struct {
	*invocation
	forced bool
}

type discoverJSON struct {
	Issuer    string                     `json:"issuer"`
	Source    string                     `json:"source"`
	WebFinger *fingerJSON                `json:"webfinger,omitempty"`
	Metadata  map[string]json.RawMessage `json:"metadata"`
	Keys      []keyJSON                  `json:"keys"`
}

type fingerJSON struct {
	Resource string `json:"resource"`
	Source   string `json:"source"`
	Subject  string `json:"subject,omitempty"`
}

type keyJSON struct {
	Kid  string `json:"kid,omitempty"`
	Type string `json:"kty"`
	Alg  string `json:"alg,omitempty"`
	Use  string `json:"use,omitempty"`
}

func newDiscover(i *invocation) *cobra.Command {
	d := &discover{invocation: i}
	c := &cobra.Command{
		Use:   "discover [ISSUER|RESOURCE]",
		Short: "Show a provider's metadata and keys, or find it",
		Long: `Reads the metadata of an OpenID Provider (OIDC Discovery 4, RFC 8414) and its keys,
and shows both. An account such as alice@example.com, or an address that is no
issuer, is looked up with WebFinger first (OIDC Discovery 2); --webfinger does so
in any case. Without an argument it is the issuer of the current profile.

The issuer in the metadata has to be the one asked for, character by character.`,
		Example: "  rely discover https://op.example\n  rely discover alice@example.com\n  rely discover -o json | jq .result.metadata.scopes_supported",
		Args:    arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				if err := d.settingsOnly(c); err != nil {
					return err
				}
				d.catch()
				return d.run(c.Context(), args[0])
			}
			if err := d.open(c, false); err != nil {
				return err
			}
			issuer := d.values.String("issuer")
			if issuer == "" {
				return usage(errors.New("no issuer is given, and there is no current profile"), "run \"rely discover ISSUER\"")
			}
			return d.run(c.Context(), issuer)
		},
	}
	c.Flags().BoolVar(&d.forced, "webfinger", false, "ask the host with WebFinger for the issuer")
	return c
}

func (d *discover) run(ctx context.Context, given string) error {
	if err := d.jsonOrText("what a provider publishes"); err != nil {
		return err
	}
	found, p, err := d.find(ctx, given)
	if err != nil {
		return err
	}
	out := discoverJSON{Issuer: p.Metadata.Issuer, Source: p.Source, Metadata: p.Metadata.Raw, Keys: []keyJSON{}}
	if found != nil {
		out.WebFinger = &fingerJSON{found.Resource, found.Source, found.Subject}
	}
	if p.Metadata.JWKSURI != "" {
		set, err := p.Keys(ctx, false)
		if err != nil {
			return err
		}
		for _, k := range set.Keys() {
			out.Keys = append(out.Keys, keyJSON{k.Kid, k.Kty, k.Alg, k.Use})
		}
	}
	return output.Print(d.Stdout, d.format(), output.Result{Schema: "discover/1", JSON: out, Text: out.text()})
}

func (d *discover) jsonOrText(what string) error {
	if slices.Contains([]string{"text", "json", "yaml"}, d.format()) || strings.HasPrefix(d.format(), "jq=") {
		return nil
	}
	return &fault.Error{Kind: fault.Usage, ID: "output.no-form", Op: "choose the output format", Err: fmt.Errorf("%s has no %s form", what, d.format()), Hint: "use --output json or text"}
}

// find reads the metadata of an issuer, or of the one that WebFinger names.
func (d *discover) find(ctx context.Context, given string) (*provider.Finding, *provider.Provider, error) {
	if !d.forced && strings.Contains(given, "://") {
		p, err := d.invocation.discover(ctx, given)
		var f *fault.Error
		if !errors.As(err, &f) || f.ID != "provider.no-metadata" {
			return nil, p, err
		}
		found, second := d.invocation.finger(ctx, given)
		if second != nil {
			return nil, nil, err // what was asked for first is what failed
		}
		p, err = d.invocation.discover(ctx, found.Issuer)
		return found, p, err
	}
	found, err := d.invocation.finger(ctx, given)
	if err != nil {
		return nil, nil, err
	}
	p, err := d.invocation.discover(ctx, found.Issuer)
	return found, p, err
}

// finger asks WebFinger whose identifier it is.
func (i *invocation) finger(ctx context.Context, given string) (*provider.Finding, error) {
	hc, err := i.http()
	if err != nil {
		return nil, err
	}
	return provider.Finger(ctx, hc, given)
}

// text is the metadata a line each, endpoints and their like first, then keys.
func (o discoverJSON) text() string {
	var b strings.Builder
	if o.WebFinger != nil {
		fmt.Fprintf(&b, "%s is at home at\n", fault.Visible(o.WebFinger.Resource))
	}
	fmt.Fprintf(&b, "%s\nread from %s\n\n", fault.Visible(o.Issuer), fault.Visible(o.Source))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, lists := range []bool{false, true} {
		for _, name := range slices.Sorted(maps.Keys(o.Metadata)) {
			raw := string(o.Metadata[name])
			var list []string
			isList := json.Unmarshal(o.Metadata[name], &list) == nil && list != nil
			if isList != lists || name == "issuer" {
				continue
			}
			if isList {
				raw = strings.Join(list, " ")
			} else {
				var text string
				if json.Unmarshal(o.Metadata[name], &text) == nil {
					raw = text
				}
			}
			fmt.Fprintf(w, "  %s\t%s\n", fault.VisibleUpTo(name, 100), fault.VisibleUpTo(raw, 300))
		}
	}
	for _, k := range o.Keys {
		fmt.Fprintf(w, "  key %s\t%s\n", fault.VisibleUpTo(k.Kid, 60), fault.VisibleUpTo(strings.Join(strings.Fields(k.Type+" "+k.Alg+" "+k.Use), " "), 100))
	}
	_ = w.Flush() // to memory
	return b.String()
}

// fingered takes an account in the place of ISSUER: WebFinger says whose it is,
// and the login page is told who is about to sign in.
func (l *login) fingered(c *cobra.Command, args []string) error {
	if len(args) == 0 || !strings.Contains(args[0], "@") || strings.Contains(args[0], "://") {
		return nil
	}
	if err := l.settingsOnly(c); err != nil {
		return err
	}
	l.catch()
	found, err := l.finger(c.Context(), args[0])
	if err != nil {
		return err
	}
	l.say("rely: note: %s is at home at %s\n", fault.VisibleUpTo(found.Resource, 200), fault.Visible(found.Issuer))
	args[0] = found.Issuer
	if c.Flags().Changed("login-hint") {
		return nil
	}
	return c.Flags().Set("login-hint", strings.TrimPrefix(found.Resource, "acct:"))
}
