package flows

import (
	"fmt"
	"strings"

	"rely/internal/fault"
	"rely/internal/flows/request"
)

// All is the table of flows, in the order in which help shows them.
func All() []Entry {
	return []Entry{
		{Name: "code", Grant: "authorization_code", Help: "a person signs in (authorization code with PKCE, OIDC Core 3.1)", Person: true, Types: codeTypes(), Flow: Code{}},
		{Name: "implicit", Grant: "implicit", Help: "a person signs in, and the tokens come through the browser (legacy, OIDC Core 3.2)", Person: true, Types: implicitTypes(), Flow: Implicit{}},
		{Name: "hybrid", Grant: "authorization_code", Help: "a person signs in; a code and tokens come through the browser (OIDC Core 3.3)", Person: true, Types: hybridTypes(), Flow: Hybrid{}},
		{Name: "device", Grant: deviceGrant, Help: "a person signs in with any browser, anywhere, and types a code (RFC 8628)", Person: true, Flow: Device{}},
		{Name: "client-credentials", Grant: "client_credentials", Help: "a machine gets a token for itself (RFC 6749 4.4)", Flow: ClientCredentials{}},
		{Name: "refresh", Grant: "refresh_token", Help: "a refresh token from elsewhere begins the session (RFC 6749 6)", Flow: Refresh{}, Once: true,
			Settings: []string{"refresh_token"}},
		{Name: "token-exchange", Grant: request.TokenExchange, Help: "a token of one kind is exchanged for another's (RFC 8693)", Flow: Exchange{},
			Settings: []string{"subject", "subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type", "ci_token", "ci_audience"}},
		{Name: "jwt-bearer", Grant: bearerGrant, Help: "a signed assertion brings the token of whom it names (RFC 7523 2.1)", Flow: JWTBearer{},
			Settings: []string{"assertion", "assertion_token", "claim", "ci_token", "ci_audience"}},
		{Name: "ciba", Grant: cibaGrant, Help: "a person is asked on a device of their own (OpenID CIBA, poll and ping)", Flow: CIBA{}, Elsewhere: true,
			Settings: []string{"backchannel_token_delivery_mode", "backchannel_client_notification_endpoint", "login_hint_token", "binding_message", "user_code", "requested_expiry"}},
		{Name: "password", Grant: "password", Help: "the person's password goes through this program: legacy (RFC 6749 4.3)", Flow: Password{},
			Settings: []string{"username", "password"}},
	}
}

// Find is the entry of that name; the empty name is the first of the table.
func Find(name string) (Entry, error) {
	names := []string{}
	for _, e := range All() {
		if e.Name == name || name == "" {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Entry{}, &fault.Error{
		Kind: fault.Usage, ID: "flow.unknown", Op: "choose the flow",
		Err:  fmt.Errorf("%q is no flow that rely knows (%s)", name, strings.Join(names, ", ")),
		Hint: fault.Meant(name, names, "use --flow ", "use one of those with --flow"),
	}
}
