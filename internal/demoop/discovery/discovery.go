// Package discovery is what the provider says of itself. What a part of it
// adds, that part says.
package discovery

import (
	"slices"

	"rely/internal/demoop/account"
	"rely/internal/demoop/assertion"
	"rely/internal/demoop/binding"
	"rely/internal/demoop/device"
	"rely/internal/demoop/exchange"
	"rely/internal/demoop/keys"
	"rely/internal/demoop/response"
	"rely/internal/demoop/wish"
)

// Document is the metadata (OIDC Discovery 3, RFC 8414 2); base is where
// endpoints begin.
func Document(issuer, base string, legacy bool) map[string]any {
	var claims []string
	for _, scope := range account.UserScopes() {
		claims = append(claims, account.Claims(scope)...)
	}
	methods := slices.Concat([]string{"client_secret_basic", "client_secret_post"}, assertion.Methods(), binding.Methods())
	algs := []string{"HS256", "ES256", "RS256", "PS256", "EdDSA"}
	return map[string]any{
		"issuer":                                           issuer,
		"authorization_endpoint":                           base + "/authorize",
		"token_endpoint":                                   base + "/token",
		"device_authorization_endpoint":                    base + "/device_authorization",
		"backchannel_authentication_endpoint":              base + "/backchannel",
		"userinfo_endpoint":                                base + "/userinfo",
		"jwks_uri":                                         base + "/jwks",
		"registration_endpoint":                            base + "/register",
		"introspection_endpoint":                           base + "/introspect",
		"revocation_endpoint":                              base + "/revoke",
		"end_session_endpoint":                             base + "/logout",
		"scopes_supported":                                 account.UserScopes(),
		"response_types_supported":                         response.Listed(legacy),
		"response_modes_supported":                         response.Modes(),
		"authorization_signing_alg_values_supported":       keys.Algs(),
		"grant_types_supported":                            listed(legacy),
		"subject_types_supported":                          []string{"public"},
		"id_token_signing_alg_values_supported":            append(keys.Algs(), "HS256"),
		"userinfo_signing_alg_values_supported":            append(keys.Algs(), "HS256"),
		"token_endpoint_auth_methods_supported":            append(methods, "none"),
		"token_endpoint_auth_signing_alg_values_supported": algs,
		"revocation_endpoint_auth_methods_supported":       append(methods, "none"),
		"introspection_endpoint_auth_methods_supported":    methods,
		"code_challenge_methods_supported":                 []string{"S256"},
		"claims_supported":                                 slices.Concat([]string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "at_hash", "c_hash", "sid"}, claims),
		"prompt_values_supported":                          []string{"none", "login", "consent", "select_account"},
		"claims_parameter_supported":                       true,
		"acr_values_supported":                             wish.ACRs(),
		"authorization_details_types_supported":            wish.Types(),
		"request_uri_parameter_supported":                  false,
		"authorization_response_iss_parameter_supported":   true,
	}
}

// GrantTypes are all that the token endpoint takes.
func GrantTypes() []string {
	return []string{"authorization_code", "refresh_token", "client_credentials", device.Grant, device.Backchannel, "password", assertion.Bearer, exchange.Grant}
}

// listed leaves out what is there for whoever registers for it, and is not to
// be used any more (RFC 9700 2.1.2, 2.4).
func listed(legacy bool) []string {
	if legacy {
		return append(GrantTypes(), "implicit")
	}
	return slices.DeleteFunc(GrantTypes(), func(g string) bool { return g == "password" })
}
