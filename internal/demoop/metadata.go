package demoop

import (
	"net/http"
	"slices"

	"rely/internal/demoop/account"
	"rely/internal/demoop/assertion"
	"rely/internal/demoop/device"
	"rely/internal/demoop/exchange"
	"rely/internal/demoop/inbox"
	"rely/internal/demoop/keys"
	"rely/internal/demoop/notice"
	"rely/internal/demoop/page"
	"rely/internal/demoop/quirk"
	"rely/internal/demoop/reply"
	"rely/internal/demoop/response"
	"rely/internal/demoop/sealing"
	"rely/internal/demoop/wish"
)

// discovery describes the provider (OIDC Discovery 3, RFC 8414 2).
func (s *Server) discovery(*http.Request) reply.Reply {
	var claims []string
	for _, scope := range account.UserScopes() {
		claims = append(claims, account.Claims(scope)...)
	}
	methods := append([]string{"client_secret_basic", "client_secret_post"}, assertion.Methods()...)
	algs := []string{"HS256", "ES256", "RS256", "PS256", "EdDSA"}
	m := map[string]any{
		"issuer":                                           s.o.Issuer,
		"authorization_endpoint":                           s.base + "/authorize",
		"token_endpoint":                                   s.base + "/token",
		"device_authorization_endpoint":                    s.base + "/device_authorization",
		"userinfo_endpoint":                                s.base + "/userinfo",
		"jwks_uri":                                         s.base + "/jwks",
		"registration_endpoint":                            s.base + "/register",
		"introspection_endpoint":                           s.base + "/introspect",
		"revocation_endpoint":                              s.base + "/revoke",
		"end_session_endpoint":                             s.base + "/logout",
		"scopes_supported":                                 account.UserScopes(),
		"response_types_supported":                         response.Listed(s.legacy),
		"response_modes_supported":                         response.Modes(),
		"authorization_signing_alg_values_supported":       keys.Algs(),
		"grant_types_supported":                            s.listedGrants(),
		"subject_types_supported":                          []string{"public"},
		"id_token_signing_alg_values_supported":            append(keys.Algs(), "HS256"),
		"userinfo_signing_alg_values_supported":            append(keys.Algs(), "HS256"),
		"token_endpoint_auth_methods_supported":            append(methods, "none"),
		"token_endpoint_auth_signing_alg_values_supported": algs,
		"revocation_endpoint_auth_methods_supported":       append(methods, "none"),
		"introspection_endpoint_auth_methods_supported":    methods,
		"code_challenge_methods_supported":                 []string{"S256"},
		"claims_supported":                                 slices.Concat([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "at_hash", "c_hash", "sid"}, claims),
		"claim_types_supported":                            []string{"normal"},
		"prompt_values_supported":                          []string{"none", "login", "consent", "select_account"},
		"claims_parameter_supported":                       true,
		"acr_values_supported":                             wish.ACRs(),
		"authorization_details_types_supported":            wish.Types(),
		"request_uri_parameter_supported":                  false,
		"authorization_response_iss_parameter_supported":   true,
	}
	sealing.Metadata(m)
	notice.Metadata(m)
	s.bindings.Metadata(m)
	inbox.Metadata(m, s.base)
	quirk.Bend(s.faults, func(f quirk.Fault) func(map[string]any) { return f.Metadata }, m)
	return public(reply.Object(http.StatusOK, m))
}

// listedGrants leaves out what is there for whoever registers for it, and is
// not to be used any more (RFC 9700 2.1.2, 2.4).
func (s *Server) listedGrants() []string {
	if s.legacy {
		return append(grantTypes(), "implicit")
	}
	return slices.DeleteFunc(grantTypes(), func(g string) bool { return g == "password" })
}

func grantTypes() []string {
	return []string{"authorization_code", "refresh_token", "client_credentials", device.Grant, "password", assertion.Bearer, exchange.Grant}
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
