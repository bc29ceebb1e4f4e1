package registration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rely/internal/clientauth"
	"rely/internal/fault"
	"rely/internal/jose"
)

// A Difference is a member that the provider registered otherwise than asked
// (RFC 7591 3.2.1 lets it replace what it likes).
type Difference struct {
	Member string          `json:"member"`
	What   string          `json:"what"` // "changed", "dropped" or "added"
	Asked  json.RawMessage `json:"asked,omitempty"`
	Got    json.RawMessage `json:"got,omitempty"`
}

// Compare lists how an answer differs from the request, by member name. The
// order of a list and of scopes does not count, and neither do members that
// the provider gives to every client.
func Compare(asked map[string]any, got map[string]json.RawMessage) []Difference {
	var out []Difference
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		want, err := json.Marshal(asked[name])
		if err != nil || string(want) == "null" {
			continue
		}
		have, there := got[name]
		switch {
		case !there && !nothing(want):
			out = append(out, Difference{name, "dropped", want, nil})
		case there && !same(name, want, have):
			out = append(out, Difference{name, "changed", want, have})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, there := asked[name]; !there && !given(name) && !nothing(got[name]) {
			out = append(out, Difference{name, "added", nil, got[name]})
		}
	}
	return out
}

// nothing reports whether a value says no more than its absence.
func nothing(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "null", "[]", `""`, "false", "{}":
		return true
	}
	return false
}

func same(name string, one, other json.RawMessage) bool {
	a, b := canonical(name, one), canonical(name, other)
	return a != "" && a == b
}

// canonical is a value in a form that equal values share.
func canonical(name string, raw json.RawMessage) string {
	v, err := decode(raw)
	if err != nil {
		return ""
	}
	if name == "jwks" {
		v = keysIn(v)
	}
	if list, ok := texts(v); ok {
		v = slices.Sorted(slices.Values(list))
	} else if s, ok := v.(string); ok && name == "scope" {
		v = slices.Sorted(slices.Values(strings.Fields(s)))
	}
	js, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(js)
}

// keysIn are the keys of a JWKS by what they are: providers add members such as
// thumbprints, and leave out what is no key.
func keysIn(v any) any {
	set, _ := v.(map[string]any)
	list, ok := set["keys"].([]any)
	if !ok {
		return v
	}
	var out []string
	for _, key := range list {
		all, _ := key.(map[string]any)
		parts := make([]string, 0, 7)
		for _, name := range []string{"kty", "kid", "crv", "x", "y", "n", "e"} {
			parts = append(parts, TextOf(all, name))
		}
		out = append(out, strings.Join(parts, " "))
	}
	return slices.Sorted(slices.Values(out))
}

// Record is what is registered, as far as it is known: what was asked for,
// overlaid with what the provider answered. A member in which the answer has
// another type than the specification's is taken from the request.
func Record(asked map[string]any, got map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	for name, v := range asked {
		if v != nil && !given(name) {
			out[name] = v
		}
	}
	for name, raw := range got {
		v, err := decode(raw)
		if err != nil || v == nil || given(name) {
			continue
		}
		if m, known := Find(name); known && m.Check(v) != nil {
			continue
		}
		out[name] = v
	}
	return out
}

// Said is what a provider answered, member by member as it wrote them, but for
// those that it gives to every client.
func Said(got map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	for name, raw := range got {
		if v, err := decode(raw); err == nil && !given(name) {
			out[name] = v
		}
	}
	return out
}

// TextOf is a member of a record that is a text, else "".
func TextOf(record map[string]any, name string) string {
	s, _ := record[name].(string)
	return s
}

// ListOf is a member of a record that is a list of texts, else nil.
func ListOf(record map[string]any, name string) []string {
	list, _ := texts(record[name])
	return list
}

// Fits refuses an answer that would become a riddle at login: other redirect
// URIs, no secret for a client that has to prove itself with one, one that has
// expired already, or a way of proving or signing that rely cannot do and
// nobody asked for (RFC 7591 3.2.1, OIDC Registration 2).
func (c *Client) Fits(op string, asked map[string]any, now time.Time) error {
	f := &fault.Error{Kind: fault.Protocol, ID: "registration.changed", Op: op, Spec: "RFC 7591 3.2.1", Hint: "register with what the provider allows, or have its administrator make the client"}
	is := Record(asked, c.Metadata)
	wanted, got := ListOf(asked, "redirect_uris"), ListOf(is, "redirect_uris")
	for _, uri := range wanted {
		if !slices.Contains(got, uri) {
			f.Err = fmt.Errorf("the provider registered the redirect URIs %q instead of %q", got, wanted)
			return f
		}
	}
	method, alg := TextOf(is, "token_endpoint_auth_method"), TextOf(is, "id_token_signed_response_alg")
	known := slices.ContainsFunc(clientauth.All(), func(e clientauth.Entry) bool { return e.Name == method && !e.NeedsKey })
	switch {
	case strings.HasPrefix(method, "client_secret_") && c.Secret.Empty():
		f.Err = fmt.Errorf("the provider gave no client_secret, which %s needs", method)
	case !c.Secret.Empty() && !c.SecretExpires.IsZero() && !c.SecretExpires.After(now):
		f.ID, f.Err = "registration.expired", fmt.Errorf("the client_secret expired at %s already", c.SecretExpires.Format(time.RFC3339))
		f.Hint = "compare this machine's clock with the provider's"
	case method != "" && !known && method != TextOf(asked, "token_endpoint_auth_method"):
		f.Err = fmt.Errorf("the provider wants the client authentication %q, which nobody asked for and rely cannot do here", method)
	case alg != "" && alg != TextOf(asked, "id_token_signed_response_alg") && !slices.Contains(jose.Algorithms(), alg):
		f.Spec, f.Err = "OIDC Registration 2", fmt.Errorf("the provider means to sign ID tokens with %q, which rely does not accept", alg)
	case alg == "none":
		f.Spec, f.Err = "OIDC Registration 2", fmt.Errorf("the provider means not to sign ID tokens (%q)", alg)
	}
	if f.Err == nil {
		return nil
	}
	return f
}
