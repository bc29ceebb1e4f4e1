package demoop

import (
	"net/http"

	"rely/internal/demoop/pingone"
	"rely/internal/demoop/reply"
)

// changePassword changes the signed-in user's own password.
func (s *Server) changePassword(r *http.Request) reply.Reply {
	a, no := s.bearer(r, "p1:reset:userPassword")
	if no != nil {
		return no
	}
	return pingone.Change(r, a.user, s.now())
}

// passwordPolicies tells the rules for passwords.
func (s *Server) passwordPolicies(r *http.Request) reply.Reply {
	if _, no := s.bearer(r, "p1:read:userPassword", "p1:reset:userPassword"); no != nil {
		return no
	}
	return pingone.Policies()
}
