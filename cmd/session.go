package cmd

import (
	"os"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/session"
)

// sessions is the keeper of this run's profile. stdin says that the client's
// secret stands on standard input.
func (i *invocation) sessions(stdin bool) *session.Keeper {
	return &session.Keeper{
		Settings: i.values, Profile: i.profile, Digest: i.files.Digest(i.profile), Store: i.store, HTTP: i.http, Learn: i.redact.Learn,
		Discover: i.discover, ReadFile: os.ReadFile,
		Now: i.Now, Sleep: i.Sleep,
		Note: func(text string) {
			if text != "" {
				i.say("rely: note: %s\n", fault.VisibleUpTo(text, 300))
			}
		},
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
