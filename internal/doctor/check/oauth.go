package check

import (
	"slices"
	"strings"
)

func oauth() []*Check {
	return []*Check{
		{ID: "P08", Name: "response-types", Title: "the response type code is offered, and by a dynamic OP id_token and id_token token as well",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 3; OIDC Core 15.1, 15.2",
			Why: "The code flow is what every client uses. The Dynamic OP profile demands two more.",
			Fix: "offer the response type, and list it in response_types_supported", Run: responseTypes},
		{ID: "P09", Name: "implicit", Title: "no access token comes from the authorization endpoint",
			Stage: "discoverable", Severity: Warning, Section: "RFC 9700 2.1.2", Demands: []Demand{{"fapi2", Error}, {"oauth21", Error}},
			Why:     "A token in a redirect ends in histories, logs and Referer headers, cannot be bound to its client, and can be put into another session.",
			Fix:     "switch the implicit grant and the response types with \"token\" off",
			Unknown: "Whether any client is allowed to use them: a provider may list what it grants to none.",
			Hints: []Hint{
				{"keycloak", "switch \"Implicit flow\" off in each client; the metadata lists it all the same, unless a client policy forbids it"},
				{"entra", "clear both boxes of \"Implicit grant and hybrid flows\" at each application; the metadata lists them all the same"}},
			Run: implicit},
		{ID: "P10", Name: "password-grant", Title: "the password grant is not offered",
			Stage: "discoverable", Severity: Error, Section: "RFC 9700 2.4",
			Why:     "It gives the user's password to the client, knows no second factor, and teaches people to type passwords anywhere.",
			Fix:     "switch the resource owner password credentials grant off",
			Unknown: "Whether any client is allowed to use it.",
			Hints:   []Hint{{"keycloak", "switch \"Direct access grants\" off in each client; the metadata lists the grant all the same"}},
			Run:     passwordGrant},
		{ID: "P11", Name: "pkce", Title: "PKCE with S256 is offered, and the metadata says so",
			Stage: "discoverable", Severity: Error, Section: "RFC 9700 2.1.1; RFC 8414 2",
			Why:     "PKCE ties the code to the client that asked for it. A client finds out from code_challenge_methods_supported whether it can rely on that.",
			Fix:     "support S256, and publish code_challenge_methods_supported",
			Unknown: "Whether the provider enforces what it says: --active tries.", Run: pkce},
		{ID: "P12", Name: "pkce-plain", Title: "PKCE with plain is not offered",
			Stage: "discoverable", Severity: Warning, Section: "RFC 9700 2.1.1; RFC 7636 7.2", Demands: []Demand{{"fapi2", Error}},
			Why:   "With plain the verifier itself is in the request that an attacker may have read.",
			Fix:   "take plain out of code_challenge_methods_supported, and refuse it",
			Hints: []Hint{{"keycloak", "set \"Proof Key for Code Exchange Code Challenge Method\" to S256 in each client, or by a client policy; the metadata lists plain all the same"}},
			Run: func(c *Case) {
				if list, _ := c.List("code_challenge_methods_supported"); c.metadata() && slices.Contains(list, "plain") {
					c.found("code_challenge_methods_supported", quoted(list), "S256 alone")
				}
			}},
	}
}

// requests are about authorization requests, and what surrounds them.
func requests() []*Check {
	return []*Check{
		{ID: "P18", Name: "iss-parameter", Title: "authorization responses carry iss",
			Stage: "discoverable", Severity: Warning, Section: "RFC 9207 3", Demands: []Demand{{"fapi2", Error}},
			Why:     "It tells a client with more than one provider which of them answers: the defence against mix-up attacks.",
			Fix:     "add iss to authorization responses, and publish authorization_response_iss_parameter_supported: true",
			Unknown: "Whether responses really have it: --active and every sign-in look.", Run: issParameter},
		{ID: "P20", Name: "request-uri", Title: "request_uri is switched off, or taken only where it is registered",
			Stage: "discoverable", Severity: Warning, Section: "OIDC Discovery 3; OIDC Core 6.2; RFC 9101 10.4",
			Why:     "A provider that fetches any request_uri can be sent into its own network (SSRF). Where request_uri_parameter_supported is missing it means true.",
			Fix:     "publish request_uri_parameter_supported: false, or require_request_uri_registration: true",
			Unknown: "Whether the provider really fetches it.", Run: requestURI},
		{ID: "P21", Name: "registration", Title: "clients can be registered over the network",
			Stage: "discoverable", Severity: Info, Section: "OIDC Registration 3; RFC 7591 3", Demands: []Demand{{"oidc-dynamic", Error}},
			Why:     "Without a registration endpoint an administrator makes every client by hand.",
			Fix:     "switch dynamic registration on, or take the client that the administrator made: rely register ISSUER --client-id ID",
			Unknown: "Whether registration is open or wants an initial access token.",
			Run: func(c *Case) {
				if c.metadata() && !c.Has("registration_endpoint") {
					c.found("registration_endpoint", "it is missing", "an address")
				}
			}},
		{ID: "P22", Name: "par", Title: "pushed authorization requests are offered where they are demanded",
			Stage: "discoverable", Severity: Error, Section: "RFC 9126 5; FAPI 2.0 Security Profile 5.3.2.2",
			Why: "A provider that demands a pushed request and names no place to push it to lets nobody sign in.",
			Fix: "publish pushed_authorization_request_endpoint", Run: par},
		{ID: "P25", Name: "housekeeping-endpoints", Title: "tokens can be revoked and looked up, and sessions ended",
			Stage: "discoverable", Severity: Info, Section: "RFC 7009; RFC 7662; OIDC RP-Initiated Logout 2.1",
			Why: "Without them a client cannot sign out at the provider, cannot withdraw what it no longer needs, and an API cannot ask about a token.",
			Fix: "publish the endpoint, where the provider has it", Run: housekeeping},
	}
}

func responseTypes(c *Case) {
	list, there := c.List("response_types_supported")
	switch {
	case !c.metadata():
		return
	case !there:
		c.skip("response_types_supported is missing, which P04 tells")
		return
	}
	need := []string{"code"}
	if c.For == "oidc-dynamic" {
		need = append(need, "id_token", "id_token token")
	}
	for _, want := range need {
		if !slices.ContainsFunc(list, func(t string) bool { return sameWords(t, want) }) {
			c.found("response_types_supported", quoted(list), want+" among them")
		}
	}
}

// sameWords compares response types, whose order of words means nothing.
func sameWords(a, b string) bool {
	one, other := strings.Fields(a), strings.Fields(b)
	slices.Sort(one)
	slices.Sort(other)
	return slices.Equal(one, other)
}

func implicit(c *Case) {
	if !c.metadata() {
		return
	}
	types, _ := c.List("response_types_supported")
	tokens := slices.DeleteFunc(slices.Clone(types), func(t string) bool { return !slices.Contains(strings.Fields(t), "token") })
	if len(tokens) > 0 && c.For != "oidc-dynamic" { // which the Dynamic OP profile demands
		c.found("response_types_supported", quoted(tokens), "no response type with token")
	}
	if grants, _ := c.List("grant_types_supported"); slices.Contains(grants, "implicit") && c.For != "oidc-dynamic" {
		c.found("grant_types_supported", quoted(grants), "no implicit")
	}
}

func passwordGrant(c *Case) {
	if grants, _ := c.List("grant_types_supported"); c.metadata() && slices.Contains(grants, "password") {
		c.found("grant_types_supported", quoted(grants), "no password")
	}
}

func pkce(c *Case) {
	list, there := c.List("code_challenge_methods_supported")
	switch {
	case !c.metadata():
	case !there:
		c.found("code_challenge_methods_supported", "it is missing", "S256")
	case !slices.Contains(list, "S256"):
		c.found("code_challenge_methods_supported", quoted(list), "S256 among them")
	}
}

func issParameter(c *Case) {
	if value, there := c.Flag("authorization_response_iss_parameter_supported"); c.metadata() && !value {
		seen := "it is missing"
		if there {
			seen = "false"
		}
		c.found("authorization_response_iss_parameter_supported", seen, "true")
	}
}

func requestURI(c *Case) {
	value, there := c.Flag("request_uri_parameter_supported")
	registered, _ := c.Flag("require_request_uri_registration")
	if !c.metadata() || there && !value || registered || !c.Has("authorization_endpoint") {
		return
	}
	seen := "true, and require_request_uri_registration is not"
	if !there {
		seen = "it is missing, which means true, and require_request_uri_registration is not"
	}
	c.found("request_uri_parameter_supported", seen, "false, or require_request_uri_registration: true")
}

func par(c *Case) {
	if !c.metadata() || c.Has("pushed_authorization_request_endpoint") {
		return
	}
	if demanded, _ := c.Flag("require_pushed_authorization_requests"); demanded {
		c.found("pushed_authorization_request_endpoint", "it is missing, and require_pushed_authorization_requests is true", "an address")
	} else if c.For == "fapi2" {
		c.found("pushed_authorization_request_endpoint", "it is missing", "an address: FAPI 2.0 demands pushed authorization requests")
	} else {
		c.skip("the provider offers no pushed authorization requests")
	}
}

func housekeeping(c *Case) {
	if !c.metadata() {
		return
	}
	for _, name := range []string{"revocation_endpoint", "introspection_endpoint", "end_session_endpoint"} {
		if !c.Has(name) {
			c.found(name, "it is missing", "an address")
		}
	}
}
