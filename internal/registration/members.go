package registration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rely/internal/fault"
	"rely/internal/strictjson"
)

// A Kind is the JSON type of a member's value.
type Kind int

// The kinds of members.
const (
	Text   Kind = iota
	List        // of texts
	Bool        // a flag without a value
	Number      // whole, not negative
	JSON        // anything; its flag takes a file
)

// A Member is one client metadata member.
type Member struct {
	Name string // as in JSON
	Flag string // without the dashes; empty where only --metadata gives it
	Kind Kind
	Help string // one line, starts with a lower-case noun
	Spec string // where it is defined
}

// The documents that define members.
const (
	oidcReg  = "OIDC Registration 2"
	rfc7591  = "RFC 7591 2"
	rfc8705  = "RFC 8705 2.1.2"
	sessions = "OIDC RP-Initiated Logout 3.1"
	front    = "OIDC Front-Channel Logout 2"
	back     = "OIDC Back-Channel Logout 2.2"
	ciba     = "CIBA 4"
)

// Members is the table of client metadata, in the order of help and docs. A
// name that is not in it may be sent all the same, with --metadata.
func Members() []Member { return append(members(), backchannel()...) }

func members() []Member {
	return []Member{
		{"client_name", "client-name", Text, "name that the consent page shows", oidcReg},
		{"redirect_uris", "redirect-uri", List, "redirect URI, may stand more than once", oidcReg},
		{"application_type", "application-type", Text, "kind of application: web or native", oidcReg},
		{"grant_types", "grant-type", List, "grant type, may stand more than once", rfc7591},
		{"response_types", "response-type", List, "response type, may stand more than once", rfc7591},
		{"scope", "scope", Text, "scopes that the client may ask for", rfc7591},
		{"token_endpoint_auth_method", "client-auth", Text, "client authentication at the token endpoint", rfc7591},
		{"token_endpoint_auth_signing_alg", "token-endpoint-auth-signing-alg", Text, "algorithm of the client's assertions", oidcReg},
		{"id_token_signed_response_alg", "id-token-signed-response-alg", Text, "signing algorithm of ID tokens", oidcReg},
		{"id_token_encrypted_response_alg", "id-token-encrypted-response-alg", Text, "key algorithm of encrypted ID tokens", oidcReg},
		{"id_token_encrypted_response_enc", "id-token-encrypted-response-enc", Text, "content algorithm of encrypted ID tokens", oidcReg},
		{"userinfo_signed_response_alg", "userinfo-signed-response-alg", Text, "signing algorithm of UserInfo answers", oidcReg},
		{"userinfo_encrypted_response_alg", "userinfo-encrypted-response-alg", Text, "key algorithm of encrypted UserInfo answers", oidcReg},
		{"userinfo_encrypted_response_enc", "userinfo-encrypted-response-enc", Text, "content algorithm of encrypted UserInfo answers", oidcReg},
		{"request_object_signing_alg", "request-object-signing-alg", Text, "signing algorithm of request objects", oidcReg},
		{"request_object_encryption_alg", "request-object-encryption-alg", Text, "key algorithm of encrypted request objects", oidcReg},
		{"request_object_encryption_enc", "request-object-encryption-enc", Text, "content algorithm of encrypted request objects", oidcReg},
		{"post_logout_redirect_uris", "post-logout-redirect-uri", List, "address for after a logout, may stand more than once", sessions},
		{"frontchannel_logout_uri", "frontchannel-logout-uri", Text, "address that logs out in the browser", front},
		{"frontchannel_logout_session_required", "frontchannel-logout-session-required", Bool, "demand iss and sid in front-channel logouts", front},
		{"backchannel_logout_uri", "backchannel-logout-uri", Text, "address that takes logout tokens", back},
		{"backchannel_logout_session_required", "backchannel-logout-session-required", Bool, "demand sid in logout tokens", back},
		{"contacts", "contact", List, "e-mail address of who is responsible, may stand more than once", oidcReg},
		{"client_uri", "client-uri", Text, "home page of the client", oidcReg},
		{"logo_uri", "logo-uri", Text, "logo that the consent page shows", oidcReg},
		{"policy_uri", "policy-uri", Text, "page on how data is used", oidcReg},
		{"tos_uri", "tos-uri", Text, "page with the terms of service", oidcReg},
		{"jwks", "jwks", JSON, "FILE with the client's public keys (JWKS)", oidcReg},
		{"jwks_uri", "jwks-uri", Text, "address of the client's public keys", oidcReg},
		{"subject_type", "subject-type", Text, "kind of sub: public or pairwise", oidcReg},
		{"sector_identifier_uri", "sector-identifier-uri", Text, "address of the list that pairwise subjects share", oidcReg},
		{"default_max_age", "default-max-age", Number, "age in seconds that a sign-in may have", oidcReg},
		{"require_auth_time", "require-auth-time", Bool, "demand auth_time in ID tokens", oidcReg},
		{"default_acr_values", "default-acr-value", List, "authentication context, may stand more than once", oidcReg},
		{"initiate_login_uri", "initiate-login-uri", Text, "address where others may start a login", oidcReg},
		{"request_uris", "request-uri", List, "address of request objects, may stand more than once", oidcReg},
		{"software_id", "software-id", Text, "identifier of the software", rfc7591},
		{"software_version", "software-version", Text, "version of the software", rfc7591},
		{"software_statement", "software-statement", Text, "signed statement about the software (a JWT)", rfc7591},
		{"tls_client_auth_subject_dn", "tls-client-auth-subject-dn", Text, "subject of the client's certificate", rfc8705},
		{"tls_client_auth_san_dns", "tls-client-auth-san-dns", Text, "DNS name in the client's certificate", rfc8705},
		{"tls_client_auth_san_uri", "tls-client-auth-san-uri", Text, "URI in the client's certificate", rfc8705},
		{"tls_client_auth_san_ip", "tls-client-auth-san-ip", Text, "IP address in the client's certificate", rfc8705},
		{"tls_client_auth_san_email", "tls-client-auth-san-email", Text, "e-mail address in the client's certificate", rfc8705},
		{"tls_client_certificate_bound_access_tokens", "tls-client-certificate-bound-access-tokens", Bool, "bind access tokens to the certificate", "RFC 8705 3.4"},
		{"dpop_bound_access_tokens", "dpop-bound-access-tokens", Bool, "bind access tokens to a DPoP key", "RFC 9449 5.2"},
		{"require_pushed_authorization_requests", "require-pushed-authorization-requests", Bool, "take pushed authorization requests alone", "RFC 9126 6"},
		{"require_signed_request_object", "require-signed-request-object", Bool, "take signed authorization requests alone", "RFC 9101 10.5"},
		{"authorization_details_types", "", List, "types of authorization details", "RFC 9396 10"},
		{"introspection_signed_response_alg", "", Text, "signing algorithm of introspection answers", "RFC 9701 6"},
		{"authorization_signed_response_alg", "authorization-signed-response-alg", Text, "signing algorithm of authorization responses", "JARM 3"},
		{"authorization_encrypted_response_alg", "authorization-encrypted-response-alg", Text, "key algorithm of encrypted authorization responses", "JARM 3"},
		{"authorization_encrypted_response_enc", "authorization-encrypted-response-enc", Text, "content algorithm of encrypted authorization responses", "JARM 3"},
	}
}

// backchannel are the members of a client that asks people elsewhere.
func backchannel() []Member {
	return []Member{
		{"backchannel_token_delivery_mode", "backchannel-token-delivery-mode", Text, "how a CIBA client learns of the end: poll or ping", ciba},
		{"backchannel_client_notification_endpoint", "backchannel-client-notification-endpoint", Text, "address that takes the provider's pings", ciba},
		{"backchannel_authentication_request_signing_alg", "backchannel-authentication-request-signing-alg", Text, "signing algorithm of CIBA requests", ciba},
		{"backchannel_user_code_parameter", "backchannel-user-code-parameter", Bool, "send a code that only the person knows", ciba},
	}
}

// Find gives the member of this name.
func Find(name string) (Member, bool) {
	for _, m := range Members() {
		if m.Name == name {
			return m, true
		}
	}
	return Member{}, false
}

// given are the members that the provider gives, and no request may set (RFC
// 7591 3.2.1, RFC 7592 3).
func given(name string) bool {
	return slices.Contains([]string{"client_id", "client_secret", "client_id_issued_at", "client_secret_expires_at",
		"registration_access_token", "registration_client_uri"}, name)
}

// Read turns the words of a flag into the member's value. The text of a
// [JSON] member is the file's content.
func (m Member) Read(values []string) (any, error) {
	first := ""
	if len(values) > 0 {
		first = values[0]
	}
	switch m.Kind {
	case List:
		return values, nil
	case Bool:
		b, err := strconv.ParseBool(first)
		if err != nil {
			return nil, m.misfit("is neither true nor false", first)
		}
		return b, nil
	case Number:
		n, err := strconv.ParseUint(first, 10, 53)
		if err != nil {
			return nil, m.misfit("is no whole number", first)
		}
		return n, nil
	case JSON:
		v, err := decode([]byte(first))
		if err != nil {
			return nil, m.misfit("is no JSON", "")
		}
		return v, m.Check(v)
	}
	return first, nil
}

func (m Member) misfit(why, value string) error {
	err := fmt.Errorf("%s %s", m.Name, why)
	if value != "" {
		err = fmt.Errorf("%s %s: %q", m.Name, why, value)
	}
	hint := "correct --metadata " + m.Name
	if m.Flag != "" {
		hint = "correct --" + m.Flag
	}
	return &fault.Error{Kind: fault.Usage, ID: "registration.value", Op: "read the client's metadata", Spec: m.Spec, Err: err, Hint: hint}
}

// Check refuses a value of the wrong type, and private keys, which must not
// leave this machine.
func (m Member) Check(v any) error {
	ok := true
	switch m.Kind {
	case Text:
		_, ok = v.(string)
	case List:
		_, ok = texts(v)
	case Bool:
		_, ok = v.(bool)
	case Number:
		_, plain := v.(uint64)
		n, number := v.(json.Number)
		ok = plain || number && !strings.ContainsAny(n.String(), "-.eE")
	}
	if !ok {
		return m.misfit("has a value of the wrong type", "")
	}
	if m.Name == "jwks" && private(v) {
		return m.misfit("holds a private key, which must not leave this machine", "")
	}
	return nil
}

// private reports whether a JWKS has a private or symmetric key.
func private(v any) bool {
	set, _ := v.(map[string]any)
	list, _ := set["keys"].([]any)
	for _, key := range list {
		members, _ := key.(map[string]any)
		for _, name := range []string{"d", "p", "k"} {
			if _, there := members[name]; there {
				return true
			}
		}
	}
	return false
}

// Pair reads "name=value" of --metadata: JSON where the value is JSON of the
// member's type, else text. A value of null takes the member out.
func Pair(pair string) (name string, value any, err error) {
	name, text, found := strings.Cut(pair, "=")
	if !found || name == "" {
		return "", nil, &fault.Error{Kind: fault.Usage, ID: "registration.pair", Op: "read the client's metadata", Err: fmt.Errorf("%q is not NAME=VALUE", pair),
			Hint: "write it as --metadata NAME=VALUE, or give --metadata FILE"}
	}
	v, err := decode([]byte(text))
	m, known := Find(name)
	switch {
	case err == nil && v == nil:
		return name, nil, nil
	case known && m.Kind == List:
		if list, ok := texts(v); ok && err == nil {
			return name, list, nil
		}
		v = []string{text}
	case known && m.Kind != JSON:
		v, err = m.Read([]string{text})
		return name, v, err
	case err != nil:
		v = text
	}
	return name, v, Check(map[string]any{name: v})
}

// Check refuses members of the wrong type, and members that are the
// provider's to give.
func Check(metadata map[string]any) error {
	for name, v := range metadata {
		if given(name) {
			return &fault.Error{Kind: fault.Usage, ID: "registration.given", Op: "read the client's metadata", Spec: "RFC 7591 3.2.1, RFC 7592 2.2",
				Err: fmt.Errorf("%s is the provider's to give", name), Hint: "leave " + name + " out of --metadata"}
		}
		if m, known := Find(name); known && v != nil {
			if err := m.Check(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// decode reads one JSON value strictly, numbers as they stand.
func decode(data []byte) (any, error) {
	if err := strictjson.Check(data); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	return v, d.Decode(&v)
}

// texts is a value as a list of texts.
func texts(v any) ([]string, bool) {
	switch v := v.(type) {
	case []string:
		return v, true
	case []any:
		out := make([]string, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

// errNotObject is a metadata file's trouble.
const errNotObject fault.Cause = "it is no object of members"
