package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/store"
)

// registerDelete deletes the profile's client, at the provider first.
type registerDelete struct {
	*invocation
	localOnly bool
}

func newRegisterDelete(i *invocation) *cobra.Command {
	d := &registerDelete{invocation: i}
	c := &cobra.Command{
		Use:   "delete",
		Short: "Delete the profile's client, at the provider first",
		Long: `Deletes the profile's client at the provider (RFC 7592 2.3) and then forgets it
here: its secret, its registration token and the session. The profile keeps its
other settings, so that "rely register" makes a new client for it.

--local-only forgets it here and leaves the client at the provider, where it
cannot be changed or deleted from here any more.`,
		Example: "  rely register delete\n  rely register delete -p work --local-only",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := d.open(c, false); err != nil {
				return err
			}
			return d.run(c.Context())
		},
	}
	c.Flags().BoolVar(&d.localOnly, "local-only", false, "forget it here; the provider is not told")
	i.settingFlags(c.Flags(), "store")
	return c
}

func (d *registerDelete) run(ctx context.Context) error {
	m, unlock, err := d.manage(ctx, "delete the client")
	if err != nil {
		return err
	}
	defer unlock()
	if !d.localOnly {
		if err := m.manager.Delete(ctx); err != nil {
			return m.gone(err)
		}
	}
	if err := forget(context.WithoutCancel(ctx), m.kept, d.profile); err != nil {
		return err
	}
	if d.files.Exists(d.profile) {
		var changes []config.Change
		for _, name := range registeredSettings() {
			changes = append(changes, config.Change{Name: name})
		}
		if err := d.files.Set(d.profile, changes); err != nil {
			return err
		}
	}
	if d.localOnly {
		d.say("Forgot the client %s on this machine only. If it exists at %s, only the provider's administrator can delete it there.\n",
			fault.VisibleUpTo(m.client.ClientID, 200), fault.Visible(m.client.Issuer))
		return nil
	}
	d.say("Deleted the client %s at %s, and forgot it here (profile %s).\n", fault.VisibleUpTo(m.client.ClientID, 200), fault.Visible(m.client.Issuer), d.profile)
	return nil
}

// refuseRegistered keeps a profile whose registered client would be lost with
// it: nobody else has the token that deletes that client.
func refuseRegistered(ctx context.Context, st store.Store, name string) error {
	c, err := st.Client(ctx, name)
	if err != nil || c == nil || c.RegistrationURI == "" {
		return err
	}
	return &fault.Error{Kind: fault.Config, ID: "registration.kept", Op: "delete the profile " + name,
		Err:  fmt.Errorf("its client %s is registered at %s, and only what is kept here can delete it there", c.ClientID, c.Issuer),
		Hint: fmt.Sprintf("run \"rely register delete -p %s\" first, with --local-only to leave the client at the provider", name)}
}
