package cmd

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"rely/internal/fault"
	"rely/internal/registration"
)

// registerUpdate changes the profile's client at the provider.
type registerUpdate struct {
	*invocation
	members memberFlags
}

func newRegisterUpdate(i *invocation) *cobra.Command {
	u := &registerUpdate{invocation: i}
	c := &cobra.Command{
		Use:   "update",
		Short: "Change the profile's client at the provider",
		Long: `Changes the registration of the profile's client (RFC 7592 2.2): reads the record,
puts the named changes in, and sends all of it back. --metadata NAME=null takes a
member out. A new secret or registration token is saved before anything else.

Without changes the record is sent as it is, which at many providers brings a new
secret.`,
		Example: "  rely register update --client-name \"My tool\"\n  rely register update --metadata contacts=null --metadata more.yaml\n  rely register update",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := u.open(c, false); err != nil {
				return err
			}
			return u.run(c)
		},
	}
	u.members.add(i, c)
	i.settingFlags(c.Flags(), "listen", "store")
	return c
}

func (u *registerUpdate) run(c *cobra.Command) error {
	ctx := c.Context()
	if err := u.forms("text", "json", "yaml"); err != nil {
		return err
	}
	changes, err := u.members.read(u.invocation, c)
	if err != nil {
		return err
	}
	m, unlock, err := u.manage(ctx, "change the client's registration")
	if err != nil {
		return err
	}
	defer unlock()
	before, err := m.manager.Read(ctx)
	if err != nil {
		return m.gone(err)
	}
	if err := m.rotated(ctx, before); err != nil {
		return err
	}
	was := registration.Record(recordOf(m.client), before.Metadata)
	asked := maps.Clone(was)
	for name, v := range changes {
		asked[name] = v
		if v == nil {
			delete(asked, name)
		}
	}
	after, err := m.manager.Update(ctx, asked)
	if err != nil {
		return m.gone(err)
	}
	if err := m.rotated(ctx, after); err != nil {
		return err
	}
	is := registration.Record(asked, after.Metadata)
	if err := m.keepRecord(ctx, is); err != nil {
		return err
	}
	if err := after.Fits("change the client's registration", asked, u.Now()); err != nil {
		return err
	}
	renewed := before.Secret.Reveal() != after.Secret.Reveal()
	differences := slices.DeleteFunc(registration.Compare(asked, after.Metadata), func(d registration.Difference) bool {
		_, named := changes[d.Member]
		return d.What == "dropped" && !named // told when it was first asked for
	})
	return u.finish(m, renewed, was, is, differences)
}

// finish brings the profile into line and tells what is new.
func (u *registerUpdate) finish(m *managed, renewed bool, was, is map[string]any, differences []registration.Difference) error {
	redirect := u.profileRedirect(registration.ListOf(is, "redirect_uris"))
	if err := u.files.Set(u.profile, learnt(m.client.ClientID, is, redirect)); err != nil {
		return err
	}
	u.say("Changed the client %s at %s (profile %s).\n", fault.VisibleUpTo(m.client.ClientID, 200), fault.Visible(m.client.Issuer), u.profile)
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if now, then := shown(is[name]), shown(was[name]); now != then {
			if then == "" {
				then = "not there"
			}
			u.line(name, now, "was "+fault.VisibleUpTo(then, 200))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, there := is[name]; !there {
			u.line(name, "removed", "was "+fault.VisibleUpTo(shown(was[name]), 200))
		}
	}
	if renewed {
		u.line("client_secret", "new", "kept here; the old one no longer counts")
	}
	u.sayExpiry(m.client)
	u.differ(differences)
	out := clientResult(u.profile, "provider", m.client)
	out.Differences = differences
	if u.format() == "text" {
		return nil
	}
	return u.printClient(out)
}

// profileRedirect is the redirect URI for the profile: its own where that is
// still registered, else the first.
func (u *registerUpdate) profileRedirect(registered []string) string {
	was, err := u.files.Load(u.profile, nil, noVariables)
	if err == nil && (len(registered) == 0 || slices.Contains(registered, was.String("redirect_uri"))) {
		return was.String("redirect_uri")
	}
	if len(registered) == 0 {
		return ""
	}
	return registered[0]
}
