// Package client is who may ask the embedded provider for anything: the
// clients, and the registration by which they come, change and go. Callers hold
// the provider's lock.
package client

import (
	"slices"
	"time"

	"rely/internal/demoop/account"
	"rely/internal/demoop/application"
	"rely/internal/demoop/device"
	"rely/internal/demoop/exchange"
	"rely/internal/demoop/inbox"
	"rely/internal/demoop/redirect"
	"rely/internal/demoop/response"
	"rely/internal/secret"
)

// A Client is a relying party the provider knows. The last four fields are
// those of a dynamic registration.
type Client struct {
	ID     string
	Secret secret.String // empty: a public client, which must use PKCE
	Name   string        // as the consent page shows it; empty means the ID

	RedirectURIs           []string
	PostLogoutRedirectURIs []string
	AnyLoopback            bool     // any path and port on loopback will do, with http or https
	Native                 bool     // on a loopback address any port will do (RFC 8252 7.3)
	GrantTypes             []string // empty: authorization_code
	Scopes                 []string // empty: all
	AuthMethod             string   // empty: any the client can do
	IDTokenAlg             string   // empty: RS256, the default of OIDC registration 2
	ResponseAlg            string   // of response JWTs; empty: RS256, the default of JARM 3

	Issued     time.Time
	Until      time.Time            // end of the secret; zero: never
	Token      string               // registration access token; empty: not registered dynamically
	Registered application.Metadata // what registration accepted
}

// Public reports whether the client has nothing to prove itself with.
func (c *Client) Public() bool {
	return c.Secret.Empty() && !(&application.Metadata{AuthMethod: c.AuthMethod}).Keyed()
}

// May reports whether the client may use a grant.
func (c *Client) May(grant string) bool {
	if len(c.GrantTypes) == 0 {
		return grant == "authorization_code"
	}
	return slices.Contains(c.GrantTypes, grant)
}

// MayAnswer reports whether a response type is one that the client registered.
func (c *Client) MayAnswer(kind string, t response.Type) bool {
	list := c.Registered.ResponseTypes
	return !slices.ContainsFunc(t.Grants(), func(g string) bool { return !c.May(g) }) && (c.Token == "" || response.Among(kind, list))
}

// AllScopes are those the client may ask for.
func (c *Client) AllScopes() []string {
	if len(c.Scopes) == 0 {
		return account.UserScopes()
	}
	return c.Scopes
}

// Title is the client as pages name it.
func (c *Client) Title() string {
	if c.Name == "" {
		return c.ID
	}
	return c.Name
}

// Expired reports whether the client's secret has come to its end.
func (c *Client) Expired(now time.Time) bool { return !c.Until.IsZero() && now.After(c.Until) }

// Standing are the clients that every server knows. Their ID tokens are ES256,
// so that a server starts without making an RSA key.
func Standing() []Client {
	code := []string{"authorization_code", "implicit", "refresh_token", device.Grant, device.Backchannel, "password", exchange.Grant}
	return []Client{
		{ID: "demo", Name: "Demo client", AnyLoopback: true, Native: true, GrantTypes: code, AuthMethod: "none", IDTokenAlg: "ES256", ResponseAlg: "ES256"},
		{ID: "web", Name: "Demo web application", Secret: secret.New("web-secret-0123456789abcdef"), AnyLoopback: true,
			GrantTypes: code, AuthMethod: "client_secret_basic", IDTokenAlg: "ES256", ResponseAlg: "ES256"},
		{ID: "service", Name: "Demo service", Secret: secret.New("service-secret-0123456789abcdef"),
			GrantTypes: []string{"client_credentials", exchange.Grant}, Scopes: account.ServiceScopes(), IDTokenAlg: "ES256"},
	}
}

// MayRedirect reports whether uri is one the client registered.
func (c *Client) MayRedirect(uri string) bool { return c.Among(uri, c.RedirectURIs) }

// Among reports whether uri is one of a list that the client registered.
func (c *Client) Among(uri string, list []string) bool {
	return redirect.Registered(uri, list, c.AnyLoopback, c.Native)
}

// Sender is the client as its authorization requests are judged.
func (c *Client) Sender() inbox.Sender {
	return inbox.Sender{ID: c.ID, Secret: c.Secret, Keys: c.Registered.JWKS, Alg: c.Registered.RequestAlg, MustPush: c.Registered.RequirePush}
}
