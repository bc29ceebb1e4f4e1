package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rely/internal/clientauth"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/ask"
	"rely/internal/provider"
	"rely/internal/store"
)

// fapiAlgs are the signing algorithms of FAPI 2.0 (5.4.1).
func fapiAlgs() []string { return []string{"PS256", "ES256", "EdDSA"} }

// fapiMethods are its ways to prove a client (5.3.3.1).
func fapiMethods() []string {
	return []string{"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
}

// A requirement is one that FAPI 2.0 Security Profile makes, as far as it can
// be seen before the browser opens: of the provider in 5.3.2, of the client in
// 5.3.3, of both in 5.4.
type requirement struct {
	section string
	lacks   func(s *secured) string // what is missing, in words; empty where nothing is
}

// secured is a sign-in that is to follow FAPI.
type secured struct {
	flow     string
	method   string // of client authentication
	audience string // of assertions
	alg      string // that they are registered for; empty for any
	m        *provider.Metadata
	proven   ask.Proven
	known    bool // what the client is registered for
}

func (s *secured) list(member string) []string {
	var out []string
	_ = json.Unmarshal(s.m.Raw[member], &out)
	return out
}

// requirements is the table of them.
func requirements() []requirement {
	return []requirement{
		{"5.3.3.2", func(s *secured) string {
			return lacking(s.flow != "code", "the authorization code flow, in place of "+s.flow)
		}},
		{"5.3.2.2", func(s *secured) string {
			return lacking(s.m.PushEndpoint == "", "pushed authorization requests at the provider (pushed_authorization_request_endpoint)")
		}},
		{"5.3.2.2", func(s *secured) string {
			return lacking(!slices.Contains(s.m.CodeChallengeMethods, "S256"), "PKCE with S256 at the provider (code_challenge_methods_supported)")
		}},
		{"5.3.2.2", func(s *secured) string {
			return lacking(!s.m.ResponseIss, "the issuer in the authorization response (authorization_response_iss_parameter_supported)")
		}},
		{"5.3.3.1", func(s *secured) string {
			return lacking(!slices.Contains(fapiMethods(), s.method), "a client that proves itself with private_key_jwt or mutual TLS, in place of "+s.method)
		}},
		{"5.3.3.1", func(s *secured) string {
			return lacking(s.method == "private_key_jwt" && s.audience != s.m.Issuer, "assertions for the issuer and nobody else, in place of --assertion-audience "+s.audience)
		}},
		{"5.3.2.1", unconstrained},
		{"5.4.1", func(s *secured) string {
			return lacking(s.method == "private_key_jwt" && s.alg != "" && !slices.Contains(fapiAlgs(), s.alg), "a client that is registered for assertions signed with "+strings.Join(fapiAlgs(), ", ")+", in place of "+s.alg)
		}},
		{"5.4.1", func(s *secured) string {
			return lacking(len(within(s.list("id_token_signing_alg_values_supported"), fapiAlgs())) == 0, "ID tokens signed with "+strings.Join(fapiAlgs(), ", "))
		}},
	}
}

// unconstrained says why access tokens could not be bound to their sender, by
// DPoP with one of FAPI's algorithms or by a certificate.
func unconstrained(s *secured) string {
	mutual := says(s.m, "tls_client_certificate_bound_access_tokens")
	switch {
	case len(within(s.list("dpop_signing_alg_values_supported"), fapiAlgs())) > 0:
		return ""
	case !mutual:
		return "sender-constrained access tokens at the provider (dpop_signing_alg_values_supported with " + strings.Join(fapiAlgs(), ", ") + ", or tls_client_certificate_bound_access_tokens)"
	case s.proven.Certificate == "":
		return "a certificate of the client's, because the provider binds access tokens to nothing else (--tls-client-cert, or register with --generate-key mtls)"
	case s.known && !s.proven.Wanted:
		return "a client that is registered for access tokens bound to its certificate (tls_client_certificate_bound_access_tokens)"
	}
	return ""
}

// constrained reports whether the certificate is the constraint on the sender,
// so that DPoP need not be one as well (5.3.3.1).
func constrained(m *provider.Metadata, p ask.Proven) bool {
	dpop := (&secured{m: m}).list("dpop_signing_alg_values_supported")
	return p.Certificate != "" && says(m, "tls_client_certificate_bound_access_tokens") && (p.Wanted || len(within(dpop, fapiAlgs())) == 0)
}

func lacking(missing bool, what string) string {
	if missing {
		return what
	}
	return ""
}

func within(list, allowed []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(allowed, s) })
}

// fapi turns on what FAPI 2.0 Security Profile asks of a client, and refuses,
// naming all that is missing, a provider or a client that cannot. PKCE with
// S256, state, nonce and issuer are there anyway.
func (k *Keeper) fapi(r *flows.Request, entry flows.Entry, client *store.Client) error {
	creds, err := k.Credentials(client, r.Provider)
	if err != nil {
		return err
	}
	method, err := clientauth.Choose(k.Settings.String("client_auth"), r.Provider.Metadata.ClientAuth, creds)
	if err != nil {
		return err
	}
	is := &secured{flow: entry.Name, method: method.Name, audience: creds.Audience, alg: creds.Alg, m: &r.Provider.Metadata, proven: r.Proven, known: len(client.Metadata) > 0}
	var missing []string
	section := ""
	for _, one := range requirements() {
		if what := one.lacks(is); what != "" {
			missing = append(missing, what)
			if section == "" {
				section = one.section
			}
		}
	}
	if len(missing) > 0 {
		return &fault.Error{Kind: fault.Config, ID: "login.fapi", Op: "sign in as FAPI 2.0 asks", Spec: "FAPI 2.0 Security Profile " + section,
			Err: fmt.Errorf("it needs %s", strings.Join(missing, "; and ")), Hint: "have that changed, or sign in without --fapi"}
	}
	r.Push = true
	if r.IDTokenAlgs = within(r.IDTokenAlgs, fapiAlgs()); len(r.IDTokenAlgs) == 0 {
		return &fault.Error{Kind: fault.Config, ID: "login.fapi", Op: "sign in as FAPI 2.0 asks", Spec: "FAPI 2.0 Security Profile 5.4.1",
			Err: errors.New("the client is registered for ID tokens of another algorithm"), Hint: "register the client with --id-token-signed-response-alg ES256"}
	}
	return nil
}
