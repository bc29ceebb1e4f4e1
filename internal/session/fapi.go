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
	"rely/internal/provider"
	"rely/internal/store"
)

// fapiAlgs are the signing algorithms of FAPI 2.0 (5.4.1).
func fapiAlgs() []string { return []string{"PS256", "ES256", "EdDSA"} }

// fapiMethods are its ways to prove a client (5.3.2.1).
func fapiMethods() []string {
	return []string{"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
}

// A requirement is one that FAPI 2.0 Security Profile makes, as far as it can
// be seen before the browser opens.
type requirement struct {
	section string
	lacks   func(k *Keeper, s *secured) string // what is missing, in words; empty where nothing is
}

// secured is a sign-in that is to follow FAPI.
type secured struct {
	flow   string
	method string // of client authentication
	m      *provider.Metadata
}

func (s *secured) list(member string) []string {
	var out []string
	_ = json.Unmarshal(s.m.Raw[member], &out)
	return out
}

// requirements is the table of them.
func requirements() []requirement {
	return []requirement{
		{"5.3.2.2", func(_ *Keeper, s *secured) string {
			return lacking(s.flow != "code", "the authorization code flow, in place of "+s.flow)
		}},
		{"5.3.2.2", func(_ *Keeper, s *secured) string {
			return lacking(s.m.PushEndpoint == "", "pushed authorization requests at the provider (pushed_authorization_request_endpoint)")
		}},
		{"5.3.2.2", func(_ *Keeper, s *secured) string {
			return lacking(!slices.Contains(s.m.CodeChallengeMethods, "S256"), "PKCE with S256 at the provider (code_challenge_methods_supported)")
		}},
		{"5.3.2.2", func(_ *Keeper, s *secured) string {
			return lacking(!s.m.ResponseIss, "the issuer in the authorization response (authorization_response_iss_parameter_supported)")
		}},
		{"5.3.2.1", func(_ *Keeper, s *secured) string {
			return lacking(!slices.Contains(fapiMethods(), s.method), "a client that proves itself with private_key_jwt or mutual TLS, in place of "+s.method)
		}},
		{"5.3.2.1", func(_ *Keeper, s *secured) string {
			return lacking(s.m.Raw["dpop_signing_alg_values_supported"] == nil && !(&Keeper{}).says(s.m, "tls_client_certificate_bound_access_tokens"),
				"sender-constrained access tokens at the provider (dpop_signing_alg_values_supported or tls_client_certificate_bound_access_tokens)")
		}},
		{"5.4.1", func(_ *Keeper, s *secured) string {
			return lacking(len(within(s.list("id_token_signing_alg_values_supported"), fapiAlgs())) == 0, "ID tokens signed with "+strings.Join(fapiAlgs(), ", "))
		}},
	}
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
	var missing []string
	section := ""
	for _, one := range requirements() {
		if what := one.lacks(k, &secured{entry.Name, method.Name, &r.Provider.Metadata}); what != "" {
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
			Err: errors.New("the client is registered for ID tokens of another algorithm"), Hint: "register id_token_signed_response_alg as one of " + strings.Join(fapiAlgs(), ", ")}
	}
	return nil
}
