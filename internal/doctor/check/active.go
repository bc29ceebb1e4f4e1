package check

// active lists the checks that need a client and --active. They are run by
// internal/doctor/active; here stands what they are about.
func active() []*Check {
	all := append(clientChecks(), append(requestChecks(), loginChecks()...)...)
	for _, k := range all {
		k.Active = true
	}
	return all
}

func clientChecks() []*Check {
	return []*Check{
		{ID: "A01", Name: "token-no-client", Title: "the token endpoint refuses a request without a client, as JSON", Stage: "client", Severity: Error, Section: "RFC 6749 5.2",
			Why: "A client that gets a web page or a 500 cannot tell its user what is wrong.", Fix: "answer 400 or 401 with a JSON object that has error"},
		{ID: "A02", Name: "wrong-secret", Title: "a wrong client secret is refused with invalid_client", Stage: "client", Severity: Error, Section: "RFC 6749 2.3.1, 5.2",
			Why: "Without it anybody is any client.", Fix: "compare the secret", Unknown: "It tries once, so that no client is locked out."},
		{ID: "A06", Name: "grant-unknown", Title: "an unknown grant_type is refused with unsupported_grant_type", Stage: "client", Severity: Warning, Section: "RFC 6749 5.2",
			Why: "Clients go by the code to choose another grant.", Fix: "answer unsupported_grant_type"},
		{ID: "A07", Name: "token-errors", Title: "errors of the token endpoint are JSON, not to be cached, and repeat no secret", Stage: "client", Severity: Warning, Section: "RFC 6749 5.1, 5.2",
			Why: "What is cached or logged with a secret in it is one no more.", Fix: "send Content-Type: application/json and Cache-Control: no-store, and no parameter of the request"},
		{ID: "A25", Name: "userinfo-no-token", Title: "UserInfo refuses a request without a token, and one with junk, with 401 and WWW-Authenticate", Stage: "account", Severity: Error, Section: "RFC 6750 3; OIDC Core 5.3.3",
			Why: "Clients learn from the header that their token is no good, and renew it.", Fix: "answer 401 with WWW-Authenticate: Bearer"},
		{ID: "A27", Name: "introspection-open", Title: "introspection wants a client that proves itself", Stage: "client", Severity: Error, Section: "RFC 7662 2.1, 4",
			Why: "Whoever may ask about tokens can try tokens out.", Fix: "demand client authentication"},
		{ID: "A28", Name: "revocation-unknown", Title: "revoking an unknown token is 200", Stage: "client", Severity: Warning, Section: "RFC 7009 2.2",
			Why: "The client wanted the token to be dead, and it is.", Fix: "answer 200 to a token that is unknown"},
		{ID: "A29", Name: "endpoints-exist", Title: "every endpoint of the metadata is there", Stage: "client", Severity: Error, Section: "OIDC Discovery 3",
			Why: "A client that finds 404 where the metadata promised an endpoint has nothing to fall back on.", Fix: "correct the address, or take the member out",
			Unknown: "It asks with GET or an empty POST: an endpoint that hides from strangers with 404 looks missing."},
		{ID: "A30", Name: "register-javascript", Title: "a javascript: redirect URI cannot be registered", Stage: "client", Severity: Error, Section: "OIDC Registration 2",
			Why: "The provider's own page would run it.", Fix: "take https, and http on loopback"},
		{ID: "A31", Name: "register-fragment", Title: "a redirect URI with a fragment cannot be registered", Stage: "client", Severity: Error, Section: "RFC 6749 3.1.2",
			Why: "The answer's parameters end behind the fragment, where scripts of the page read them.", Fix: "refuse a redirect URI with #"},
		{ID: "A32", Name: "register-http", Title: "an http redirect URI beyond loopback cannot be registered", Stage: "client", Severity: Error, Section: "RFC 9700 2.6; OIDC Registration 2",
			Why: "The code would travel in the open.", Fix: "demand https but on loopback"},
		{ID: "A36", Name: "registration-open", Title: "a client's registration is not shown without its token", Stage: "client", Severity: Error, Section: "RFC 7592 2.1",
			Why: "The client secret stands in it.", Fix: "answer 401 without the registration access token"},
	}
}

func requestChecks() []*Check {
	return []*Check{
		{ID: "A08", Name: "cors-authorize", Title: "the authorization endpoint allows no page of another origin to read it", Stage: "login", Severity: Error, Section: "RFC 9700 2.6",
			Why: "A page could walk the sign-in of whoever visits it.", Fix: "send no Access-Control-Allow-Origin there"},
		{ID: "A09", Name: "unknown-client", Title: "an unknown client_id gets a page, never a redirect", Stage: "login", Severity: Error, Section: "RFC 6749 4.1.2.1",
			Why: "The provider would send anybody anywhere: an open redirector with a trusted name.", Fix: "show an error page"},
		{ID: "A10", Name: "redirect-exact", Title: "the redirect URI is compared character by character", Stage: "login", Severity: Error, Section: "RFC 9700 2.1, 4.1",
			Why: "Each kind of loose comparison has sent codes to attackers.", Fix: "compare the whole text; only the port of a loopback address may differ",
			Hints: []Hint{{"keycloak", "take the * out of \"Valid redirect URIs\""}}},
		{ID: "A12", Name: "response-type-missing", Title: "a missing or unknown response_type is an error, not a crash", Stage: "login", Severity: Warning, Section: "RFC 6749 3.1.1, 4.1.2.1",
			Why: "The client is to be told.", Fix: "redirect with invalid_request or unsupported_response_type"},
		{ID: "A14", Name: "pkce-required", Title: "a public client without PKCE is refused", Stage: "login", Severity: Error, Section: "RFC 9700 2.1.1",
			Why: "A public client has nothing else to tie the code to it.", Fix: "demand code_challenge of public clients",
			Hints: []Hint{{"keycloak", "set \"Proof Key for Code Exchange Code Challenge Method\" to S256 for the client"}}},
		{ID: "A15", Name: "pkce-plain-refused", Title: "code_challenge_method=plain is refused", Stage: "login", Severity: Warning, Section: "RFC 9700 2.1.1", Demands: []Demand{{"fapi2", Error}},
			Why: "The verifier itself is in the request.", Fix: "take S256 alone"},
		{ID: "A19", Name: "prompt-none", Title: "prompt=none without a session is login_required", Stage: "login", Severity: Error, Section: "OIDC Core 3.1.2.1, 3.1.2.6",
			Why: "Applications ask in a hidden frame whether somebody is signed in; a page instead hangs them.", Fix: "redirect with login_required or interaction_required"},
		{ID: "A20", Name: "error-state", Title: "errors come back with state as it was sent, and with iss where it is promised", Stage: "login", Severity: Error, Section: "RFC 6749 4.1.2.1; RFC 9207 2",
			Why: "A client drops an answer whose state it does not know, and its user sees nothing.", Fix: "send state back unchanged, and iss"},
		{ID: "A21", Name: "sign-in-page", Title: "the sign-in page cannot be framed, is not cached, and gives no address away", Stage: "login", Severity: Warning, Section: "RFC 9700 4.2.4, 4.16",
			Why: "A page in an invisible frame collects clicks; a Referer carries codes.", Fix: "send frame-ancestors or X-Frame-Options, Cache-Control: no-store and Referrer-Policy"},
		{ID: "A22", Name: "error-page-escapes", Title: "the error page escapes what it repeats", Stage: "login", Severity: Error, Section: "RFC 9700 4.1 (injection); CWE-79",
			Why: "Somebody else's script would run on the page where passwords are typed.", Fix: "escape &, <, >, \" and '", Unknown: "It sends one inert mark to one page."},
	}
}

func loginChecks() []*Check {
	return []*Check{
		{ID: "L01", Name: "wrong-verifier", Title: "a wrong code_verifier is refused", Stage: "tokens", Severity: Error, Section: "RFC 7636 4.6",
			Why: "PKCE that is not checked is none.", Fix: "compare the hash of the verifier with the challenge"},
		{ID: "L02", Name: "missing-verifier", Title: "a missing code_verifier is refused", Stage: "tokens", Severity: Error, Section: "RFC 9700 2.1.1",
			Why: "An attacker simply leaves it out.", Fix: "demand the verifier where there was a challenge"},
		{ID: "L04", Name: "code-reuse", Title: "a code is good for one time", Stage: "tokens", Severity: Error, Section: "RFC 6749 4.1.2",
			Why: "A code that was seen in a log is good again.", Fix: "refuse it the second time, and withdraw its tokens"},
		{ID: "L06", Name: "redirect-at-token", Title: "another redirect_uri at the token endpoint is refused", Stage: "tokens", Severity: Error, Section: "RFC 6749 4.1.3",
			Why: "It is what stops a code that was injected from elsewhere.", Fix: "compare it with that of the authorization request"},
		{ID: "L10", Name: "state-untouched", Title: "a long and odd state comes back as it was sent", Stage: "login", Severity: Error, Section: "RFC 6749 4.1.2",
			Why: "A client drops an answer whose state it does not know.", Fix: "keep state as it is, up to some thousand characters"},
		{ID: "L11", Name: "iss-right", Title: "iss is in the response where it is promised, and right", Stage: "login", Severity: Error, Section: "RFC 9207 2, 2.4",
			Why: "A client that goes by the promise refuses the sign-in.", Fix: "send iss with the issuer, character by character"},
		{ID: "L18", Name: "token-response", Title: "the token response is not to be cached, and has token_type and expires_in", Stage: "tokens", Severity: Warning, Section: "RFC 6749 5.1",
			Why: "Clients decide by them how to use the token and when to renew it.", Fix: "send Cache-Control: no-store, token_type Bearer and expires_in as a number"},
		{ID: "L20", Name: "userinfo-post", Title: "UserInfo answers GET and POST, with the ID token's sub", Stage: "account", Severity: Error, Section: "OIDC Core 5.3.1, 5.3.2",
			Why: "Another sub is another person.", Fix: "answer both methods with the same claims"},
		{ID: "L21", Name: "token-in-query", Title: "an access token in the query is refused", Stage: "account", Severity: Warning, Section: "RFC 9700 4.3.2; RFC 6750 2.3",
			Why: "Addresses end in logs and histories.", Fix: "take tokens from the Authorization header"},
		{ID: "L24", Name: "refresh-reuse", Title: "an old refresh token of a public client is refused", Stage: "tokens", Severity: Warning, Section: "RFC 9700 4.14.2",
			Why: "It is how a stolen one is noticed.", Fix: "rotate refresh tokens, and withdraw the family when an old one comes back", Unknown: "A grace of some seconds is allowed, and looks the same."},
		{ID: "L29", Name: "revocation-works", Title: "a revoked access token is refused at UserInfo", Stage: "account", Severity: Error, Section: "RFC 7009 2",
			Why: "Signing out would be a word.", Fix: "look tokens up, or keep a list of revoked ones until they expire"},
	}
}
