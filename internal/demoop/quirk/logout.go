package quirk

import (
	"net/http"
	"net/url"
)

// logouts lists lies that the end of a session meets.
func logouts() []Fault {
	const state = "OIDC RP-Initiated Logout 3"
	return append(group("logout", "logout", 6,
		Fault{Name: "logout-wrong-state", Help: "the browser comes back from the sign-out with another state", Rule: state, Back: param("state", "not-the-one-you-sent")},
		Fault{Name: "logout-no-state", Help: "the browser comes back from the sign-out without state", Rule: state, Back: func(v url.Values) { v.Del("state") }},
		Fault{Name: "logout-state-twice", Help: "the browser comes back from the sign-out with two states", Rule: state, Back: func(v url.Values) { v.Add("state", "another") }},
		Fault{Name: "revocation-html", Help: "revocation answers 500 with a web page", Rule: rule500, Group: "transport", Exit: 7, On: Revoke,
			Serve: says(http.StatusInternalServerError, "Content-Type", "text/html", "<!doctype html><title>Oops</title>")},
		Fault{Name: "revocation-redirect", Help: "revocation is said to be on another host", Rule: ruleRedirect, Group: "transport", On: Revoke,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/revoke")},
		Fault{Name: "revocation-hang", Help: "revocation never comes to an end", Rule: ruleTime, Group: "transport", Exit: 7, On: Revoke, Serve: hang},
	), group("good", "logout", 0,
		Fault{Name: "good-no-end-session", Help: "there is no end session endpoint", Metadata: func(m map[string]any) { delete(m, "end_session_endpoint") }},
		Fault{Name: "good-no-revocation", Help: "there is no revocation endpoint", Metadata: func(m map[string]any) { delete(m, "revocation_endpoint") }},
	)...)
}
