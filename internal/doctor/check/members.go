package check

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rely/internal/fault"
)

func members() []*Check {
	return []*Check{
		{ID: "P04", Name: "required-members", Title: "the metadata has every required member",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 3",
			Why: "A client cannot guess an endpoint, and a library that reads the metadata strictly refuses all of it.",
			Fix: "publish the member", Run: requiredMembers},
		{ID: "P06", Name: "member-types", Title: "the members have the types that the specifications give them",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 3; RFC 8414 2",
			Why: "A string where a list belongs, or \"true\" in quotes, makes typed clients refuse the whole document and lets untyped ones read the opposite.",
			Fix: "publish the member with its type", Run: memberTypes},
		{ID: "P07", Name: "misspelt-members", Title: "no member's name is a known one misspelt",
			Stage: "discoverable", Severity: Warning, Section: "OIDC Discovery 3",
			Why:     "A misspelt member is one that nobody reads: the provider believes that it has said something.",
			Fix:     "correct the name",
			Unknown: "Members of the provider's own are allowed; only those that look like a known name are told.", Run: misspelt},
		{ID: "P16", Name: "subject-types", Title: "the subject types are public or pairwise",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 3; OIDC Core 8",
			Why: "A client registers with one of the two and takes it that \"sub\" means the same from then on.",
			Fix: "list public, pairwise or both in subject_types_supported", Run: subjectTypes},
		{ID: "P17", Name: "scopes", Title: "the scopes have openid, only characters of the grammar, and offline_access only with refresh tokens",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 3; RFC 6749 3.3; OIDC Core 11",
			Why:     "Without openid there is no ID token. A scope with a space in it is two. offline_access asks for a refresh token that nobody issues.",
			Fix:     "correct scopes_supported, and grant_types_supported where refresh_token is missing",
			Unknown: "Providers may support scopes that they do not list.", Run: scopes},
		{ID: "P23", Name: "recommended-members", Title: "the metadata has what is recommended",
			Stage: "discoverable", Severity: Warning, Section: "OIDC Discovery 3",
			Why: "Clients use these to find out what they may ask for; without them an administrator has to tell each of them.",
			Fix: "publish the member", Run: recommendedMembers},
		{ID: "P24", Name: "grant-types-default", Title: "the metadata says which grant types there are",
			Stage: "discoverable", Severity: Warning, Section: "OIDC Discovery 3",
			Why: "Where grant_types_supported is missing it means authorization_code and implicit, and nobody means that today.",
			Fix: "publish grant_types_supported", Run: grantTypesDefault},
		{ID: "P29", Name: "locales", Title: "the locales are language tags",
			Stage: "discoverable", Severity: Warning, Section: "OIDC Discovery 3; BCP 47",
			Why: "Clients compare them with what a browser prefers, which is written en-GB and never en_GB.",
			Fix: "write the tags as BCP 47 has them, with hyphens", Run: locales},
	}
}

// kinds of members.
const (
	isText = "a string"
	isList = "an array of strings"
	isFlag = "true or false"
	isMap  = "an object"
)

// known lists the members that have a specification (the IANA registry of
// OAuth Authorization Server Metadata, and OIDC Discovery 3), by their type.
func known() []struct{ kind, names string } {
	return []struct{ kind, names string }{
		{isText, `issuer authorization_endpoint token_endpoint userinfo_endpoint jwks_uri registration_endpoint introspection_endpoint
			revocation_endpoint end_session_endpoint check_session_iframe device_authorization_endpoint pushed_authorization_request_endpoint
			backchannel_authentication_endpoint service_documentation op_policy_uri op_tos_uri signed_metadata`},
		{isList, `scopes_supported response_types_supported response_modes_supported grant_types_supported acr_values_supported subject_types_supported
			id_token_signing_alg_values_supported id_token_encryption_alg_values_supported id_token_encryption_enc_values_supported
			userinfo_signing_alg_values_supported userinfo_encryption_alg_values_supported userinfo_encryption_enc_values_supported
			request_object_signing_alg_values_supported request_object_encryption_alg_values_supported request_object_encryption_enc_values_supported
			token_endpoint_auth_methods_supported token_endpoint_auth_signing_alg_values_supported
			introspection_endpoint_auth_methods_supported introspection_endpoint_auth_signing_alg_values_supported
			revocation_endpoint_auth_methods_supported revocation_endpoint_auth_signing_alg_values_supported
			introspection_signing_alg_values_supported introspection_encryption_alg_values_supported introspection_encryption_enc_values_supported
			display_values_supported claim_types_supported claims_supported claims_locales_supported ui_locales_supported prompt_values_supported
			code_challenge_methods_supported dpop_signing_alg_values_supported authorization_signing_alg_values_supported
			authorization_encryption_alg_values_supported authorization_encryption_enc_values_supported authorization_details_types_supported
			backchannel_token_delivery_modes_supported backchannel_authentication_request_signing_alg_values_supported`},
		{isFlag, `claims_parameter_supported request_parameter_supported request_uri_parameter_supported require_request_uri_registration
			require_pushed_authorization_requests require_signed_request_object authorization_response_iss_parameter_supported
			tls_client_certificate_bound_access_tokens frontchannel_logout_supported frontchannel_logout_session_supported
			backchannel_logout_supported backchannel_logout_session_supported backchannel_user_code_parameter_supported`},
		{isMap, "mtls_endpoint_aliases"},
	}
}

func unmarshal(raw json.RawMessage, into any) error { return json.Unmarshal(raw, into) }

func requiredMembers(c *Case) {
	if !c.metadata() {
		return
	}
	need := []string{"authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"}
	if c.For == "oidc-dynamic" {
		need = append(need, "registration_endpoint", "scopes_supported", "claims_supported")
	}
	types, _ := c.List("response_types_supported")
	for _, name := range need {
		if c.Has(name) || name == "token_endpoint" && len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool { return strings.Contains(t, "code") }) {
			continue
		}
		c.found(name, "it is missing", "it is there")
	}
}

func memberTypes(c *Case) {
	if !c.metadata() {
		return
	}
	for _, group := range known() {
		for name := range strings.FieldsSeq(group.names) {
			raw, there := c.Members[name]
			if !there {
				continue
			}
			var ok bool
			switch group.kind {
			case isText:
				_, ok = c.Text(name)
			case isList:
				_, ok = c.List(name)
			case isFlag:
				_, ok = c.Flag(name)
			default:
				ok = len(raw) > 0 && raw[0] == '{'
			}
			if !ok {
				c.found(name, fmt.Sprintf("%.200s", raw), group.kind)
			}
		}
	}
}

func misspelt(c *Case) {
	if !c.metadata() {
		return
	}
	var all []string
	for _, group := range known() {
		all = append(all, strings.Fields(group.names)...)
	}
	var names []string
	for name := range c.Members {
		names = append(names, name)
	}
	slices.Sort(names)
	plain := strings.NewReplacer("_", "", "-", "")
	for _, name := range names {
		if slices.Contains(all, name) || len(name) < 6 || len(name) > 80 {
			continue
		}
		for _, like := range all {
			same := strings.EqualFold(plain.Replace(name), plain.Replace(like))
			if !c.Has(like) && (same || near(name, like)) {
				c.found(name, name, like)
				break
			}
		}
	}
}

// near reports whether two characters put in, taken out or changed are enough.
func near(a, b string) bool {
	d := len(a) - len(b)
	return d >= -2 && d <= 2 && fault.Distance(a, b) <= 2
}

func subjectTypes(c *Case) {
	list, there := c.List("subject_types_supported")
	if !c.metadata() {
		return
	}
	if !there {
		c.skip("subject_types_supported is missing, which P04 tells")
		return
	}
	odd := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "public" || s == "pairwise" })
	if len(odd) > 0 || len(list) == 0 {
		c.found("subject_types_supported", quoted(list), "public, pairwise")
	}
}

func scopes(c *Case) {
	list, there := c.List("scopes_supported")
	switch {
	case !c.metadata():
		return
	case !there:
		c.skip("scopes_supported is missing, which P23 tells")
		return
	case !slices.Contains(list, "openid"):
		c.found("scopes_supported", quoted(list), "openid among them")
	}
	// RFC 6749 3.3: no space, no quote, no backslash, nothing that does not show.
	token := regexp.MustCompile(`^[!#-\[\]-~]+$`)
	for _, scope := range list {
		if !token.MatchString(scope) {
			c.found("scopes_supported", fmt.Sprintf("%q", scope), "characters of RFC 6749 3.3")
		}
	}
	grants, said := c.List("grant_types_supported")
	if slices.Contains(list, "offline_access") && said && !slices.Contains(grants, "refresh_token") {
		c.foundAs(Warning, "grant_types_supported", "the scope offline_access, and the grant types "+quoted(grants), "refresh_token among them")
	}
}

func recommendedMembers(c *Case) {
	if !c.metadata() {
		return
	}
	for _, name := range []string{"userinfo_endpoint", "claims_supported", "scopes_supported"} {
		if !c.Has(name) {
			c.found(name, "it is missing", "it is there")
		}
	}
}

func grantTypesDefault(c *Case) {
	if c.metadata() && !c.Has("grant_types_supported") {
		c.found("grant_types_supported", "it is missing, which means authorization_code and implicit", "the list of what there is")
	}
}

func locales(c *Case) {
	if !c.metadata() {
		return
	}
	// The shape of BCP 47 (RFC 5646 2.1), not its registry.
	tag := regexp.MustCompile(`^(?:[A-Za-z]{2,8}|[iIxX])(?:-[A-Za-z0-9]{1,8})*$`)
	judged := false
	for _, name := range []string{"ui_locales_supported", "claims_locales_supported"} {
		list, there := c.List(name)
		judged = judged || there
		for _, locale := range list {
			if !tag.MatchString(locale) {
				c.found(name, fmt.Sprintf("%q", locale), "a language tag, as en-GB")
			}
		}
	}
	if !judged {
		c.skip("the metadata names no locales")
	}
}
