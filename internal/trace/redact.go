package trace

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"rely/internal/secret"
)

// A Redactor strikes secrets out of text that will be shown. It knows the
// parameter and member names that carry secrets, and every value that it has
// seen in one, because a provider may repeat a secret in its error. The zero
// value is ready; it is safe for use by several goroutines.
type Redactor struct {
	mu    sync.Mutex
	known []string // longest first, so that no part of one survives another
}

// Learn makes a value known as a secret. Values under 6 bytes are left out:
// striking them out would hit harmless text.
func (r *Redactor) Learn(value string) {
	if len(value) < 6 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, found := slices.BinarySearchFunc(r.known, value, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	if !found {
		r.known = slices.Insert(r.known, at, value)
	}
}

// Text strikes every known secret out of s, as it is and as a URL spells it,
// and everything that has the shape of a signed or encrypted token.
func (r *Redactor) Text(s string) string {
	r.mu.Lock()
	known := slices.Clone(r.known)
	r.mu.Unlock()
	for _, k := range known {
		s = strings.ReplaceAll(s, k, secret.Fingerprint(k))
		if q := url.QueryEscape(k); q != k {
			s = strings.ReplaceAll(s, q, secret.Fingerprint(k))
		}
	}
	return strikeTokens(s)
}

// strikeTokens replaces compact JWS and JWE, which all begin with {" in
// base64url.
func strikeTokens(s string) string {
	var b strings.Builder
	for {
		at := strings.Index(s, "eyJ")
		if at < 0 {
			b.WriteString(s)
			return b.String()
		}
		end := at
		for end < len(s) && isTokenByte(s[end]) {
			end++
		}
		b.WriteString(s[:at])
		if token := s[at:end]; strings.Count(token, ".") >= 2 {
			b.WriteString(secret.Fingerprint(token))
		} else {
			b.WriteString(token)
		}
		s = s[end:]
	}
}

func isTokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// harmless parameters are shown as they are; every other one is struck out,
// since a provider's own parameter may be a secret.
func harmless(name string) bool {
	switch name {
	case "grant_type", "response_type", "response_mode", "client_id", "redirect_uri", "scope", "prompt", "max_age",
		"acr_values", "display", "ui_locales", "claims_locales", "claims", "resource", "audience", "code_challenge_method",
		"iss", "action", "error", "error_description", "error_uri", "token_type_hint", "expires_in", "token_type",
		"client_assertion_type", "post_logout_redirect_uri", "request_uri", "subject_token_type", "requested_token_type",
		"binding_message", "requested_expiry":
		return true
	}
	return false
}

// secretMember reports whether a JSON member of this name is a secret. "code"
// is none: in JSON it is an error's, an authorization code travels in a query.
func secretMember(name string) bool {
	switch name {
	case "access_token", "refresh_token", "id_token", "client_secret", "registration_access_token", "AccessToken", "session_token", "device_code",
		"user_code", "password", "currentPassword", "newPassword", "oldPassword", "auth_req_id", "client_assertion", "assertion",
		"d", "p", "q", "dp", "dq", "qi", "k":
		return true
	}
	return strings.Contains(strings.ToLower(name), "secret") || strings.Contains(strings.ToLower(name), "password")
}

// form redacts the parameters of a query or a form, in their order.
func (r *Redactor) form(encoded string) string {
	parts := strings.Split(encoded, "&")
	for i, part := range parts {
		name, value, found := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(value)
		switch {
		case !found || err == nil && plain == "":
		case err == nil && harmless(name):
			parts[i] = r.Text(part)
		case name == "login_hint": // says who, and opens nothing: the provider may speak of them
			parts[i] = name + "=" + secret.Fingerprint(plain)
		default:
			r.Learn(plain)
			parts[i] = name + "=" + secret.Fingerprint(plain)
		}
	}
	return strings.Join(parts, "&")
}

// learnFrom learns what a request sends, as showing it would.
func (r *Redactor) learnFrom(req *http.Request, body []byte) {
	if proof := req.Header.Get("Authorization"); proof != "" {
		r.header("Authorization", proof)
	}
	if len(body) > 0 && strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		r.form(string(body))
	}
}

// Address strikes out what may be secret in a URL's query and fragment.
func (r *Redactor) Address(raw string) string {
	rest, fragment, hasFragment := strings.Cut(raw, "#")
	base, query, hasQuery := strings.Cut(rest, "?")
	out := r.Text(base)
	if hasQuery {
		out += "?" + r.form(query)
	}
	if hasFragment {
		out += "#" + r.form(fragment)
	}
	return out
}

// JSON is a JSON document with its secrets struck out, indented; empty for
// what is none.
func (r *Redactor) JSON(data []byte) string {
	text, ok := r.json(data)
	var b bytes.Buffer
	if !ok || json.Indent(&b, []byte(text), "", "  ") != nil {
		return ""
	}
	return b.String() + "\n"
}

// json redacts a JSON document; ok is false where it is none.
func (r *Redactor) json(data []byte) (string, bool) {
	var v any
	if len(data) == 0 || json.Unmarshal(data, &v) != nil {
		return "", false
	}
	out, err := json.Marshal(r.value(v))
	return r.Text(string(out)), err == nil
}

func (r *Redactor) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if text, isText := member.(string); isText && secretMember(name) {
				r.Learn(text)
				v[name] = secret.Fingerprint(text)
			} else {
				v[name] = r.value(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = r.value(v[i])
		}
	case string:
		return r.Text(v) // before its quotes and slashes are escaped
	}
	return v
}

// header gives a header's value in the form that may be shown; ok is false
// for the many that say nothing about OpenID Connect.
func (r *Redactor) header(name, value string) (string, bool) {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization":
		scheme, proof, _ := strings.Cut(value, " ")
		r.Learn(proof)
		return scheme + " " + secret.Fingerprint(proof), true
	case "Cookie", "Set-Cookie", "Dpop":
		return secret.Fingerprint(value), true
	case "Location", "Origin":
		return r.Address(value), true
	case "Accept", "Content-Type", "Www-Authenticate", "Cache-Control", "Retry-After", "Date", "Dpop-Nonce", "User-Agent":
		return r.Text(value), true
	}
	return "", false
}
