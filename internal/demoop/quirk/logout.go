package quirk

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// logouts lists lies that the end of a session meets.
func logouts() []Fault {
	const state = "OIDC RP-Initiated Logout 3"
	return append(group("logout", "logout", 6,
		Fault{Name: "logout-wrong-state", Help: "the browser comes back from the sign-out with another state", Rule: state, Back: param("state", "not-the-one-you-sent")},
		Fault{Name: "logout-no-state", Check: "L31", Help: "the browser comes back from the sign-out without state", Rule: state, Back: func(v url.Values) { v.Del("state") }},
		Fault{Name: "logout-state-twice", Help: "the browser comes back from the sign-out with two states", Rule: state, Back: func(v url.Values) { v.Add("state", "another") }},
		Fault{Name: "revocation-html", Help: "revocation answers 500 with a web page", Rule: rule500, Group: "transport", Exit: 7, On: Revoke,
			Serve: says(http.StatusInternalServerError, "Content-Type", "text/html", "<!doctype html><title>Oops</title>")},
		Fault{Name: "revocation-redirect", Help: "revocation is said to be on another host", Rule: ruleRedirect, Group: "transport", On: Revoke,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/revoke")},
		Fault{Name: "revocation-hang", Help: "revocation never comes to an end", Rule: ruleTime, Group: "transport", Exit: 7, On: Revoke, Serve: hang},
	), append(notices(), group("good", "logout", 0,
		Fault{Name: "good-no-end-session", Help: "there is no end session endpoint", Metadata: func(m map[string]any) { delete(m, "end_session_endpoint") }},
		Fault{Name: "good-no-revocation", Help: "there is no revocation endpoint", Metadata: func(m map[string]any) { delete(m, "revocation_endpoint") }},
		Fault{Name: "good-logout-token-jwt", Help: "the typ of the logout token is JWT", Needs: "backchannel", LogoutToken: header("typ", "JWT")},
		Fault{Name: "good-logout-token-no-sid", Help: "the logout token names the person and no session", Needs: "backchannel", LogoutToken: without("sid")},
		Fault{Name: "good-logout-token-no-sub", Help: "the logout token names the session and no person", Needs: "backchannel", LogoutToken: without("sub")},
		Fault{Name: "good-logout-token-more", Help: "the logout token has claims and events that nobody knows", Needs: "backchannel", LogoutToken: bend(func(t *Token) {
			t.Claims["x_unknown"], t.Claims["events"].(map[string]any)["https://op.example/event"] = 1, map[string]any{"a": 1}
		})},
		Fault{Name: "good-frontchannel-bare", Help: "the front-channel notice has neither iss nor sid", Needs: "frontchannel", Frame: func(v url.Values) { v.Del("iss"); v.Del("sid") }},
	)...)...)
}

// notices lists lies in what a provider tells a client of a session's end.
func notices() []Fault {
	const (
		rule  = "OIDC Back-Channel Logout 2.6 "
		front = "OIDC Front-Channel Logout 2"
	)
	lies := []Fault{
		{Name: "backchannel-bad-signature", Help: "a byte of the logout token's signature is changed", Rule: rule + "(2)", LogoutSigned: lastPart(flip)},
		{Name: "backchannel-alg-none", Help: "nobody signed the logout token", Rule: rule + "(3)", LogoutToken: header("alg", "none"), LogoutSigned: lastPart(func(string) string { return "" })},
		{Name: "backchannel-wrong-alg", Help: "the logout token is signed with another algorithm", Rule: rule + "(3)", LogoutToken: otherAlg("EdDSA")},
		{Name: "backchannel-wrong-typ", Help: "the typ of the logout token is that of an access token", Rule: "OIDC Back-Channel Logout 2.4", LogoutToken: header("typ", "at+jwt")},
		{Name: "backchannel-crit", Help: "the logout token has a critical header that nobody knows", Rule: "RFC 7515 4.1.11",
			LogoutToken: bend(func(t *Token) { t.Header["crit"], t.Header["exq"] = []string{"exq"}, true })},
		{Name: "backchannel-wrong-iss", Help: "the logout token is another issuer's", Rule: rule + "(4)", LogoutToken: set("iss", "https://evil.example")},
		{Name: "backchannel-no-iss", Help: "the logout token names no issuer", Rule: rule + "(4)", LogoutToken: without("iss")},
		{Name: "backchannel-wrong-aud", Help: "the logout token is for another client", Rule: rule + "(4)", LogoutToken: set("aud", "somebody-else")},
		{Name: "backchannel-no-aud", Help: "the logout token is for nobody", Rule: rule + "(4)", LogoutToken: without("aud")},
		{Name: "backchannel-no-iat", Help: "the logout token does not say when it was made", Rule: rule + "(4)", LogoutToken: without("iat")},
		{Name: "backchannel-future-iat", Help: "the logout token is of tomorrow", Rule: rule + "(4)", LogoutToken: bend(func(t *Token) { t.Claims["iat"] = t.Now.AddDate(0, 0, 1).Unix() })},
		{Name: "backchannel-no-exp", Help: "the logout token never ends", Rule: rule + "(4)", LogoutToken: without("exp")},
		{Name: "backchannel-expired", Help: "the logout token is over since an hour", Rule: rule + "(4)", LogoutToken: bend(func(t *Token) { t.Claims["exp"] = t.Now.Add(-time.Hour).Unix() })},
		{Name: "backchannel-nobody", Help: "the logout token has neither sub nor sid", Rule: rule + "(5)", LogoutToken: bend(func(t *Token) { delete(t.Claims, "sub"); delete(t.Claims, "sid") })},
		{Name: "backchannel-no-events", Help: "the logout token has no events", Rule: rule + "(6)", LogoutToken: without("events")},
		{Name: "backchannel-other-event", Help: "the event of the logout token is another one", Rule: rule + "(6)", LogoutToken: set("events", map[string]any{"https://op.example/event": map[string]any{}})},
		{Name: "backchannel-event-text", Help: "the events of the logout token are a text", Rule: rule + "(6)", LogoutToken: set("events", "logout")},
		{Name: "backchannel-nonce", Help: "the logout token has a nonce, as ID tokens do", Rule: rule + "(7)", LogoutToken: set("nonce", "n")},
		{Name: "backchannel-no-jti", Help: "the logout token has no jti", Rule: rule + "(8)", LogoutToken: without("jti")},
		{Name: "backchannel-wrong-sub", Help: "the logout token is about somebody else", Rule: rule + "(10)", LogoutToken: set("sub", "mallory")},
		{Name: "backchannel-wrong-sid", Help: "the logout token is about another session", Rule: rule + "(11)", LogoutToken: set("sid", "another")},
		{Name: "frontchannel-wrong-iss", Help: "the front-channel notice is another issuer's", Rule: front, Frame: param("iss", "https://evil.example")},
		{Name: "frontchannel-wrong-sid", Help: "the front-channel notice is about another session", Rule: front, Frame: param("sid", "another")},
		{Name: "frontchannel-no-iss", Help: "the front-channel notice names the session and no issuer", Rule: front, Frame: func(v url.Values) { v.Del("iss") }},
		{Name: "frontchannel-twice", Help: "the front-channel notice names two sessions", Rule: "RFC 6749 3.1", Frame: func(v url.Values) { v.Add("sid", "another") }},
	}
	for n := range lies {
		lies[n].Needs, _, _ = strings.Cut(lies[n].Name, "-")
	}
	return group("logout", "logout", 6, lies...)
}
