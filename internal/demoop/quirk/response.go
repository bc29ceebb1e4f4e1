package quirk

import (
	"net/http"
	"net/url"
)

// responses lists lies in the authorization response. A client that finds one
// goes on waiting, because anybody can send such an answer, or gives up at
// once: never does it send the code.
func responses() []Fault {
	const (
		state = "RFC 6749 10.12"
		twice = "RFC 6749 3.1"
		iss   = "RFC 9207 2.4"
	)
	return group("response", "login", 6,
		Fault{Name: "wrong-state", Check: "L10", Help: "the state is not the one that was sent", Rule: state, Response: param("state", "not-the-one-you-sent")},
		Fault{Name: "missing-state", Help: "there is no state", Rule: state, Response: func(v url.Values) { v.Del("state") }},
		Fault{Name: "empty-state", Help: "the state is empty", Rule: state, Response: param("state", "")},
		Fault{Name: "repeated-state", Help: "there are two states", Rule: twice, Response: again("state", "another")},
		Fault{Name: "repeated-code", Help: "there are two codes", Rule: twice, Response: again("code", "another")},
		Fault{Name: "repeated-response-iss", Help: "there are two issuers", Rule: twice, Response: again("iss", "https://evil.example")},
		Fault{Name: "wrong-response-iss", Check: "L11", Help: "the answer is another provider's (mix-up)", Rule: iss, Response: param("iss", "https://evil.example")},
		Fault{Name: "missing-response-iss", Help: "the answer names no issuer, though the metadata promises it", Rule: iss,
			Response: func(v url.Values) { v.Del("iss") }},
		Fault{Name: "no-code", Help: "the answer has neither a code nor an error", Rule: "RFC 6749 4.1.2", Response: func(v url.Values) { v.Del("code") }},
	)
}

func param(name, value string) func(url.Values) {
	return func(v url.Values) { v.Set(name, value) }
}

func again(name, value string) func(url.Values) {
	return func(v url.Values) { v.Add(name, value) }
}

func userInfos() []Fault {
	const sub = "OIDC Core 5.3.2"
	claim := func(name string, value any) func(map[string]any) {
		return func(m map[string]any) { m[name] = value }
	}
	return append(signedUserInfos(), group("userinfo", "userinfo", 6,
		Fault{Name: "userinfo-wrong-sub", Check: "L20", Help: "userinfo is about somebody else", Rule: sub, Claims: claim("sub", "mallory")},
		Fault{Name: "userinfo-no-sub", Help: "userinfo names no subject", Rule: sub, Claims: func(m map[string]any) { delete(m, "sub") }},
		Fault{Name: "userinfo-sub-number", Help: "the subject in userinfo is a number", Rule: sub, Claims: claim("sub", 42)},
		Fault{Name: "userinfo-html", Help: "userinfo is a web page", Rule: ruleJSON, On: UserInfo, Serve: html},
		Fault{Name: "userinfo-array", Help: "userinfo is a list", Rule: sub, On: UserInfo, Serve: bent(func(s string) string { return "[" + s + "]" })},
		Fault{Name: "userinfo-repeated-sub", Help: "userinfo has two subjects", Rule: "RFC 8259 4", On: UserInfo, Serve: first(`"sub":"mallory"`)},
		Fault{Name: "userinfo-deep-json", Help: "userinfo is nested 100,000 deep", Rule: "RFC 8259 9", On: UserInfo, Serve: deep},
		Fault{Name: "userinfo-endless", Help: "userinfo never ends", Rule: ruleSize, Group: "transport", On: UserInfo, Serve: endless},
		Fault{Name: "userinfo-gzip-bomb", Help: "userinfo unpacks to a gigabyte", Rule: ruleSize, Group: "transport", On: UserInfo, Serve: gzipBomb},
		Fault{Name: "userinfo-redirect", Help: "userinfo is said to be on another host", Rule: ruleRedirect, Group: "transport", On: UserInfo,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/userinfo")},
		Fault{Name: "userinfo-500", Help: "userinfo answers 500 every time", Rule: rule500, Group: "transport", Exit: 7, On: UserInfo, Serve: unavailable},
		Fault{Name: "userinfo-hang", Help: "userinfo never comes", Rule: ruleTime, Group: "transport", Exit: 7, On: UserInfo, Serve: hang},
	)...)
}
