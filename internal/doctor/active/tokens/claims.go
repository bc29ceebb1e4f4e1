package tokens

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"

	"rely/internal/doctor/active/trial"
	"rely/internal/doctor/check"
	"rely/internal/idtoken"
)

// claims are about what stands in tokens.
func claims() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L12", Name: "nonce-exact", Title: "nonce is in the ID token exactly as it was sent, and none where none was", Stage: "tokens", Severity: check.Error, Section: "OIDC Core 3.1.2.1, 3.1.3.7 (11)",
			Why: "It is what ties the ID token to this sign-in; a client refuses one whose nonce it does not know.", Fix: "copy nonce from the authorization request, character by character, and do without where there is none"}, Login: true, Given: true, Run: nonceExact},
		{Check: check.Check{ID: "L15", Name: "id-token-rules", Title: "the ID token keeps every rule, has a kid, lives for an hour at most, and says no more than was asked", Stage: "tokens", Severity: check.Error, Section: "OIDC Core 2, 3.1.3.7, 5.4, 10.1",
			Why: "A client that checks refuses the sign-in; one that does not is open to whoever noticed.", Fix: "look at the rule in the finding",
			Unknown: "A claim that the provider's administrator wants in every ID token looks like one too many."}, Login: true, Given: true, Run: idTokenRules},
		{Check: check.Check{ID: "L19", Name: "access-token-jwt", Title: "an access token that is a JWT says so, is for somebody, ends soon, and tells nothing of the person", Stage: "tokens", Severity: check.Info, Section: "RFC 9068 2, 6",
			Why: "A resource server cannot tell it from an ID token; every program that it passes reads it.", Fix: "set typ at+jwt, aud and exp of an hour or less, and leave personal data to UserInfo",
			Unknown: "What the provider and its resource servers agreed on may be as good."}, Login: true, Given: true, Run: accessTokenJWT},
	}
}

// entropies looks at all that the run brought, and so comes last.
func entropies() []trial.Probe {
	return []trial.Probe{
		{Check: check.Check{ID: "L09", Name: "unguessable", Title: "codes and tokens can have 128 bits of chance, and none comes twice", Stage: "tokens", Severity: check.Warning, Section: "RFC 6749 10.10; FAPI 2.0 Security Profile 5.4.1",
			Demands: []check.Demand{{For: "fapi2", Severity: check.Error}},
			Why:     "What can be guessed needs no stealing.", Fix: "take 32 characters or more of base64url from a cryptographic source",
			Unknown: "It counts the characters that differ between values: values that are long and guessable all the same pass."}, Login: true, Given: true, Run: unguessable},
	}
}

func nonceExact(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil {
		return err
	}
	said := trial.Claims(g.IDToken)
	switch {
	case p.Dry != nil:
	case said.All == nil:
		p.Skip("there is no ID token to read, which L15 tells")
		return nil
	case said.Nonce == nil:
		p.Found("nonce", "none, though one was sent", "the one that was sent")
	case *said.Nonce != g.Nonce:
		p.Found("nonce", fmt.Sprintf("%q", *said.Nonce), fmt.Sprintf("%q", g.Nonce))
	}
	if g, err = p.SignIn(ctx, p.Client, func(q url.Values) { q.Del("nonce") }); err == nil {
		err = p.Take(ctx, p.Client, g)
	}
	if no := (*trial.Refusal)(nil); errors.As(err, &no) && no.Code == "invalid_request" {
		p.FoundAs(check.Warning, "nonce", "a request for a code without one is refused: "+no.Code+" "+no.Description, "a code: nonce is optional there")
		return nil
	}
	if err != nil {
		return fmt.Errorf("a sign-in without nonce: %w", err)
	}
	if said = trial.Claims(g.IDToken); said.Nonce != nil {
		p.Found("nonce", fmt.Sprintf("%q, though none was sent", *said.Nonce), "no nonce")
	}
	return nil
}

// personal are claims of OIDC Core 5.1 that tell who somebody is. UserInfo is
// where they are asked for.
func personal() []string {
	return []string{"name", "given_name", "family_name", "middle_name", "nickname", "email", "phone_number", "birthdate", "gender", "address", "picture"}
}

func idTokenRules(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil || p.Dry != nil {
		return err
	}
	if g.IDToken == "" {
		p.Found("id_token", "none, though the scope has openid", "an ID token")
		return nil
	}
	_, rungs := p.Ladder(ctx, g.Client, g, func(*idtoken.Expected) {})
	p.Broken(rungs, "nonce")
	said := trial.Claims(g.IDToken)
	if said.Kid == "" && !strings.HasPrefix(said.Alg, "HS") {
		p.FoundAs(check.Warning, "kid", "none", "the kid of the key that signed")
	}
	if life := said.Exp - said.Iat; life > 3600 {
		p.FoundAs(check.Warning, "exp", fmt.Sprintf("the ID token lives for %.0f minutes", life/60), "an hour at most")
	}
	if more := among(said, personal()); len(more) > 0 {
		p.FoundAs(check.Info, "claims", strings.Join(more, ", ")+", with the scope "+g.Scope, "no claim about the person that was not asked for")
	}
	return nil
}

func among(said trial.Said, names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { _, there := said.All[name]; return !there })
}

func accessTokenJWT(ctx context.Context, p *trial.Patient) error {
	g, err := p.Whole(ctx)
	if err != nil || p.Dry != nil {
		return err
	}
	said := trial.Claims(g.Access)
	if said.All == nil {
		p.Skip("the access token is opaque, as it may be")
		return nil
	}
	if typ := strings.TrimPrefix(strings.ToLower(said.Typ), "application/"); typ != "at+jwt" {
		p.Found("typ", fmt.Sprintf("%q", said.Typ), "at+jwt")
	}
	if said.Aud == nil {
		p.Found("aud", "none", "the resource server that it is for")
	}
	switch life := said.Exp - said.Iat; {
	case said.Exp == 0:
		p.Found("exp", "none", "an hour from now at most")
	case said.Iat != 0 && life > 3600:
		p.Found("exp", fmt.Sprintf("the access token lives for %.0f minutes", life/60), "an hour at most")
	}
	if more := among(said, personal()); len(more) > 0 {
		p.Found("claims", strings.Join(more, ", "), "nothing about the person")
	}
	return nil
}

func unguessable(ctx context.Context, p *trial.Patient) error {
	if _, err := p.Whole(ctx); err != nil || p.Dry != nil {
		return err
	}
	if len(p.Seen["code"]) < 2 {
		if _, err := p.SignIn(ctx, p.Client, asUsual); err != nil {
			return err
		}
	}
	for _, kind := range []string{"code", "access token", "refresh token"} {
		if slices.Contains(p.Twice, kind) {
			p.FoundAs(check.Error, kind, "the same one came twice", "another one each time")
		}
		values := slices.DeleteFunc(slices.Clone(p.Seen[kind]), func(v string) bool { return strings.Count(v, ".") == 2 }) // signed: not for guessing
		if bits := most(values); len(values) > 0 && bits < 128 {
			p.Found(kind, fmt.Sprintf("%d bits at most, by what differs between %d of them", int(bits), len(values)), "128 bits")
		}
	}
	return nil
}

// most is how many bits of chance there can be in values: what all of them have
// in common at the ends is taken off, and each character counts by the smallest
// of the usual alphabets that has them all.
func most(values []string) float64 {
	if len(values) == 0 {
		return 0
	}
	length, bits := math.MaxInt, 0.0
	all := ""
	for _, v := range values {
		own := v
		if len(values) > 1 {
			own = v[shared(values, false):]
			own = own[:max(0, len(own)-shared(values, true))]
		}
		all += own
		length = min(length, len(own))
	}
	alphabet := 64.0
	for _, a := range []struct {
		chars string
		size  float64
	}{{"0123456789", 10}, {"0123456789abcdef-", 16}, {"0123456789ABCDEF-", 16}, {"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32}} {
		if strings.Trim(all, a.chars) == "" {
			alphabet = a.size
			if strings.Contains(a.chars, "-") {
				length -= strings.Count(values[0], "-")
			}
			break
		}
	}
	bits = float64(length) * math.Log2(alphabet)
	return bits
}

// shared is how many characters all values have in common at the start, or at
// the end.
func shared(values []string, end bool) int {
	at := func(v string, n int) byte {
		if end {
			return v[len(v)-1-n]
		}
		return v[n]
	}
	for n := 0; ; n++ {
		for _, v := range values {
			if n >= len(v) || at(v, n) != at(values[0], n) {
				return n
			}
		}
	}
}
