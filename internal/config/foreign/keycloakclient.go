package foreign

import (
	"errors"
	"net/url"
	"strings"
)

func isKeycloakClient(all []value) bool {
	return has(all, "clientId") && has(all, "redirectUris", "publicClient", "standardFlowEnabled", "clientAuthenticatorType", "protocol")
}

// takeKeycloakClient takes over a client as the admin console exports it.
// https://www.keycloak.org/docs-api/latest/rest-api/index.html#ClientRepresentation
func takeKeycloakClient(r *reader, all []value) error {
	root := ""
	for _, v := range all {
		if v.key == "rootUrl" && len(v.texts) == 1 {
			root = v.texts[0]
		}
	}
	for _, v := range all {
		if err := r.keycloakMember(v, root); err != nil {
			return err
		}
	}
	grants, _ := r.Metadata["grant_types"].([]string)
	r.flow(grants)
	r.chooseRedirect(false)
	r.note("the export does not say which server and realm it is from: give --issuer, or --provider keycloak with realm and base-url")
	return nil
}

func (r *reader) keycloakMember(v value, root string) error {
	on := len(v.texts) == 1 && v.texts[0] == "true"
	switch v.key {
	case "clientId":
		return r.set("client_id", v)
	case "secret":
		return r.keycloakSecret(v)
	case "registrationAccessToken":
		return r.keep(&r.RegistrationToken, v)
	case "name":
		return r.metadata("client_name", v)
	case "baseUrl":
		return r.metadata("client_uri", v)
	case "rootUrl":
		return nil // redirect URIs are read below it
	case "redirectUris":
		return r.keycloakRedirects(v, root)
	case "protocol":
		if text, _ := r.one(v); text != "openid-connect" {
			return r.refuse(v.line, v.name(), errors.New("it is no client for OpenID Connect"))
		}
	case "publicClient":
		if on {
			r.Settings["client_auth"] = []string{"none"}
		}
	case "clientAuthenticatorType":
		return r.keycloakAuth(v)
	case "serviceAccountsEnabled":
		r.keycloakGrant(on, "client_credentials")
	case "standardFlowEnabled":
		r.keycloakGrant(on, "authorization_code")
	case "implicitFlowEnabled":
		r.keycloakGrant(on, "implicit")
	case "directAccessGrantsEnabled":
		r.keycloakGrant(on, "password")
	case "attributes":
		return r.keycloakAttributes(v)
	case "defaultClientScopes", "optionalClientScopes":
		r.leave(v, "the server applies it; ask for optional ones with --scope")
	default:
		r.leave(v, "")
	}
	return nil
}

// keycloakSecret takes the secret, which some exports mask.
func (r *reader) keycloakSecret(v value) error {
	if len(v.texts) == 1 && strings.Trim(v.texts[0], "*") == "" {
		r.note("the export hides the client secret: give it with --client-secret-file")
		return nil
	}
	return r.keep(&r.ClientSecret, v)
}

func (r *reader) keycloakAuth(v value) error {
	if r.Settings["client_auth"] != nil {
		return nil // a public client proves nothing
	}
	switch text, _ := r.one(v); text {
	case "client-secret", "": // basic or post: the metadata says what the server takes
	case "client-jwt":
		r.Settings["client_auth"] = []string{"private_key_jwt"}
	case "client-secret-jwt":
		r.Settings["client_auth"] = []string{"client_secret_jwt"}
	case "client-x509":
		r.Settings["client_auth"] = []string{"tls_client_auth"}
	default:
		r.leave(v, "rely does not know it")
	}
	return nil
}

func (r *reader) keycloakGrant(on bool, grant string) {
	if !on {
		return
	}
	grants, _ := r.Metadata["grant_types"].([]string)
	r.Metadata["grant_types"] = append(grants, grant)
}

// keycloakRedirects reads redirect URIs, of which some are paths below rootUrl.
func (r *reader) keycloakRedirects(v value, root string) error {
	base, err := url.Parse(root)
	for n, text := range v.texts {
		if err == nil && root != "" && strings.HasPrefix(text, "/") {
			v.texts[n] = strings.TrimRight(base.String(), "/") + text
		}
	}
	return r.redirect(v, "\n")
}

// keycloakAttributes takes over the logout addresses.
func (r *reader) keycloakAttributes(v value) error {
	for _, m := range v.members {
		known := m.key
		m.key = v.key + "." + m.key
		var err error
		switch known {
		case "post.logout.redirect.uris":
			err = r.metadataList("post_logout_redirect_uris", m, "#") // "##" stands between them
		case "frontchannel.logout.url":
			err = r.metadata("frontchannel_logout_uri", m)
		case "backchannel.logout.url":
			err = r.metadata("backchannel_logout_uri", m)
		default:
			r.leave(m, "")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
