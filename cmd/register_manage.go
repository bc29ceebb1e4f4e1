package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"rely/internal/fault"
	"rely/internal/output"
	"rely/internal/registration"
	"rely/internal/store"
)

// A managed client is the profile's, with what it takes to look after it at
// the provider (RFC 7592).
type managed struct {
	*invocation
	kept    store.Store
	client  *store.Client
	manager registration.Manager
}

// manage finds the profile's client; the caller holds the profile's lock until
// unlock.
func (i *invocation) manage(ctx context.Context, op string) (m *managed, unlock func(), err error) {
	if i.profile == "" {
		return nil, nil, noProfile()
	}
	m = &managed{invocation: i}
	if m.kept, err = i.store(); err != nil {
		return nil, nil, err
	}
	if unlock, err = m.kept.Lock(ctx, i.profile); err != nil {
		return nil, nil, err
	}
	if m.client, err = m.kept.Client(ctx, i.profile); err == nil && m.client == nil {
		err = i.noClient(op)
	}
	if err == nil {
		err = m.kept.Writable(i.profile)
	}
	if err != nil {
		unlock()
		return nil, nil, err
	}
	i.learn(m.client)
	hc, err := i.http()
	if err != nil {
		unlock()
		return nil, nil, err
	}
	m.manager = registration.Manager{HTTP: hc, Issuer: m.client.Issuer, Known: registration.Client{ID: m.client.ClientID, Secret: m.client.Secret,
		SecretExpires: m.client.SecretExpires, RegistrationToken: m.client.RegistrationToken, RegistrationURI: m.client.RegistrationURI}}
	return m, unlock, nil
}

func (i *invocation) noClient(op string) error {
	return &fault.Error{Kind: fault.Config, ID: "registration.no-client", Op: op, Err: fmt.Errorf("nothing is kept of a client in the profile %s: it was not registered from here, or deleted", i.profile),
		Hint: fmt.Sprintf("run \"rely register ISSUER -p %s\" to make one", i.profile)}
}

// rotated saves a new secret and a new registration token before anything else
// is done with the answer: the old ones may be dead (RFC 7592 5).
func (m *managed) rotated(ctx context.Context, now *registration.Client) error {
	m.redact.Learn(now.Secret.Reveal())
	m.redact.Learn(now.RegistrationToken.Reveal())
	next := *m.client
	next.Secret, next.SecretExpires = now.Secret, now.SecretExpires
	next.RegistrationToken, next.RegistrationURI = now.RegistrationToken, now.RegistrationURI
	return m.put(ctx, &next, now)
}

// put keeps a record; where that fails a rotated token is handed to the
// person, or nobody could ever change or delete the client again.
func (m *managed) put(ctx context.Context, next *store.Client, now *registration.Client) error {
	err := m.kept.PutClient(context.WithoutCancel(ctx), m.profile, next)
	if err == nil {
		m.client = next
		m.manager.Known = *now
		return nil
	}
	if now.RegistrationToken.Reveal() != m.client.RegistrationToken.Reveal() {
		fmt.Fprintf(m.Stderr, "rely: note: the provider gave a new registration token, which could not be kept. It is a secret; keep it:\n\n  %s  %s\n\n",
			fault.Visible(now.RegistrationURI), fault.Visible(now.RegistrationToken.Reveal()))
	}
	return err
}

// keepRecord keeps what is registered now.
func (m *managed) keepRecord(ctx context.Context, record map[string]any) error {
	js, err := json.Marshal(record)
	if err != nil {
		return &fault.Error{Kind: fault.Internal, ID: "registration.metadata", Op: "keep the client", Err: err}
	}
	next := *m.client
	next.Metadata = js
	return m.put(ctx, &next, &m.manager.Known)
}

// gone names the profile in the way out of "the provider does not know it".
func (m *managed) gone(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.ID == "registration.gone" {
		f.Hint = fmt.Sprintf("run \"rely register delete --local-only -p %s\" to forget it here, then register anew", m.profile)
	}
	return err
}

// printClient writes a client as a person or a script reads it.
func (i *invocation) printClient(out clientJSON) error {
	members := map[string]any{"client_id": out.ClientID, "issuer": out.Issuer}
	for name, v := range out.Metadata {
		members[name] = v
	}
	if out.SecretExpires != nil {
		members["client_secret_expires_at"] = out.SecretExpires
	}
	if out.RegistrationURI != "" {
		members["registration_client_uri"] = out.RegistrationURI
	}
	if out.Secret != "" {
		members["client_secret"] = out.Secret
	}
	if i.format() == "text" {
		return output.Print(i.Stdout, "text", output.Result{Schema: "client/1", JSON: members})
	}
	return output.Print(i.Stdout, i.format(), output.Result{Schema: "client/1", JSON: out, Raw: out.Secret})
}
