package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rely/internal/config"
	"rely/internal/fault"
	"rely/internal/flows"
	"rely/internal/flows/request"
	"rely/internal/idtoken"
	"rely/internal/registration"
	"rely/internal/secret"
	"rely/internal/useragent"
)

// What became of a step.
const (
	passed     = "passed"
	failedStep = "failed"
	notRun     = "not run"
)

// A smokeStep is one step of the client's life.
type smokeStep struct {
	Name   string     `json:"name"`
	What   string     `json:"what"`
	Spec   string     `json:"spec,omitempty"`
	Status string     `json:"status"` // passed, failed, not run
	Millis float64    `json:"took_ms"`
	Exit   int        `json:"exit"`            // what the failure would end a command with
	Said   string     `json:"said,omitempty"`  // what was seen, what went wrong, or why it was not run
	Error  string     `json:"error,omitempty"` // ID of the failure
	Cause  *causeJSON `json:"cause,omitempty"`

	needs string // the step without which this one makes no sense
	run   func(s *smoke, ctx context.Context) (detail string, err error)
	err   error
}

// A leftOut is a step that this provider or client has no place for.
type leftOut struct{ why string }

// Error is the reason.
func (l *leftOut) Error() string { return l.why }

func leave(why string) (string, error) { return "", &leftOut{why} }

func (s *smoke) discovered(ctx context.Context) (string, error) {
	p, err := s.inside.discover(ctx, s.inside.values.String("issuer"))
	if err != nil {
		return "", err
	}
	s.provider = p
	return p.Source, nil
}

// scope is what to ask for: where the person said nothing, who is signed in,
// and a refresh token where the provider has a scope for it.
func (s *smoke) scope() string {
	scope := s.inside.values.String("scope")
	var offered []string
	_ = json.Unmarshal(s.provider.Metadata.Raw["scopes_supported"], &offered) // of the wrong type: none
	if scope == "" {
		scope = "openid profile email"
		if slices.Contains(offered, "offline_access") {
			scope += " offline_access"
		}
	}
	return scope
}

// register makes the client. A request that is under way is not broken off: it
// may have made one that nobody would know of.
func (s *smoke) register(ctx context.Context) (string, error) {
	in := s.inside
	initial, err := s.secretOnce(s.initialStdin, "initial_access_token", "the initial access token")
	if err != nil {
		return "", err
	}
	hc, err := in.http()
	if err != nil {
		return "", err
	}
	ports, err := steadyPorts(ctx, 2)
	if err != nil {
		return "", err
	}
	scope := s.scope()
	wanted := map[string]any{"client_name": "rely smoke (throw-away)", "scope": scope}
	var uses []string // of keys that the client needs
	if method := in.values.String("client_auth"); method != "" {
		wanted["token_endpoint_auth_method"] = method
		if use, needed := map[string]string{"private_key_jwt": "auth", "self_signed_tls_client_auth": "mtls"}[method]; needed {
			uses = []string{use}
		}
	}
	if s.keys, err = registration.Keys(&s.provider.Metadata, uses, wanted, s.Now()); err != nil {
		return "", err
	}
	if uri := in.values.String("redirect_uri"); uri != "" {
		wanted["redirect_uris"] = []string{uri}
	}
	plan, err := registration.Choose(&s.provider.Metadata, registration.Wish{Metadata: wanted, Grant: "authorization_code", Ports: ports})
	if err != nil {
		return "", err
	}
	endpoint := registration.Endpoint{Provider: s.provider, HTTP: hc, Initial: initial, Now: s.Now()}
	made, err := endpoint.Make(context.WithoutCancel(ctx), plan)
	if err != nil {
		var o *registration.Orphan
		if errors.As(err, &o) {
			s.handOver(o.Client, o.Kept)
		}
		return "", err
	}
	s.made = made
	s.redact.Learn(made.Secret.Reveal())
	s.redact.Learn(made.RegistrationToken.Reveal())
	return "client " + made.ID, s.keep(ctx, scope)
}

// keep puts the client in force: its settings in the profile of the temporary
// folder, its secrets in memory.
func (s *smoke) keep(ctx context.Context, scope string) error {
	in := s.inside
	record := registration.Record(s.made.Asked, s.made.Metadata)
	c, err := storeClient(in.values.String("issuer"), s.made.Client, record)
	if err != nil {
		return err
	}
	c.Keys = s.keys
	if err := in.kept.PutClient(ctx, in.profile, c); err != nil {
		return err
	}
	changes := append(learnt(s.made.ID, record, s.made.Redirect.URIs[0]), config.Change{Name: "scope", Values: []string{scope}})
	if strings.Contains(" "+scope+" ", " offline_access ") && in.values.String("prompt") == "" {
		changes = append(changes, config.Change{Name: "prompt", Values: []string{"consent"}}) // OIDC Core 11
	}
	if err := in.keepSettings(changes...); err != nil {
		return err
	}
	rest := map[string][]string{}
	for _, name := range smokeSettings() {
		if in.values.Source(name) > config.FromDefault && !slices.Contains(clientSettings(), name) {
			rest[name] = in.all(name)
		}
	}
	if err := s.use(rest); err != nil {
		return err
	}
	s.client, err = in.sessions(false).Client(ctx)
	return err
}

// login signs in as "rely login" does, and keeps the tokens in memory.
func (s *smoke) login(ctx context.Context) (string, error) {
	in := s.inside
	entry, err := flows.Find("")
	if err != nil {
		return "", err
	}
	k := in.sessions(false)
	r, err := k.Request(ctx, entry, s.client)
	if err != nil {
		return "", err
	}
	if err := in.person(r); err != nil {
		return "", err
	}
	defer useragent.Dismiss(r.Agent)
	r.Fallbacks = fallbacks(s.client, r.RedirectURI)
	r.Keep = func(t *flows.Tokens) error {
		s.session = k.New(entry.Name, t)
		return in.kept.PutSession(ctx, in.profile, s.session)
	}
	t, err := entry.Flow.Run(ctx, r)
	if err != nil {
		err = in.likely(ctx, k.Explain(s.client, err))
		if id := worded(err).ID; strings.HasPrefix(id, "token.") || strings.HasPrefix(id, "idtoken.") {
			s.refused = err // the person is back; what the provider then sent is the next step's
			return "the answer came back", nil
		}
		return "", err
	}
	in.learnSession(s.session)
	s.tokens, s.claims = t, map[string]json.RawMessage{}
	if t.Claims == nil {
		return "nobody is named: the scope has no openid", nil
	}
	maps.Copy(s.claims, t.Claims.All)
	return "as " + request.DisplayName(t.Claims), nil
}

// lookAtTokens tells what came, and what of it was checked.
func (s *smoke) lookAtTokens(context.Context) (string, error) {
	if s.refused != nil {
		return "", s.refused
	}
	t, n := s.tokens, 0
	for _, r := range t.Ladder {
		if r.Status == idtoken.Passed {
			n++
		}
	}
	life := "no expires_in"
	if !t.Expiry.IsZero() {
		life = "good for " + t.Expiry.Sub(s.Now()).Round(time.Second).String()
	}
	refresh := "no refresh token"
	if !t.Refresh.Empty() {
		refresh = "a refresh token"
	}
	detail := fmt.Sprintf("%s, %s, %s; %s", t.TokenType, life, refresh, fault.Count(n, "check passed", "checks passed"))
	if missing := request.MissingScopes(s.inside.values.String("scope"), t.Scope); missing != "" {
		detail += "; not granted: " + missing
	}
	return detail, nil
}

func (s *smoke) userinfo(ctx context.Context) (string, error) {
	if s.provider.Metadata.UserinfoEndpoint == "" {
		return leave("the provider names no userinfo_endpoint")
	}
	claims, err := s.inside.sessions(false).Userinfo(ctx, s.provider, s.session)
	if err != nil {
		return "", err
	}
	maps.Copy(s.claims, claims)
	return fault.Count(len(claims), "claim", "claims") + "; sub is the ID token's", nil
}

// active asks what a token is worth.
func (s *smoke) active(ctx context.Context, token secret.String, hint string) (bool, map[string]json.RawMessage, error) {
	p, hc, err := s.inside.sessions(false).Proven(ctx, s.client)
	if err != nil {
		return false, nil, err
	}
	m, err := p.Introspect(ctx, hc, token, hint)
	return string(m["active"]) == "true", m, err
}

// cannotAsk says why introspection is no part of this; empty where it is.
func (s *smoke) cannotAsk() string {
	switch {
	case !s.names("introspection_endpoint"):
		return "the provider names no introspection_endpoint"
	case s.client.Secret.Empty() && s.client.Keys.Empty():
		return "the client is a public one, which may not ask"
	}
	return ""
}

// names reports whether the provider has an endpoint.
func (s *smoke) names(endpoint string) bool {
	var address string
	return json.Unmarshal(s.provider.Metadata.Raw[endpoint], &address) == nil && address != ""
}

func (s *smoke) introspect(ctx context.Context) (string, error) {
	if why := s.cannotAsk(); why != "" {
		return leave(why)
	}
	good, m, err := s.active(ctx, s.session.Access, "access_token")
	switch {
	case err != nil:
		return "", err
	case !good:
		return "", broken("introspection.inactive", "RFC 7662 2.2", "the token that was just issued is not active", "look at how the provider keeps and finds its access tokens")
	}
	var sub string
	if raw, there := m["sub"]; there && (json.Unmarshal(raw, &sub) != nil || sub != s.session.Subject) {
		return "", broken("smoke.introspection-sub", "RFC 7662 2.2", fmt.Sprintf("sub is %s, and %q is signed in", raw, s.session.Subject), "have the provider say the same subject everywhere, or none in introspection")
	}
	return "active", nil
}

// broken is a provider that did not keep a rule.
func broken(id, spec, what, hint string) error {
	return &fault.Error{Kind: fault.Protocol, ID: id, Op: "try the provider", Spec: spec, Err: errors.New(what), Hint: hint}
}

// refresh renews, and uses what came.
func (s *smoke) refresh(ctx context.Context) (string, error) {
	if s.session.Refresh.Empty() {
		return leave("the provider gave no refresh token")
	}
	before := s.session
	after, err := s.inside.sessions(false).Fresh(ctx, 0, true)
	if err != nil {
		return "", err
	}
	s.inside.learnSession(after)
	s.session = after
	if before.Access.Reveal() == after.Access.Reveal() {
		return "", broken("smoke.refresh-same", "RFC 6749 6", "the access token is the old one", "have the provider issue a new access token at each renewal")
	}
	if !s.failed["userinfo"] { // what fails before need not be told again
		if _, err := s.inside.sessions(false).Userinfo(ctx, s.provider, after); err != nil {
			return "", err
		}
	}
	if before.Refresh.Reveal() == after.Refresh.Reveal() {
		return "the refresh token stays", nil
	}
	return "the refresh token is replaced", nil
}
