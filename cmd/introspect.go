package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/output"
)

// introspect asks the provider what a token is worth (RFC 7662).
type introspect struct {
	present
	active bool
}

func newIntrospect(i *invocation) *cobra.Command {
	n := &introspect{present: present{invocation: i}}
	c := &cobra.Command{
		Use:   "introspect [FILE|-]",
		Short: "Ask the provider what a token is worth",
		Long: `Asks the provider's introspection endpoint (RFC 7662) whether a token is active,
whose it is and until when: the session's access token, with --refresh its
refresh token, or a token from a FILE or standard input ("-"). The client proves
itself as it does at the token endpoint; many providers tell confidential clients
alone. What the session's access token is bound to (cnf) is compared with the key or
the certificate that the client proves.

The answer is printed as it came. An inactive token is an answer too, and exit
code 0, unless --active demands an active one: then it is 8.`,
		Example: `  rely introspect
  rely introspect --refresh -o json
  rely introspect --active
  echo "$TOKEN" | rely introspect - --token-type-hint access_token`,
		Args: arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			n.warm = true
			if err := n.open(c, false); err != nil {
				return err
			}
			return n.run(c.Context(), args)
		},
	}
	n.flags(c, "ask about")
	n.settingFlags(c.Flags(), "no_cache")
	c.Flags().BoolVar(&n.active, "active", false, "exit with 8 when the token is not active")
	return c
}

func (n *introspect) run(ctx context.Context, args []string) error {
	token, err := n.token(ctx, "ask what the token is worth", args)
	if err != nil {
		return err
	}
	p, hc, err := n.proven(ctx)
	if err != nil {
		return err
	}
	members, err := p.Introspect(ctx, hc, token, n.hint)
	if err != nil {
		return err
	}
	r := output.Result{Schema: "introspection/1", JSON: members, Text: n.text(members)}
	if err := output.Print(n.Stdout, n.format(), r); err != nil {
		return err
	}
	if n.kept != nil && len(args) == 0 && !n.refresh {
		ladder, err := n.sessions(false).Bound(n.made, n.kept, members)
		n.showLadder(ladder, err != nil)
		if err != nil {
			return err
		}
	}
	if n.active && string(members["active"]) != "true" {
		return &fault.Error{Kind: fault.Findings, ID: "introspection.inactive", Op: "ask what the token is worth", Spec: "RFC 7662 2.2",
			Err: fmt.Errorf("the token is not active"), Hint: "get a new one with \"rely tokens --force\", or sign in again"}
	}
	return nil
}

// text lists the members, "active" first, dates in local time.
func (n *introspect) text(members map[string]json.RawMessage) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	names := make([]string, 0, len(members))
	for name := range members {
		if name != "active" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range append([]string{"active"}, names...) {
		fmt.Fprintf(w, "%s\t%s\n", fault.VisibleUpTo(name, 60), shownClaim(name, members[name], n.Now()))
	}
	_ = w.Flush() // to memory: cannot fail
	return b.String()
}

// shownClaim is a member's value for a person: text without quotes, dates in
// local time with how far they are.
func shownClaim(name string, raw json.RawMessage, now time.Time) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return fault.VisibleUpTo(text, 2000)
	}
	if t, ok := claimTime(name, raw); ok {
		return localTime(t, now)
	}
	return fault.VisibleUpTo(string(raw), 2000)
}

// claimTime reads the claims that are dates (RFC 7519 4.1, OIDC Core 5.1).
func claimTime(name string, raw json.RawMessage) (time.Time, bool) {
	switch name {
	case "exp", "iat", "nbf", "auth_time", "updated_at":
	default:
		return time.Time{}, false
	}
	var seconds float64
	const year10000 = 253402300800
	if json.Unmarshal(raw, &seconds) != nil || seconds < 0 || seconds >= year10000 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// localTime is a time on this machine's clock, and how far it is from now.
func localTime(t, now time.Time) string {
	text := t.Local().Format("2006-01-02 15:04:05 MST")
	far := t.Sub(now).Round(time.Second)
	switch day := 24 * time.Hour; {
	case far >= 2*day:
		return fmt.Sprintf("%s (in %d days)", text, far/day)
	case far > 0:
		return fmt.Sprintf("%s (in %s)", text, far)
	case far <= -2*day:
		return fmt.Sprintf("%s (%d days ago)", text, -far/day)
	case far < 0:
		return fmt.Sprintf("%s (%s ago)", text, -far)
	}
	return text + " (now)"
}
