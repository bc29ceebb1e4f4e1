// Package registration makes a client at a provider and looks after it
// (OpenID Connect Dynamic Client Registration 1.0, RFC 7591, RFC 7592). It
// keeps nothing: what the provider answered is the caller's to save, first.
package registration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"rely/internal/fault"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/wire"
)

// A Client is what the provider answered.
type Client struct {
	ID                string
	Secret            secret.String // empty for a public client
	SecretExpires     time.Time     // zero is never (RFC 7591 3.2.1)
	RegistrationToken secret.String // empty where the provider has no management
	RegistrationURI   string
	Metadata          map[string]json.RawMessage // all of it, secrets taken out
}

// Register makes a client with this metadata (RFC 7591 3.1). initial is the
// initial access token, empty where the provider needs none.
//
// Errors: Denied in the provider's own words; Protocol where its answer is not
// the client that was asked for, and then the client it made is deleted again.
func Register(ctx context.Context, p *provider.Provider, hc *wire.Client, initial secret.String, metadata map[string]any) (*Client, error) {
	const op = "register a client"
	address, err := p.Need("registration_endpoint", op)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(metadata)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Internal, ID: "registration.metadata", Op: op, Err: err}
	}
	a, err := send(ctx, hc, op, http.MethodPost, address, initial, body)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusCreated && a.Status != http.StatusOK { // 200 by some
		return nil, refused(op, a)
	}
	members, err := a.JSON(op)
	if err != nil {
		return nil, err
	}
	c, err := read(op, members, p.Metadata.Issuer)
	if err != nil {
		return nil, err
	}
	if err := c.compare(op, metadata); err != nil {
		if c.RegistrationURI != "" {
			_ = Delete(ctx, hc, c)
		}
		return nil, err
	}
	return c, nil
}

// Delete takes the client away at the provider (RFC 7592 2.3).
func Delete(ctx context.Context, hc *wire.Client, c *Client) error {
	const op = "delete the client"
	a, err := send(ctx, hc, op, http.MethodDelete, c.RegistrationURI, c.RegistrationToken, nil)
	if err != nil {
		return err
	}
	if a.Status != http.StatusNoContent && a.Status != http.StatusOK { // 200 by some
		return refused(op, a)
	}
	return nil
}

func send(ctx context.Context, hc *wire.Client, op, method, address string, token secret.String, body []byte) (*wire.Answer, error) {
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "wire.url", Op: op, Err: err, Hint: "check the address"}
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !token.Empty() {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return hc.Do(ctx, op, req, wire.Document)
}

func read(op string, members map[string]json.RawMessage, issuer string) (*Client, error) {
	broken := func(why string) error {
		return &fault.Error{Kind: fault.Protocol, ID: "registration.answer", Op: op, Spec: "RFC 7591 3.2.1", Err: errors.New(why),
			Hint: "have the provider mend its registration endpoint"}
	}
	c := &Client{Metadata: members}
	var expires float64
	var clientSecret, token string
	for name, into := range map[string]any{
		"client_id": &c.ID, "client_secret": &clientSecret, "client_secret_expires_at": &expires,
		"registration_access_token": &token, "registration_client_uri": &c.RegistrationURI,
	} {
		if raw, there := members[name]; there && json.Unmarshal(raw, into) != nil {
			return nil, broken(fmt.Sprintf("%q has the wrong type", name))
		}
	}
	if c.ID == "" {
		return nil, broken("it has no client_id")
	}
	if c.RegistrationURI != "" {
		if _, err := wire.Endpoint("registration_client_uri", c.RegistrationURI, issuer); err != nil {
			return nil, err
		}
	}
	delete(members, "client_secret")
	delete(members, "registration_access_token")
	c.Secret, c.RegistrationToken = secret.New(clientSecret), secret.New(token)
	if expires > 0 && expires < 1<<40 {
		c.SecretExpires = time.Unix(int64(expires), 0).UTC()
	}
	return c, nil
}

// compare refuses an answer that would become a riddle at login: other
// redirect URIs, or no secret for a client that was to have one (RFC 7591
// 3.2.1 lets the provider replace what it likes).
func (c *Client) compare(op string, asked map[string]any) error {
	wanted, _ := asked["redirect_uris"].([]string)
	var got []string
	if raw, there := c.Metadata["redirect_uris"]; there {
		_ = json.Unmarshal(raw, &got)
	} else {
		got = wanted
	}
	f := &fault.Error{Kind: fault.Protocol, ID: "registration.changed", Op: op, Spec: "RFC 7591 3.2.1", Hint: "register with what the provider allows, or have its administrator make the client"}
	for _, uri := range wanted {
		if !slices.Contains(got, uri) {
			f.Err = fmt.Errorf("the provider registered the redirect URIs %q instead of %q", got, wanted)
			return f
		}
	}
	if method, _ := asked["token_endpoint_auth_method"].(string); len(method) > 14 && method[:14] == "client_secret_" && c.Secret.Empty() {
		f.Err = fmt.Errorf("the provider gave no client_secret, which %s needs", method)
		return f
	}
	return nil
}

// refused keeps the provider's own words (RFC 7591 3.2.2, RFC 6750 3).
func refused(op string, a *wire.Answer) error {
	if a.Status/100 != 4 || a.Status == http.StatusTooManyRequests {
		return a.Unexpected(op)
	}
	f := &fault.Error{Kind: fault.Denied, ID: "registration.refused", Op: op, Spec: "RFC 7591 3.2.2", Hint: "change what was asked for, or have the provider's administrator make the client"}
	var code, text string
	if members, err := a.JSON(op); err == nil {
		_ = json.Unmarshal(members["error"], &code)
		_ = json.Unmarshal(members["error_description"], &text)
	}
	f.Err = fmt.Errorf("the provider answered %d %s: %s", a.Status, code, text)
	if code == "" {
		f.Err = fmt.Errorf("the provider answered %d without saying why", a.Status)
	}
	if a.Status == http.StatusUnauthorized {
		f.Hint = "registration at this provider needs an access token from its administrator"
	}
	return f
}
