package foreign

import (
	"net/url"
	"slices"
	"strings"
)

func isPingOne(all []value) bool {
	return has(all, "ENVIRONMENT_ID") || has(all, "AUTH_URL") && has(all, "CLIENT_ID")
}

// takePingOne takes over config.cfg of PingOne's Python sample, which Flask
// runs as Python. https://github.com/pingidentity/pingone-sample-python
func takePingOne(r *reader, all []value) error {
	var auth, environment, path, logout value
	origin := ""
	for _, v := range all {
		var err error
		if v.odd != "" {
			r.leave(v, "")
			continue
		}
		switch v.key {
		case "AUTH_URL":
			auth = v
		case "ENVIRONMENT_ID":
			environment = v
		case "OAUTH_REDIRECT_PATH":
			path = v
		case "LOGOUT_URI":
			logout = v
		case "SERVER_NAME":
			if origin, err = r.one(v); err == nil && origin != "" {
				origin = "http://" + origin
			}
		default:
			err = r.pingOneKey(v)
		}
		if err != nil {
			return err
		}
	}
	if err := r.pingOneIssuer(auth, environment); err != nil {
		return err
	}
	if err := r.pingOneRedirect(path, origin); err != nil {
		return err
	}
	return r.pingOneLogout(logout)
}

func (r *reader) pingOneKey(v value) error {
	switch v.key {
	case "CLIENT_ID":
		return r.set("client_id", v)
	case "CLIENT_SECRET":
		return r.keep(&r.ClientSecret, v)
	case "SCOPE":
		return r.scope(v)
	case "TOKEN_AUTH_METHOD":
		for n := range v.texts {
			v.texts[n] = strings.ToLower(v.texts[n])
		}
		return r.set("client_auth", v)
	case "MAX_AGE":
		return r.param("max_age", v, "")
	case "PROMPT":
		return r.param("prompt", v, "")
	case "ACR_VALUES":
		return r.param("acr_values", v, commas)
	case "GRANT_TYPE":
		items, err := r.list(v, ", \n")
		for n := range items {
			items[n] = strings.ToLower(items[n])
		}
		if err == nil && len(items) > 0 {
			r.Metadata["grant_types"] = items
			r.flow(items)
		}
		return err
	case "RESPONSE_TYPE":
		text, err := r.one(v)
		if err == nil && text != "" {
			r.Metadata["response_types"] = []string{text}
		}
		return err
	case "API_URL":
		r.leave(v, "it is the address of PingOne's platform API")
	default:
		r.leave(v, "")
	}
	return nil
}

// pingOneIssuer is AUTH_URL/ENVIRONMENT_ID/as:
// https://docs.pingidentity.com/pingone/integrations/p1_discovery_document_uri.html
func (r *reader) pingOneIssuer(auth, environment value) error {
	base, err := r.one(auth)
	if err != nil {
		return err
	}
	id, err := r.one(environment)
	if err != nil {
		return err
	}
	switch {
	case base == "" || id == "":
		r.note("AUTH_URL and ENVIRONMENT_ID are not both there, so the issuer is not known")
		return nil
	case slices.Contains([]string{".", ".."}, id):
		return r.refuse(environment.line, environment.key, errNoIdentifier)
	}
	if _, err := r.address(auth, base); err != nil {
		return err
	}
	r.Settings["issuer"] = []string{strings.TrimRight(base, "/") + "/" + url.PathEscape(id) + "/as"}
	return nil
}

// pingOneRedirect puts the path behind the sample's own address.
func (r *reader) pingOneRedirect(path value, origin string) error {
	text, err := r.one(path)
	if err != nil || text == "" {
		return err
	}
	if strings.HasPrefix(text, "/") {
		if origin == "" {
			origin = "http://localhost:8080" // in the sample's README
			r.note("OAUTH_REDIRECT_PATH is a path alone: the redirect URI is taken to be %s%s, the sample's; give --redirect-uri where the application has another", origin, text)
		}
		text = origin + text
	}
	if _, err := r.address(path, text); err != nil {
		return err
	}
	r.redirects = []string{text}
	r.chooseRedirect(false)
	return nil
}

// pingOneLogout takes the address that the browser comes back to.
func (r *reader) pingOneLogout(v value) error {
	text, err := r.one(v)
	if u, bad := url.Parse(text); err != nil || text != "" && (bad != nil || u.Host == "") {
		r.leave(v, "it is no URL")
		return err
	}
	return r.metadataList("post_logout_redirect_uris", v, "\n")
}
