// Package webfinger answers for the embedded provider who is whose provider
// (RFC 7033, OIDC Discovery 2). It knows the users' names and nothing else.
package webfinger

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"rely/internal/demoop/account"
	"rely/internal/demoop/reply"
)

const rel = "http://openid.net/specs/connect/1.0/issuer"

// Answer serves one request: accounts at this host by their names, and every
// address on it.
func Answer(issuer string, q url.Values) reply.Reply {
	resource := q.Get("resource")
	if len(q["resource"]) != 1 {
		return reply.Plain(http.StatusBadRequest, "there has to be one resource") // RFC 7033 4.2
	}
	u, err := url.Parse(issuer)
	if err != nil || !known(resource, u) {
		return reply.Plain(http.StatusNotFound, "nobody of that name is here")
	}
	links := []any{map[string]any{"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": issuer}}
	link := map[string]any{"rel": rel, "href": issuer}
	if asked := q["rel"]; len(asked) > 0 {
		links = []any{} // only what was asked for (4.3)
		if strings.Contains(strings.Join(asked, " "), rel) {
			links = append(links, link)
		}
	} else {
		links = append(links, link)
	}
	m := map[string]any{"subject": resource, "links": links}
	return func(w http.ResponseWriter) {
		js, _ := json.Marshal(m) // texts alone
		w.Header().Set("Content-Type", "application/jrd+json")
		w.Header().Set("Access-Control-Allow-Origin", "*") // RFC 7033 5
		_, _ = w.Write(js)
	}
}

func known(resource string, issuer *url.URL) bool {
	if name, isAccount := strings.CutPrefix(resource, "acct:"); isAccount {
		for _, u := range account.All() {
			if name == u.Name+"@"+issuer.Host || name == u.Name+"@"+issuer.Hostname() {
				return true
			}
		}
		return false
	}
	r, err := url.Parse(resource)
	return err == nil && r.Host == issuer.Host
}
