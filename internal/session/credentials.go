package session

import (
	"context"
	"encoding/json"

	"rely/internal/clientauth"
	"rely/internal/jose"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/wire"
)

// Proven is the client's provider, and a way to it on which the client proves
// itself: for revocation and introspection (RFC 7009 2.1, RFC 7662 2.1).
func (k *Keeper) Proven(ctx context.Context, client *store.Client) (*provider.Provider, *wire.Client, error) {
	hc, err := k.HTTP()
	if err != nil {
		return nil, nil, err
	}
	p, err := k.Discover(ctx, client.Issuer)
	if err != nil {
		return nil, nil, err
	}
	method, err := k.prove(client, p)
	if err != nil {
		return nil, nil, err
	}
	proven := *hc
	proven.Base = &clientauth.Transport{Base: hc.Base, Method: method}
	return p, &proven, nil
}

// prove is how the client proves itself at the provider.
func (k *Keeper) prove(client *store.Client, p *provider.Provider) (clientauth.Method, error) {
	creds, err := k.Credentials(client, p)
	if err != nil {
		return nil, err
	}
	return k.proof(creds, p)
}

// proof is the method that the settings name, or the best that the provider
// takes.
func (k *Keeper) proof(creds clientauth.Credentials, p *provider.Provider) (clientauth.Method, error) {
	entry, err := clientauth.Choose(k.Settings.String("client_auth"), p.Metadata.ClientAuth, creds)
	if err != nil {
		return nil, err
	}
	if err := clientauth.Offered(entry.Name, p.Metadata.ClientAuth); err != nil {
		return nil, err
	}
	return entry.New(creds)
}

// Credentials are what the client has to prove itself with: its secret, and
// the key given for this run, or else those that it was registered with. p may
// be nil where the provider was not asked yet.
func (k *Keeper) Credentials(client *store.Client, p *provider.Provider) (clientauth.Credentials, error) {
	c := clientauth.Credentials{ID: client.ClientID, Secret: client.Secret, KeysName: k.Settings.String("client_key_file"),
		Audience: k.Settings.String("assertion_audience"), Now: k.Now}
	if c.Audience == "" {
		c.Audience = client.Issuer
	}
	own, err := k.Certificate(client)
	if err != nil {
		return c, err
	}
	c.Certificate = own != nil
	if c.Keys, err = k.Key(); err != nil {
		return c, err
	}
	c.Keys = named(c.Keys, client)
	if p != nil {
		_ = json.Unmarshal(p.Metadata.Raw["token_endpoint_auth_signing_alg_values_supported"], &c.Algs)
	}
	if k.Settings.Bool("fapi") {
		if c.Algs = within(c.Algs, fapiAlgs()); len(c.Algs) == 0 {
			c.Algs = fapiAlgs()
		}
	}
	var is struct {
		Method string `json:"token_endpoint_auth_method"`
		Alg    string `json:"token_endpoint_auth_signing_alg"`
		JWKS   struct {
			Keys []struct {
				Kid string `json:"kid"`
			} `json:"keys"`
		} `json:"jwks"`
	}
	_ = json.Unmarshal(client.Metadata, &is) // a client made by hand has none
	c.Alg = is.Alg
	// The store may have keys for other ends too: encryption, DPoP.
	if c.Keys.Empty() && (is.Method == "private_key_jwt" || k.Settings.String("client_auth") == "private_key_jwt") {
		c.Keys, c.KeysName = client.Keys, "the profile's client record"
		for _, key := range is.JWKS.Keys {
			if key.Kid != "" {
				c.Kids = append(c.Kids, key.Kid)
			}
		}
	}
	return c, nil
}

// named gives keys from a file the key IDs that they are registered with.
func named(keys secret.String, client *store.Client) secret.String {
	var is struct {
		JWKS json.RawMessage `json:"jwks"`
	}
	if keys.Empty() || json.Unmarshal(client.Metadata, &is) != nil || is.JWKS == nil {
		return keys
	}
	return jose.Named(keys, is.JWKS)
}
