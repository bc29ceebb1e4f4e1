// Package logouttoken decides whether a logout token may be believed (OpenID
// Connect Back-Channel Logout 1.0, 2.4 and 2.6). Its rules stand in one table,
// each with its section, and every rule that can be looked at is looked at.
//
// It fetches nothing but keys through [Expected].Keys, ends no session and has
// no way round a rule.
package logouttoken

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/jose"
	"rely/internal/secret"
)

// Event is the member of "events" that says what a logout token is.
const Event = "http://schemas.openid.net/event/backchannel-logout"

const skew = 30 * time.Second

// Expected is what is known before the token is read.
type Expected struct {
	Issuer       string // compared byte for byte
	ClientID     string
	Algs         []string      // of the client's ID tokens; none means RS256
	ClientSecret secret.String // the key of HS256, HS384, HS512 and of nothing else
	// Keys gives the issuer's keys, fetched anew when refetch is true, at most
	// once. Its errors come back from Verify as they are.
	Keys func(ctx context.Context, refetch bool) (jose.Set, error)

	Subject  string                // of the session that may end; empty where any will do
	Session  string                // its sid; empty where the ID token had none
	NeedsSID bool                  // backchannel_logout_session_required is registered
	Used     func(jti string) bool // reports whether a token with this jti was seen before, and remembers it
	Now      time.Time
}

// A Rule is one thing that a logout token must satisfy.
type Rule struct {
	Name   string // lower-kebab; the error's ID is "logouttoken." and this
	Spec   string // the section that demands it
	Demand string // what is demanded, in words, for the docs

	claims bool // needs claims that could be read
	check  func(*under) finding
}

// Rules is the table of everything that [Verify] checks, in order.
func Rules() []Rule {
	const rule = "OIDC Back-Channel Logout 2.6 "
	return []Rule{
		{"form", "RFC 7515 7.1", "three parts of base64url, a readable header, at most 1 MiB; not encrypted", false, checkForm},
		{"typ", "OIDC Back-Channel Logout 2.4", "its typ is logout+jwt, JWT or absent", false, checkTyp},
		{"crit", "RFC 7515 4.1.11", "its header has no crit and no b64", false, checkCrit},
		{"algorithm", rule + "(3)", "its alg is that of the client's ID tokens, never none", false, checkAlgorithm},
		{"signature", rule + "(2)", "one of the issuer's keys, or the client secret, made the signature", false, checkSignature},
		{"claims", "RFC 7519 7.2", "the payload is one JSON object without repeated names", false, checkClaims},
		{"iss", rule + "(4)", "iss is the issuer, byte for byte", true, checkIss},
		{"aud", rule + "(4)", "aud is or contains the client id", true, checkAud},
		{"iat", rule + "(4)", "iat is there and not in the future", true, checkIat},
		{"exp", rule + "(4)", "exp is there and not over", true, checkExp},
		{"whose", rule + "(5)", "it has a sub, a sid, or both; a sid where the client demands it", true, checkWhose},
		{"events", rule + "(6)", "events is an object whose member " + Event + " is an object", true, checkEvents},
		{"nonce", rule + "(7)", "it has no nonce: it is no ID token", true, checkNonce},
		{"jti", rule + "(8)", "jti is there, and no token with it came before", true, checkJTI},
		{"sub", rule + "(10)", "sub, if there, is the session's", true, checkSub},
		{"sid", rule + "(11)", "sid, if there, is the session's", true, checkSID},
	}
}

// A finding is what a check has to say.
type finding struct {
	expected, actual string
	status           idtoken.Status
	err              error
	foreign          bool // err is not about the token; it is returned as it is
}

func pass(expected, actual string) finding {
	return finding{expected: expected, actual: actual, status: idtoken.Passed}
}

func fail(expected, actual string, format string, args ...any) finding {
	return finding{expected: expected, actual: cmp.Or(actual, "empty"), status: idtoken.Failed, err: fmt.Errorf(format, args...)}
}

func skip(why string) finding { return finding{actual: why, status: idtoken.Skipped} }

// under is one token under test.
type under struct {
	Expected
	ctx    context.Context
	signed *jose.Signed
	bad    error // why it could not be taken apart
	claims *idtoken.Claims
	broken error // why the claims could not be read
}

// Verify applies [Rules] to token, in order. It returns the claims only when
// no rule failed, and the rungs always, one for each rule. The error is of the
// first rule that failed: Protocol, its ID "logouttoken." and the rule's name.
func Verify(ctx context.Context, token secret.String, e Expected) (*idtoken.Claims, []idtoken.Rung, error) {
	if len(e.Algs) == 0 {
		e.Algs = []string{"RS256"}
	}
	u := &under{Expected: e, ctx: ctx}
	if u.signed, u.bad = jose.Parse(token.Reveal()); u.bad == nil {
		u.claims, u.broken = idtoken.Decode(token)
	}
	var rungs []idtoken.Rung
	var first error
	for n, r := range Rules() {
		f := finding{}
		switch {
		case n > 0 && u.bad != nil:
			f = skip("the token could not be taken apart")
		case r.claims && u.broken != nil:
			f = skip("the claims could not be read")
		default:
			f = r.check(u)
		}
		rungs = append(rungs, idtoken.Rung{Name: r.Name, Spec: r.Spec, Expected: f.expected, Actual: f.actual, Status: f.status})
		if f.status == idtoken.Failed && first == nil {
			first = r.fault(f)
		}
	}
	if first != nil {
		return nil, rungs, first
	}
	return u.claims, rungs, nil
}

// fault words a failure. What jose found out is taken over without its own
// "what was being done".
func (r Rule) fault(f finding) error {
	if f.foreign {
		return f.err
	}
	out := &fault.Error{Kind: fault.Protocol, ID: "logouttoken." + r.Name, Op: "check the logout token", Spec: r.Spec, Err: f.err,
		Hint: "report this to the people who run the provider; whoever sent the token may not be them"}
	if inner, ok := errors.AsType[*fault.Error](f.err); ok {
		out.Err = inner.Err
	}
	return out
}

// has reports whether the token has the claim, of whatever type.
func (u *under) has(claim string) bool {
	_, ok := u.claims.All[claim]
	return ok
}

// text is a claim that is a string; ok is false where it is another thing.
func (u *under) text(claim string) (value string, ok bool) {
	raw := u.claims.All[claim]
	return value, len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &value) == nil
}

func show(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }
