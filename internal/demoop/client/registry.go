package client

import (
	"encoding/json"
	"iter"
	"maps"
	"net/http"
	"strings"
	"time"

	"rely/internal/demoop/application"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
	"rely/internal/secret"
)

// maxClients is how many are kept at a time.
const maxClients = 1000

// A Registry keeps the clients. What it is made of stays as it is.
type Registry struct {
	Base    string        // of the endpoints, without a slash at the end
	Initial secret.String // registration asks for it; empty: anyone may register
	TTL     time.Duration // of secrets; 0: for ever
	Now     func() time.Time
	Takes   application.Registrar // what it takes from those who register

	all map[string]*Client
}

// Add makes a client known.
func (g *Registry) Add(c *Client) {
	if g.all == nil {
		g.all = map[string]*Client{}
	}
	g.all[c.ID] = c
}

// Get is the client with an id; nil where there is none.
func (g *Registry) Get(id string) *Client { return g.all[id] }

// All are the clients, in no order.
func (g *Registry) All() iter.Seq[*Client] { return maps.Values(g.all) }

// Register makes a client (RFC 7591 3).
func (g *Registry) Register(r *http.Request) reply.Reply {
	if !g.Initial.Empty() {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !shelf.Same(token, g.Initial.Reveal()) {
			return reply.Challenge(http.StatusUnauthorized, "invalid_token", "registration needs the initial access token")
		}
	}
	if len(g.all) >= maxClients {
		return reply.Refuse(http.StatusServiceUnavailable, "temporarily_unavailable", "there are too many clients; delete one")
	}
	var a application.Metadata
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		return badMetadata("the metadata is not a JSON object with members of the right type")
	}
	if id, why := a.Check(g.Takes); id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	c := &Client{ID: "c-" + shelf.Fresh()[:22], Issued: g.Now()}
	g.Add(c)
	return g.accept(c, a, http.StatusCreated)
}

func badMetadata(why string) reply.Reply {
	return reply.Refuse(http.StatusBadRequest, "invalid_client_metadata", why)
}

// accept writes checked metadata into the client, with a new registration
// access token, and a new secret where it has one (RFC 7591 3.2.1, RFC 7592
// 2.2).
func (g *Registry) accept(c *Client, a application.Metadata, code int) reply.Reply {
	c.Name, c.RedirectURIs, c.PostLogoutRedirectURIs = a.Name, a.RedirectURIs, a.AfterLogout
	c.Native, c.GrantTypes, c.Scopes = a.ApplicationType == "native", a.GrantTypes, strings.Fields(a.Scope)
	c.AuthMethod, c.IDTokenAlg, c.Token, c.Secret = a.AuthMethod, a.IDTokenAlg, shelf.Fresh(), secret.String{}
	c.ResponseAlg = a.ResponseAlg
	c.Registered, c.Until = a, time.Time{}
	if !a.Secretless() {
		c.Secret = secret.New(shelf.Fresh())
		if g.TTL > 0 {
			c.Until = g.Now().Add(g.TTL).Truncate(time.Second)
		}
	}
	return reply.Object(code, g.registration(c))
}

// registration is what a client may know of itself.
func (g *Registry) registration(c *Client) map[string]any {
	m := c.Registered.Members()
	m["client_id"], m["client_id_issued_at"] = c.ID, c.Issued.Unix()
	m["registration_client_uri"], m["registration_access_token"] = g.Base+"/register/"+c.ID, c.Token
	if !c.Secret.Empty() {
		m["client_secret"], m["client_secret_expires_at"] = c.Secret.Reveal(), 0
		if !c.Until.IsZero() {
			m["client_secret_expires_at"] = c.Until.Unix()
		}
	}
	return m
}

// Manage reads, changes and deletes a client (RFC 7592 2). Somebody without
// the client's token learns nothing, not even whether the client exists.
func (g *Registry) Manage(r *http.Request) reply.Reply {
	c := g.all[r.PathValue("id")]
	want := shelf.Fresh()
	if c != nil && c.Token != "" {
		want = c.Token
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !shelf.Same(token, want) {
		return reply.Challenge(http.StatusUnauthorized, "invalid_token", "the registration access token is wrong, or the client is gone")
	}
	switch r.Method {
	case http.MethodDelete:
		delete(g.all, c.ID)
		return reply.Empty(http.StatusNoContent)
	case http.MethodPut:
		return g.update(c, r)
	}
	return reply.Object(http.StatusOK, g.registration(c))
}

// update replaces a client's metadata (RFC 7592 2.2).
func (g *Registry) update(c *Client, r *http.Request) reply.Reply {
	var in struct {
		application.Metadata
		ID     string          `json:"client_id"`
		Secret *string         `json:"client_secret"`
		Token  json.RawMessage `json:"registration_access_token"`
		Where  json.RawMessage `json:"registration_client_uri"`
		Until  json.RawMessage `json:"client_secret_expires_at"`
		Since  json.RawMessage `json:"client_id_issued_at"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return badMetadata("the metadata is not a JSON object with members of the right type")
	}
	switch {
	case in.ID != c.ID:
		return badMetadata("client_id must be the client's own")
	case in.Secret != nil && !shelf.Same(*in.Secret, c.Secret.Reveal()):
		return badMetadata("client_secret must be the client's own")
	case in.Token != nil || in.Where != nil || in.Until != nil || in.Since != nil:
		return badMetadata("registration_access_token, registration_client_uri, client_secret_expires_at and client_id_issued_at must not be sent")
	}
	if id, why := in.Check(g.Takes); id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	return g.accept(c, in.Metadata, http.StatusOK)
}
