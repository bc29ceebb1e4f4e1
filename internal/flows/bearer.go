package flows

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/provider"
	"rely/internal/secret"
)

// JWTBearer redeems an assertion: a JWT that somebody the provider trusts has
// signed, here the client with its own key, or the CI system (RFC 7523 2.1, 3).
type JWTBearer struct{}

const (
	bearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	bearerLife  = 5 * time.Minute // of an assertion that is built: it is used at once
)

// Possible implements [Flow].
func (JWTBearer) Possible(m *provider.Metadata) error {
	return m.Names("token_endpoint")
}

// Run implements [Flow].
func (JWTBearer) Run(ctx context.Context, r *Request) (*Tokens, error) {
	assertion, err := asserted(ctx, r)
	if err != nil {
		return nil, err
	}
	form := scoped(r, url.Values{"grant_type": {bearerGrant}, "assertion": {assertion.Reveal()}})
	t, err := r.Redeem(ctx, "redeem the assertion", form)
	if err != nil {
		return nil, err
	}
	if err := checked(ctx, r, t); err != nil {
		return nil, err
	}
	return t, r.Kept(t)
}

// asserted is the assertion: given, the CI job's, or built from the claims.
func asserted(ctx context.Context, r *Request) (secret.String, error) {
	from, claims := r.Text("assertion"), r.List("claim")
	given, err := r.Given("assertion_token", "the assertion")
	refuse := func(err error, hint string) (secret.String, error) {
		return secret.String{}, &fault.Error{Kind: fault.Usage, ID: "jwt-bearer.assertion", Op: "use the flow jwt-bearer", Err: err, Hint: hint}
	}
	switch {
	case err != nil:
		return given, err
	case from != "" && from != "ci":
		return refuse(fmt.Errorf("%q is nobody whose assertion rely can take", from), "use --assertion ci, or give it with --assertion-token-file FILE")
	case len(claims) > 0 && (from != "" || !given.Empty()):
		return refuse(errors.New("claims are given for an assertion that is signed already"), "leave out --claim, or what brings the signed assertion")
	case from != "" && !given.Empty():
		return refuse(errors.New("an assertion is given, and --assertion says to take another"), "leave one of them out")
	case from == "ci":
		return r.Job(ctx, r.Text("ci_audience"))
	case !given.Empty():
		return given, nil
	}
	return built(r, claims)
}

// built signs an assertion (RFC 7523 3): issuer and subject are the client,
// the audience is the provider, and it is good for minutes. A claim that was
// given takes the place of the one made here.
func built(r *Request, claims []string) (secret.String, error) {
	if r.Keys.Empty() {
		return secret.String{}, missing("jwt-bearer", "an assertion, or a key to sign one with,", "give --client-key-file FILE, --assertion-token-file FILE or --assertion ci")
	}
	keys, err := jose.ParsePrivate(r.KeysName, r.Keys)
	if err != nil {
		return secret.String{}, err
	}
	now := r.Now()
	is := map[string]any{"iss": r.ClientID, "sub": r.ClientID, "aud": r.Audience, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(bearerLife).Unix()}
	for _, pair := range claims {
		name, value, _ := strings.Cut(pair, "=")
		is[name] = claim(name, value)
	}
	// What a parser of ours would refuse is not sent (RFC 7523 3).
	for _, name := range []string{"iss", "sub", "aud", "exp"} {
		if is[name] == "" || is[name] == nil {
			return secret.String{}, &fault.Error{Kind: fault.Usage, ID: "jwt-bearer.claim", Op: "build the assertion", Spec: "RFC 7523 3",
				Err: fmt.Errorf("the claim %s is empty, and an assertion must have it", name), Hint: "give it with --claim " + name + "=VALUE"}
		}
	}
	algs := keys[0].SigningAlgorithms()
	if len(algs) == 0 {
		return secret.String{}, &fault.Error{Kind: fault.Config, ID: "jwt-bearer.key", Op: "build the assertion", Err: fmt.Errorf("%s signs with nothing that rely knows", keys[0]), Hint: "use an RSA, EC or Ed25519 key"}
	}
	token, err := jose.Sign(keys[0], map[string]any{"alg": algs[0], "typ": "JWT"}, is)
	if err != nil {
		return secret.String{}, &fault.Error{Kind: fault.Usage, ID: "jwt-bearer.claim", Op: "build the assertion", Err: err, Hint: "look at the names after --claim"}
	}
	return token, nil
}

// claim is a value as JSON has it: a number, true, a list or an object where
// it reads as one. Names and identifiers are texts whatever they look like.
func claim(name, value string) any {
	if slices.Contains([]string{"iss", "sub", "jti"}, name) {
		return value
	}
	var v any
	d := json.NewDecoder(strings.NewReader(value))
	d.UseNumber() // or a large one would lose digits
	if d.Decode(&v) != nil || d.More() {
		return value
	}
	return v
}
