package ask

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rely/internal/provider"
	"rely/internal/strictjson"
)

// A Claim is one that the claims parameter asks for (OIDC Core 5.5.1).
type Claim struct {
	Name      string
	Essential bool
	Values    []string // as JSON; none for any
}

// Claims words the claims parameter (OIDC Core 5.5) from what a person wrote:
// one JSON object, or entries NAME, each with userinfo: or id_token: in front
// (the ID token by default, because that is signed and checked here), =VALUE
// or =VALUE,VALUE behind, and ! at the end of an essential one.
func Claims(entries []string) (string, error) {
	if len(entries) == 0 {
		return "", nil
	}
	if strings.HasPrefix(strings.TrimSpace(entries[0]), "{") {
		if len(entries) > 1 {
			return "", errors.New("JSON stands alone")
		}
		_, err := strictjson.Object([]byte(entries[0]))
		return strings.TrimSpace(entries[0]), err
	}
	all := map[string]map[string]any{}
	for _, entry := range entries {
		for word := range strings.FieldsSeq(entry) {
			if err := shorthand(all, word); err != nil {
				return "", err
			}
		}
	}
	js, err := json.Marshal(all)
	return string(js), err
}

// shorthand adds one entry. A claim's name may be a URI, so nothing but the two
// prefixes and the first = count.
func shorthand(all map[string]map[string]any, word string) error {
	rest, essential := strings.CutSuffix(word, "!")
	where := "id_token"
	if name, found := strings.CutPrefix(rest, "userinfo:"); found {
		where, rest = "userinfo", name
	} else if name, found := strings.CutPrefix(rest, "id_token:"); found {
		rest = name
	}
	name, values, valued := strings.Cut(rest, "=")
	if name == "" {
		return fmt.Errorf("%q names no claim", word)
	}
	if _, twice := all[where][name]; twice {
		return fmt.Errorf("%q is asked for twice", name)
	}
	if all[where] == nil {
		all[where] = map[string]any{}
	}
	wish := map[string]any{}
	if essential {
		wish["essential"] = true
	}
	if list := strings.Split(values, ","); valued && len(list) > 1 {
		wish["values"] = list
	} else if valued {
		wish["value"] = values
	}
	all[where][name] = wish
	if len(wish) == 0 {
		all[where][name] = nil // voluntary, and in the default manner
	}
	return nil
}

// fitClaims reads the parameter as it will be sent, from whatever side.
func fitClaims(a *Ask, value string) error {
	top, err := strictjson.Object([]byte(value))
	if err != nil {
		return err
	}
	for where, to := range map[string]*[]Claim{"id_token": &a.IDToken, "userinfo": &a.UserInfo} {
		if raw, there := top[where]; there {
			if *to, err = wishes(raw); err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
		}
	}
	if len(a.IDToken)+len(a.UserInfo) == 0 {
		return errors.New("it asks for nothing: neither id_token nor userinfo has a claim in it")
	}
	return nil
}

func wishes(raw json.RawMessage) ([]Claim, error) {
	all, err := strictjson.Object(raw)
	if err != nil {
		return nil, err
	}
	var out []Claim
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := Claim{Name: name}
		var is struct {
			Essential bool
			Value     json.RawMessage
			Values    []json.RawMessage
		}
		if err := json.Unmarshal(all[name], &is); err != nil {
			return nil, fmt.Errorf("%q is neither null nor an object with essential, value or values", name)
		}
		c.Essential = is.Essential
		if is.Value != nil {
			is.Values = append(is.Values, is.Value)
		}
		for _, v := range is.Values {
			c.Values = append(c.Values, string(v))
		}
		out = append(out, c)
	}
	return out, nil
}

// canClaims: absent means no (OIDC Discovery 3), and at many a provider means
// nothing at all; so only a plain no is taken for one.
func canClaims(a *Ask, m *provider.Metadata, _ string) (string, error) {
	var can *bool
	if err := json.Unmarshal(m.Raw["claims_parameter_supported"], &can); err != nil || can == nil {
		return "the provider's metadata does not say claims_parameter_supported; it may ignore what is asked", nil
	}
	if !*can {
		return "", errors.New("the provider's metadata says claims_parameter_supported: false")
	}
	var list, missing []string
	_ = strictjson.Read(m.Raw["claims_supported"], &list)
	for _, c := range slices.Concat(a.IDToken, a.UserInfo) {
		name, _, _ := strings.Cut(c.Name, "#") // a language tag (OIDC Core 5.2)
		if len(list) > 0 && !slices.Contains(list, name) && name != "acr" && name != "sub" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "the provider's claims_supported does not list " + strings.Join(missing, " "), nil
	}
	return "", nil
}

// MissingUserInfo are the essential claims that UserInfo lacks; that is the
// provider's right (OIDC Core 5.5.1).
func (a *Ask) MissingUserInfo(claims map[string]json.RawMessage) []string {
	var out []string
	for _, c := range a.UserInfo {
		if _, there := claims[c.Name]; c.Essential && !there {
			out = append(out, c.Name)
		}
	}
	return out
}
