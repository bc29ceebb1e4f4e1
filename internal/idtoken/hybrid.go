package idtoken

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"rely/internal/fault"
)

// The rules for a second ID token: the one from the token endpoint, after one
// came through the browser. Both have passed every other rule by themselves.

func checkHybridIss(l *ladder) finding { return l.asBefore("iss", l.claims.Issuer, l.Front.Issuer) }

func checkHybridSub(l *ladder) finding { return l.asBefore("sub", l.claims.Subject, l.Front.Subject) }

func (l *ladder) asBefore(claim, got, want string) finding {
	if got != want {
		return fail(show(want), show(got), fmt.Errorf("%q is %q, and in the ID token from the browser it is %q", claim, show(got), show(want)))
	}
	return pass(show(want), show(got))
}

// checkHybridEvent holds all that is said of the one sign-in together.
func checkHybridEvent(l *ladder) finding { return l.agree("auth_time", "acr", "amr") }

// checkHybridClaims looks at the standard claims (OIDC Core 5.1) that do not
// change in the moment between the two. What a provider adds of its own may
// well be made anew for each token.
func checkHybridClaims(l *ladder) finding {
	return l.agree("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
		"email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified", "address")
}

// agree compares claims as far as both tokens have them; the provider may put
// fewer into the one for the browser. Those of both should be alike (3.3.3.6):
// a difference is noted and refuses nothing.
func (l *ladder) agree(names ...string) finding {
	both := 0
	for _, name := range names {
		got, here := l.claims.All[name]
		want, there := l.Front.All[name]
		if !here || !there {
			continue
		}
		if both++; !equal(got, want) {
			return finding{expected: name + " " + show(string(want)), actual: name + " " + show(string(got)), status: Noted}
		}
	}
	if both == 0 {
		return skip("no such claim is in both")
	}
	return pass("as in the ID token from the browser", fault.Count(both, "claim", "claims")+" in both, alike")
}

// equal compares values, whatever the order of members and the white space.
func equal(a, b json.RawMessage) bool {
	var one, other any
	if json.Unmarshal(a, &one) != nil || json.Unmarshal(b, &other) != nil {
		return false
	}
	x, errX := json.Marshal(one)
	y, errY := json.Marshal(other)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// checkLifetime refuses a response that stays good for much longer than it takes
// to bring it here. Ten minutes are what JARM recommends; up to an hour is noted.
func checkLifetime(l *ladder) finding {
	const should, most = 10 * time.Minute, time.Hour
	expected := fmt.Sprintf("at most %s from now, with %s of clock skew", should, l.Skew)
	t := l.claims.Expiry
	switch {
	case !l.has("exp") || l.wrong["exp"] != nil:
		return skip("there is no exp")
	case t.Sub(l.Now) > most+l.Skew:
		return fail(expected, l.when(t), fmt.Errorf("%q is %s, which is more than %s from now", "exp", t.Format(time.RFC3339), most))
	case t.Sub(l.Now) > should+l.Skew:
		return finding{expected: expected, actual: l.when(t), status: Noted}
	}
	return pass(expected, l.when(t))
}
