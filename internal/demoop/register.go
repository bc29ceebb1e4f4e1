package demoop

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"rely/internal/demoop/application"
	"rely/internal/demoop/discovery"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/shelf"
	"rely/internal/secret"
)

// register makes a client (RFC 7591 3).
func (s *Server) register(r *http.Request) reply.Reply {
	if !s.o.InitialAccessToken.Empty() {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !shelf.Same(token, s.o.InitialAccessToken.Reveal()) {
			return reply.Challenge(http.StatusUnauthorized, "invalid_token", "registration needs the initial access token")
		}
	}
	if len(s.clients) >= maxClients {
		return reply.Refuse(http.StatusServiceUnavailable, "temporarily_unavailable", "there are too many clients; delete one")
	}
	var a application.Metadata
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		return badMetadata("the metadata is not a JSON object with members of the right type")
	}
	if id, why := a.Check(s.registrar()); id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	c := &Client{ID: "c-" + shelf.Fresh()[:22], issued: s.now()}
	s.clients[c.ID] = c
	return s.accept(c, a, http.StatusCreated)
}

// registrar is what this provider takes from those who register.
func (s *Server) registrar() application.Registrar {
	return application.Registrar{Grants: append(discovery.GrantTypes(), "implicit"), Alg: quirk.Alg(s.faults, "")}
}

func badMetadata(why string) reply.Reply {
	return reply.Refuse(http.StatusBadRequest, "invalid_client_metadata", why)
}

// accept writes checked metadata into the client, with a new registration
// access token, and a new secret where it has one (RFC 7591 3.2.1, RFC 7592
// 2.2).
func (s *Server) accept(c *Client, a application.Metadata, code int) reply.Reply {
	c.Name, c.RedirectURIs, c.PostLogoutRedirectURIs = a.Name, a.RedirectURIs, a.AfterLogout
	c.Native, c.GrantTypes, c.Scopes = a.ApplicationType == "native", a.GrantTypes, strings.Fields(a.Scope)
	c.AuthMethod, c.IDTokenAlg, c.token, c.Secret = a.AuthMethod, a.IDTokenAlg, shelf.Fresh(), secret.String{}
	c.ResponseAlg = a.ResponseAlg
	c.registered, c.until = a, time.Time{}
	if !a.Secretless() {
		c.Secret = secret.New(shelf.Fresh())
		if s.o.SecretTTL > 0 {
			c.until = s.now().Add(s.o.SecretTTL).Truncate(time.Second)
		}
	}
	return reply.Object(code, s.registration(c))
}

// registration is what a client may know of itself.
func (s *Server) registration(c *Client) map[string]any {
	m := c.registered.Members()
	m["client_id"], m["client_id_issued_at"] = c.ID, c.issued.Unix()
	m["registration_client_uri"], m["registration_access_token"] = s.base+"/register/"+c.ID, c.token
	if !c.Secret.Empty() {
		m["client_secret"], m["client_secret_expires_at"] = c.Secret.Reveal(), 0
		if !c.until.IsZero() {
			m["client_secret_expires_at"] = c.until.Unix()
		}
	}
	return m
}

// manage reads, changes and deletes a client (RFC 7592 2). Somebody without
// the client's token learns nothing, not even whether the client exists.
func (s *Server) manage(r *http.Request) reply.Reply {
	c := s.clients[r.PathValue("id")]
	want := shelf.Fresh()
	if c != nil && c.token != "" {
		want = c.token
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !shelf.Same(token, want) {
		return reply.Challenge(http.StatusUnauthorized, "invalid_token", "the registration access token is wrong, or the client is gone")
	}
	switch r.Method {
	case http.MethodDelete:
		delete(s.clients, c.ID)
		return reply.Empty(http.StatusNoContent)
	case http.MethodPut:
		return s.update(c, r)
	}
	return reply.Object(http.StatusOK, s.registration(c))
}

// update replaces a client's metadata (RFC 7592 2.2).
func (s *Server) update(c *Client, r *http.Request) reply.Reply {
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
	if id, why := in.Check(s.registrar()); id != "" {
		return reply.Refuse(http.StatusBadRequest, id, why)
	}
	return s.accept(c, in.Metadata, http.StatusOK)
}
