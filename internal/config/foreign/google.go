package foreign

import (
	"errors"
	"net/url"
	"slices"
)

func isGoogle(all []value) bool {
	return slices.ContainsFunc(all, func(v value) bool { return (v.key == "installed" || v.key == "web") && v.members != nil })
}

// takeGoogle takes over the file that Google's console offers for a client.
// https://googleapis.github.io/google-api-python-client/docs/client-secrets.html
func takeGoogle(r *reader, all []value) error {
	if has(all, "installed") && has(all, "web") {
		return r.refuse(0, "", errors.New("it has two clients, \"installed\" and \"web\""))
	}
	for _, v := range all {
		if v.members == nil || v.key != "installed" && v.key != "web" {
			r.leave(v, "")
			continue
		}
		for _, m := range v.members {
			if err := r.googleMember(m, v.key); err != nil {
				return err
			}
		}
		r.chooseRedirect(v.key == "installed")
	}
	if r.Settings["issuer"] == nil {
		r.note("the file names no address of Google's, so the issuer is not known")
		return nil
	}
	r.Provider = "google"
	return nil
}

func (r *reader) googleMember(v value, parent string) error {
	known := v
	v.key = parent + "." + v.key
	switch known.key {
	case "client_id":
		return r.set("client_id", v)
	case "client_secret":
		return r.keep(&r.ClientSecret, v)
	case "redirect_uris":
		return r.redirect(v, "\n")
	case "auth_uri":
		text, err := r.one(v)
		if err != nil {
			return err
		}
		// Google's issuer: https://developers.google.com/identity/openid-connect/reference
		if u, err := url.Parse(text); err == nil && u.Host == "accounts.google.com" {
			r.Settings["issuer"] = []string{"https://accounts.google.com"}
		}
		r.leave(v, "the provider's metadata says it")
	case "token_uri", "auth_provider_x509_cert_url", "client_x509_cert_url":
		r.leave(v, "the provider's metadata says it")
	case "project_id":
		r.leave(v, "it is Google's own")
	case "javascript_origins":
		r.leave(v, "it is for scripts in a browser")
	default:
		r.leave(v, "")
	}
	return nil
}
