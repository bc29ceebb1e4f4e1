package cmd

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/demoop"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/output"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/store"
	"rely/internal/useragent"
)

func (t *tour) start(ctx context.Context) error {
	options := demoop.Options{DeviceInterval: 100 * time.Millisecond}
	if t.broken != nil {
		options.Faults = []string{t.broken.Name}
	}
	// A browser would warn of the local authority's certificate, which it does
	// not trust: a person gets plain http, which never leaves this machine.
	plain := t.browser != "forms"
	op, err := t.inside.startOP(ctx, "127.0.0.1:0", plain, options)
	if err != nil {
		return err
	}
	t.op = op
	t.next("An OpenID Provider starts", "OIDC Core 1.2")
	t.tell("   %s\n   users alice and bob; everything in memory\n", op.issuer)
	return nil
}

// use puts settings in force. A demo of faults has short limits, because some
// faults never answer.
func (t *tour) use(settings map[string][]string) error {
	if t.broken != nil {
		settings["timeout"] = []string{t.patience}
	}
	if t.values.Bool("trace") {
		settings["trace"] = []string{"true"}
	}
	return t.inside.use("demo", settings)
}

func (t *tour) discover(ctx context.Context) error {
	t.next("Discover it", "OIDC Discovery 4")
	if err := t.use(map[string][]string{"issuer": {t.op.issuer}}); err != nil {
		return err
	}
	if t.broken != nil && t.broken.Needs == "webfinger" {
		if _, err := t.inside.finger(ctx, t.op.issuer+"/alice"); err != nil {
			return err
		}
	}
	p, err := t.inside.discover(ctx, t.op.issuer)
	if err != nil {
		return err
	}
	t.tell("   GET %s\n   issuer     %s (the one asked for, character by character)\n   grants     %s\n   signs with %s\n",
		p.Source, p.Metadata.Issuer, strings.Join(p.Metadata.GrantTypes, ", "), strings.Join(p.Metadata.IDTokenAlgs, ", "))
	return nil
}

func (t *tour) register(ctx context.Context) error {
	t.next("Register a client", "OIDC Registration 3.1, RFC 7591")
	hc, err := t.inside.http()
	if err != nil {
		return err
	}
	p, err := t.inside.discover(ctx, t.op.issuer)
	if err != nil {
		return err
	}
	method, alg := "none", "ES256"
	if t.broken != nil && t.broken.Needs == "secret" {
		method = "client_secret_basic"
	}
	if t.broken != nil && t.broken.Alg != "" {
		alg = t.broken.Alg
	}
	redirects, err := t.redirects(ctx)
	if err != nil {
		return err
	}
	metadata := map[string]any{
		"client_name": "rely demo", "redirect_uris": redirects, "post_logout_redirect_uris": redirects, "grant_types": t.grants(),
		"response_types": t.responseTypes(), "token_endpoint_auth_method": method, "id_token_signed_response_alg": alg,
	}
	if t.needs("jarm") || t.needs("jarm-encryption") {
		metadata["authorization_signed_response_alg"] = alg
	}
	t.wishes(metadata, redirects[0])
	keys, err := t.keys(&p.Metadata, metadata)
	if err != nil {
		return err
	}
	endpoint := registration.Endpoint{Provider: p, HTTP: hc, Now: t.Now()}
	c, err := endpoint.Register(ctx, metadata)
	if err != nil {
		return err
	}
	t.tell("   client_id      %s\n   redirect_uri   %s (the listener that catches the answer)\n   proves itself  %s\n", c.ID, redirects[0], proof(registration.TextOf(metadata, "token_endpoint_auth_method")))
	return t.keepClient(ctx, c, metadata, keys)
}

// needs reports whether the fault shows nowhere but with this.
func (t *tour) needs(what string) bool { return t.broken != nil && t.broken.Needs == what }

// flow is the one that the tour goes by: code, unless the fault shows in
// another one only.
func (t *tour) flow() flows.Entry {
	entry, err := flows.Find("")
	if t.broken != nil {
		if other, no := flows.Find(strings.TrimSuffix(t.broken.Needs, "-ping")); no == nil && (other.Person || other.Elsewhere) {
			entry, err = other, nil
		}
	}
	_ = err // the empty name is the first of the table
	return entry
}

// grants are the grant types that the demo's client is registered for. The
// authorization code goes with the response type (OIDC Registration 2).
func (t *tour) grants() []string {
	switch t.flow().Name {
	case "implicit": // the grant types go with the response type (OIDC Registration 2)
		return []string{"implicit"}
	case "hybrid":
		return []string{"authorization_code", "implicit", "refresh_token"}
	}
	types := []string{"authorization_code", "refresh_token"}
	for _, e := range flows.All() {
		if e.Name != "code" && t.flow().Name == e.Name || t.needs(e.Name) {
			types = append(types, e.Grant)
		}
	}
	return types
}

// exchange has the session's token exchanged, where that is what the fault is
// about.
func (t *tour) exchange(ctx context.Context) error {
	if !t.needs("token-exchange") {
		return nil
	}
	t.next("Exchange the access token", "RFC 8693")
	if err := t.use(map[string][]string{"flow": {"token-exchange"}, "subject": {"session"}, "requested_token_type": {"access_token"}}); err != nil {
		return err
	}
	s, err := t.inside.sessions(false).Fresh(ctx, 0, false)
	if err != nil {
		return err
	}
	t.tell("   %s token    %s  %s\n", s.TokenType, shortened(s.Access.Reveal()), until(s.Expiry, t.Now()))
	return t.use(map[string][]string{})
}

// responseTypes go with them.
func (t *tour) responseTypes() []string {
	if types := t.flow().Types; len(types) > 0 {
		return types
	}
	return []string{"code"}
}

func proof(method string) string {
	if method == "none" {
		return "not at all: a public client, which PKCE protects (RFC 7636)"
	}
	return "with " + method
}

func (t *tour) signIn(ctx context.Context) error {
	spec := "OIDC Core 3.1, RFC 7636"
	switch t.flow().Name {
	case "device":
		spec = "RFC 8628"
	case "implicit":
		spec = "OIDC Core 3.2"
	case "hybrid":
		spec = "OIDC Core 3.3, RFC 7636"
	}
	t.next("Sign alice in", spec)
	in := t.inside
	l := &login{invocation: in}
	entry, err := flows.Find(in.values.String("flow"))
	if err != nil {
		return err
	}
	k := in.sessions(false)
	client, err := k.Client(ctx)
	if err != nil {
		return err
	}
	r, err := k.Request(ctx, entry, client)
	if err != nil {
		return err
	}
	in.password = secret.New(demoAlice)
	if err := in.person(r); err != nil {
		return err
	}
	defer useragent.Dismiss(r.Agent)
	r.Fallbacks = t.spare
	announce := r.Announce
	r.Announce = func(a flows.Announcement) {
		switch {
		case a.Trouble != nil || a.Ignored != nil:
		case a.UserCode != "":
			t.tell("   %s\n     the page to open on any machine; it shows the code %s\n", fault.Visible(a.Page), fault.Visible(a.UserCode))
		default:
			t.request(a.URL)
		}
		if t.browser != "forms" {
			announce(a)
		}
	}
	r.Keep = func(tokens *flows.Tokens) error { return l.keep(ctx, entry, client, tokens) }
	tokens, err := entry.Flow.Run(ctx, r)
	if err != nil {
		return err
	}
	t.tell("   what was checked, and where it says so:\n")
	for _, rung := range tokens.Ladder {
		if rung.Status == idtoken.Passed {
			t.tell("     ok  %-16s %s\n", rung.Name, rung.Spec)
		}
	}
	t.tell("   signed in as %s\n", fault.VisibleUpTo(request.DisplayName(tokens.Claims), 100))
	return nil
}

// request shows the authentication request, parameter by parameter.
func (t *tour) request(address string) {
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	q := u.Query()
	u.RawQuery = ""
	t.tell("   %s\n", u)
	why := map[string]string{
		"state": "ties the answer to this request", "nonce": "ties the ID token to this request", "code_challenge": "ties the code to this process",
	}
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := q.Get(name)
		if why[name] != "" {
			value = shortened(value) + "  " + why[name]
		}
		t.tell("     %-22s %s\n", name, value)
	}
}

func (t *tour) tokens(ctx context.Context) error {
	t.next("Keep the tokens", "RFC 6749 5.1")
	// From here on the profile speaks, as it would in another process.
	if err := t.use(map[string][]string{}); err != nil {
		return err
	}
	s, err := t.inside.sessions(false).Fresh(ctx, 0, false)
	if err != nil {
		return err
	}
	t.show(s)
	return nil
}

func (t *tour) show(s *store.Session) {
	t.tell("   access token   %s  %s\n", shortened(s.Access.Reveal()), until(s.Expiry, t.Now()))
	t.tell("   refresh token  %s\n   ID token       %s\n", shortened(s.Refresh.Reveal()), shortened(s.ID.Reveal()))
}

func (t *tour) userinfo(ctx context.Context) error {
	t.next("Ask who is signed in", "OIDC Core 5.3")
	s, err := t.inside.sessions(false).Fresh(ctx, 0, false)
	if err != nil {
		return err
	}
	p, err := t.inside.discover(ctx, s.Issuer)
	if err != nil {
		return err
	}
	claims, err := t.inside.sessions(false).Userinfo(ctx, p, s)
	if err != nil {
		return err
	}
	if t.broken != nil && t.broken.Needs == "sources" {
		all, err := t.inside.sources(ctx, s, claims)
		if err == nil {
			t.tell("%s", sourceTable(all))
			err = firstFailed(all)
		}
		if err != nil {
			return err
		}
	}
	shown := map[string]json.RawMessage{}
	for _, name := range []string{"sub", "name", "email"} {
		if v, there := claims[name]; there {
			shown[name] = v
		}
	}
	var b strings.Builder
	if err := output.Print(&b, "text", output.Result{Schema: "userinfo/1", JSON: shown}); err != nil {
		return err
	}
	t.tell("   %s\n   (%s in all; \"sub\" is the ID token's)\n", strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", "\n   "), fault.Count(len(claims), "claim", "claims"))
	return nil
}

func (t *tour) renew(ctx context.Context) error {
	t.next("Renew the tokens", "RFC 6749 6, OIDC Core 12")
	before, err := t.inside.sessions(false).Fresh(ctx, 0, false)
	if err != nil {
		return err
	}
	after, err := t.inside.sessions(false).Fresh(ctx, 0, true)
	if err != nil {
		return err
	}
	t.show(after)
	if before.Refresh.Reveal() != after.Refresh.Reveal() {
		t.tell("   the refresh token was replaced; the old one is dead (RFC 9700 4.14.2)\n")
	}
	return nil
}
