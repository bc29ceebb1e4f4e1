package quirk

import (
	"fmt"
	"net/http"
	"strings"
)

// devices lists lies and liberties around the device flow. Each shows in that
// flow only.
func devices() []Fault {
	const (
		answer  = "RFC 8628 3.2"
		refusal = "RFC 6749 5.2" // which RFC 8628 3.2 and 3.5 refer to
	)
	all := append(group("device", "login", 6,
		Fault{Name: "device-error-200", Help: "a no of the person comes with the status 200", Rule: refusal, On: Tokens, Serve: polled(0, http.StatusOK, "access_denied")},
		Fault{Name: "device-escape-error", Help: "the error in place of the tokens has escape sequences", Rule: refusal, On: Tokens,
			Serve: polled(0, http.StatusBadRequest, `access_denied","error_description":"no\u001b[2J`)},
		Fault{Name: "device-refused-200", Help: "the error in place of the codes comes with the status 200", Rule: refusal, On: Devices,
			Serve: says(http.StatusOK, "Content-Type", "application/json", `{"error":"unauthorized_client","error_description":"not by this way"}`)},
		Fault{Name: "device-odd-interval", Help: "the interval is no number", Rule: answer, Device: metadata("interval", "soon")},
		Fault{Name: "device-no-device-code", Help: "the answer has no device_code", Rule: answer, Device: lacks("device_code")},
		Fault{Name: "device-no-user-code", Help: "the answer has no user_code", Rule: answer, Device: lacks("user_code")},
		Fault{Name: "device-no-uri", Help: "the answer has no verification_uri", Rule: answer, Device: lacks("verification_uri")},
		Fault{Name: "device-no-expires-in", Help: "the answer does not say how long the code lives", Rule: answer, Device: lacks("expires_in")},
		Fault{Name: "device-escape-code", Help: "the code for the person has escape sequences", Rule: answer,
			Device: metadata("user_code", "\x1b]0;pwned\x07\x1b[2JBCDF-GHJK")},
		Fault{Name: "device-escape-uri", Help: "the address for the person has escape sequences", Rule: answer,
			Device: metadata("verification_uri", "https://op.example/\x1b[2J\x1b[Hdevice")},
		Fault{Name: "device-javascript-uri", Help: "the address for the person is a javascript: one", Rule: answer,
			Device: metadata("verification_uri_complete", "javascript:alert(document.domain)//")},
		Fault{Name: "device-file-uri", Help: "the address for the person is a file: one", Rule: answer,
			Device: metadata("verification_uri_complete", "file:///etc/passwd")},
		Fault{Name: "device-http-uri", Help: "the address for the person is http on another host", Rule: answer,
			Device: metadata("verification_uri", "http://op.example/device")},
		Fault{Name: "device-html", Help: "the answer is a web page", Rule: ruleJSON, On: Devices, Serve: html},
		Fault{Name: "device-redirect", Help: "the device authorization endpoint is said to be elsewhere", Rule: ruleRedirect, Group: "transport", On: Devices,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/device_authorization")},
		Fault{Name: "device-500", Help: "the device authorization endpoint answers 500 every time", Rule: rule500, Group: "transport", Exit: 7, On: Devices, Serve: unavailable},
	), group("good", "login", 0,
		Fault{Name: "good-device-client-id", Help: "client_id is looked for in the form alone, whatever proves the client, as Dex does", On: Devices, Serve: idInForm},
		Fault{Name: "good-device-slow-down", Help: "the client is told twice to ask more slowly", On: Tokens,
			Serve: polled(2, http.StatusBadRequest, "slow_down")},
		Fault{Name: "good-device-pending-200", Help: "the client is told to go on asking with the status 200, as GitHub does", On: Tokens,
			Serve: polled(2, http.StatusOK, "authorization_pending")},
		Fault{Name: "good-device-no-interval", Help: "the answer has no interval: it is 5 s", Device: lacks("interval")},
		Fault{Name: "good-device-interval-string", Help: "the interval is a string", Device: func(m map[string]any) {
			m["interval"] = fmt.Sprint(m["interval"])
		}},
		Fault{Name: "good-device-verification-url", Help: "verification_uri has the name that drafts had for it", Device: func(m map[string]any) {
			m["verification_url"] = m["verification_uri"]
			delete(m, "verification_uri")
		}},
	)...)
	for i := range all {
		all[i].Needs = "device"
	}
	return all
}

// idInForm knows a client by its form alone.
func idInForm(x *Exchange) {
	if strings.Contains(bodyOf(x.R), "client_id=") {
		x.Good.ServeHTTP(x.W, x.R)
		return
	}
	says(http.StatusUnauthorized, "Content-Type", "application/json", `{"error":"invalid_client"}`)(x)
}

func lacks(name string) func(map[string]any) {
	return func(m map[string]any) { delete(m, name) }
}

// polled answers the token requests of a device, or of CIBA, with an error: the first few, or
// with 0 all of them.
func polled(few, status int, code string) func(*Exchange) {
	return func(x *Exchange) {
		if x.R.PostForm.Get("device_code")+x.R.PostForm.Get("auth_req_id") == "" || few > 0 && x.Count > few {
			x.Good.ServeHTTP(x.W, x.R)
			return
		}
		says(status, "Content-Type", "application/json", `{"error":"`+code+`"}`)(x)
	}
}
