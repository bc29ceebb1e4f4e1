package cmd

import (
	"os"

	"github.com/spf13/cobra"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/secret"
	"rely/internal/session"
	"rely/internal/trace"
	"rely/internal/wire"
)

// sessions is the keeper of this run's profile. stdin says that the client's
// secret stands on standard input.
func (i *invocation) sessions(stdin bool) *session.Keeper {
	i.keeps.Store(true)
	return &session.Keeper{
		Certificate: i.certificateOf,
		Settings:    i.values, Profile: i.profile, Digest: i.files.Digest(i.profile), Store: i.store, HTTP: i.http, Learn: i.redact.Learn,
		Discover: i.discover, ReadFile: os.ReadFile,
		Now: i.Now, Sleep: i.Sleep,
		Note: func(text string) {
			if text != "" {
				i.say("rely: note: %s\n", fault.VisibleUpTo(text, 300))
			}
		},
		Given: i.given, Fed: i.fed, Env: i.Env, World: i.world,
		Secret: func() (secret.String, error) { return i.secretOnce(stdin, "client_secret", "the client's secret") },
		Key: func() (secret.String, error) {
			if file := i.values.String("client_key_file"); file != "" {
				return i.SecretFile(file, "the client's private key")
			}
			return secret.String{}, nil
		},
	}
}

// secretOnce reads a secret from standard input, a file or a variable, in this
// order; empty where none is given.
func (i *invocation) secretOnce(stdin bool, name, what string) (secret.String, error) {
	s := i.values.Secret(name)
	file := i.values.String(name + "_file")
	var err error
	switch {
	case stdin:
		s, err = i.SecretFile("-", what)
	case file != "":
		s, err = i.SecretFile(file, what)
	}
	i.redact.Learn(s.Reveal())
	return s, err
}

// given is a secret setting of a flow: from standard input, a file or a
// variable. It is read once, because standard input can be.
func (i *invocation) given(name, what string) (secret.String, error) {
	if s, there := i.read[name]; there {
		return s, nil
	}
	s, err := i.secretOnce(i.fed(name), name, what)
	if err == nil {
		if i.read == nil {
			i.read = map[string]secret.String{}
		}
		i.read[name] = s
	}
	return s, err
}

// fed reports whether a secret setting stands on standard input.
func (i *invocation) fed(name string) bool {
	return i.flags != nil && i.flags.Changed(config.Flag(name)+"-stdin")
}

// flowFlags adds the flags of the settings that are some flow's own. A secret
// comes from a file or from standard input; its value is never a flag's.
func (i *invocation) flowFlags(c *cobra.Command) {
	add := func(name string) {
		if c.Flags().Lookup(config.Flag(name)) == nil {
			i.settingFlags(c.Flags(), name)
		}
	}
	for _, name := range flows.Settings() {
		s, _ := config.Find(name)
		file, has := config.Find(name + "_file")
		switch {
		case !s.Secret:
			add(name)
		case has:
			add(file.Name)
			stdin := config.Flag(name) + "-stdin"
			c.Flags().Bool(stdin, false, "read the "+s.Help+" from standard input")
			exclusive(c, stdin, config.Flag(file.Name))
		}
	}
}

// world is the client for what is no provider: the CI system's own service.
func (i *invocation) world() (*wire.Client, error) {
	base, err := i.Transport("")
	if err != nil {
		return nil, err
	}
	t := &trace.Transport{Base: base, Redact: i.redact, Now: i.Now}
	if i.values.Bool("trace") {
		t.Out = i.Stderr
	}
	return &wire.Client{Base: t, Timeout: i.values.Duration("timeout"), Agent: "rely", Now: i.Now, Sleep: i.Sleep}, nil
}
