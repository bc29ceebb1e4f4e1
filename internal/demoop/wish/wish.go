// Package wish is what a request asks the embedded provider for beyond its
// scopes: claims by name, an authentication context, resources, authorization
// details. It reads, answers and keeps nothing, and knows no endpoint.
package wish

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// The authentication contexts that the provider knows. Its password page only
// ever reaches the first.
const (
	Password = "urn:rely:demo:acr:password"
	Token    = "urn:rely:demo:acr:token"
)

// ACRs lists both; Types are the types of authorization details that it knows.
func ACRs() []string { return []string{Password, Token} }

// Types lists the types of authorization details.
func Types() []string { return []string{"demo_payment", "demo_account"} }

// A Wish is what one request asks for. The zero value asks for nothing.
type Wish struct {
	IDToken, UserInfo []string // names of claims
	Subject           string   // the only person wanted; empty for anybody
	Resources         []string
	ACR               bool // say which one was reached

	details []json.RawMessage
}

// A claim is one entry of the claims parameter (OIDC Core 5.5.1).
type claim struct {
	Essential bool     `json:"essential"`
	Value     string   `json:"value"`
	Values    []string `json:"values"`
}

// Read takes the parameters apart. It returns an error code and a sentence
// where one cannot be served.
func Read(q url.Values) (w Wish, id, why string) {
	w.ACR = q.Get("acr_values") != ""
	w.Resources = q["resource"]
	for _, r := range w.Resources {
		if u, err := url.Parse(r); err != nil || u.Scheme == "" || u.Fragment != "" {
			return w, "invalid_target", "resource must be an absolute URI without a fragment" // RFC 8707 2
		}
	}
	if id, why = w.readClaims(q.Get("claims")); id != "" {
		return w, id, why
	}
	if !w.readDetails(q.Get("authorization_details")) {
		return w, "invalid_authorization_details", "authorization_details must be a list of objects of the types " + strings.Join(Types(), ", ")
	}
	return w, "", ""
}

func (w *Wish) readClaims(text string) (id, why string) {
	if text == "" {
		return "", ""
	}
	var in struct {
		IDToken  map[string]json.RawMessage `json:"id_token"`
		UserInfo map[string]json.RawMessage `json:"userinfo"`
	}
	if json.Unmarshal([]byte(text), &in) != nil {
		return "invalid_request", "claims is no JSON object of objects"
	}
	for name := range in.UserInfo {
		w.UserInfo = append(w.UserInfo, name)
	}
	for name, raw := range in.IDToken {
		w.IDToken = append(w.IDToken, name)
		var c claim
		_ = json.Unmarshal(raw, &c) // a value that is no text is one that nobody here has
		want := c.Values
		if c.Value != "" {
			want = append(want, c.Value)
		}
		switch {
		case name == "sub" && len(want) > 0:
			w.Subject = want[0]
		case name == "acr":
			w.ACR = true
			if c.Essential && len(want) > 0 && !slices.Contains(want, Password) {
				// Unmet Authentication Requirements 1.0, 2
				return "unmet_authentication_requirements", "the password page reaches " + Password + " and nothing else"
			}
		}
	}
	return "", ""
}

// readDetails reports whether they can be taken (RFC 9396 5).
func (w *Wish) readDetails(text string) bool {
	if text == "" {
		return true
	}
	if json.Unmarshal([]byte(text), &w.details) != nil || len(w.details) == 0 {
		return false
	}
	for _, one := range w.details {
		var is struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(one, &is) != nil || !slices.Contains(Types(), is.Type) {
			return false
		}
	}
	return true
}

// Tell adds the claims that were asked for by name, as far as there are any.
func Tell(m map[string]any, names []string, known map[string]any) {
	for _, name := range names {
		if v, there := known[name]; there {
			m[name] = v
		}
	}
}

// Sign adds to an ID token what was asked for.
func (w *Wish) Sign(claims, known map[string]any) {
	Tell(claims, w.IDToken, known)
	if w.ACR {
		claims["acr"] = Password
	}
}

// Grant adds to a token response what was granted (RFC 9396 7).
func (w *Wish) Grant(m map[string]any) {
	if len(w.details) > 0 {
		m["authorization_details"] = w.details
	}
}

// Covers reports whether a token request asks for no other resources than were
// granted (RFC 8707 2.2).
func (w *Wish) Covers(asked []string) bool {
	return !slices.ContainsFunc(asked, func(r string) bool { return !slices.Contains(w.Resources, r) })
}

// InWords is what the consent page says of it.
func (w *Wish) InWords() []string {
	var out []string
	if names := slices.Concat(w.IDToken, w.UserInfo); len(names) > 0 {
		slices.Sort(names)
		out = append(out, "Know these of you: "+strings.Join(slices.Compact(names), ", "))
	}
	for _, d := range w.details {
		out = append(out, "Act for you: "+string(d))
	}
	return out
}
