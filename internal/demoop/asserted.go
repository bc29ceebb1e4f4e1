package demoop

import (
	"net/http"
	"slices"

	"rely/internal/demoop/assertion"
	"rely/internal/demoop/reply"
)

// asserted tells which client proves itself with a signed assertion (OIDC Core
// 9, RFC 7523 2.2).
func (s *Server) asserted(r *http.Request) (*Client, reply.Reply) {
	f := r.PostForm
	token, id := f.Get("client_assertion"), f.Get("client_id")
	sub := assertion.Subject(token)
	switch {
	case f.Get("client_secret") != "" || r.Header.Get("Authorization") != "":
		return nil, reply.Refuse(http.StatusBadRequest, "invalid_request", "the client proves itself in two ways")
	case f.Get("client_assertion_type") != assertion.Type:
		return nil, reply.Refuse(http.StatusBadRequest, "invalid_request", "client_assertion_type is not the one of RFC 7523")
	case id != "" && id != sub:
		return nil, unproven("the assertion's sub is not the client_id")
	}
	c := s.clients.Get(sub)
	if c == nil || c.Expired(s.now()) {
		return nil, noClient()
	}
	method := c.AuthMethod
	if method == "" && !c.Public() {
		method = "client_secret_jwt"
	}
	if !slices.Contains(assertion.Methods(), method) {
		return nil, noClient()
	}
	err := s.assertions.Check(token, s.issuer.Scheme+"://"+s.issuer.Host+r.URL.Path, assertion.Client{ID: c.ID, Method: method, Alg: c.Registered.AuthAlg, Secret: c.Secret, Keys: c.Registered.JWKS}, s.now())
	if err != nil {
		return nil, unproven(err.Error())
	}
	return c, nil
}
