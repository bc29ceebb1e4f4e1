// Package config reads profiles and preferences and changes them without
// harming what a person wrote there. It is strict: an unknown key, a repeated
// one or a value of the wrong shape is refused with file, line and name. It
// keeps no secrets, never reads a way round a check from a file, and knows
// nothing of flows, stores and other tables: whether a name stands in one of
// them is for the caller to check.
package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A Kind is the shape of a setting's value.
type Kind int

// The kinds of settings.
const (
	Text     Kind = iota // any text without control characters
	URL                  // absolute, with a host
	Duration             // as "90s" or "5m", more than zero
	Switch               // true or false; a flag without a value
	List                 // of "k=v"; lines in a variable, a list in a file
	Texts                // the same of any texts
)

// Many reports whether a setting of this kind may have several values.
func (k Kind) Many() bool { return k == List || k == Texts }

// A Setting is one thing a user may choose. It has one name in three
// spellings: flag --client-id, variable RELY_CLIENT_ID, key client_id.
type Setting struct {
	Name        string // the key, as "client_id"
	Help        string // one line, starts with a lower-case noun
	Default     string // "" where the command decides
	Placeholder string // what stands for the value in help, as "URL"
	Kind        Kind
	Secret      bool // no flag and no key: variable alone
	Profile     bool // may stand in a profile and in config.yaml
}

// Settings is the table of settings, in the order help shows them.
func Settings() []Setting { return slices.Clone(table()) }

// table is made once, because looking a setting up is frequent.
var table = sync.OnceValue(func() []Setting {
	return []Setting{
		{Name: "issuer", Help: "issuer of the OpenID Provider", Placeholder: "URL", Kind: URL, Profile: true},
		{Name: "client_id", Help: "client identifier", Placeholder: "ID", Profile: true},
		{Name: "client_auth", Help: "client authentication method at the token endpoint", Placeholder: "METHOD", Profile: true},
		{Name: "client_secret", Help: "client secret", Placeholder: "SECRET", Secret: true},
		{Name: "client_secret_file", Help: "file that holds the client secret", Placeholder: "FILE"},
		{Name: "client_key_file", Help: "file with the client's private key: JWK, JWKS or PEM", Placeholder: "FILE", Profile: true},
		{Name: "tls_client_cert", Help: "file with the client's certificate for TLS (RFC 8705), in PEM form", Placeholder: "FILE", Profile: true},
		{Name: "tls_client_key", Help: "file with the private key of that certificate", Placeholder: "FILE", Profile: true},
		{Name: "assertion_audience", Help: "audience of the client's signed assertions in place of the issuer; endpoint: where each goes", Placeholder: "URL", Profile: true},
		{Name: "initial_access_token", Help: "token that allows to register a client", Placeholder: "TOKEN", Secret: true},
		{Name: "initial_access_token_file", Help: "file that holds the initial access token", Placeholder: "FILE"},
		{Name: "id_token_signed_response_alg", Help: "only signing algorithm accepted for ID tokens", Placeholder: "ALG", Profile: true},
		{Name: "id_token_encrypted_response_alg", Help: "key algorithm that ID tokens have to be encrypted with", Placeholder: "ALG", Profile: true},
		{Name: "id_token_encrypted_response_enc", Help: "content algorithm of encrypted ID tokens", Placeholder: "ENC", Profile: true},
		{Name: "userinfo_signed_response_alg", Help: "algorithm that UserInfo has to be signed with", Placeholder: "ALG", Profile: true},
		{Name: "userinfo_encrypted_response_alg", Help: "key algorithm that UserInfo has to be encrypted with", Placeholder: "ALG", Profile: true},
		{Name: "userinfo_encrypted_response_enc", Help: "content algorithm of encrypted UserInfo", Placeholder: "ENC", Profile: true},
		{Name: "dpop", Help: "bind the tokens to a key of the session's own (RFC 9449)", Kind: Switch, Profile: true},
		{Name: "authorization_signed_response_alg", Help: "only signing algorithm accepted for response JWTs (JARM)", Placeholder: "ALG", Profile: true},
		{Name: "authorization_encrypted_response_alg", Help: "key algorithm that response JWTs (JARM) have to be encrypted with", Placeholder: "ALG", Profile: true},
		{Name: "authorization_encrypted_response_enc", Help: "content algorithm of encrypted response JWTs", Placeholder: "ENC", Profile: true},
		{Name: "redirect_uri", Help: "redirect URI, on loopback unless --listen says where", Placeholder: "URL", Kind: URL, Profile: true},
		{Name: "post_logout_redirect_uri", Help: "registered address for after a logout, on loopback", Placeholder: "URL", Kind: URL, Profile: true},
		{Name: "listen", Help: "address to listen on in place of the redirect URI's", Placeholder: "HOST:PORT", Profile: true},
		{Name: "tls_cert", Help: "certificate file of the listener", Placeholder: "FILE", Profile: true},
		{Name: "tls_key", Help: "private key file of the listener", Placeholder: "FILE", Profile: true},
		{Name: "scope", Help: "scopes to ask for, separated by spaces", Placeholder: "SCOPES", Profile: true},
		{Name: "flow", Help: "flow that obtains the tokens", Default: "code", Placeholder: "NAME", Profile: true},
		{Name: "response_type", Help: "what the authorization response holds, in place of the flow's own", Placeholder: "TYPE", Profile: true},
		{Name: "response_mode", Help: "how the authorization response comes, in place of the response type's own", Placeholder: "MODE", Profile: true},
		{Name: "prompt", Help: "what the provider shows: none, login, consent, select_account", Placeholder: "WORDS", Profile: true},
		{Name: "max_age", Help: "age in seconds that the sign-in may have, checked against auth_time", Placeholder: "SECONDS", Profile: true},
		{Name: "acr_values", Help: "authentication contexts to ask for, the preferred one first", Placeholder: "WORDS", Profile: true},
		{Name: "login_hint", Help: "who is about to sign in, for the login page", Placeholder: "NAME", Profile: true},
		{Name: "id_token_hint", Help: "ask for the person of the profile's session: its ID token is sent", Kind: Switch},
		{Name: "id_token_hint_file", Help: "file with an ID token: ask for the person whom it names", Placeholder: "FILE"},
		{Name: "ui_locales", Help: "languages of the login page, the preferred one first", Placeholder: "TAGS", Profile: true},
		{Name: "claims_locales", Help: "languages of the claims, the preferred one first", Placeholder: "TAGS", Profile: true},
		{Name: "display", Help: "kind of page: page, popup, touch or wap", Placeholder: "WORD", Profile: true},
		{Name: "claims", Help: "claims to ask for: NAME, NAME! for an essential one, NAME=VALUE, userinfo:NAME; or JSON, or @FILE", Placeholder: "CLAIMS", Kind: Texts, Profile: true},
		{Name: "resource", Help: "resource that the token is for (RFC 8707), may stand more than once", Placeholder: "URI", Kind: Texts, Profile: true},
		{Name: "audience", Help: "audience of the token, at providers that ask so, may stand more than once", Placeholder: "NAME", Kind: Texts, Profile: true},
		{Name: "authorization_details", Help: "what the token may do (RFC 9396): JSON, or @FILE", Placeholder: "JSON", Profile: true},
		{Name: "par", Help: "push the authorization request to the provider first (RFC 9126)", Kind: Switch, Profile: true},
		{Name: "request_object", Help: "send the request as an object: signed, or encrypted after that (RFC 9101)", Placeholder: "HOW", Profile: true},
		{Name: "fapi", Help: "sign in as FAPI 2.0 Security Profile asks, or not at all", Kind: Switch, Profile: true},
		{Name: "param", Help: "further parameter of the authorization request", Placeholder: "K=V", Kind: List, Profile: true},
		{Name: "token_param", Help: "further parameter of the token request", Placeholder: "K=V", Kind: List, Profile: true},
		{Name: "refresh_token", Help: "refresh token to begin a session with", Placeholder: "TOKEN", Secret: true},
		{Name: "refresh_token_file", Help: "file that holds the refresh token, - for standard input", Placeholder: "FILE"},
		{Name: "subject", Help: "whose token is exchanged, in place of a given one: ci or session", Placeholder: "WHO", Profile: true},
		{Name: "subject_token", Help: "token to exchange", Placeholder: "TOKEN", Secret: true},
		{Name: "subject_token_file", Help: "file that holds the token to exchange, - for standard input", Placeholder: "FILE", Profile: true},
		{Name: "subject_token_type", Help: "type of that token: a short name such as jwt, or a URI", Placeholder: "TYPE", Profile: true},
		{Name: "actor_token", Help: "token of the party that acts for the subject", Placeholder: "TOKEN", Secret: true},
		{Name: "actor_token_file", Help: "file that holds the actor's token, - for standard input", Placeholder: "FILE", Profile: true},
		{Name: "actor_token_type", Help: "type of the actor's token", Placeholder: "TYPE", Profile: true},
		{Name: "requested_token_type", Help: "type of the token to ask for", Placeholder: "TYPE", Profile: true},
		{Name: "assertion", Help: "where the assertion comes from when none is given: ci, or built if empty", Placeholder: "WHO", Profile: true},
		{Name: "assertion_token", Help: "signed assertion to redeem", Placeholder: "TOKEN", Secret: true},
		{Name: "assertion_token_file", Help: "file that holds the assertion to redeem, - for standard input", Placeholder: "FILE", Profile: true},
		{Name: "claim", Help: "claim of the assertion that is built", Placeholder: "K=V", Kind: List, Profile: true},
		{Name: "login_hint_token", Help: "token that says who is asked", Placeholder: "TOKEN", Secret: true},
		{Name: "login_hint_token_file", Help: "file that holds the token that says who is asked, - for standard input", Placeholder: "FILE"},
		{Name: "backchannel_token_delivery_mode", Help: "how the end of a backchannel authentication is learnt: poll or ping", Placeholder: "MODE", Profile: true},
		{Name: "backchannel_client_notification_endpoint", Help: "address on loopback that takes the provider's pings", Placeholder: "URL", Kind: URL, Profile: true},
		{Name: "binding_message", Help: "words that both the person's device and this side show", Placeholder: "WORDS"},
		{Name: "user_code", Help: "code that only the person and this client know", Placeholder: "CODE", Secret: true},
		{Name: "user_code_file", Help: "file that holds the code that only the person and this client know", Placeholder: "FILE"},
		{Name: "requested_expiry", Help: "seconds that the person should have to decide", Placeholder: "SECONDS"},
		{Name: "ci_token", Help: "identity token of the CI job, where the CI system hands it out in a variable", Placeholder: "TOKEN", Secret: true},
		{Name: "ci_audience", Help: "audience to ask the CI system for, in place of the issuer", Placeholder: "NAME", Profile: true},
		{Name: "browser", Help: "who walks the login page: a name or a command", Placeholder: "NAME", Profile: true},
		{Name: "username", Help: "user name for a login page walked by rely", Placeholder: "NAME", Profile: true},
		{Name: "password", Help: "password of the user", Placeholder: "PASSWORD", Secret: true},
		{Name: "password_file", Help: "file that holds the user's password", Placeholder: "FILE"},
		{Name: "new_password_file", Help: "file that holds the new password", Placeholder: "FILE"},
		{Name: "totp_secret", Help: "secret for one-time codes (RFC 6238)", Placeholder: "SECRET", Secret: true},
		{Name: "totp_secret_file", Help: "file that holds the secret for one-time codes, as base32 or otpauth:// address", Placeholder: "FILE"},
		{Name: "via", Help: "how the provider lets people change a password", Placeholder: "NAME", Profile: true},
		{Name: "via_url", Help: "address of the provider's interface for passwords", Placeholder: "URL", Kind: URL, Profile: true},
		{Name: "via_param", Help: "fact that --via needs", Placeholder: "K=V", Kind: List, Profile: true},
		{Name: "store", Help: "where sessions are kept", Placeholder: "NAME", Profile: true},
		{Name: "min_ttl", Help: "time that a token must still be good for", Default: "60s", Placeholder: "D", Kind: Duration, Profile: true},
		{Name: "timeout", Help: "time limit of one whole exchange", Default: "30s", Placeholder: "D", Kind: Duration, Profile: true},
		{Name: "login_timeout", Help: "time that a person has to sign in", Default: "5m", Placeholder: "D", Kind: Duration, Profile: true},
		{Name: "open_timeout", Help: "time after which a browser that does not open is reported", Default: "15s", Placeholder: "D", Kind: Duration, Profile: true},
		{Name: "qr", Help: "show the address to sign in at as a QR code", Kind: Switch},
		{Name: "ca_cert", Help: "certificate authorities to trust, not the system's", Placeholder: "FILE", Profile: true},
		{Name: "no_cache", Help: "ask the provider for its metadata and keys, whatever the cache has", Kind: Switch, Profile: true},
		{Name: "output", Help: "output format", Placeholder: "FORMAT", Profile: true},
		{Name: "profile", Help: "profile to use", Placeholder: "NAME"},
		{Name: "config", Help: "preferences file; profiles lie beside it", Placeholder: "FILE"},
		{Name: "non_interactive", Help: "never prompt and never open a browser", Kind: Switch},
		{Name: "quiet", Help: "say nothing but results and errors", Kind: Switch},
		{Name: "trace", Help: "show every HTTP exchange on stderr, secrets struck out", Kind: Switch},
		{Name: "har", Help: "keep every HTTP exchange (HAR 1.2), secrets struck out", Placeholder: "FILE"},
		{Name: "curl", Help: "show how curl repeats each request, without secrets", Kind: Switch},
	}
})

// Flag is a setting's name on the command line, without the dashes.
func Flag(name string) string { return strings.ReplaceAll(name, "_", "-") }

// Variable is a setting's name in the environment.
func Variable(name string) string {
	out := append(make([]byte, 0, 64), "RELY_"...)
	for _, c := range []byte(name) { // made for every setting at every start
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		out = append(out, c)
	}
	return string(out)
}

// index says where in the table a name stands.
var index = sync.OnceValue(func() map[string]int {
	all := table()
	out := make(map[string]int, len(all))
	for n := range all {
		out[all[n].Name] = n
	}
	return out
})

// Find gives the setting of this name.
func Find(name string) (Setting, bool) {
	n, ok := index()[name]
	if !ok {
		return Setting{}, false
	}
	return table()[n], true
}

// check tells what is wrong with a value's shape.
func (s Setting) check(values []string) error {
	if !s.Kind.Many() && len(values) != 1 {
		return fmt.Errorf("%s takes one value", s.Name)
	}
	for _, v := range values {
		if strings.ContainsFunc(v, unicode.IsControl) {
			return fmt.Errorf("%s holds a control character", s.Name)
		}
		if err := s.checkOne(v); err != nil {
			return err
		}
	}
	return nil
}

func (s Setting) checkOne(v string) error {
	switch s.Kind {
	case URL:
		if u, err := url.Parse(v); err != nil || u.Scheme == "" || u.Host == "" {
			return fmt.Errorf("%s is no absolute URL: %q", s.Name, v)
		}
	case Duration:
		if d, err := time.ParseDuration(v); err != nil || d <= 0 {
			return fmt.Errorf("%s is no duration such as 90s or 5m: %q", s.Name, v)
		}
	case Switch:
		if _, err := strconv.ParseBool(v); err != nil {
			return fmt.Errorf("%s is neither true nor false: %q", s.Name, v)
		}
	case List:
		if k, _, ok := strings.Cut(v, "="); !ok || k == "" {
			return fmt.Errorf("%s has an entry that is not k=v: %q", s.Name, v)
		}
	}
	return nil
}
