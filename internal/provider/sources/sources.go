// Package sources resolves claims that a provider does not vouch for itself
// (OIDC Core 5.6.2): aggregated ones, which came along as a JWT of somebody
// else, and distributed ones, which are fetched where the provider says. It
// sends nothing of the client's and nothing of the session's to anybody.
package sources

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// What bounds it all.
const (
	most   = 10          // sources that are looked at
	within = time.Minute // all of them together
	spec   = "OIDC Core 5.6.2"
)

// The kinds of sources, and what can become of one.
const (
	Aggregated  = "aggregated"
	Distributed = "distributed"

	Verified   = "verified"   // its issuer's keys made the signature
	Unverified = "unverified" // read, and nobody can say whether it is true
	Failed     = "failed"
	Unused     = "unused" // no claim is said to be from it
)

// A Source is one entry of _claim_sources, and what became of it.
type Source struct {
	Name     string
	Kind     string   // empty where it is neither
	Status   string   // one of the above
	Issuer   string   // of the JWT; empty where it does not say, or was not read
	Endpoint string   // of a distributed source
	Names    []string // claims that are said to be from it
	Claims   map[string]json.RawMessage
	Note     string // why it is unverified, or unused
	Err      error  // why it failed

	token  string        // the JWT
	access secret.String // its own access token
}

// A Resolver looks at sources. All fields must be set.
type Resolver struct {
	HTTP     *wire.Client // proves no client
	Issuer   string       // of the provider that named the sources
	ClientID string
	Now      func() time.Time
	Learn    func(secret string) // told of the sources' access tokens
}

// Resolve looks at every source that UserInfo names, side by side. What fails
// stands with the source; the error is for an answer whose sources cannot be
// told apart. Without any there is nothing to do.
func (r *Resolver) Resolve(ctx context.Context, userinfo map[string]json.RawMessage) ([]Source, error) {
	all, err := r.list(userinfo)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var wait sync.WaitGroup
	for n := range all {
		s := &all[n]
		if s.Status != "" {
			continue
		}
		wait.Go(func() {
			if err := r.resolve(ctx, s); err != nil {
				s.Status, s.Claims, s.Err = Failed, nil, about(s.Name, err)
			}
		})
	}
	wait.Wait()
	return all, nil
}

// list takes _claim_names and _claim_sources apart.
func (r *Resolver) list(userinfo map[string]json.RawMessage) ([]Source, error) {
	from, err := object(userinfo, "_claim_names")
	if err != nil {
		return nil, err
	}
	given, err := object(userinfo, "_claim_sources")
	if err != nil {
		return nil, err
	}
	names := map[string][]string{}
	for name := range given {
		names[name] = nil
	}
	for claim, raw := range from {
		var source string
		if json.Unmarshal(raw, &source) != nil {
			return nil, broken("_claim_names does not name the source of %q as a string: %.100s", claim, raw)
		}
		names[source] = append(names[source], claim)
	}
	var all []Source
	for _, name := range slices.Sorted(maps.Keys(names)) {
		claims := names[name]
		slices.Sort(claims)
		s := Source{Name: name, Names: claims}
		r.read(&s, given[name])
		all = append(all, s)
	}
	for n, looked := 0, 0; n < len(all); n++ {
		if all[n].Status == "" {
			if looked++; looked > most {
				all[n].Status, all[n].Err = Failed, about(all[n].Name, broken("there are more than %d sources", most))
			}
		}
	}
	return all, nil
}

// read says what kind of source it is.
func (r *Resolver) read(s *Source, raw json.RawMessage) {
	members, err := strictjson.Object(raw)
	text := func(name string) (value string) { _ = json.Unmarshal(members[name], &value); return value }
	s.token, s.Endpoint, s.access = text("JWT"), text("endpoint"), secret.New(text("access_token"))
	if !s.access.Empty() {
		r.Learn(s.access.Reveal())
	}
	switch {
	case raw == nil:
		err = broken("_claim_sources has no source of that name")
	case err != nil:
		err = broken("_claim_sources does not describe it as an object: %.100s", raw)
	case s.token != "":
		s.Kind = Aggregated
	case s.Endpoint != "":
		s.Kind = Distributed
	default:
		err = broken("it has neither a JWT nor an endpoint")
	}
	for _, claim := range s.Names {
		if err == nil && mechanics(claim) {
			err = &fault.Error{Kind: fault.Protocol, ID: "sources.claim", Spec: "OIDC Core 5.3.2", Hint: "do not use these claims: they may belong to somebody else",
				Err: fmt.Errorf("%q is the provider's own to say, and not a source's", claim)}
		}
	}
	switch {
	case err != nil:
		s.Status, s.Err = Failed, about(s.Name, err)
	case len(s.Names) == 0:
		s.Status, s.Note = Unused, "no claim is said to be from it, so it was not asked"
	}
}

// mechanics are claims about an answer and not about the person.
func mechanics(claim string) bool {
	return slices.Contains([]string{"sub", "iss", "aud", "exp", "nbf", "iat", "jti", "_claim_names", "_claim_sources"}, claim)
}

// Merge is UserInfo with the claims of verified sources in place of where they
// were said to be. What the provider says itself stays.
func Merge(userinfo map[string]json.RawMessage, all []Source) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, s := range all {
		for name, raw := range s.Claims {
			if s.Status == Verified {
				out[name] = raw
			}
		}
	}
	for name, raw := range userinfo {
		if name != "_claim_names" && name != "_claim_sources" {
			out[name] = raw
		}
	}
	return out
}

// object is a member that has to be an object where it is there.
func object(userinfo map[string]json.RawMessage, name string) (map[string]json.RawMessage, error) {
	raw, there := userinfo[name]
	if !there {
		return nil, nil
	}
	members, err := strictjson.Object(raw)
	if err != nil {
		return nil, about("", broken("%s is no JSON object: %.100s", name, raw))
	}
	return members, nil
}

func broken(format string, args ...any) error {
	return &fault.Error{Kind: fault.Protocol, ID: "sources.form", Op: "resolve the claims that are elsewhere", Spec: spec, Err: fmt.Errorf(format, args...),
		Hint: "have the provider mend _claim_names and _claim_sources of its UserInfo"}
}

// about words an error for one source.
func about(name string, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	out := *f
	out.Op = "resolve the claims that are elsewhere"
	if name != "" {
		out.Op = fmt.Sprintf("resolve the claims of the source %q", fault.VisibleUpTo(name, 60))
	}
	out.Spec = cmp.Or(out.Spec, spec)
	out.Hint = cmp.Or(out.Hint, "tell the provider, or whoever runs the source")
	return &out
}
