package logouttoken

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/jose"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

func checkForm(u *under) finding {
	const expected = "a compact JWS"
	if u.bad != nil {
		return finding{expected: expected, actual: cause(u.bad), status: idtoken.Failed, err: u.bad}
	}
	return pass(expected, expected)
}

// cause is an error's text without what was being done.
func cause(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Err != nil {
		return f.Err.Error()
	}
	return err.Error()
}

// checkTyp lets the types pass that older providers send, and refuses that of
// any other kind of token (RFC 8725 3.11).
func checkTyp(u *under) finding {
	const expected = "logout+jwt, JWT, or none"
	typ := u.signed.Header.Typ
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "logout+jwt", "jwt":
		return pass(expected, show(typ))
	case "":
		return pass(expected, "none")
	}
	return fail(expected, show(typ), "the typ %q is that of another kind of token", show(typ))
}

func checkCrit(u *under) finding {
	const expected = "no crit, no b64"
	if err := u.signed.Understood(); err != nil {
		return finding{expected: expected, actual: strings.Join(u.signed.Header.Critical, ", "), status: idtoken.Failed, err: err}
	}
	return pass(expected, "none")
}

func checkAlgorithm(u *under) finding {
	expected := strings.Join(u.Algs, " or ")
	if err := u.signed.Allowed(u.Algs); err != nil {
		return finding{expected: expected, actual: show(u.signed.Header.Alg), status: idtoken.Failed, err: err}
	}
	return pass(expected, u.signed.Header.Alg)
}

// checkSignature asks for the keys once more when one is unknown (OIDC Core
// 10.1.1).
func checkSignature(u *under) finding {
	if u.signed.Understood() != nil || u.signed.Allowed(u.Algs) != nil {
		return skip("the header was refused")
	}
	expected := u.signed.Header.Alg + " by the provider"
	var err error
	var info jose.KeyInfo
	for _, refetch := range []bool{false, true} {
		var keys jose.Set
		if !strings.HasPrefix(u.signed.Header.Alg, "HS") {
			if keys, err = u.Keys(u.ctx, refetch); err != nil {
				return finding{expected: expected, actual: "the keys could not be fetched", status: idtoken.Failed, err: err, foreign: true}
			}
		}
		if info, err = u.signed.Verify(keys, u.Algs, u.ClientSecret); !errors.Is(err, jose.ErrUnknownKey) {
			break
		}
	}
	if err != nil {
		return finding{expected: expected, actual: cause(err), status: idtoken.Failed, err: err}
	}
	return pass(expected, "matches "+info.String())
}

func checkClaims(u *under) finding {
	const expected = "a JSON object"
	if u.broken != nil {
		return finding{expected: expected, actual: cause(u.broken), status: idtoken.Failed, err: u.broken}
	}
	return pass(expected, expected)
}

func checkIss(u *under) finding {
	got, ok := u.text("iss")
	switch {
	case !u.has("iss"):
		return fail(u.Issuer, "missing", "%q is missing", "iss")
	case !ok || got != u.Issuer:
		return fail(u.Issuer, show(string(u.claims.All["iss"])), "%q is %s, not the issuer %q", "iss", show(string(u.claims.All["iss"])), u.Issuer)
	}
	return pass(u.Issuer, got)
}

func checkAud(u *under) finding {
	expected := "contains " + u.ClientID
	got := show(string(u.claims.All["aud"]))
	switch {
	case !u.has("aud"):
		return fail(expected, "missing", "%q is missing", "aud")
	case !contains(u.claims.Audience, u.ClientID):
		return fail(expected, got, "%q does not contain the client id %q", "aud", u.ClientID)
	}
	return pass(expected, got)
}

func checkIat(u *under) finding {
	expected := fmt.Sprintf("not in the future, with %s of clock skew", skew)
	t := u.claims.IssuedAt
	switch {
	case !u.has("iat"):
		return fail(expected, "missing", "%q is missing", "iat")
	case t.IsZero():
		return fail(expected, show(string(u.claims.All["iat"])), "%q is no date", "iat")
	case t.After(u.Now.Add(skew)):
		return fail(expected, t.Format(time.RFC3339), "%q is %s, and it is only %s", "iat", t.Format(time.RFC3339), u.Now.UTC().Format(time.RFC3339))
	}
	return pass(expected, t.Format(time.RFC3339))
}

func checkExp(u *under) finding {
	expected := fmt.Sprintf("not over, with %s of clock skew", skew)
	t := u.claims.Expiry
	switch {
	case !u.has("exp"):
		return fail(expected, "missing", "%q is missing", "exp")
	case t.IsZero():
		return fail(expected, show(string(u.claims.All["exp"])), "%q is no date", "exp")
	case u.Now.After(t.Add(skew)):
		return fail(expected, t.Format(time.RFC3339), "%q is over since %s, and it is %s", "exp", t.Format(time.RFC3339), u.Now.UTC().Format(time.RFC3339))
	}
	return pass(expected, t.Format(time.RFC3339))
}

func checkWhose(u *under) finding {
	expected := "sub, sid, or both"
	if u.NeedsSID {
		expected = "sid, as the client is registered"
	}
	sub, isSub := u.text("sub")
	sid, isSID := u.text("sid")
	switch {
	case u.has("sub") && (!isSub || sub == "") || u.has("sid") && (!isSID || sid == ""):
		return fail(expected, "not texts", "%q or %q is no text, or empty", "sub", "sid")
	case u.NeedsSID && !isSID:
		return fail(expected, "no sid", "%q is missing, and the client is registered with backchannel_logout_session_required", "sid")
	case !isSub && !isSID:
		return fail(expected, "neither", "it names neither a %q nor a %q", "sub", "sid")
	}
	return pass(expected, strings.TrimPrefix(map[bool]string{true: ", sub"}[isSub]+map[bool]string{true: ", sid"}[isSID], ", "))
}

func checkEvents(u *under) finding {
	const expected = "the back-channel logout event"
	got := show(string(u.claims.All["events"]))
	events, err := strictjson.Object(u.claims.All["events"])
	switch {
	case !u.has("events"):
		return fail(expected, "missing", "%q is missing: it is no logout token", "events")
	case err != nil:
		return fail(expected, got, "%q is no object", "events")
	}
	event, there := events[Event]
	if !there {
		return fail(expected, got, "%q does not say that a session is to end", "events")
	}
	if _, err := strictjson.Object(event); err != nil {
		return fail(expected, got, "the logout event is no object")
	}
	return pass(expected, "there")
}

func checkNonce(u *under) finding {
	if u.has("nonce") {
		return fail("none", "there", "%q is there: it may be an ID token that somebody passes off as a logout token", "nonce")
	}
	return pass("none", "none")
}

func checkJTI(u *under) finding {
	const expected = "new"
	jti, ok := u.text("jti")
	switch {
	case !u.has("jti"):
		return fail(expected, "missing", "%q is missing", "jti")
	case !ok || jti == "":
		return fail(expected, show(string(u.claims.All["jti"])), "%q is no text, or empty", "jti")
	case u.Used != nil && u.Used(jti):
		return fail(expected, "used", "a logout token with this %q came before", "jti")
	}
	return pass(expected, secret.Fingerprint(jti))
}

func checkSub(u *under) finding {
	return u.same("sub", u.Subject)
}

func checkSID(u *under) finding {
	return u.same("sid", u.Session)
}

// same compares a claim with the session's.
func (u *under) same(claim, want string) finding {
	got, ok := u.text(claim)
	switch {
	case !ok:
		return skip("not sent")
	case want == "":
		return skip("the session has none to compare with")
	case got != want:
		return fail(show(want), show(got), "%q is %q: the token is about another session than the one here", claim, show(got))
	}
	return pass(show(want), show(got))
}
