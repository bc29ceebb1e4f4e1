package demoop

import (
	"net/http"

	"rely/internal/demoop/bureau"
	"rely/internal/demoop/ciba"
	"rely/internal/demoop/discovery"
	"rely/internal/demoop/inbox"
	"rely/internal/demoop/notice"
	"rely/internal/demoop/page"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/sealing"
)

// discovery describes the provider (OIDC Discovery 3, RFC 8414 2).
func (s *Server) discovery(*http.Request) reply.Reply {
	m := discovery.Document(s.o.Issuer, s.base, s.legacy)
	sealing.Metadata(m)
	bureau.Metadata(m)
	notice.Metadata(m)
	ciba.Metadata(m)
	s.bindings.Metadata(m, s.base)
	inbox.Metadata(m, s.base)
	quirk.Bend(s.faults, func(f quirk.Fault) func(map[string]any) { return f.Metadata }, m)
	return public(reply.Object(http.StatusOK, m))
}

// jwks publishes the keys (RFC 7517 5).
func (s *Server) jwks(*http.Request) reply.Reply {
	set, err := s.ring.JWKs()
	if err != nil {
		return reply.Refuse(http.StatusInternalServerError, "server_error", "the keys cannot be published")
	}
	set = append(set, s.inbox.JWK())
	return public(reply.Object(http.StatusOK, map[string]any{"keys": quirk.Keys(s.faults, set)}))
}

// public lets everybody keep and every page read a document for a while.
func public(r reply.Reply) reply.Reply {
	return reply.With("Cache-Control", "public, max-age=300", reply.With("Access-Control-Allow-Origin", "*", r))
}

// home is for the person who types the issuer into a browser.
func (s *Server) home(*http.Request) reply.Reply {
	return page.Notice(http.StatusOK, "This is an OpenID Provider",
		"There is nothing to see here: an application sends you to the page that you need. What it can do stands in its metadata:",
		s.base+"/.well-known/openid-configuration").Write
}
