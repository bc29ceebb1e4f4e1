package foreign

import (
	"errors"
	"net/url"
	"strings"
)

func isKeycloak(all []value) bool {
	return has(all, "auth-server-url") || has(all, "realm") && has(all, "resource")
}

// takeKeycloak takes over an adapter's configuration. The issuer is below
// auth-server-url as it stands: older servers have /auth there, newer ones
// nothing (https://www.keycloak.org/migration/migrating-to-quarkus).
func takeKeycloak(r *reader, all []value) error {
	var base, realm value
	for _, v := range all {
		var err error
		switch v.key {
		case "auth-server-url":
			base = v
		case "realm":
			realm = v
		case "resource":
			err = r.set("client_id", v)
		case "credentials":
			err = r.keycloakCredentials(v)
		case "public-client":
			if len(v.texts) == 1 && v.texts[0] == "true" {
				r.Settings["client_auth"] = []string{"none"}
			}
		case "ssl-required", "confidential-port":
			r.leave(v, "rely uses https in any case")
		case "bearer-only":
			if len(v.texts) == 1 && v.texts[0] == "true" {
				r.note("bearer-only: this client checks tokens and cannot sign anybody in")
			}
			r.leave(v, "it is about serving an API")
		default:
			r.leave(v, "")
		}
		if err != nil {
			return err
		}
	}
	return r.keycloakIssuer(base, realm)
}

// keycloakCredentials takes the secret; "jwt" and its like need a key, which
// the file does not hold.
func (r *reader) keycloakCredentials(v value) error {
	if v.members == nil {
		r.leave(v, "it is no object with a secret")
	}
	for _, m := range v.members {
		secret := m.key == "secret"
		m.key = v.key + "." + m.key
		if !secret {
			r.leave(m, "")
		} else if err := r.keep(&r.ClientSecret, m); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) keycloakIssuer(base, realm value) error {
	at, err := r.one(base)
	if err != nil {
		return err
	}
	name, err := r.one(realm)
	if err != nil {
		return err
	}
	if at == "" || name == "" {
		return r.refuse(0, "", errors.New("\"auth-server-url\" and \"realm\" have to say where the client belongs"))
	}
	if strings.Contains(at+name, "${") {
		return r.refuse(base.line, base.key, errors.New("it is filled in by the adapter (${...})"))
	}
	if _, err := r.address(base, at); err != nil {
		return err
	}
	r.Settings["issuer"] = []string{strings.TrimRight(at, "/") + "/realms/" + url.PathEscape(name)}
	return nil
}
