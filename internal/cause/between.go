package cause

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// between are about what stands between here and the provider.
func between() []Entry {
	return []Entry{
		{
			Name: "proxy-login", Help: "a proxy wants a user name and a password", Where: Machine,
			words: []string{"proxy authentication required", "answered 407"},
			say:   plain("a proxy between here and the provider wants to know who asks (407)", "put user and password into HTTPS_PROXY, or the provider's host into NO_PROXY"),
		},
		{
			Name: "proxy-certificate", Help: "a proxy opens the connection and signs with its own authority", Where: Machine,
			ids: []string{"wire.certificate"}, fits: func(c *Case) bool { return inspecting(c.Seen.Authority) },
			say: func(c *Case) Finding {
				return Finding{Likely: fmt.Sprintf("a proxy reads the connection on its way: the certificate was signed by %q and not by an authority of the provider's", c.Seen.Authority),
					Change: "give that authority's certificate with --ca-cert FILE if this machine's owner runs the proxy; if not, leave this network"}
			},
		},
		{
			Name: "clock-certificate", Help: "a certificate is not valid at the time that this machine believes it is", Where: Machine,
			words: []string{"certificate has expired or is not yet valid"},
			fits:  func(c *Case) bool { return c.ID == "wire.certificate" },
			say:   plain("this machine's clock is wrong, or the provider let its certificate run out", "compare this machine's clock; if it is right, have the provider renew the certificate"),
		},
		{
			Name: "proxy-page", Help: "something in between answers with a web page", Where: Machine,
			ids: []string{"wire.json", "wire.redirect", "wire.status"}, fits: func(c *Case) bool { return c.Seen.Web },
			say: func(c *Case) Finding {
				who := ""
				if c.Seen.Front != "" {
					who = " (it calls itself " + fmt.Sprintf("%q", c.Seen.Front) + ")"
				}
				return Finding{Likely: "a web page came where JSON belongs: a proxy, a firewall or a captive portal answered in the provider's place" + who,
					Change: "open the address in a browser to see who answers; check HTTPS_PROXY and NO_PROXY, and that the issuer is no web site"}
			},
		},
	}
}

// inspecting reports whether an authority is that of a product that reads
// connections on their way.
func inspecting(authority string) bool {
	return holds(strings.ToLower(authority), []string{
		"zscaler", "netskope", "fortinet", "fortigate", "palo alto", "blue coat", "bluecoat", "symantec web", "umbrella", "forcepoint", "websense", "sophos",
		"check point", "mitmproxy", "charles proxy", "fiddler", "burp", "portswigger", "kaspersky", "avast", "eset ssl", "squid", "mcafee web", "skyhigh", "proxy", "inspection",
	})
}

// clocks are about two machines that do not agree on the time.
func clocks() []Entry {
	return []Entry{{
		Name: "clock", Help: "the clocks of this machine and of the provider differ", Where: Machine,
		words:  []string{"not within its valid time range", "token used too early", "iat is in the future", "assertion has expired", "assertion is expired", "nbf is in the future"},
		checks: []string{"exp", "iat", "nbf"}, ids: []string{"token.invalid_dpop_proof"}, say: sayClock,
		fits:  func(c *Case) bool { k := c.failed("exp", "iat", "nbf"); return k == nil || k.Actual != "missing" },
		hints: []Hint{{"entra", []string{"aadsts700024"}, "Entra ID: a client assertion is good from its nbf to its exp, by Microsoft's clock"}},
	}}
}

func sayClock(c *Case) Finding {
	f := Finding{Where: Machine}
	far := c.Seen.Clock.Abs().Round(time.Second)
	switch ahead := c.Seen.Clock < 0; {
	case c.Seen.Dated && far > 30*time.Second && ahead:
		f.Likely, f.Change = fmt.Sprintf("this machine's clock is %s ahead of the provider's", far), "set this machine's clock, by NTP if you can"
	case c.Seen.Dated && far > 30*time.Second:
		f.Likely, f.Change = fmt.Sprintf("this machine's clock is %s behind the provider's", far), "set this machine's clock, by NTP if you can"
	case c.Seen.Dated:
		f.Where = Provider
		f.Likely, f.Change = "the provider puts wrong times into its tokens: by the Date of its answers the two clocks agree", "have the provider look at the clock of the machine that signs"
	default:
		f.Likely, f.Change = "the clocks of this machine and of the provider differ", "compare both with a third"
	}
	if k := c.failed("exp", "iat", "nbf"); k != nil && c.Seen.Dated {
		f.Check = &Check{Name: "clock", Spec: "RFC 9110 6.6.1", Expected: "within 30s of the provider's Date", Actual: c.Seen.Clock.Round(time.Second).String()}
	}
	return f
}

// keys are about what signs an ID token.
func keys() []Entry {
	return []Entry{
		{
			Name: "algorithm", Help: "the provider signs with another algorithm than is registered", Where: Registration, checks: []string{"algorithm"},
			say: func(c *Case) Finding {
				k := c.failed("algorithm")
				return Finding{Likely: fmt.Sprintf("the provider signs ID tokens with another algorithm (%s) than this client expects (%s): one of the two was changed", k.Actual, k.Expected),
					Change: "compare id_token_signed_response_alg at the client's registration with the profile; never take one that you did not choose"}
			},
			hints: []Hint{
				{"auth0", nil, "Auth0: Applications, Advanced Settings, OAuth, JsonWebToken Signature Algorithm: RS256"},
				{"keycloak", nil, "Keycloak: Clients, Advanced, ID token signature algorithm"},
				{"pingone", nil, "PingOne signs with RS256 unless the application says otherwise"},
				{"gluu", nil, "Gluu: the client's idTokenSignedResponseAlg"}, {"janssen", nil, "Janssen: the client's idTokenSignedResponseAlg"},
			},
		},
		{
			Name: "key-rotated", Help: "the provider signs with a key that it does not publish", Where: Provider, checks: []string{"key", "signature"},
			say: plain("the provider changed its keys: it signs with one that its key set does not have, or not yet, or the key set comes from another place or an old cache",
				"have the provider publish a key before it signs with it and keep the old one a while; \"rely discover\" shows the set of now"),
			hints: []Hint{
				{"auth0", nil, "Auth0: Settings, Signing Keys shows the next, the current and the previous one"},
				{"keycloak", nil, "Keycloak: Realm settings, Keys; a provider that was disabled is no longer published"},
				{"entra", nil, "Entra ID: an app with a signing key of its own has its keys at the jwks_uri with ?appid=CLIENT_ID"},
				{"okta", nil, "Okta: the org's issuer and a custom authorization server have different keys; Security, API shows the latter's"},
			},
		},
		{
			Name: "client-id", Help: "the ID token is for another client", Where: Profile, checks: []string{"aud", "aud-others", "azp"},
			say: plain("the ID token is for another client: the client id here is not the one that the provider answers for",
				"compare the client id of the profile with the provider's, character by character"),
		},
		{
			Name: "encryption", Help: "the ID token is encrypted otherwise than registered", Where: Registration, checks: []string{"encryption"},
			say: plain("the client's registration and the profile disagree about the encryption of ID tokens",
				"compare id_token_encrypted_response_alg and _enc at the client's registration with the profile"),
		},
	}
}

// otherMethod reports whether the method is one that the provider does not
// offer; where it said so itself nothing has to be compared.
func otherMethod(c *Case) bool {
	listed := c.Method == "" || len(c.Methods) == 0 || slices.Contains(c.Methods, c.Method)
	return !listed || strings.Contains(strings.ToLower(c.Text), "method")
}

func sayMethod(c *Case) Finding {
	offered := strings.Join(c.Methods, ", ")
	f := Finding{Likely: "the client proves itself with " + c.Method + ", which the provider does not take from it", Change: "set client_auth to the method that the client is registered with (--client-auth)"}
	if offered != "" {
		f.Check = &Check{Name: "client-auth", Spec: "RFC 6749 2.3", Expected: "one of " + offered, Actual: c.Method}
		f.Change += ": the provider offers " + offered
	}
	return f
}

func saySecret(c *Case) Finding {
	f := Finding{Likely: "the provider did not believe " + c.client() + ": its secret or key is wrong, was replaced, or belongs to another client", Change: "copy the secret anew into a file and give it with --client-secret-file; a line end at its end does no harm"}
	switch {
	case c.Method == "none":
		f.Likely, f.Change = "the provider wants this client to prove itself, and no secret or key is given", "give the secret with --client-secret-file, or have the client made a public one"
	case c.Method == "client_secret_basic" && c.Encoded:
		f.Likely = "the provider does not decode what HTTP Basic carries: id or secret hold characters that RFC 6749 2.3.1 has to be form-encoded; or the secret is wrong"
		f.Change = "try --client-auth client_secret_post, or have a secret of letters and digits made"
	case strings.HasSuffix(c.Method, "_jwt") && c.Seen.Dated && c.Seen.Clock.Abs() > 30*time.Second:
		f.Likely = fmt.Sprintf("this machine's clock is %s away from the provider's, and a signed proof is good for a short time", c.Seen.Clock.Abs().Round(time.Second))
		f.Change, f.Where = "set this machine's clock, by NTP if you can", Machine
	case c.Method == "private_key_jwt":
		f.Likely = "the provider did not believe " + c.client() + ": it has another public key, or the proof is for another audience"
		f.Change = "register the public half of this key (\"rely register update\"), or try --assertion-audience with the token endpoint"
	}
	return f
}
