// Package provider talks to one OpenID Provider: its metadata, its keys, its
// UserInfo. It obtains no tokens, proves no client and keeps nothing between
// runs.
package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// Metadata is what a provider publishes of itself (OIDC Discovery 3, RFC 8414
// 2). Members that are absent are the zero value; [Metadata.Raw] has them all.
type Metadata struct {
	Issuer                string
	AuthorizationEndpoint string
	TokenEndpoint         string
	UserinfoEndpoint      string
	JWKSURI               string
	RegistrationEndpoint  string
	EndSessionEndpoint    string
	RevocationEndpoint    string
	IntrospectionEndpoint string
	DeviceEndpoint        string // RFC 8628 4
	PushEndpoint          string // RFC 9126 5
	CIBAEndpoint          string // CIBA 4
	Scopes                []string
	ResponseTypes         []string
	ResponseModes         []string
	ResponseAlgs          []string // of JWT secured authorization responses (JARM 4)
	GrantTypes            []string
	ClientAuth            []string // at the token endpoint
	IDTokenAlgs           []string
	CodeChallengeMethods  []string
	ResponseIss           bool // RFC 9207 3

	Raw map[string]json.RawMessage
}

// A member is one that rely uses. They are looked up by their exact names:
// encoding/json would take "Issuer" for "issuer".
type member struct {
	name string
	into any
}

func (m *Metadata) members() []member {
	out := []member{
		{"issuer", &m.Issuer},
		{"scopes_supported", &m.Scopes},
		{"response_types_supported", &m.ResponseTypes},
		{"response_modes_supported", &m.ResponseModes},
		{"authorization_signing_alg_values_supported", &m.ResponseAlgs},
		{"grant_types_supported", &m.GrantTypes},
		{"token_endpoint_auth_methods_supported", &m.ClientAuth},
		{"id_token_signing_alg_values_supported", &m.IDTokenAlgs},
		{"code_challenge_methods_supported", &m.CodeChallengeMethods},
		{"authorization_response_iss_parameter_supported", &m.ResponseIss},
	}
	for _, e := range m.endpoints() {
		out = append(out, member{e.name, e.address})
	}
	return out
}

// A Provider is one issuer whose metadata was read and found in order.
type Provider struct {
	Metadata Metadata
	Source   string // the address the metadata came from
	Cached   bool   // they came so in an earlier run

	http *wire.Client
	keys keyCache
}

type keyCache struct {
	sync.Mutex
	set     jose.Set
	have    bool
	pending chan struct{} // closed when the fetch under way has ended
	err     error
}

// Discover reads the issuer's metadata: the OIDC path first, and where nothing
// is there the RFC 8414 path. The issuer inside must be the one asked for,
// character by character (OIDC Discovery 4.3, RFC 8414 3.3).
func Discover(ctx context.Context, hc *wire.Client, issuer string) (*Provider, error) {
	u, err := checkIssuer(issuer)
	if err != nil {
		return nil, err
	}
	if p := cached(hc, issuer, u); p != nil {
		return p, nil
	}
	var notFound error
	for _, address := range metadataAddresses(u) {
		a, err := hc.Get(ctx, "discover "+issuer, address, asJSON, wire.Document)
		switch {
		case err != nil:
			return nil, err
		case a.Status == http.StatusNotFound && notFound == nil:
			notFound = a.Unexpected("discover " + issuer)
			continue
		case a.Status == http.StatusNotFound:
			continue
		case a.Status != http.StatusOK:
			return nil, a.Unexpected("discover " + issuer)
		}
		return read(hc, issuer, address, a)
	}
	return nil, &fault.Error{
		Kind: fault.Protocol, ID: "provider.no-metadata", Op: "discover " + issuer, Spec: "OIDC Discovery 4; RFC 8414 3",
		Err:  fmt.Errorf("no metadata at %s", strings.Join(metadataAddresses(u), " nor at ")),
		Hint: "check the issuer: it is the \"iss\" of the provider's ID tokens, often with a path for the realm or tenant",
	}
}

// asJSON is what is accepted for metadata.
const asJSON = "application/json"

// cached is what the cache has of an issuer, if that is in order; nil where the
// provider has to be asked.
func cached(hc *wire.Client, issuer string, u *url.URL) *Provider {
	for _, address := range metadataAddresses(u) {
		a := hc.Cached(address, asJSON)
		if a == nil {
			continue
		}
		if p, err := read(hc, issuer, address, a); err == nil {
			p.Cached = true
			return p
		}
	}
	return nil
}

// Forget has the cache forget the metadata.
func (p *Provider) Forget() {
	if p.http.Cache != nil {
		p.http.Cache.Forget(p.Source, asJSON)
	}
}

// Addresses are the places where an issuer's metadata may be: that of OIDC
// Discovery 4 first, then that of RFC 8414 3.1. The error is of kind Usage,
// for what cannot be an issuer.
func Addresses(issuer string) ([]string, error) {
	u, err := checkIssuer(issuer)
	if err != nil {
		return nil, err
	}
	return metadataAddresses(u), nil
}

// metadataAddresses are the two well-known places. For an issuer with a path
// OIDC appends (Discovery 4), RFC 8414 inserts (3.1).
func metadataAddresses(issuer *url.URL) []string {
	base := issuer.Scheme + "://" + issuer.Host
	path := strings.TrimSuffix(issuer.EscapedPath(), "/")
	return []string{
		base + path + "/.well-known/openid-configuration",
		base + "/.well-known/oauth-authorization-server" + path,
	}
}

func checkIssuer(issuer string) (*url.URL, error) {
	u, err := url.Parse(issuer)
	wellKnown := strings.Contains(issuer, "/.well-known/")
	if err == nil && !wellKnown && u.Host != "" && u.RawQuery == "" && !strings.ContainsAny(issuer, "?#") && u.User == nil &&
		(u.Scheme == "https" || u.Scheme == "http" && wire.Loopback(u.Hostname())) {
		return u, nil
	}
	hint := "give the issuer as the provider writes it, as https://op.example or https://op.example/realms/x"
	if wellKnown {
		hint = "leave /.well-known/... out: rely adds it"
	}
	return nil, &fault.Error{
		Kind: fault.Usage, ID: "provider.issuer", Op: "read the issuer", Spec: "OIDC Discovery 3", Hint: hint,
		Err: fmt.Errorf("%q is not an https URL without user part, query and fragment (http only on loopback)", issuer),
	}
}

func read(hc *wire.Client, issuer, address string, a *wire.Answer) (*Provider, error) {
	op := "read the metadata of " + issuer
	members, err := a.JSON(op)
	if err != nil {
		return nil, err
	}
	p := &Provider{Source: address, http: hc}
	p.Metadata.Raw = members
	for _, m := range p.Metadata.members() {
		if raw, there := members[m.name]; there && !strictjson.Read(raw, m.into) {
			return nil, &fault.Error{
				Kind: fault.Protocol, ID: "provider.metadata", Op: op, Spec: "OIDC Discovery 3",
				Err: fmt.Errorf("%q has the wrong type: %.100s", m.name, raw), Hint: "have the provider mend its metadata at " + address,
			}
		}
	}
	if p.Metadata.Issuer != issuer {
		return nil, issuerMismatch(op, issuer, p.Metadata.Issuer)
	}
	return p, p.checkEndpoints(issuer)
}

// A Mismatch is metadata of another issuer than the one that was asked for.
type Mismatch struct{ Asked, Said string }

// Error names both.
func (m *Mismatch) Error() string {
	return fmt.Sprintf("the metadata is for the issuer %q, asked for was %q", m.Said, m.Asked)
}

func issuerMismatch(op, asked, said string) error {
	f := &fault.Error{
		Kind: fault.Protocol, ID: "provider.issuer-mismatch", Op: op, Spec: "OIDC Discovery 4.3",
		Err:  &Mismatch{Asked: asked, Said: said},
		Hint: "do not use this provider until this is explained",
	}
	if strings.TrimSuffix(asked, "/") == strings.TrimSuffix(said, "/") {
		f.Hint = fmt.Sprintf("use %q: the slash at the end is part of the issuer", said)
	}
	return f
}

// checkEndpoints refuses an address that must not be used before anything is
// sent or opened (RFC 9700 2.6).
func (p *Provider) checkEndpoints(issuer string) error {
	for _, e := range p.Metadata.endpoints() {
		if *e.address == "" {
			continue
		}
		if _, err := wire.Endpoint(e.name, *e.address, issuer); err != nil {
			return err
		}
	}
	return nil
}

// Oddities are endpoints on private, link-local or loopback addresses of a
// provider that is not itself there: its metadata may aim at a network that
// only this machine can reach. They are told, not refused, because a provider
// inside a company may do so on purpose.
func (p *Provider) Oddities() []string {
	var out []string
	if u, err := url.Parse(p.Metadata.Issuer); err != nil || private(u.Hostname()) {
		return nil
	}
	for _, e := range p.Metadata.endpoints() {
		if u, err := url.Parse(*e.address); err == nil && *e.address != "" && private(u.Hostname()) {
			out = append(out, fmt.Sprintf("%s is on the private address %s", e.name, u.Hostname()))
		}
	}
	return out
}

func private(host string) bool {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return wire.Loopback(host)
	}
	a = a.Unmap()
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified()
}

type endpoint struct {
	name    string
	address *string
}

func (m *Metadata) endpoints() []endpoint {
	return []endpoint{
		{"authorization_endpoint", &m.AuthorizationEndpoint},
		{"token_endpoint", &m.TokenEndpoint},
		{"userinfo_endpoint", &m.UserinfoEndpoint},
		{"jwks_uri", &m.JWKSURI},
		{"registration_endpoint", &m.RegistrationEndpoint},
		{"end_session_endpoint", &m.EndSessionEndpoint},
		{"revocation_endpoint", &m.RevocationEndpoint},
		{"introspection_endpoint", &m.IntrospectionEndpoint},
		{"device_authorization_endpoint", &m.DeviceEndpoint},
		{"pushed_authorization_request_endpoint", &m.PushEndpoint},
		{"backchannel_authentication_endpoint", &m.CIBAEndpoint},
	}
}

// Names checks that the metadata has these endpoints; the Protocol fault is
// that of the first one missing (OIDC Discovery 3).
func (m *Metadata) Names(names ...string) error {
	for _, name := range names {
		if _, err := m.need(name, "read the metadata of "+m.Issuer); err != nil {
			return err
		}
	}
	return nil
}

// Need returns the address of an endpoint, or a Protocol fault that says what
// cannot be done without it.
func (p *Provider) Need(name, forWhat string) (string, error) {
	return p.Metadata.need(name, forWhat)
}

func (m *Metadata) need(name, forWhat string) (string, error) {
	for _, e := range m.endpoints() {
		if e.name == name && *e.address != "" {
			return *e.address, nil
		}
	}
	return "", &fault.Error{
		Kind: fault.Protocol, ID: "provider.no-endpoint", Op: forWhat, Spec: "OIDC Discovery 3",
		Err:  fmt.Errorf("the metadata of %s names no %s", m.Issuer, name),
		Hint: "check that the issuer is right and that the provider offers this at all",
	}
}
