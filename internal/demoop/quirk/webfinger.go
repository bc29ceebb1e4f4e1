package quirk

import (
	"net/http"
	"strings"
)

// fingers lists lies of WebFinger. A client meets them that looks somebody up.
func fingers() []Fault {
	const rule = "OIDC Discovery 2"
	all := group("webfinger", "login", 6,
		Fault{Name: "webfinger-no-link", Help: "the answer has no link to an issuer", Rule: rule, On: WebFinger, Serve: bent(func(s string) string {
			return strings.ReplaceAll(s, "specs/connect/1.0/issuer", "specs/connect/1.0/other")
		})},
		Fault{Name: "webfinger-http-issuer", Help: "the issuer in the answer is an http address", Rule: rule, On: WebFinger, Serve: bent(func(s string) string {
			return strings.ReplaceAll(s, `"href":"http`, `"href":"http://op.example/?`)
		})},
		Fault{Name: "webfinger-script-issuer", Help: "the issuer in the answer is a javascript: address", Rule: rule, On: WebFinger, Serve: bent(func(s string) string {
			return strings.ReplaceAll(s, `"href":"http`, `"href":"javascript:http`)
		})},
		Fault{Name: "webfinger-html", Help: "the answer is a web page", Rule: ruleJSON, On: WebFinger, Serve: html},
		Fault{Name: "webfinger-redirect", Help: "the answer is said to be elsewhere", Rule: ruleRedirect, Group: "transport", On: WebFinger,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/.well-known/webfinger")},
	)
	for i := range all {
		all[i].Needs = "webfinger"
	}
	return all
}
