package demoop

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

// A Client is a relying party the provider knows.
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

	issued     time.Time
	until      time.Time            // end of the secret; zero: never
	token      string               // registration access token; empty: not registered dynamically
	registered application.Metadata // what registration accepted
}

func (c *Client) public() bool {
	return c.Secret.Empty() && !(&application.Metadata{AuthMethod: c.AuthMethod}).Keyed()
}

func (c *Client) may(grant string) bool {
	if len(c.GrantTypes) == 0 {
		return grant == "authorization_code"
	}
	return slices.Contains(c.GrantTypes, grant)
}

// mayAnswer reports whether a response type is one that the client registered.
func (c *Client) mayAnswer(kind string, t response.Type) bool {
	list := c.registered.ResponseTypes
	return !slices.ContainsFunc(t.Grants(), func(g string) bool { return !c.may(g) }) && (c.token == "" || response.Among(kind, list))
}

func (c *Client) scopes() []string {
	if len(c.Scopes) == 0 {
		return account.UserScopes()
	}
	return c.Scopes
}

func (c *Client) title() string {
	if c.Name == "" {
		return c.ID
	}
	return c.Name
}

// standing are the clients that every server knows. Their ID tokens are ES256,
// so that a server starts without making an RSA key.
func standing() []Client {
	code := []string{"authorization_code", "implicit", "refresh_token", device.Grant, device.Backchannel, "password", exchange.Grant}
	return []Client{
		{ID: "demo", Name: "Demo client", AnyLoopback: true, Native: true, GrantTypes: code, AuthMethod: "none", IDTokenAlg: "ES256", ResponseAlg: "ES256"},
		{ID: "web", Name: "Demo web application", Secret: secret.New("web-secret-0123456789abcdef"), AnyLoopback: true,
			GrantTypes: code, AuthMethod: "client_secret_basic", IDTokenAlg: "ES256", ResponseAlg: "ES256"},
		{ID: "service", Name: "Demo service", Secret: secret.New("service-secret-0123456789abcdef"),
			GrantTypes: []string{"client_credentials", exchange.Grant}, Scopes: account.ServiceScopes(), IDTokenAlg: "ES256"},
	}
}

// mayRedirect reports whether uri is one the client registered.
func (c *Client) mayRedirect(uri string) bool { return c.among(uri, c.RedirectURIs) }

func (c *Client) among(uri string, list []string) bool {
	return redirect.Registered(uri, list, c.AnyLoopback, c.Native)
}

// sender is the client as its authorization requests are judged.
func (c *Client) sender() inbox.Sender {
	return inbox.Sender{ID: c.ID, Secret: c.Secret, Keys: c.registered.JWKS, Alg: c.registered.RequestAlg, MustPush: c.registered.RequirePush}
}
