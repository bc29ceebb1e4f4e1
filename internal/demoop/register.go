package demoop

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/demoop/account"
	"rely/internal/demoop/assertion"
	"rely/internal/demoop/keys"
	"rely/internal/demoop/redirect"
	"rely/internal/demoop/shelf"
	"rely/internal/secret"
)

// An application is the client metadata that registration understands (RFC
// 7591 2, OIDC Registration 2). Members it does not know are dropped, and the
// answer shows what was kept.
type application struct {
	RedirectURIs    []string        `json:"redirect_uris,omitempty"`
	ResponseTypes   []string        `json:"response_types,omitempty"`
	GrantTypes      []string        `json:"grant_types,omitempty"`
	ApplicationType string          `json:"application_type,omitempty"`
	AuthMethod      string          `json:"token_endpoint_auth_method,omitempty"`
	AuthAlg         string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	JWKS            json.RawMessage `json:"jwks,omitempty"`
	IDTokenAlg      string          `json:"id_token_signed_response_alg,omitempty"`
	SubjectType     string          `json:"subject_type,omitempty"`
	Scope           string          `json:"scope,omitempty"`
	AfterLogout     []string        `json:"post_logout_redirect_uris,omitempty"`
	Name            string          `json:"client_name,omitempty"`
	Contacts        []string        `json:"contacts,omitempty"`
	URI             string          `json:"client_uri,omitempty"`
	Logo            string          `json:"logo_uri,omitempty"`
	Policy          string          `json:"policy_uri,omitempty"`
	Terms           string          `json:"tos_uri,omitempty"`
	SoftwareID      string          `json:"software_id,omitempty"`
	SoftwareVersion string          `json:"software_version,omitempty"`
}

// register makes a client (RFC 7591 3).
func (s *Server) register(r *http.Request) reply {
	if !s.o.InitialAccessToken.Empty() {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !shelf.Same(token, s.o.InitialAccessToken.Reveal()) {
			return challenge(http.StatusUnauthorized, "invalid_token", "registration needs the initial access token")
		}
	}
	if len(s.clients) >= maxClients {
		return refuse(http.StatusServiceUnavailable, "temporarily_unavailable", "there are too many clients; delete one")
	}
	var a application
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		return badMetadata("the metadata is not a JSON object with members of the right type")
	}
	if id, why := s.check(&a); id != "" {
		return refuse(http.StatusBadRequest, id, why)
	}
	c := &Client{ID: "c-" + shelf.Fresh()[:22], issued: s.now()}
	s.clients[c.ID] = c
	return s.accept(c, a, http.StatusCreated)
}

func badMetadata(why string) reply {
	return refuse(http.StatusBadRequest, "invalid_client_metadata", why)
}

// check fills in the defaults of the specifications and returns an error of
// RFC 7591 3.2.2.
func (s *Server) check(a *application) (id, why string) {
	fill := func(to *string, standard string) {
		if *to == "" {
			*to = standard
		}
	}
	fill(&a.ApplicationType, "web")
	fill(&a.AuthMethod, "client_secret_basic")
	fill(&a.IDTokenAlg, "RS256")
	fill(&a.SubjectType, "public")
	if len(a.GrantTypes) == 0 {
		a.GrantTypes = []string{"authorization_code"}
	}
	code := slices.Contains(a.GrantTypes, "authorization_code")
	if len(a.ResponseTypes) == 0 && code {
		a.ResponseTypes = []string{"code"}
	}
	for _, f := range s.faults {
		if f.Alg != "" && (f.Alg != "HS256" || !a.secretless()) {
			a.IDTokenAlg = f.Alg
		}
	}
	const bad = "invalid_client_metadata"
	switch {
	case a.ApplicationType != "web" && a.ApplicationType != "native":
		return bad, "application_type must be web or native"
	case assertion.Unfit(a.AuthMethod, a.AuthAlg, a.JWKS) != "":
		return bad, assertion.Unfit(a.AuthMethod, a.AuthAlg, a.JWKS)
	case len(within(a.GrantTypes, grantTypes())) != len(a.GrantTypes):
		return bad, "grant_types holds one that this provider does not have"
	case len(within(a.ResponseTypes, []string{"code"})) != len(a.ResponseTypes), code != (len(a.ResponseTypes) > 0):
		return bad, "response_types must be code, together with the grant type authorization_code"
	case !slices.Contains(append(keys.Algs(), "HS256"), a.IDTokenAlg):
		return bad, "id_token_signed_response_alg is not supported"
	case a.secretless() && a.IDTokenAlg == "HS256":
		return bad, "HS256 needs a client secret"
	case a.AuthMethod == "none" && slices.Contains(a.GrantTypes, "client_credentials"):
		return bad, "client_credentials needs a client that can prove itself"
	case a.SubjectType != "public":
		return bad, "subject_type must be public"
	case len(a.RedirectURIs) > 20 || len(a.AfterLogout) > 20 || len(a.Name) > 255:
		return bad, "more than 20 URIs, or a name of more than 255 bytes"
	case code && len(a.RedirectURIs) == 0:
		return "invalid_redirect_uri", "redirect_uris is missing"
	}
	for _, uri := range slices.Concat(a.RedirectURIs, a.AfterLogout) {
		if why := redirect.Unfit(uri, a.ApplicationType); why != "" {
			return "invalid_redirect_uri", why
		}
	}
	for _, uri := range []string{a.URI, a.Logo, a.Policy, a.Terms} {
		if u, err := url.Parse(uri); uri != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return bad, "client_uri, logo_uri, policy_uri and tos_uri must be web addresses"
		}
	}
	if a.Scope != "" {
		a.Scope = strings.Join(within(strings.Fields(a.Scope), account.UserScopes()), " ")
	}
	return "", ""
}

// secretless reports whether the client gets no secret.
func (a *application) secretless() bool {
	return a.AuthMethod == "none" || a.AuthMethod == "private_key_jwt"
}

// accept writes checked metadata into the client, with a new registration
// access token, and a new secret where it has one (RFC 7591 3.2.1, RFC 7592
// 2.2).
func (s *Server) accept(c *Client, a application, code int) reply {
	c.Name, c.RedirectURIs, c.PostLogoutRedirectURIs = a.Name, a.RedirectURIs, a.AfterLogout
	c.Native, c.GrantTypes, c.Scopes = a.ApplicationType == "native", a.GrantTypes, strings.Fields(a.Scope)
	c.AuthMethod, c.IDTokenAlg, c.token, c.Secret = a.AuthMethod, a.IDTokenAlg, shelf.Fresh(), secret.String{}
	c.authAlg, c.keys, c.until = a.AuthAlg, a.JWKS, time.Time{}
	if !a.secretless() {
		c.Secret = secret.New(shelf.Fresh())
		if s.o.SecretTTL > 0 {
			c.until = s.now().Add(s.o.SecretTTL).Truncate(time.Second)
		}
	}
	b, err := json.Marshal(a)
	if err == nil {
		c.metadata = map[string]any{}
		err = json.Unmarshal(b, &c.metadata)
	}
	if err != nil {
		return refuse(http.StatusInternalServerError, "server_error", "the metadata cannot be kept")
	}
	return object(code, s.registration(c))
}

// registration is what a client may know of itself.
func (s *Server) registration(c *Client) map[string]any {
	m := map[string]any{"client_id": c.ID, "client_id_issued_at": c.issued.Unix(),
		"registration_client_uri": s.base + "/register/" + c.ID, "registration_access_token": c.token}
	for n, v := range c.metadata {
		m[n] = v
	}
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
func (s *Server) manage(r *http.Request) reply {
	c := s.clients[r.PathValue("id")]
	want := shelf.Fresh()
	if c != nil && c.token != "" {
		want = c.token
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !shelf.Same(token, want) {
		return challenge(http.StatusUnauthorized, "invalid_token", "the registration access token is wrong, or the client is gone")
	}
	switch r.Method {
	case http.MethodDelete:
		delete(s.clients, c.ID)
		return empty(http.StatusNoContent)
	case http.MethodPut:
		return s.update(c, r)
	}
	return object(http.StatusOK, s.registration(c))
}

// update replaces a client's metadata (RFC 7592 2.2).
func (s *Server) update(c *Client, r *http.Request) reply {
	var in struct {
		application
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
	if id, why := s.check(&in.application); id != "" {
		return refuse(http.StatusBadRequest, id, why)
	}
	return s.accept(c, in.application, http.StatusOK)
}
