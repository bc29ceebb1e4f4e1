package quirk

// asked lists lies about what was asked for beyond a plain sign-in. Each shows
// only where that was asked for, which Needs names.
func asked() []Fault {
	const acr = "urn:rely:demo:acr:token"
	return append(group("asked", "login", 6,
		Fault{Name: "asked-acr-other", Help: "acr is not the one that was asked for as essential", Rule: "OIDC Core 5.5.1.1", Needs: "acr", IDToken: set("acr", acr)},
		Fault{Name: "asked-acr-missing", Help: "there is no acr, though one was asked for as essential", Rule: "OIDC Core 5.5.1.1", Needs: "acr", IDToken: without("acr")},
		Fault{Name: "asked-other-person", Help: "somebody else is signed in than the one asked for", Rule: "OIDC Core 5.5.1", Needs: "sub", IDToken: set("sub", "mallory")},
		Fault{Name: "asked-details-missing", Help: "the answer does not say which authorization details it grants", Rule: "RFC 9396 7", Needs: "details",
			Answer: drop("authorization_details")},
		Fault{Name: "asked-details-other", Help: "the answer grants details of a type that was not asked for", Rule: "RFC 9396 7", Needs: "details",
			Answer: member("authorization_details", []any{map[string]any{"type": "demo_everything"}})},
		Fault{Name: "asked-details-text", Help: "the granted authorization details are a text", Rule: "RFC 9396 7", Needs: "details",
			Answer: member("authorization_details", "demo_payment")},
	), group("good", "login", 0,
		Fault{Name: "good-asked-acr-unmet", Help: "acr is not among the acr_values, which are a wish only", Needs: "acr_values", IDToken: set("acr", acr)},
		Fault{Name: "good-no-claims-parameter", Help: "the metadata says that there is no claims parameter", Metadata: metadata("claims_parameter_supported", false)},
		Fault{Name: "good-no-par", Help: "the metadata names no endpoint for pushed requests", Metadata: func(m map[string]any) { delete(m, "pushed_authorization_request_endpoint") }},
		Fault{Name: "good-no-request-parameter", Help: "the metadata says that there are no request objects", Metadata: metadata("request_parameter_supported", false)},
		Fault{Name: "good-par-required", Help: "the metadata says that requests have to be pushed", Metadata: metadata("require_pushed_authorization_requests", true)},
		Fault{Name: "good-no-dpop", Help: "the metadata names no algorithms for DPoP", Metadata: lacks("dpop_signing_alg_values_supported")},
		Fault{Name: "good-dpop-rs256", Help: "DPoP takes RS256 alone", Metadata: metadata("dpop_signing_alg_values_supported", []string{"RS256"})},
		Fault{Name: "good-unbound", Help: "the metadata offers to bind access tokens to nothing", Metadata: func(m map[string]any) {
			delete(m, "dpop_signing_alg_values_supported")
			delete(m, "tls_client_certificate_bound_access_tokens")
		}},
		Fault{Name: "good-secrets-only", Help: "the metadata lists client_secret_basic alone", Metadata: metadata("token_endpoint_auth_methods_supported", []string{"client_secret_basic"})},
		Fault{Name: "good-rs256-only", Help: "ID tokens are signed with RS256 alone", Alg: "RS256", Metadata: metadata("id_token_signing_alg_values_supported", []string{"RS256"})},
		Fault{Name: "good-asked-claim-missing", Help: "an essential claim is not there, which is no error", Needs: "claims", IDToken: without("email")},
	)...)
}
