package check

import (
	"encoding/json"
	"slices"
	"strings"
)

func algorithms() []*Check {
	return []*Check{
		{ID: "P13", Name: "rs256", Title: "ID tokens can be signed with RS256",
			Stage: "discoverable", Severity: Warning, Section: "OIDC Discovery 3; OIDC Core 15.1",
			Why:     "It is the one algorithm that every relying party knows: OIDC Discovery demands it.",
			Fix:     "add RS256 to id_token_signing_alg_values_supported; a provider for FAPI alone may leave it out",
			Unknown: "Whether any client of this provider needs it.", Run: rs256},
		{ID: "P14", Name: "alg-none", Title: "none is no algorithm for anything",
			Stage: "discoverable", Severity: Error, Section: "RFC 8725 3.2; OIDC Core 2",
			Why: "A token that nobody signed is one that anybody wrote.",
			Fix: "take none out of the list", Unknown: "UserInfo may come unsigned, and none may be listed for it (OIDC Discovery 3): that list is left out.", Run: algNone},
		{ID: "P15", Name: "weak-algorithms", Title: "ID tokens are not signed with shared secrets alone, and nothing is encrypted with RSA1_5",
			Stage: "discoverable", Severity: Warning, Section: "RFC 8725 3.2; RFC 7518 4.2", Demands: []Demand{{"fapi2", Error}},
			Why: "With HS256 everybody who can check a token can make one. RSA1_5 has fallen to padding oracles again and again.",
			Fix: "offer an asymmetric algorithm, and RSA-OAEP-256 or ECDH-ES in place of RSA1_5", Run: weakAlgorithms},
		{ID: "P19", Name: "client-authentication", Title: "the metadata says how clients prove themselves, with algorithms where they sign",
			Stage: "discoverable", Severity: Warning, Section: "OIDC Discovery 3; RFC 8414 2; FAPI 2.0 Security Profile 5.3.2.1", Demands: []Demand{{"fapi2", Error}},
			Why: "Where the list is missing, it means client_secret_basic and nothing else. A client that signs has to know what with. FAPI wants private_key_jwt or mutual TLS.",
			Fix: "publish token_endpoint_auth_methods_supported, and token_endpoint_auth_signing_alg_values_supported with private_key_jwt or client_secret_jwt", Run: clientAuthentication},
		{ID: "P28", Name: "sender-constraints", Title: "what the metadata says of DPoP and of certificates fits together",
			Stage: "discoverable", Severity: Warning, Section: "RFC 8705 3.3, 5; RFC 9449 5.1",
			Why: "DPoP proofs are signed with the client's own key, never with a shared secret. Aliases for mutual TLS that are no endpoints leave clients without a place to go.",
			Fix: "correct the member", Run: senderConstraints},
	}
}

func rs256(c *Case) {
	list, there := c.List("id_token_signing_alg_values_supported")
	switch {
	case !c.metadata():
	case !there:
		c.skip("id_token_signing_alg_values_supported is missing, which P04 tells")
	case c.For == "fapi2":
		if !slices.ContainsFunc(list, func(a string) bool { return slices.Contains([]string{"PS256", "ES256", "EdDSA", "Ed25519"}, a) }) {
			c.foundAs(Error, "id_token_signing_alg_values_supported", quoted(list), "PS256, ES256 or EdDSA among them (FAPI 2.0 Security Profile 5.4.1)")
		}
	case !slices.Contains(list, "RS256"):
		c.found("id_token_signing_alg_values_supported", quoted(list), "RS256 among them")
	}
}

func algNone(c *Case) {
	if !c.metadata() {
		return
	}
	var names []string
	for name := range c.Members {
		if strings.HasSuffix(name, "_alg_values_supported") && name != "userinfo_signing_alg_values_supported" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		list, _ := c.List(name)
		if slices.ContainsFunc(list, func(a string) bool { return strings.EqualFold(a, "none") }) {
			c.found(name, quoted(list), "no none")
		}
	}
}

func weakAlgorithms(c *Case) {
	if !c.metadata() {
		return
	}
	const signing = "id_token_signing_alg_values_supported"
	if list, _ := c.List(signing); len(list) > 0 && !slices.ContainsFunc(list, asymmetric) {
		c.found(signing, quoted(list), "an asymmetric algorithm among them")
	}
	for _, name := range []string{"id_token_encryption_alg_values_supported", "userinfo_encryption_alg_values_supported",
		"request_object_encryption_alg_values_supported", "introspection_encryption_alg_values_supported", "authorization_encryption_alg_values_supported"} {
		if list, _ := c.List(name); slices.Contains(list, "RSA1_5") {
			c.found(name, quoted(list), "no RSA1_5")
		}
	}
}

func asymmetric(alg string) bool {
	return !strings.EqualFold(alg, "none") && !strings.HasPrefix(alg, "HS") && alg != ""
}

func clientAuthentication(c *Case) {
	const methods, algs = "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported"
	list, there := c.List(methods)
	if !c.metadata() || !c.Has("token_endpoint") {
		return
	}
	if !there {
		c.found(methods, "it is missing, which means client_secret_basic alone", "the list of what there is")
	}
	signs := slices.Contains(list, "private_key_jwt") || slices.Contains(list, "client_secret_jwt")
	if signs && !c.Has(algs) {
		c.found(algs, "it is missing, and "+methods+" has a method that signs", "the list of algorithms")
	}
	strong := []string{"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
	if c.For == "fapi2" && !slices.ContainsFunc(list, func(m string) bool { return slices.Contains(strong, m) }) {
		c.found(methods, quoted(list), "private_key_jwt or mutual TLS among them")
	}
}

func senderConstraints(c *Case) {
	if !c.metadata() {
		return
	}
	const algs, aliases, bound = "dpop_signing_alg_values_supported", "mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"
	if list, there := c.List(algs); there && (len(list) == 0 || slices.ContainsFunc(list, func(a string) bool { return !asymmetric(a) })) {
		c.found(algs, quoted(list), "asymmetric algorithms")
	}
	var alias map[string]json.RawMessage
	if raw, there := c.Members[aliases]; there && unmarshal(raw, &alias) == nil {
		for _, name := range sortedNames(alias) {
			if !c.Has(name) {
				c.found(aliases, name+" has an alias and is itself no member", "an alias for an endpoint that there is")
			}
		}
	}
	methods, _ := c.List("token_endpoint_auth_methods_supported")
	mutual := slices.Contains(methods, "tls_client_auth") || slices.Contains(methods, "self_signed_tls_client_auth")
	if value, _ := c.Flag(bound); !value && c.Has(aliases) && !mutual {
		c.found(aliases, "aliases for mutual TLS, while neither a method of client authentication nor "+bound+" uses it", "one of them, or no aliases")
	}
	dpop, _ := c.List(algs)
	if value, _ := c.Flag(bound); c.For == "fapi2" && !value && len(dpop) == 0 {
		c.foundAs(Error, algs, "neither DPoP nor certificate-bound tokens", "one of them (FAPI 2.0 Security Profile 5.3.2.1)")
	}
}

func sortedNames(m map[string]json.RawMessage) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
