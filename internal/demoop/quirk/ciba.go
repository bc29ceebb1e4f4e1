package quirk

import (
	"net/http"

	"rely/internal/demoop/ciba"
)

// backchannels lists lies and liberties of a sign-in on a device of the
// person's own. Each shows in that flow only.
func backchannels() []Fault {
	const (
		rule    = "CIBA 7.3"
		refusal = "RFC 6749 5.2" // which CIBA 11 and 13 refer to
	)
	return append(needs("ciba", append(group("device", "login", 6,
		Fault{Name: "ciba-no-id", Help: "the answer has no auth_req_id", Rule: rule, Device: lacks("auth_req_id")},
		Fault{Name: "ciba-escape-id", Help: "the auth_req_id has escape sequences", Rule: rule, Device: metadata("auth_req_id", "a\x1b[2Jb")},
		Fault{Name: "ciba-no-expires-in", Help: "the answer does not say how long the request lives", Rule: rule, Device: lacks("expires_in")},
		Fault{Name: "ciba-dead-at-once", Help: "the request lives for no time at all", Rule: rule, Device: metadata("expires_in", 0)},
		Fault{Name: "ciba-long-interval", Help: "the interval is longer than the request lives", Rule: rule, Device: metadata("interval", 1000000)},
		Fault{Name: "ciba-negative-interval", Help: "the interval is less than nothing", Rule: rule, Device: metadata("interval", -5)},
		Fault{Name: "ciba-odd-interval", Help: "the interval is no number", Rule: rule, Device: metadata("interval", "soon")},
		Fault{Name: "ciba-html", Help: "the answer is a web page", Rule: ruleJSON, On: Elsewhere, Serve: html},
		Fault{Name: "ciba-refused-200", Help: "the error in place of the auth_req_id comes with the status 200", Rule: refusal, On: Elsewhere,
			Serve: says(http.StatusOK, "Content-Type", "application/json", `{"error":"unknown_user_id","error_description":"nobody is known by this hint"}`)},
		Fault{Name: "ciba-escape-error", Help: "the error in place of the auth_req_id has escape sequences", Rule: refusal, On: Elsewhere,
			Serve: says(http.StatusBadRequest, "Content-Type", "application/json", `{"error":"unknown_user_id","error_description":"no\u001b[2J"}`)},
		Fault{Name: "ciba-error-200", Help: "a no of the person comes with the status 200", Rule: refusal, On: Tokens, Serve: polled(0, http.StatusOK, "access_denied")},
		Fault{Name: "ciba-redirect", Help: "the backchannel authentication endpoint is said to be elsewhere", Rule: ruleRedirect, Group: "transport", On: Elsewhere,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/backchannel")},
		Fault{Name: "ciba-500", Help: "the backchannel authentication endpoint answers 500 every time", Rule: rule500, Group: "transport", Exit: 7, On: Elsewhere, Serve: unavailable},
		Fault{Name: "ciba-no-id-token", Help: "the tokens come without an ID token", Rule: "OIDC Core 3.1.3.3", Answer: drop("id_token")},
		Fault{Name: "ciba-bad-signature", Help: "a byte of the ID token's signature is changed, and no browser was there to see it", Rule: signatureRule, Signed: lastPart(flip)},
		Fault{Name: "ciba-other-request", Help: "the ID token says that it answers another request", Rule: "CIBA 10.3.1",
			IDToken: set("urn:openid:params:jwt:claim:auth_req_id", "another")},
	), group("good", "login", 0,
		Fault{Name: "good-ciba-slow-down", Help: "the client is told twice to ask more slowly", On: Tokens, Serve: polled(2, http.StatusBadRequest, "slow_down")},
		Fault{Name: "good-ciba-no-interval", Help: "the answer has no interval: it is 5 s", Device: lacks("interval")},
	)...)...), pings()...)
}

// pings lists what can be wrong with a notification. None of it ends a sign-in:
// whoever does not prove to be the provider is not listened to, and the token
// endpoint has the last word.
func pings() []Fault {
	ping := func(name, help string, hook func(*ciba.Notice)) Fault {
		return Fault{Name: name, Help: help, Ping: hook}
	}
	return needs("ciba-ping", group("good", "login", 0,
		ping("good-ciba-ping-wrong-token", "the notification has another token than the client sent", func(n *ciba.Notice) { n.Token = "bm90LXRoZS1vbmUteW91LXNlbnQ" }),
		ping("good-ciba-ping-no-token", "the notification has no token", func(n *ciba.Notice) { n.Token = "" }),
		ping("good-ciba-ping-other-request", "the notification is about another request", func(n *ciba.Notice) { n.Body["auth_req_id"] = "another" }),
		ping("good-ciba-ping-no-request", "the notification does not say about which request it is", func(n *ciba.Notice) { delete(n.Body, "auth_req_id") }),
		ping("good-ciba-ping-tokens", "the notification brings tokens, as the push mode has them", func(n *ciba.Notice) {
			n.Body["access_token"], n.Body["token_type"] = "SplxlOBeZQQYbYS6WxSbIA", "Bearer"
		}),
		ping("good-ciba-ping-early", "the notification comes before the person has decided", func(n *ciba.Notice) { n.Early = true }),
		ping("good-ciba-ping-twice", "the notification comes twice", func(n *ciba.Notice) { n.Twice = true }),
		ping("good-ciba-ping-never", "the notification never comes", func(n *ciba.Notice) { n.Never = true }),
	)...)
}
