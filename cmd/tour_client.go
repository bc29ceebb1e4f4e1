package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"rely/internal/provider"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/store"
)

// keepClient makes the demo's profile of the client.
func (t *tour) keepClient(ctx context.Context, c *registration.Client, metadata map[string]any, keys secret.String) error {
	redirects := registration.ListOf(metadata, "redirect_uris")
	settings := map[string][]string{
		"issuer": {t.op.issuer}, "client_id": {c.ID}, "redirect_uri": {redirects[0]}, "client_auth": {registration.TextOf(metadata, "token_endpoint_auth_method")},
		"browser": {t.browser}, "username": {"alice"}, "store": {"file"},
	}
	if t.broken != nil {
		maps.Copy(settings, wanting(t.broken.Needs))
	}
	if t.broken != nil && t.broken.Needs == "dpop" {
		settings["dpop"] = []string{"true"}
	}
	if name := t.flow().Name; name != "code" {
		settings["flow"] = []string{name}
	}
	if t.flow().Elsewhere {
		settings["login_hint"] = []string{"alice"}
	}
	if t.broken != nil && t.broken.Needs == "form_post" {
		settings["response_mode"] = []string{"form_post"}
	}
	if t.needs("jarm") || t.needs("jarm-encryption") {
		settings["response_mode"] = []string{"jwt"}
	}
	for _, name := range registeredSettings() {
		if value := registration.TextOf(metadata, name); value != "" {
			settings[name] = []string{value}
		}
	}
	if err := t.use(settings); err != nil {
		return err
	}
	st, err := t.inside.store()
	if err != nil {
		return err
	}
	record, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	return st.PutClient(ctx, "demo", &store.Client{Issuer: t.op.issuer, ClientID: c.ID, Secret: c.Secret, Metadata: record, Keys: keys})
}

// wanting are the settings without which a fault does not show.
func wanting(need string) map[string][]string {
	return map[string]map[string][]string{
		"max_age":    {"param": {"max_age=3600"}},
		"acr":        {"claims": {"acr=urn:rely:demo:acr:password!"}},
		"acr_values": {"acr_values": {"urn:rely:demo:acr:password"}},
		"sub":        {"claims": {"sub=alice"}},
		"par":        {"par": {"true"}},
		"claims":     {"claims": {"email!"}},
		"sources":    {"claims": {"userinfo:payment_info", "userinfo:credit_score"}},
		"details":    {"authorization_details": {`[{"type":"demo_payment"}]`}},
	}[need]
}

// redirects are the redirect URIs to register, the first to be used. There are
// two more, because a port that is free now may be taken a moment later.
func (t *tour) redirects(ctx context.Context) ([]string, error) {
	ports, err := steadyPorts(ctx, 3)
	if err != nil {
		return nil, err
	}
	scheme, _, _ := strings.Cut(t.op.issuer, "://")
	var all []string
	for _, port := range ports {
		all = append(all, fmt.Sprintf("%s://127.0.0.1:%d/callback", scheme, port))
	}
	t.spare = all[1:]
	return all, nil
}

// keys makes the keys that a fault shows up with only, and says so in the
// client's metadata.
func (t *tour) keys(m *provider.Metadata, metadata map[string]any) (secret.String, error) {
	switch {
	case t.needs("mtls"):
		metadata["token_endpoint_auth_method"], metadata["tls_client_certificate_bound_access_tokens"] = "self_signed_tls_client_auth", true
		return registration.Keys(m, []string{"mtls"}, metadata, t.Now())
	case t.needs("encryption"):
		metadata["id_token_encrypted_response_alg"], metadata["userinfo_encrypted_response_alg"] = "ECDH-ES+A256KW", "ECDH-ES+A256KW"
	case t.needs("jarm-encryption"):
		metadata["authorization_encrypted_response_alg"] = "ECDH-ES+A256KW"
	default:
		return secret.String{}, nil
	}
	return registration.Keys(m, nil, metadata, t.Now())
}
