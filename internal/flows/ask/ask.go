// Package ask is what somebody asks of an authorization request beyond a plain
// sign-in: claims, authentication contexts, resources, details. It words the
// parameters, says before anything is sent what the provider cannot do, and
// checks afterwards whether the answer is what was asked for. It sends nothing.
package ask

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

// An Ask is what one authorization request asks for. The zero value asks for
// nothing.
type Ask struct {
	MaxAge    *time.Duration // max_age, or the registered default_max_age; nil for any
	ACR       []string       // acr_values, or the registered default_acr_values
	IDToken   []Claim        // by the claims parameter
	UserInfo  []Claim
	Subject   string // whom id_token_hint names; empty for anybody
	Resources []string
	Details   []string // types of authorization_details
}

// Read takes the parameters of an authorization request apart, however they
// were given: what is sent is checked. registered is the client's metadata,
// whose defaults count where the request is silent (OIDC Registration 2).
func Read(p url.Values, registered json.RawMessage) (*Ask, error) {
	a := &Ask{ACR: strings.Fields(p.Get("acr_values")), Resources: p["resource"]}
	for name := range p {
		if len(p[name]) > 1 && name != "resource" && name != "audience" {
			return nil, unfit(name, "RFC 6749 3.1", fmt.Errorf("it is given %d times", len(p[name])))
		}
	}
	for _, one := range parameters() {
		for _, value := range p[one.name] {
			if err := one.fit(a, value); err != nil {
				return nil, unfit(one.name, one.spec, err)
			}
		}
	}
	a.defaults(registered)
	return a, nil
}

// defaults are what the client registered (OIDC Registration 2).
func (a *Ask) defaults(registered json.RawMessage) {
	var is struct {
		ACR     []string `json:"default_acr_values"`
		MaxAge  *float64 `json:"default_max_age"`
		MustSay bool     `json:"require_auth_time"`
	}
	_ = json.Unmarshal(registered, &is) // a client made by hand has none
	if len(a.ACR) == 0 {
		a.ACR = is.ACR
	}
	if a.MaxAge == nil && is.MaxAge != nil && *is.MaxAge >= 0 && *is.MaxAge < 1<<31 {
		d := time.Duration(*is.MaxAge) * time.Second
		a.MaxAge = &d
	}
	if is.MustSay && !slices.ContainsFunc(a.IDToken, func(c Claim) bool { return c.Name == "auth_time" }) {
		a.IDToken = append(a.IDToken, Claim{Name: "auth_time", Essential: true})
	}
}

func unfit(name, spec string, err error) error {
	return &fault.Error{Kind: fault.Usage, ID: "ask." + strings.ReplaceAll(name, "_", "-"), Op: "read --" + strings.ReplaceAll(name, "_", "-"), Spec: spec, Err: err,
		Hint: "correct it, or leave it out"}
}

// A parameter is one of the authorization request that rely knows by name.
type parameter struct {
	name string // the setting's too
	spec string
	fit  func(a *Ask, value string) error // reads it, or says what is wrong with it
	// can says why the provider cannot do it, and what to know where it may.
	can func(a *Ask, m *provider.Metadata, value string) (note string, why error)
}

// parameters is the table of them. Those that nothing can be said of are not
// in it.
func parameters() []parameter {
	return []parameter{
		{"prompt", "OIDC Core 3.1.2.1", fitPrompt, listed("prompt_values_supported", true)},
		{"max_age", "OIDC Core 3.1.2.1", fitMaxAge, nil},
		{"acr_values", "OIDC Core 3.1.2.1", anything, listed("acr_values_supported", false)},
		{"display", "OIDC Core 3.1.2.1", fitDisplay, listed("display_values_supported", true)},
		{"ui_locales", "OIDC Core 3.1.2.1", anything, listed("ui_locales_supported", false)},
		{"claims_locales", "OIDC Core 5.2", anything, listed("claims_locales_supported", false)},
		{"id_token_hint", "OIDC Core 3.1.2.1", fitHint, nil},
		{"claims", "OIDC Core 5.5", fitClaims, canClaims},
		{"resource", "RFC 8707 2", fitResource, nil},
		{"authorization_details", "RFC 9396 2", fitDetails, canDetails},
	}
}

// Possible says, before anything is sent, what the provider's metadata has
// against the request, as a Config fault; notes are what it does not promise.
func (a *Ask) Possible(p url.Values, m *provider.Metadata) (notes []string, err error) {
	for _, one := range parameters() {
		if one.can == nil || !p.Has(one.name) {
			continue
		}
		note, why := one.can(a, m, p.Get(one.name))
		if why != nil {
			return nil, &fault.Error{Kind: fault.Config, ID: "ask.impossible", Op: "ask the provider with " + one.name, Spec: one.spec, Err: why,
				Hint: "leave --" + strings.ReplaceAll(one.name, "_", "-") + " out, or have the provider offer it"}
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	return notes, nil
}

// listed says whether the words of a parameter stand in a list of the
// metadata: one that does not is refused, or only told. No list says nothing.
func listed(member string, refuse bool) func(*Ask, *provider.Metadata, string) (string, error) {
	return func(_ *Ask, m *provider.Metadata, value string) (string, error) {
		var list []string
		if !strictjson.Read(m.Raw[member], &list) || len(list) == 0 {
			return "", nil
		}
		var missing []string
		for _, word := range strings.Fields(value) {
			if !slices.Contains(list, word) {
				missing = append(missing, word)
			}
		}
		switch {
		case len(missing) == 0:
			return "", nil
		case refuse:
			return "", fmt.Errorf("the provider's %s is %q, without %q", member, list, missing)
		}
		return fmt.Sprintf("the provider's %s does not list %s", member, strings.Join(missing, " ")), nil
	}
}

func anything(*Ask, string) error { return nil }

// fitPrompt knows no list of words: providers add their own.
func fitPrompt(_ *Ask, value string) error {
	if words := strings.Fields(value); slices.Contains(words, "none") && len(words) > 1 {
		return errors.New("none stands alone: it forbids every page, and the others ask for one")
	}
	return nil
}

func fitDisplay(_ *Ask, value string) error {
	if !slices.Contains([]string{"page", "popup", "touch", "wap"}, value) {
		return fmt.Errorf("%q is none of page, popup, touch and wap", value)
	}
	return nil
}

func fitMaxAge(a *Ask, value string) error {
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return fmt.Errorf("%q is no whole number of seconds", value)
	}
	d := time.Duration(seconds) * time.Second
	a.MaxAge = &d
	return nil
}

// fitHint reads whom the hint names. It was verified when it was obtained, or
// the person gave it: nothing but a question follows from it.
func fitHint(a *Ask, value string) error {
	c, err := idtoken.Decode(secret.New(value))
	if err != nil || c.Subject == "" {
		return errors.New("it is no signed ID token with a sub")
	}
	a.Subject = c.Subject
	return nil
}

func fitResource(_ *Ask, value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Path == "":
		return fmt.Errorf("%q is no absolute URI", value)
	case strings.Contains(value, "#"):
		return fmt.Errorf("%q has a fragment", value)
	}
	return nil
}

// maxDetails bounds a list that somebody wrote.
const maxDetails = 100

// fitDetails wants a list of objects, each with its type (RFC 9396 2).
func fitDetails(a *Ask, value string) error {
	types, err := detailTypes([]byte(value))
	a.Details = types
	return err
}

func detailTypes(data []byte) ([]string, error) {
	if err := strictjson.Check(data); err != nil {
		return nil, err
	}
	list, err := strictjson.Array(data, maxDetails)
	if err != nil {
		return nil, err
	}
	var types []string
	for _, one := range list {
		var name string
		if raw, there := strictjson.Lookup(one, "type"); !there || !strictjson.Read(raw, &name) || name == "" {
			return nil, errors.New("it has an entry that is no object with a type")
		}
		types = append(types, name)
	}
	if len(types) == 0 {
		return nil, errors.New("the list is empty")
	}
	return types, nil
}

func canDetails(a *Ask, m *provider.Metadata, _ string) (string, error) {
	var list []string
	if !strictjson.Read(m.Raw["authorization_details_types_supported"], &list) {
		return "the provider's metadata does not name authorization_details_types_supported; it may ignore what is asked", nil
	}
	for _, name := range a.Details {
		if !slices.Contains(list, name) {
			return "", fmt.Errorf("the provider's authorization_details_types_supported is %q, without %q", list, name)
		}
	}
	return "", nil
}
