package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"rely/internal/registration"
)

// registerShow shows the profile's client as the provider or the store has it.
type registerShow struct {
	*invocation
	local, secret bool
}

func newRegisterShow(i *invocation) *cobra.Command {
	s := &registerShow{invocation: i}
	c := &cobra.Command{
		Use:   "show",
		Short: "Show the profile's client as the provider has it",
		Long: `Asks the provider for the profile's client (RFC 7592 2.1) and shows it, without
its secrets. --local shows what is kept on this machine and asks nobody.
--show-secret shows the client's secret as well, and -o raw the secret alone.`,
		Example: "  rely register show\n  rely register show --local -o json\n  rely register show --local --show-secret -o raw",
		Args:    arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.open(c, false); err != nil {
				return err
			}
			return s.run(c.Context())
		},
	}
	c.Flags().BoolVar(&s.local, "local", false, "show what is kept here and ask nobody")
	c.Flags().BoolVar(&s.secret, "show-secret", false, "show the client's secret as well")
	i.settingFlags(c.Flags(), "store")
	return c
}

func (s *registerShow) run(ctx context.Context) error {
	m, unlock, err := s.manage(ctx, "show the client")
	if err != nil {
		return err
	}
	defer unlock()
	source, record := "local", recordOf(m.client)
	if !s.local {
		now, err := m.manager.Read(ctx)
		if err != nil {
			return m.gone(err)
		}
		if err := m.rotated(ctx, now); err != nil {
			return err
		}
		source, record = "provider", registration.Said(now.Metadata)
	}
	out := clientResult(s.profile, source, m.client)
	out.Metadata = record
	if s.secret {
		out.Secret = m.client.Secret.Reveal()
	}
	if note := s.sessions(false).Expiry(m.client); note != "" {
		s.say("rely: note: %s\n", note)
	}
	return s.printClient(out)
}
