// Package application judges what a client registers of itself. It keeps
// nothing.
package application

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"rely/internal/demoop/account"
	"rely/internal/demoop/assertion"
	"rely/internal/demoop/binding"
	"rely/internal/demoop/ciba"
	"rely/internal/demoop/device"
	"rely/internal/demoop/keys"
	"rely/internal/demoop/redirect"
	"rely/internal/demoop/response"
	"rely/internal/demoop/sealing"
)

// Metadata is the client metadata that registration understands (RFC
// 7591 2, OIDC Registration 2). Members it does not know are dropped, and the
// answer shows what was kept.
type Metadata struct {
	RedirectURIs     []string        `json:"redirect_uris,omitempty"`
	ResponseTypes    []string        `json:"response_types,omitempty"`
	GrantTypes       []string        `json:"grant_types,omitempty"`
	ApplicationType  string          `json:"application_type,omitempty"`
	AuthMethod       string          `json:"token_endpoint_auth_method,omitempty"`
	AuthAlg          string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	JWKS             json.RawMessage `json:"jwks,omitempty"`
	IDTokenAlg       string          `json:"id_token_signed_response_alg,omitempty"`
	IDTokenKeyAlg    string          `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEnc       string          `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoAlg      string          `json:"userinfo_signed_response_alg,omitempty"`
	UserinfoKeyAlg   string          `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEnc      string          `json:"userinfo_encrypted_response_enc,omitempty"`
	DefaultMaxAge    *int64          `json:"default_max_age,omitempty"`
	RequireAuthTime  bool            `json:"require_auth_time,omitempty"`
	DefaultACR       []string        `json:"default_acr_values,omitempty"`
	RequirePush      bool            `json:"require_pushed_authorization_requests,omitempty"`
	RequestAlg       string          `json:"request_object_signing_alg,omitempty"`
	SubjectDN        string          `json:"tls_client_auth_subject_dn,omitempty"`
	SANDNS           string          `json:"tls_client_auth_san_dns,omitempty"`
	DPoPBound        bool            `json:"dpop_bound_access_tokens,omitempty"`
	CertificateBound bool            `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	ResponseAlg      string          `json:"authorization_signed_response_alg,omitempty"`
	ResponseKeyAlg   string          `json:"authorization_encrypted_response_alg,omitempty"`
	ResponseEnc      string          `json:"authorization_encrypted_response_enc,omitempty"`
	Delivery         string          `json:"backchannel_token_delivery_mode,omitempty"`
	PingURI          string          `json:"backchannel_client_notification_endpoint,omitempty"`
	BackAlg          string          `json:"backchannel_authentication_request_signing_alg,omitempty"`
	SubjectType      string          `json:"subject_type,omitempty"`
	Scope            string          `json:"scope,omitempty"`
	AfterLogout      []string        `json:"post_logout_redirect_uris,omitempty"`
	FrontLogout      string          `json:"frontchannel_logout_uri,omitempty"`
	FrontSession     bool            `json:"frontchannel_logout_session_required,omitempty"`
	BackLogout       string          `json:"backchannel_logout_uri,omitempty"`
	BackSession      bool            `json:"backchannel_logout_session_required,omitempty"`
	Name             string          `json:"client_name,omitempty"`
	Contacts         []string        `json:"contacts,omitempty"`
	URI              string          `json:"client_uri,omitempty"`
	Logo             string          `json:"logo_uri,omitempty"`
	Policy           string          `json:"policy_uri,omitempty"`
	Terms            string          `json:"tos_uri,omitempty"`
	SoftwareID       string          `json:"software_id,omitempty"`
	SoftwareVersion  string          `json:"software_version,omitempty"`
}

// A Registrar is what a provider takes from those who register.
type Registrar struct {
	Grants []string // grant types that it has
	Alg    string   // what every client's ID tokens are signed with; empty for what they register
}

// Check fills in the defaults of the specifications and returns an error of
// RFC 7591 3.2.2.
func (a *Metadata) Check(r Registrar) (id, why string) {
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
	if r.Alg != "" && (r.Alg != "HS256" || !a.Secretless()) {
		a.IDTokenAlg = r.Alg
	}
	if why := a.unfit(r); why != "" {
		return "invalid_client_metadata", why
	}
	if len(a.ResponseTypes) > 0 && len(a.RedirectURIs) == 0 {
		return "invalid_redirect_uri", "redirect_uris is missing"
	}
	for _, uri := range slices.Concat(a.RedirectURIs, a.AfterLogout) {
		if why := redirect.Unfit(uri, a.ApplicationType); why != "" {
			return "invalid_redirect_uri", why
		}
	}
	for _, uri := range a.RedirectURIs {
		u, err := url.Parse(uri)
		if a.ApplicationType == "web" && slices.Contains(a.GrantTypes, "implicit") && (err != nil || u.Scheme != "https" || u.Hostname() == "localhost") {
			return "invalid_redirect_uri", "a web application's redirect URIs must be https and not on localhost with the implicit grant"
		}
	}
	for _, uri := range []string{a.URI, a.Logo, a.Policy, a.Terms, a.FrontLogout, a.BackLogout} {
		if u, err := url.Parse(uri); uri != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return "invalid_client_metadata", "client_uri, logo_uri, policy_uri, tos_uri and the logout URIs must be web addresses"
		}
	}
	if a.Scope != "" {
		a.Scope = strings.Join(within(strings.Fields(a.Scope), account.UserScopes()), " ")
	}
	return "", ""
}

// unfit says which member cannot be taken; empty where all can.
func (a *Metadata) unfit(r Registrar) string {
	var needed []string
	for _, kind := range a.ResponseTypes {
		t, known := response.Parse(kind)
		if !known {
			return "response_types holds one that this provider does not have"
		}
		needed = append(needed, t.Grants()...)
	}
	for _, g := range []string{"authorization_code", "implicit"} {
		if slices.Contains(needed, g) != slices.Contains(a.GrantTypes, g) {
			return "response_types and grant_types do not go together: the grant type " + g
		}
	}
	switch {
	case a.ApplicationType != "web" && a.ApplicationType != "native":
		return "application_type must be web or native"
	case a.Holder().Unfit() != "":
		return a.Holder().Unfit()
	case assertion.Unfit(a.AuthMethod, a.AuthAlg, a.JWKS) != "":
		return assertion.Unfit(a.AuthMethod, a.AuthAlg, a.JWKS)
	case len(within(a.GrantTypes, r.Grants)) != len(a.GrantTypes):
		return "grant_types holds one that this provider does not have"
	case !slices.Contains(append(keys.Algs(), "HS256"), a.IDTokenAlg):
		return "id_token_signed_response_alg is not supported"
	case a.ResponseAlg != "" && !slices.Contains(keys.Algs(), a.ResponseAlg):
		return "authorization_signed_response_alg is not supported"
	case a.Secretless() && a.IDTokenAlg == "HS256":
		return "HS256 needs a client secret"
	case a.AuthMethod == "none" && slices.Contains(a.GrantTypes, "client_credentials"):
		return "client_credentials needs a client that can prove itself"
	case a.UserinfoAlg != "" && (!slices.Contains(append(keys.Algs(), "HS256"), a.UserinfoAlg) || a.Secretless() && a.UserinfoAlg == "HS256"):
		return "userinfo_signed_response_alg is not supported"
	case a.IDTokenWish().Unfit(a.JWKS, a.Secretless()) != "":
		return a.IDTokenWish().Unfit(a.JWKS, a.Secretless())
	case a.UserinfoWish().Unfit(a.JWKS, a.Secretless()) != "":
		return a.UserinfoWish().Unfit(a.JWKS, a.Secretless())
	case a.ResponseWish().Unfit(a.JWKS, a.Secretless()) != "":
		return a.ResponseWish().Unfit(a.JWKS, a.Secretless())
	case a.Asker("").Unfit(slices.Contains(a.GrantTypes, device.Backchannel)) != "":
		return a.Asker("").Unfit(slices.Contains(a.GrantTypes, device.Backchannel))
	case a.SubjectType != "public":
		return "subject_type must be public"
	case len(a.RedirectURIs) > 20 || len(a.AfterLogout) > 20 || len(a.Name) > 255:
		return "more than 20 URIs, or a name of more than 255 bytes"
	}
	return ""
}

// IDTokenWish and UserinfoWish are how the client wants its answers encrypted.
func (a *Metadata) IDTokenWish() sealing.Wish {
	return sealing.Wish{Alg: a.IDTokenKeyAlg, Enc: a.IDTokenEnc}
}

// UserinfoWish is the one for UserInfo.
func (a *Metadata) UserinfoWish() sealing.Wish {
	return sealing.Wish{Alg: a.UserinfoKeyAlg, Enc: a.UserinfoEnc}
}

// ResponseWish is the one for response JWTs (JARM 3).
func (a *Metadata) ResponseWish() sealing.Wish {
	return sealing.Wish{Alg: a.ResponseKeyAlg, Enc: a.ResponseEnc}
}

// Asker is what the client of that id registered of its backchannel
// authentication requests.
func (a *Metadata) Asker(id string) ciba.Client {
	return ciba.Client{ID: id, Mode: a.Delivery, Endpoint: a.PingURI, Alg: a.BackAlg, Keys: a.JWKS}
}

// Keyed reports whether the client proves itself with a key or a certificate.
func (a *Metadata) Keyed() bool {
	return a.AuthMethod == "private_key_jwt" || slices.Contains(binding.Methods(), a.AuthMethod)
}

// Holder is what the client registered of its certificate.
func (a *Metadata) Holder() binding.Holder {
	return binding.Holder{Method: a.AuthMethod, SubjectDN: a.SubjectDN, SANDNS: a.SANDNS, Keys: a.JWKS}
}

// Secretless reports whether the client gets no secret.
func (a *Metadata) Secretless() bool {
	return a.AuthMethod == "none" || a.Keyed()
}

// Members are what was registered, as a registration answer shows it.
func (a *Metadata) Members() map[string]any {
	m := map[string]any{}
	if b, err := json.Marshal(a); err == nil {
		_ = json.Unmarshal(b, &m) // what was just encoded is an object
	}
	return m
}

// within are those of list that are allowed, each once, in their order.
func within(list, allowed []string) []string {
	var out []string
	for _, s := range list {
		if slices.Contains(allowed, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
