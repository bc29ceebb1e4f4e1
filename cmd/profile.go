package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rely/internal/clientauth"
	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/front"
	"rely/internal/output"
	"rely/internal/store"
	"rely/internal/useragent"
)

// profile looks after profiles: files that people read, edit and commit.
type profile struct{ *invocation }

type profileJSON struct {
	Name     string     `json:"name"`
	Current  bool       `json:"current"`
	Issuer   string     `json:"issuer,omitempty"`
	ClientID string     `json:"client_id,omitempty"`
	Flow     string     `json:"flow,omitempty"`
	SignedIn string     `json:"signed_in,omitempty"`
	Expires  *time.Time `json:"expires_at,omitempty"`
	Trouble  string     `json:"trouble,omitempty"`
}

func newProfile(i *invocation) *cobra.Command {
	p := &profile{i}
	c := &cobra.Command{
		Use:     "profile",
		Short:   "List, show and change profiles",
		Long:    "A profile is a file with the settings of one client at one provider. It holds no\nsecret and may be edited and committed; comments and order survive every change.",
		Example: "  rely profile list\n  rely profile use work\n  rely profile set scope=\"openid email\" -p work",
		Args:    arguments(0, 0),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	sub := func(use, short, long, example string, args cobra.PositionalArgs, run func(ctx context.Context, args []string) error) {
		s := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: args, RunE: func(c *cobra.Command, args []string) error {
			if err := p.settingsOnly(c); err != nil {
				return err
			}
			p.files = p.folder(given(c.Flags()))
			if name, there := given(c.Flags())["profile"]; there {
				p.profile = name[0]
			}
			return run(c.Context(), args)
		}}
		s.ValidArgsFunction = p.complete
		c.AddCommand(s)
	}
	sub("list", "List profiles and who is signed in where",
		"Lists every profile with its issuer, client, flow, who is signed in and how long the\naccess token lives. A profile that cannot be read stays in the list, with the reason.",
		"  rely profile list\n  rely profile list -o json | jq -r '.result.profiles[].name'", arguments(0, 0), p.list)
	sub("show [NAME]", "Show a profile's settings and where they come from",
		"Shows the settings of a profile (the current one without a NAME), each with the flag,\nvariable or line of a file that it comes from. There is no secret among them.",
		"  rely profile show\n  rely profile show work -o json", arguments(0, 1), p.show)
	sub("use NAME", "Make a profile the current one",
		"Makes a profile the one that commands use when none is named with -p or RELY_PROFILE.",
		"  rely profile use work", arguments(1, 1), p.use)
	sub("set KEY=VALUE...", "Change settings of a profile",
		"Changes settings in the file of the profile named by -p, else of the current one;\ncomments and order stay. The keys are those of \"rely help environment\".",
		"  rely profile set scope=\"openid email\"\n  rely profile set -p work min_ttl=5m browser=none", arguments(1, 100), p.set)
	sub("unset KEY...", "Remove settings of a profile",
		"Removes settings from the profile's file, so that config.yaml or the default is in force.",
		"  rely profile unset scope\n  rely profile unset -p work redirect_uri listen", arguments(1, 100), p.unset)
	sub("rename OLD NEW", "Rename a profile, with its session",
		"Gives a profile another name. Its session and its client's secret go along.",
		"  rely profile rename op.example work", arguments(2, 2), p.rename)
	sub("copy OLD NEW", "Copy a profile's settings, without its session",
		"Makes a new profile with the settings of another. The session stays where it is: sign\nin with the new one.",
		"  rely profile copy work staging", arguments(2, 2), p.copy)
	sub("delete NAME", "Delete a profile and its session on this machine",
		"Deletes a profile, its session and its client's secret on this machine. The provider is\nnot told, so tokens that are out stay good until they end. A client that was registered\nfrom here has to be deleted first: see \"rely register delete\".",
		"  rely profile delete staging", arguments(1, 1), p.delete)
	return c
}

// complete offers the profiles' names.
func (p *profile) complete(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	names, err := p.folder(given(c.Flags())).List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (p *profile) list(ctx context.Context, _ []string) error {
	names, err := p.files.List()
	if err != nil {
		return err
	}
	current, err := p.files.Current()
	if err != nil {
		return err
	}
	list := []profileJSON{}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tPROFILE\tISSUER\tCLIENT\tFLOW\tSIGNED IN\tLEFT")
	for _, name := range names {
		e := p.entry(ctx, name, current)
		list = append(list, e)
		mark := ""
		if e.Current {
			mark = "*"
		}
		left := p.left(e.Expires)
		if e.Trouble != "" {
			left = e.Trouble
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mark, e.Name, dash(e.Issuer), dash(e.ClientID), dash(e.Flow), dash(e.SignedIn), left)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(names) == 0 {
		text.Reset()
		p.say("There is no profile yet: \"rely login ISSUER --client-id ID\" makes one.\n")
		if p.format() == "text" {
			return nil
		}
	}
	return output.Print(p.Stdout, p.format(), output.Result{Schema: "profiles/1", JSON: map[string]any{"profiles": list}, Text: text.String()})
}

// entry is one line of the list; a profile that cannot be read stays in it,
// with the reason.
func (p *profile) entry(ctx context.Context, name, current string) profileJSON {
	e := profileJSON{Name: name, Current: name == current}
	v, err := p.files.Load(name, nil, noVariables)
	if err != nil {
		e.Trouble = fault.VisibleUpTo(err.Error(), 200)
		return e
	}
	e.Issuer, e.ClientID, e.Flow = v.String("issuer"), v.String("client_id"), v.String("flow")
	st, _, err := store.Choose(v.String("store"), store.Options{Dir: p.Dirs.State, Env: p.Env, Now: p.Now})
	if err != nil {
		e.Trouble = fault.VisibleUpTo(err.Error(), 200)
		return e
	}
	s, err := st.Session(ctx, name)
	switch {
	case err == nil:
		e.SignedIn = fault.VisibleUpTo(s.Name, 60)
		if !s.Expiry.IsZero() {
			e.Expires = &s.Expiry
		}
	case !fault.Is(err, fault.Login):
		e.Trouble = fault.VisibleUpTo(err.Error(), 200)
	}
	return e
}

func noVariables(string) (string, bool) { return "", false }

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return fault.VisibleUpTo(s, 120)
}

func (p *profile) left(expires *time.Time) string {
	if expires == nil {
		return "-"
	}
	if left := expires.Sub(p.Now()).Round(time.Second); left > 0 {
		return left.String()
	}
	return "expired"
}

// show lists what is set, with the source of each value.
func (p *profile) show(_ context.Context, args []string) error {
	name := p.profile
	if len(args) == 1 {
		name = args[0]
	}
	v, err := p.files.Load(name, nil, p.LookupEnv)
	if err != nil {
		return err
	}
	if !v.Exists {
		return noProfile()
	}
	settings := map[string]any{}
	var text strings.Builder
	fmt.Fprintf(&text, "profile %s (%s)\n", v.Profile, p.files.Path(v.Profile))
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, s := range config.Settings() {
		if !s.Profile || v.Source(s.Name) == config.Unset {
			continue
		}
		value := v.String(s.Name)
		settings[s.Name] = value
		if s.Kind.Many() {
			value, settings[s.Name] = strings.Join(v.List(s.Name), " "), v.List(s.Name)
		}
		fmt.Fprintf(w, "  %s\t%s\t(%s)\n", s.Name, fault.Visible(value), v.Where(s.Name))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return output.Print(p.Stdout, p.format(), output.Result{Schema: "profile/1", JSON: map[string]any{"name": v.Profile, "settings": settings}, Text: text.String()})
}

func noProfile() error {
	return &fault.Error{Kind: fault.Config, ID: "profile.none", Op: "find the profile", Err: errors.New("there is no current profile"),
		Hint: "run \"rely profile list\" and \"rely profile use NAME\", or name one with -p"}
}

func (p *profile) use(_ context.Context, args []string) error {
	if err := p.files.Use(args[0]); err != nil {
		return err
	}
	p.say("The current profile is %s.\n", args[0])
	return nil
}

// target is the profile that set and unset change.
func (p *profile) target() (string, error) {
	if p.profile != "" {
		return p.profile, nil
	}
	if name := p.Env(config.Variable("profile")); name != "" {
		return name, nil
	}
	name, err := p.files.Current()
	if err == nil && name == "" {
		err = noProfile()
	}
	return name, err
}

func (p *profile) set(_ context.Context, args []string) error {
	name, err := p.target()
	if err != nil {
		return err
	}
	if _, err := p.files.Raw(name); err != nil {
		return err // a mistyped name makes no profile
	}
	changes := map[string][]string{}
	var order []string
	for _, pair := range args {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return &fault.Error{Kind: fault.Usage, ID: "profile.pair", Op: "change the profile", Err: fmt.Errorf("%q is not KEY=VALUE", pair), Hint: "write it as scope=\"openid email\""}
		}
		if err := checkName(key, value); err != nil {
			return err
		}
		if _, there := changes[key]; !there {
			order = append(order, key)
		}
		changes[key] = append(changes[key], value)
	}
	list := make([]config.Change, len(order))
	for n, key := range order {
		list[n] = config.Change{Name: key, Values: changes[key]}
	}
	if err := p.files.Set(name, list); err != nil {
		return err
	}
	p.say("Changed %s in profile %s.\n", strings.Join(order, ", "), name)
	return nil
}

// checkName checks a value that stands for a table's entry; config itself
// knows no tables.
func checkName(key, value string) error {
	var err error
	switch key {
	case "flow":
		_, err = flows.Find(value)
	case "response_mode":
		err = front.CheckMode(value)
	case "output":
		_, err = output.Find(value)
	case "store":
		_, _, err = store.Choose(value, store.Options{Dir: "/"})
	case "client_auth":
		_, err = clientauth.Choose(value, nil, clientauth.Credentials{})
		if !fault.Is(err, fault.Usage) {
			err = nil // known, and the secret is not the profile's matter
		}
	case "browser":
		_, err = useragent.Choose(value, useragent.Options{})
		if !fault.Is(err, fault.Usage) {
			err = nil // known, if not possible here
		}
	}
	return err
}

func (p *profile) unset(_ context.Context, args []string) error {
	name, err := p.target()
	if err != nil {
		return err
	}
	if err := p.files.Unset(name, args...); err != nil {
		return err
	}
	p.say("Removed %s from profile %s.\n", strings.Join(args, ", "), name)
	return nil
}

func (p *profile) copy(_ context.Context, args []string) error {
	if err := p.files.Copy(args[0], args[1]); err != nil {
		return err
	}
	p.say("Copied %s to %s; sign in with \"rely login -p %s\".\n", args[0], args[1], args[1])
	return nil
}

// kept opens the store that a profile names.
func (p *profile) keptBy(name string) (store.Store, error) {
	v, err := p.files.Load(name, nil, noVariables)
	if err != nil {
		return nil, err
	}
	st, _, err := store.Choose(v.String("store"), store.Options{Dir: p.Dirs.State, Env: p.Env, Now: p.Now})
	return st, err
}

// rename moves the session first, by copying: whatever goes wrong on the way,
// the old profile still has its own.
func (p *profile) rename(ctx context.Context, args []string) error {
	from, to := args[0], args[1]
	st, err := p.keptBy(from)
	if err != nil {
		return err
	}
	unlock, err := st.Lock(ctx, from)
	if err != nil {
		return err
	}
	defer unlock()
	if err := p.files.Rename(from, to); err != nil {
		return err
	}
	if s, err := st.Session(ctx, from); err == nil {
		s.Settings = p.files.Digest(to)
		if err := st.PutSession(ctx, to, s); err != nil {
			return err
		}
	} else if !fault.Is(err, fault.Login) {
		return err
	}
	if c, err := st.Client(ctx, from); err != nil {
		return err
	} else if c != nil {
		if err := st.PutClient(ctx, to, c); err != nil {
			return err
		}
	}
	if err := forget(ctx, st, from); err != nil {
		return err
	}
	p.say("Renamed %s to %s.\n", from, to)
	return nil
}

func (p *profile) delete(ctx context.Context, args []string) error {
	name := args[0]
	st, err := p.keptBy(name)
	if err != nil {
		return err
	}
	unlock, err := st.Lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	if err := refuseRegistered(ctx, st, name); err != nil {
		return err
	}
	if err := forget(ctx, st, name); err != nil {
		return err
	}
	if err := p.files.Delete(name); err != nil {
		return err
	}
	p.say("Deleted profile %s and its session on this machine; the provider was not told.\n", name)
	return nil
}

func forget(ctx context.Context, st store.Store, name string) error {
	return errors.Join(st.DeleteSession(ctx, name), st.DeleteClient(ctx, name))
}
