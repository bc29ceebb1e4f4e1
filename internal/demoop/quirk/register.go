package quirk

import (
	"encoding/json"
	"net/http"
)

// registrations lists lies at the registration endpoint, and liberties that
// RFC 7591 3.2.1 grants.
func registrations() []Fault {
	const answer, refusal = "RFC 7591 3.2.1", "RFC 7591 3.2.2"
	lies := group("registration", "register", 6,
		Fault{Name: "registration-other-redirect-uri", Help: "another redirect URI is registered", Rule: answer, On: Register,
			Serve: registered(func(m map[string]any) { m["redirect_uris"] = []string{"https://evil.example/callback"} })},
		Fault{Name: "registration-no-client-id", Help: "there is no client_id", Rule: answer, On: Register,
			Serve: registered(func(m map[string]any) { delete(m, "client_id") })},
		Fault{Name: "registration-client-id-number", Help: "the client_id is a number", Rule: answer, On: Register,
			Serve: registered(func(m map[string]any) { m["client_id"] = 42 })},
		Fault{Name: "registration-no-secret", Help: "a confidential client gets no secret", Rule: answer, On: Register, Needs: "secret",
			Serve: registered(func(m map[string]any) { delete(m, "client_secret") })},
		Fault{Name: "registration-expired-secret", Help: "the secret has expired long ago", Rule: answer, On: Register, Needs: "secret",
			Serve: registered(func(m map[string]any) { m["client_secret_expires_at"] = 1 })},
		Fault{Name: "registration-alg-none", Help: "ID tokens are not to be signed", Rule: "OIDC Registration 2", On: Register,
			Serve: registered(func(m map[string]any) { m["id_token_signed_response_alg"] = "none" })},
		Fault{Name: "registration-other-client-auth", Help: "the client is to prove itself in a way that nobody asked for", Rule: answer, On: Register,
			Serve: registered(func(m map[string]any) { m["token_endpoint_auth_method"] = "vendor_proof" })},
		Fault{Name: "registration-plain-management", Help: "the client is looked after over plain http", Rule: "RFC 7592 5", On: Register,
			Serve: registered(func(m map[string]any) { m["registration_client_uri"] = "http://op.example/client" })},
		Fault{Name: "registration-none", Help: "the metadata names no registration endpoint", Rule: "OIDC Discovery 3",
			Metadata: func(m map[string]any) { delete(m, "registration_endpoint") }},
		Fault{Name: "registration-html", Help: "the answer is a web page", Rule: ruleJSON, On: Register, Serve: html},
		Fault{Name: "registration-repeated-json", Help: "the answer has two clients in one", Rule: "RFC 8259 4", On: Register, Serve: first(`"client_id":"another"`)},
		Fault{Name: "registration-redirect", Help: "registration is said to be on another host", Rule: ruleRedirect, Group: "transport", On: Register,
			Serve: elsewhere(http.StatusTemporaryRedirect, "https://evil.example/register")},
		Fault{Name: "registration-error-200", Help: "a refusal comes with the status 200", Rule: refusal, On: Register,
			Serve: says(http.StatusOK, "Content-Type", "application/json", `{"error":"invalid_redirect_uri","error_description":"no loopback"}`)},
		Fault{Name: "registration-escape-error", Help: "a refusal has escape sequences", Rule: refusal, On: Register,
			Serve: says(http.StatusBadRequest, "Content-Type", "application/json", `{"error":"invalid_redirect_uri","error_description":"no \u001b]0;loopback\u0007"}`)},
		Fault{Name: "registration-500", Help: "registration answers 500", Rule: rule500, Group: "transport", Exit: 7, On: Register, Serve: unavailable},
		Fault{Name: "registration-hang", Help: "the answer never comes", Rule: ruleTime, Group: "transport", Exit: 7, On: Register, Serve: hang},
	)
	return append(lies, group("good", "register", 0,
		Fault{Name: "good-registration-drops", Help: "the client's name is dropped and the contacts are changed", On: Register,
			Serve: registered(func(m map[string]any) {
				delete(m, "client_name")
				m["contacts"] = []string{"admin@op.example"}
			})},
		Fault{Name: "good-registration-no-echo", Help: "the answer names the client and nothing else", On: Register, Serve: registered(func(m map[string]any) {
			for name := range m {
				switch name {
				case "client_id", "client_secret", "client_secret_expires_at", "registration_access_token", "registration_client_uri":
				default:
					delete(m, name)
				}
			}
		})},
		Fault{Name: "good-registration-unmanaged", Help: "the client cannot be changed or deleted from outside", On: Register,
			Serve: registered(func(m map[string]any) {
				delete(m, "registration_access_token")
				delete(m, "registration_client_uri")
			})},
	)...)
}

// registered bends the answer of a registration that went well.
func registered(change func(m map[string]any)) func(*Exchange) {
	return bent(func(body string) string {
		var m map[string]any
		if json.Unmarshal([]byte(body), &m) != nil || m["error"] != nil {
			return body
		}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			return body
		}
		return string(b)
	})
}
