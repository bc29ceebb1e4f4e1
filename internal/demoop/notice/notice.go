// Package notice words what the embedded provider tells clients when a session
// ends: logout tokens (Back-Channel Logout 2.4) and frames (Front-Channel
// Logout 2). It sends nothing and knows no session.
package notice

import (
	"net/url"
	"strings"
	"time"
)

// Event is what a logout token is about.
const Event = "http://schemas.openid.net/event/backchannel-logout"

// Claims are those of a logout token. id is new for each.
func Claims(issuer, client, subject, session, id string, now time.Time) map[string]any {
	return map[string]any{"iss": issuer, "aud": client, "sub": subject, "sid": session, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
		"jti": id, "events": map[string]any{Event: map[string]any{}}}
}

// address is a registered URI with parameters behind it.
func address(uri string, parameters url.Values) string {
	if len(parameters) == 0 {
		return uri
	}
	glue := "?"
	if strings.Contains(uri, "?") {
		glue = "&"
	}
	return uri + glue + parameters.Encode()
}

// Metadata says in the discovery document what is told.
func Metadata(m map[string]any) {
	for _, name := range []string{"frontchannel_logout", "frontchannel_logout_session", "backchannel_logout", "backchannel_logout_session"} {
		m[name+"_supported"] = true
	}
}
