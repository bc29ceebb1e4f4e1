package registration

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rely/internal/clientauth"
	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/provider"
)

// A Wish is what the person wants, as far as they said.
type Wish struct {
	Metadata map[string]any // by flag and --metadata; nil values are not to be sent
	Grant    string         // grant type of the profile's flow
	Types    []string       // its response types; none for a flow without an authorization endpoint
	Ports    []int          // free on loopback, for redirect URIs
}

// A Choice is one member that rely filled in, and why.
type Choice struct {
	Member, Value, Why string
}

// A Plan is what to ask the provider for.
type Plan struct {
	Metadata  map[string]any // without redirect_uris and application_type
	Redirects []Redirect     // candidates, best first
	Choices   []Choice
	back      bool // the browser may come back after a logout to where it does after a login
	bold      bool // refresh_token is asked for though the provider does not list it
}

// Choose fills in what suits the provider and the person did not say: grant
// and response types, client authentication, the algorithm of ID tokens and
// the redirect URIs. It asks for what rely can do.
func Choose(m *provider.Metadata, w Wish) (*Plan, error) {
	p := &Plan{Metadata: map[string]any{}}
	for name, v := range w.Metadata {
		if v != nil {
			p.Metadata[name] = v
		}
	}
	said := func(name string) bool { _, there := w.Metadata[name]; return there }
	machine := redirectless(w.Grant)
	if types, ok := texts(p.Metadata["grant_types"]); ok {
		machine = !slices.ContainsFunc(types, func(t string) bool { return t == "authorization_code" || t == "implicit" })
	} else if !said("grant_types") {
		p.grants(m, w)
	}
	if !said("response_types") {
		p.responses(m, w, machine)
	}
	if !said("client_name") {
		p.choose("client_name", "rely", "--client-name changes it")
	}
	if !said("token_endpoint_auth_method") {
		if err := p.clientAuth(m, machine); err != nil {
			return nil, err
		}
	} else if err := clientauth.Offered(TextOf(p.Metadata, "token_endpoint_auth_method"), m.ClientAuth); err != nil {
		return nil, err
	}
	if !said("id_token_signed_response_alg") && (!machine || renewed(w.Grant)) {
		p.idTokenAlg(m)
	}
	if err := p.backchannel(m, w); err != nil {
		return nil, err
	}
	p.back = !machine && m.EndSessionEndpoint != "" && !said("post_logout_redirect_uris")
	wanted, _ := texts(p.Metadata["redirect_uris"])
	kind, _ := p.Metadata["application_type"].(string)
	// Pairwise subjects are of one host, and some providers count the port in
	// (OIDC Core 8.1): a second URI would need a sector_identifier_uri.
	if TextOf(p.Metadata, "subject_type") == "pairwise" && TextOf(p.Metadata, "sector_identifier_uri") == "" && len(w.Ports) > 1 {
		w.Ports = w.Ports[:1]
	}
	p.Redirects = Redirects(wanted, kind, machine, w.Ports)
	delete(p.Metadata, "redirect_uris")
	delete(p.Metadata, "application_type")
	if granted, _ := texts(p.Metadata["grant_types"]); slices.Contains(granted, "implicit") {
		return p, p.implicit(kind)
	}
	return p, nil
}

// redirectless reports whether a grant goes without the browser's way back.
// The device flow does too, but for the code flow beside it.
func redirectless(grant string) bool {
	return grant != "authorization_code" && grant != "implicit" && !strings.HasSuffix(grant, ":device_code")
}

// renewed reports whether a grant is a person's, whose tokens are renewed; the
// others are made anew.
func renewed(grant string) bool {
	return !slices.Contains([]string{"client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange"}, grant)
}

func (p *Plan) choose(member string, value any, why string) {
	p.Metadata[member] = value
	shown, ok := value.(string)
	if list, isList := value.([]string); !ok && isList {
		shown = strings.Join(list, " ")
	}
	p.Choices = append(p.Choices, Choice{member, shown, why})
}

// grants asks for the flow's own and, where a person signs in, for refresh
// tokens: also of a provider that does not list them, because the list may be
// left out, and some give them without listing them.
func (p *Plan) grants(m *provider.Metadata, w Wish) {
	grant := w.Grant
	types := []string{grant, "refresh_token"}
	if grant == "refresh_token" {
		types = types[1:]
	}
	if strings.HasSuffix(grant, ":device_code") {
		// Redirect URIs and response types are of the code flow, which is
		// there for the days with a browser (OIDC Registration 2).
		types = append([]string{"authorization_code"}, types...)
	}
	// A token from the authorization endpoint takes the grant type implicit
	// (OIDC Registration 2).
	if grant == "authorization_code" && tokens(w.Types) {
		types = append(types, "implicit")
	}
	switch {
	case grant == "implicit", !renewed(grant):
		p.choose("grant_types", []string{grant}, "what the flow needs")
	case len(m.GrantTypes) == 0 || slices.Contains(m.GrantTypes, "refresh_token"):
		p.bold = len(m.GrantTypes) == 0
		p.choose("grant_types", types, "what the flow needs, and renewal without a person")
	default:
		p.bold = true
		p.choose("grant_types", types, "what the flow needs, and renewal, which the provider does not list but may grant")
	}
}

// tokens reports whether one of the response types has more than a code.
func tokens(types []string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return t != "code" })
}

// responses are the flow's own, as far as the provider lists them: which of
// them, a sign-in decides.
func (p *Plan) responses(m *provider.Metadata, w Wish, machine bool) {
	switch {
	case machine:
		p.Metadata["response_types"] = []string{}
		return
	case !tokens(w.Types):
		p.choose("response_types", []string{"code"}, "the only one that OAuth 2.1 keeps")
		return
	}
	types := slices.Clone(w.Types)
	if len(m.ResponseTypes) > 0 {
		types = slices.DeleteFunc(slices.Clone(m.ResponseTypes), func(t string) bool { return !slices.ContainsFunc(w.Types, func(o string) bool { return alike(t, o) }) })
	}
	p.choose("response_types", types, "those of the flow that the provider lists")
}

// alike compares response types, whose words have no order (RFC 6749 3.1.1).
func alike(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// clientAuth takes the first method of rely's own table that the provider
// lists. A provider that lists none takes client_secret_basic (OIDC Discovery
// 3).
func (p *Plan) clientAuth(m *provider.Metadata, machine bool) error {
	listed := m.ClientAuth
	if len(listed) == 0 {
		listed = []string{"client_secret_basic"}
	}
	for _, e := range clientauth.All() {
		if slices.Contains(listed, e.Name) && !e.NeedsKey && (e.NeedsSecret || !machine) {
			why := "the first that the provider lists and rely can do"
			if len(m.ClientAuth) == 0 {
				why = "what a provider takes that lists none"
			}
			p.choose("token_endpoint_auth_method", e.Name, why)
			return nil
		}
	}
	return &fault.Error{Kind: fault.Config, ID: "registration.client-auth", Op: "choose the client authentication",
		Err: fmt.Errorf("the provider lists %q, and rely can do none of them without a key", m.ClientAuth), Hint: "add --generate-key auth where private_key_jwt is listed, or name one all the same with --client-auth"}
}

// idTokenAlg prefers RS256, which every provider has and some use whatever was
// asked for; else the first of rely's own list that needs no shared secret.
func (p *Plan) idTokenAlg(m *provider.Metadata) {
	if len(m.IDTokenAlgs) == 0 || slices.Contains(m.IDTokenAlgs, "RS256") {
		p.choose("id_token_signed_response_alg", "RS256", "every provider has it")
		return
	}
	for _, alg := range jose.Algorithms() {
		if slices.Contains(m.IDTokenAlgs, alg) && !strings.HasPrefix(alg, "HS") {
			p.choose("id_token_signed_response_alg", alg, "the first that the provider lists and rely verifies")
			return
		}
	}
}

// With is the whole request for one candidate.
func (p *Plan) With(r Redirect) map[string]any {
	out := maps.Clone(p.Metadata)
	out["redirect_uris"] = r.URIs
	if r.URIs == nil {
		out["redirect_uris"] = []string{}
	}
	if p.back && r.URIs != nil {
		out["post_logout_redirect_uris"] = r.URIs
	}
	if r.Type != "" {
		out["application_type"] = r.Type
	}
	return out
}

// timid takes out what the provider does not list; false where there is
// nothing to take out.
func (p *Plan) timid() bool {
	if !p.bold {
		return false
	}
	p.bold = false
	list, _ := texts(p.Metadata["grant_types"])
	p.Metadata["grant_types"] = slices.DeleteFunc(slices.Clone(list), func(g string) bool { return g == "refresh_token" })
	return true
}
