package foreign

import (
	"slices"
	"strings"
)

func isOxd(all []value) bool {
	for _, v := range all {
		if v.section == "oxd" || v.section == "client" {
			return true
		}
	}
	return false
}

// takeOxd takes over a configuration of oxd's Python library.
// https://github.com/GluuFederation/oxd-python/blob/master/sample.cfg
func takeOxd(r *reader, all []value) error {
	for _, v := range all {
		if v.section == "client" {
			if err := r.oxdClient(v); err != nil {
				return err
			}
			continue
		}
		why := ""
		if v.section == "oxd" {
			why = "it is about the oxd server, which rely does not need"
			if v.key == "id" && len(v.texts) > 0 {
				why = "it names the client in the oxd server's own store"
			}
		}
		r.leave(v, why)
	}
	if r.Settings["client_id"] == nil && has(all, "id") {
		r.note("the client id is kept by the oxd server, not in this file")
	}
	grants, _ := r.Metadata["grant_types"].([]string)
	r.flow(grants)
	r.chooseRedirect(false)
	return nil
}

// flow follows from the grant types where they leave no choice.
func (r *reader) flow(grants []string) {
	switch {
	case slices.Contains(grants, "authorization_code"):
	case slices.Contains(grants, "client_credentials"):
		r.Settings["flow"] = []string{"client-credentials"}
	case slices.Contains(grants, "implicit"):
		r.Settings["flow"] = []string{"implicit"}
	}
}

const commas = ",\n"

// oxdClient takes over one key of the section [client]. oxd-python splits
// lists at commas.
func (r *reader) oxdClient(v value) error {
	switch v.key {
	case "op_host":
		return r.oxdIssuer(v)
	case "client_id":
		return r.set("client_id", v)
	case "client_secret":
		return r.keep(&r.ClientSecret, v)
	case "client_registration_access_token":
		return r.keep(&r.RegistrationToken, v)
	case "client_registration_client_uri":
		return r.registrationURI(v)
	case "client_token_endpoint_auth_method":
		return r.set("client_auth", v)
	case "authorization_redirect_uri":
		text, err := r.one(v)
		if err == nil && text != "" { // oxd's own, so the first to choose from
			r.redirects = append([]string{text}, slices.DeleteFunc(r.redirects, func(s string) bool { return s == text })...)
		}
		return err
	case "redirect_uris":
		return r.redirect(v, commas)
	case "scope", "scopes":
		return r.scope(v)
	case "acr_values":
		return r.param("acr_values", v, commas)
	case "ui_locales":
		return r.param("ui_locales", v, commas)
	case "claims_locales":
		return r.param("claims_locales", v, commas)
	}
	return r.oxdMetadata(v)
}

// oxdMetadata takes over what only the provider has to know.
func (r *reader) oxdMetadata(v value) error {
	switch v.key {
	case "client_name", "name":
		return r.metadata("client_name", v)
	case "application_type":
		return r.metadata("application_type", v)
	case "client_jwks_uri":
		return r.metadata("jwks_uri", v)
	case "client_sector_identifier_uri":
		return r.metadata("sector_identifier_uri", v)
	case "contacts", "grant_types", "response_types":
		return r.metadataList(v.key, v, commas)
	case "client_request_uris":
		return r.metadataList("request_uris", v, commas)
	case "post_logout_redirect_uri", "post_logout_redirect_uris":
		return r.metadataList("post_logout_redirect_uris", v, commas)
	case "client_logout_uris", "client_frontchannel_logout_uris":
		items, err := r.list(v, commas)
		if err != nil || len(items) == 0 {
			return err
		}
		r.Metadata["frontchannel_logout_uri"] = items[0] // one only: OIDC Front-Channel Logout 2
		for _, more := range items[1:] {
			r.note("a client has one frontchannel_logout_uri: %s is left out", more)
		}
		return nil
	case "claims_redirect_uri":
		r.leave(v, "it belongs to UMA")
	case "op_discovery_path":
		r.leave(v, "the issuer says where the metadata is")
	default:
		r.leave(v, "")
	}
	return nil
}

// oxdIssuer takes op_host for the issuer: oxd asks below it for the metadata.
func (r *reader) oxdIssuer(v value) error {
	text, err := r.one(v)
	if err != nil || text == "" {
		return err
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
		r.note("op_host has no scheme: the issuer is taken to be %s", text)
	}
	u, err := r.address(v, text)
	if err != nil {
		return err
	}
	if u.Path == "/" && u.RawQuery == "" {
		text = strings.TrimSuffix(text, "/")
		r.note("op_host ends with a slash: the issuer is taken to be %s", text)
	}
	r.Settings["issuer"] = []string{text}
	return nil
}

func (r *reader) registrationURI(v value) error {
	text, err := r.one(v)
	if err != nil || text == "" {
		return err
	}
	if _, err := r.address(v, text); err != nil {
		return err
	}
	r.RegistrationURI = text
	return nil
}
