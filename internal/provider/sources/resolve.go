package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/provider"
	"rely/internal/secret"
	"rely/internal/strictjson"
	"rely/internal/wire"
)

// resolve reads one source's JWT and says how far it can be believed.
func (r *Resolver) resolve(ctx context.Context, s *Source) error {
	if s.Kind == Distributed {
		if err := r.fetch(ctx, s); err != nil {
			return err
		}
	}
	signed, err := jose.Parse(s.token)
	if err != nil {
		return err
	}
	if typ := strings.ToLower(signed.Header.Typ); strings.HasSuffix(typ, "+jwt") {
		return &fault.Error{Kind: fault.Protocol, ID: "sources.typ", Spec: "RFC 8725 3.11", Err: fmt.Errorf("the typ %.100q is that of another kind of token", signed.Header.Typ)}
	}
	members, err := strictjson.Object(signed.Payload)
	if err != nil {
		return broken("what is inside the JWT is no JSON object: %w", err)
	}
	if err := r.forUs(members); err != nil {
		return err
	}
	s.Claims = map[string]json.RawMessage{}
	for _, name := range s.Names {
		raw, there := members[name]
		if !there {
			return broken("its JWT lacks %q, which is said to be from it", name)
		}
		s.Claims[name] = raw
	}
	_ = json.Unmarshal(members["iss"], &s.Issuer)
	switch {
	case strings.EqualFold(signed.Header.Alg, "none"):
		s.Status, s.Note = Unverified, "nobody signed its claims"
		return nil
	case s.Issuer == "":
		s.Status, s.Note = Unverified, "its claims do not say who vouches for them: there is no iss"
		return nil
	}
	s.Status = Verified
	return r.verify(ctx, s, signed)
}

// fetch asks a source for its JWT, with the access token that came with it and
// never with ours, and follows it nowhere.
func (r *Resolver) fetch(ctx context.Context, s *Source) error {
	u, err := wire.Endpoint("the endpoint", s.Endpoint, r.Issuer)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return broken("its endpoint cannot be asked: %w", err)
	}
	req.Header.Set("Accept", "application/jwt")
	if !s.access.Empty() {
		token := s.access.Reveal()
		if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return broken("its access token holds characters that no token has")
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	a, err := r.HTTP.Do(ctx, "ask a source of claims", req, jose.MaxToken)
	switch {
	case err != nil:
		return err
	case a.Status/100 == 4 && a.Status != http.StatusTooManyRequests:
		return &fault.Error{Kind: fault.Denied, ID: "sources.refused", Spec: "RFC 6750 3.1", Err: fmt.Errorf("%s answered %d", u.Host, a.Status),
			Hint: "ask UserInfo again for a new access token of the source; some want one that is agreed on beforehand"}
	case a.Status != http.StatusOK:
		return a.Unexpected("ask a source of claims")
	}
	s.token = strings.TrimSpace(string(a.Body))
	if strings.HasPrefix(s.token, "{") {
		return broken("its endpoint answers with JSON, and it has to be a JWT")
	}
	return nil
}

// verify checks the signature with the keys that the JWT's issuer publishes,
// fetched anew once for one that is not among them.
func (r *Resolver) verify(ctx context.Context, s *Source, signed *jose.Signed) error {
	algs := slices.DeleteFunc(jose.Algorithms(), func(alg string) bool { return strings.HasPrefix(alg, "HS") }) // nobody shares a secret with it
	if err := signed.Understood(); err != nil {
		return err
	}
	if err := signed.Allowed(algs); err != nil {
		return err
	}
	if _, err := wire.Endpoint("iss", s.Issuer, r.Issuer); err != nil {
		return err
	}
	p, err := provider.Discover(ctx, r.HTTP, s.Issuer)
	if err != nil {
		return err
	}
	for _, refetch := range []bool{false, true} {
		keys, fetchErr := p.Keys(ctx, refetch)
		if fetchErr != nil {
			return fetchErr
		}
		if _, err = signed.Verify(keys, algs, secret.String{}); !errors.Is(err, jose.ErrUnknownKey) {
			break
		}
	}
	return err
}

// forUs refuses what is over, not yet good, or for somebody else, where the JWT
// says so (RFC 7519 4.1.3 to 4.1.5), with half a minute between the clocks. The
// provider passes it on, so it may be meant for the provider.
func (r *Resolver) forUs(members map[string]json.RawMessage) error {
	const skew = 30
	now := float64(r.Now().Unix())
	for _, d := range []struct {
		name  string
		wrong func(at float64) bool
	}{{"exp", func(at float64) bool { return now-skew > at }}, {"nbf", func(at float64) bool { return now+skew < at }}} {
		var at float64
		if raw, there := members[d.name]; there && (json.Unmarshal(raw, &at) != nil || d.wrong(at)) {
			return &fault.Error{Kind: fault.Protocol, ID: "sources.date", Spec: "RFC 7519 4.1.4", Err: fmt.Errorf("%q is %.40s, and it is %.0f", d.name, raw, now),
				Hint: "check this computer's clock, then ask again"}
		}
	}
	raw, there := members["aud"]
	if !there {
		return nil
	}
	var one string
	var several []string
	if json.Unmarshal(raw, &one) == nil {
		several = []string{one}
	} else if json.Unmarshal(raw, &several) != nil {
		several = nil
	}
	if !slices.Contains(several, r.ClientID) && !slices.Contains(several, r.Issuer) {
		return &fault.Error{Kind: fault.Protocol, ID: "sources.audience", Spec: "RFC 7519 4.1.3", Hint: "do not use these claims: they were made for somebody else",
			Err: fmt.Errorf("\"aud\" is %.200s, with neither this client nor its provider", raw)}
	}
	return nil
}
