// Package idtoken decides whether an ID token may be believed (OIDC Core
// 3.1.3.7, 12.2). Its rules stand in one table, each with its section, and
// every rule that can be looked at is looked at, so that a person sees the
// whole ladder and not the first broken rung alone.
//
// It fetches nothing but keys through [Expected].Keys, decrypts only what was
// registered to be encrypted, keeps nothing, and has no way round a rule. acr is left to whoever asked for it.
package idtoken

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/jose"
	"rely/internal/secret"
)

const (
	defaultSkew = 30 * time.Second
	maxSkew     = 5 * time.Minute
)

// Expected is what is known about the answer before the token is read.
type Expected struct {
	Issuer   string // compared byte for byte
	ClientID string
	// Algs are the algorithms of the client's registration, never the
	// token's own choice; none means RS256 (OIDC Core 3.1.3.7 (7)).
	Algs         []string
	ClientSecret secret.String // the key of HS256, HS384, HS512, and of an Encryption with a symmetric alg
	// Encryption is what the client is registered for; then a token that is not
	// encrypted is refused.
	Encryption jose.Encryption
	OwnKeys    []jose.Private // that decrypt
	// Keys gives the issuer's keys, fetched anew when refetch is true, which
	// happens at most once. Its errors come back from Verify as they are.
	// It is not called for a token whose algorithm is refused.
	Keys func(ctx context.Context, refetch bool) (jose.Set, error)

	Nonce        string         // as sent; empty where none was sent
	AccessToken  secret.String  // that came with the token; empty where none did
	Code         secret.String  // the same for the authorization code
	State        string         // as sent; empty where none was sent
	FrontChannel bool           // the token came through the browser: at_hash and c_hash are required
	MaxAge       *time.Duration // max_age as sent; nil where none was sent
	Fresh        bool           // it was asked for just now, and is no older
	Prior        *Claims        // at a refresh: the claims of the login (OIDC Core 12.2)
	Front        *Claims        // of the ID token that came through the browser before this one (OIDC Core 3.3.3.6)

	Now  time.Time
	Skew time.Duration // between the clocks; 0 or less means 30 s, more than 5 min means 5 min
}

// A Status is what became of one rule.
type Status string

// A rule is skipped when it does not apply, or when an earlier failure took
// away what it looks at. Noted is for what should be otherwise, or was asked for
// and not given, where the provider may do so.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
	Noted   Status = "noted"
)

// A Rung is one rule applied to one token. Expected and Actual are for a
// person; they may quote the token unescaped, and hold no secret. For a
// skipped rule Actual says why.
type Rung struct {
	Name, Spec, Expected, Actual string
	Status                       Status
}

// Claims is what an ID token says. Times are zero and texts empty where a
// claim is missing.
type Claims struct {
	Issuer, Subject                string
	Audience                       []string
	Expiry, IssuedAt, AuthTime     time.Time
	Nonce, Azp, Acr, AtHash, CHash string
	Token                          secret.String              // as it was signed, decrypted where it came encrypted
	Raw                            json.RawMessage            // the payload as it was signed
	All                            map[string]json.RawMessage // every claim, unknown ones too
}

// Verify applies [Rules] to token, in order. It returns the claims only when
// no rule failed, and the rungs always, one for each rule.
//
// The error is of the first rule that failed: Protocol, its ID "idtoken." and
// the rule's name, its Spec the section. An error of e.Keys is returned as it
// is when no earlier rule failed.
func Verify(ctx context.Context, token secret.String, e Expected) (*Claims, []Rung, error) {
	return verify(ctx, token, e, Rules())
}

// VerifyResponse applies [ResponseRules] to the JWT of an authorization
// response (JARM 2.4), as Verify does: IDs begin with "jarm.".
func VerifyResponse(ctx context.Context, token secret.String, e Expected) (*Claims, []Rung, error) {
	return verify(ctx, token, e, ResponseRules())
}

// Peek reads what a token that may be encrypted says, without verifying any of
// it. One that is not encrypted is read all the same: [Verify] refuses it.
func Peek(token secret.String, e Expected) (*Claims, error) {
	l := &ladder{Expected: e}
	if l.parse(token.Reveal()); id(l.openErr) == jose.IDPlain {
		l = &ladder{}
		l.parse(token.Reveal())
	}
	if l.parseErr != nil || l.claimsErr != nil {
		return nil, cmp.Or(l.parseErr, l.claimsErr)
	}
	return l.claims, nil
}

// Unread words why a response JWT could not even be read, without which nobody
// knows whose answer it is.
func Unread(err error) error { return ResponseRules()[0].fault(finding{err: err}) }

func verify(ctx context.Context, token secret.String, e Expected, rules []Rule) (*Claims, []Rung, error) {
	if len(e.Algs) == 0 {
		e.Algs = []string{"RS256"}
	}
	if e.Skew <= 0 {
		e.Skew = defaultSkew
	}
	e.Skew = min(e.Skew, maxSkew)
	l := &ladder{Expected: e, ctx: ctx}
	l.parse(token.Reveal())
	rungs := make([]Rung, 0, len(rules))
	var first error
	for _, r := range rules {
		f := r.apply(l)
		rungs = append(rungs, Rung{Name: r.Name, Spec: r.Spec, Expected: f.expected, Actual: f.actual, Status: f.status})
		if f.status == Failed && first == nil {
			first = r.fault(f)
		}
	}
	if first != nil {
		return nil, rungs, first
	}
	return l.claims, rungs, nil
}

// apply is the check, or why it cannot be made.
func (r Rule) apply(l *ladder) finding {
	switch {
	case r.needs >= needsToken && l.parseErr != nil:
		return skip("the token could not be taken apart")
	case r.needs >= needsClaims && l.claimsErr != nil:
		return skip("the claims could not be read")
	case r.needs == needsPrior && l.Prior == nil:
		return skip("not a refresh")
	case r.needs == needsFront && l.Front == nil:
		return skip("none came through the browser")
	}
	return r.check(l)
}

// fault words a failure. What jose found out is taken over without its own
// "what was being done".
func (r Rule) fault(f finding) error {
	if f.foreign {
		return f.err
	}
	id, op := "idtoken."+r.Name, "check the ID token"
	response, ok := strings.CutPrefix(r.Name, "jarm-")
	if ok {
		id, op = "jarm."+response, "check the authorization response"
	}
	out := &fault.Error{Kind: fault.Protocol, ID: id, Op: op, Spec: r.Spec, Hint: r.hint, Err: f.err}
	if inner, ok := errors.AsType[*fault.Error](f.err); ok {
		out.Err, out.Spec = inner.Err, inner.Spec
		if out.Hint == "" {
			out.Hint = inner.Hint
		}
	}
	if ok { // jose speaks of ID tokens
		out.Hint = strings.ReplaceAll(out.Hint, "id_token_", "authorization_")
		if strings.HasPrefix(out.Spec, "OIDC Core") {
			out.Spec = r.Spec
		}
	}
	return out
}

// A ladder is one token under test.
type ladder struct {
	Expected
	ctx context.Context

	openErr  error // it could not be decrypted
	signed   *jose.Signed
	parseErr error

	claims    *Claims
	wrong     map[string]error // claims of a wrong type
	claimsErr error

	keyFound  string // describes the key, once there is one
	verifyErr error
}

// parse decrypts the token where it has to be encrypted, and takes it apart.
func (l *ladder) parse(token string) {
	if !l.Encryption.None() {
		if token, l.openErr = l.open(token); l.openErr != nil {
			l.parseErr = l.openErr
			return
		}
	}
	if !l.Encryption.None() && strings.HasPrefix(token, "{") {
		l.parseErr = &fault.Error{Kind: fault.Protocol, ID: jose.IDForm, Spec: "OIDC Core 10.2", Err: errors.New("what was encrypted are claims that nobody signed, not a signed token"), Hint: hintBug}
		return
	}
	if l.signed, l.parseErr = jose.Parse(token); l.parseErr == nil {
		if l.claims, l.wrong, l.claimsErr = parse(l.signed.Payload); l.claimsErr == nil {
			l.claims.Token = secret.New(token)
		}
	}
}

func (l *ladder) open(token string) (string, error) {
	sealed, err := jose.ParseEncrypted(token)
	if err != nil {
		return "", err
	}
	inner, err := sealed.Decrypt(l.Encryption, l.OwnKeys, l.ClientSecret)
	return string(inner), err
}

// has reports whether the token has the claim, of whatever type.
func (l *ladder) has(claim string) bool {
	_, ok := l.claims.All[claim]
	return ok
}

// A finding is what a check has to say.
type finding struct {
	expected, actual string
	status           Status
	err              error
	foreign          bool // err is not about the token; it is returned as it is
}

func pass(expected, actual string) finding {
	return finding{expected: expected, actual: cmp.Or(actual, "empty"), status: Passed}
}

func skip(why string) finding { return finding{actual: why, status: Skipped} }

func fail(expected, actual string, err error) finding {
	return finding{expected: expected, actual: cmp.Or(actual, "empty"), status: Failed, err: err}
}
