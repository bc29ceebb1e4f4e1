package registration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/wire"
)

// A Manager looks after one client at its configuration endpoint (RFC 7592).
// Known is what is kept of it.
type Manager struct {
	HTTP   *wire.Client
	Issuer string
	Known  Client
}

// Read asks for the client as the provider has it (RFC 7592 2.1). Whatever the
// answer leaves out is as it was; a new secret or token is in what comes back
// and has to be saved before anything else, because the old one may be dead.
//
// Errors: Denied with the ID registration.gone where the provider does not
// know the client or its token any more; Protocol where it answers with
// another client.
func (m *Manager) Read(ctx context.Context) (*Client, error) {
	return m.exchange(ctx, "read the client's registration", http.MethodGet, nil)
}

// Update replaces the whole record (RFC 7592 2.2): the caller has read it
// first and put its changes in. Beside its errors, which are those of Read, it
// gives back the client where the provider made the change.
func (m *Manager) Update(ctx context.Context, record map[string]any) (*Client, error) {
	const op = "change the client's registration"
	body := maps.Clone(record)
	for name, v := range body {
		if v == nil || given(name) {
			delete(body, name)
		}
	}
	body["client_id"] = m.Known.ID
	if method := TextOf(record, "token_endpoint_auth_method"); !m.Known.Secret.Empty() && method != "none" {
		body["client_secret"] = m.Known.Secret.Reveal()
	}
	js, err := json.Marshal(body)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "registration.metadata", Op: op, Err: err}
	}
	c, err := m.exchange(ctx, op, http.MethodPut, js)
	if err == nil && TextOf(Record(record, c.Metadata), "token_endpoint_auth_method") == "none" {
		c.Secret = secret.String{}
	}
	return c, err
}

// Delete takes the client away at the provider (RFC 7592 2.3).
func (m *Manager) Delete(ctx context.Context) error {
	const op = "delete the client"
	if err := m.possible(op); err != nil {
		return err
	}
	a, err := send(ctx, m.HTTP, op, http.MethodDelete, m.Known.RegistrationURI, m.Known.RegistrationToken, nil)
	if err != nil {
		return err
	}
	if a.Status == http.StatusNoContent || a.Status == http.StatusOK { // 200 by some
		return nil
	}
	return m.refused(op, a)
}

// Undo deletes a client that is of no use. Where that cannot be done the
// error says why.
func Undo(ctx context.Context, hc *wire.Client, issuer string, c *Client) error {
	m := Manager{HTTP: hc, Issuer: issuer, Known: *c}
	return m.Delete(context.WithoutCancel(ctx))
}

func (m *Manager) exchange(ctx context.Context, op, method string, body []byte) (*Client, error) {
	if err := m.possible(op); err != nil {
		return nil, err
	}
	a, err := send(ctx, m.HTTP, op, method, m.Known.RegistrationURI, m.Known.RegistrationToken, body)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK && a.Status != http.StatusCreated {
		return nil, m.refused(op, a)
	}
	members, err := a.JSON(op)
	if err != nil {
		return nil, err
	}
	c, err := read(op, members)
	if err != nil {
		return nil, err
	}
	if c.ID != m.Known.ID {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "registration.other-client", Op: op, Spec: "RFC 7592 3",
			Err: fmt.Errorf("the provider answered with the client %q instead of %q", c.ID, m.Known.ID), Hint: "have the provider mend its client configuration endpoint"}
	}
	if c.Secret.Empty() {
		c.Secret = m.Known.Secret
	}
	if _, said := members["client_secret_expires_at"]; !said {
		c.SecretExpires = m.Known.SecretExpires
	}
	if c.RegistrationToken.Empty() {
		c.RegistrationToken = m.Known.RegistrationToken
	}
	if c.RegistrationURI == "" || c.manageable(m.Issuer) != nil {
		c.RegistrationURI = m.Known.RegistrationURI // an address that cannot be used replaces none that can
	}
	return c, nil
}

// refused tells "gone" from other refusals: a provider answers 401 to a client
// that it does not know any more (RFC 7592 2.1 to 2.3), some 403 or 404.
func (m *Manager) refused(op string, a *wire.Answer) error {
	err := refused(op, a)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Denied {
		return err
	}
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		f.ID, f.Spec = "registration.gone", "RFC 7592 2"
		f.Err = fmt.Errorf("the provider does not know the client %s or its registration token any more (%w)", m.Known.ID, f.Err)
		f.Hint = "run \"rely register delete --local-only\" to forget it here, then register anew"
	case http.StatusMethodNotAllowed:
		f.ID, f.Spec, f.Hint = "registration.unmanaged", "RFC 7592 2", "have the provider's administrator do it"
	}
	return f
}

// possible refuses what cannot be asked for: a client that was made by hand has
// no configuration endpoint, and some providers give none (RFC 7592 3).
func (m *Manager) possible(op string) error {
	if m.Known.RegistrationURI == "" || m.Known.RegistrationToken.Empty() {
		return &fault.Error{Kind: fault.Config, ID: "registration.unmanaged", Op: op, Spec: "RFC 7592 3",
			Err:  fmt.Errorf("the provider gave no registration_client_uri and token for the client %s", m.Known.ID),
			Hint: "have the provider's administrator do it; \"rely register show --local\" shows what is kept here"}
	}
	return m.Known.manageable(m.Issuer)
}

// manageable refuses an address for the management of the client that must
// not be used.
func (c *Client) manageable(issuer string) error {
	if c.RegistrationURI == "" {
		return nil
	}
	_, err := wire.Endpoint("registration_client_uri", c.RegistrationURI, issuer)
	return err
}
