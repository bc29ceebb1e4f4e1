package session

import (
	"errors"
	"fmt"
	"time"

	"rely/internal/fault"
	"rely/internal/store"
)

// warning is how long before the end of a client's secret it is told.
const warning = 7 * 24 * time.Hour

// Expiry tells of a client's secret that ends soon or has ended (RFC 7591
// 3.2.1 client_secret_expires_at); empty where there is nothing to tell.
func (k *Keeper) Expiry(c *store.Client) string {
	if c.Secret.Empty() || c.SecretExpires.IsZero() {
		return ""
	}
	at := c.SecretExpires.Format(time.RFC3339)
	switch left := c.SecretExpires.Sub(k.Now()); {
	case left <= 0:
		return fmt.Sprintf("the client's secret expired at %s; %s", at, k.renewal(c))
	case left < warning:
		return fmt.Sprintf("the client's secret expires at %s, in %s; %s", at, left.Round(time.Minute), k.renewal(c))
	}
	return ""
}

// renewal says how a client comes to a new secret.
func (k *Keeper) renewal(c *store.Client) string {
	if c.RegistrationURI == "" {
		return "get a new one from the provider's administrator"
	}
	return fmt.Sprintf("run \"rely register update -p %s\"", k.Profile)
}

// Explain names a secret that has expired as the cause of a refused client.
// Any other error stays as it is; nil stays nil.
func (k *Keeper) Explain(c *store.Client, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.ID != "token.invalid_client" || c.Secret.Empty() || c.SecretExpires.IsZero() || c.SecretExpires.After(k.Now()) {
		return err
	}
	return &fault.Error{Kind: f.Kind, ID: f.ID, Op: f.Op, Spec: "RFC 7591 3.2.1", Hint: k.renewal(c),
		Err: fmt.Errorf("the client's secret expired at %s: %w", c.SecretExpires.Format(time.RFC3339), f.Err)}
}
