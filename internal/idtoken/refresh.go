package idtoken

import (
	"cmp"
	"fmt"
	"time"

	"rely/internal/secret"
)

func checkRefreshIss(l *ladder) finding { return l.kept("iss", l.Prior.Issuer, l.claims.Issuer) }

func checkRefreshSub(l *ladder) finding { return l.kept("sub", l.Prior.Subject, l.claims.Subject) }

func checkRefreshAzp(l *ladder) finding { return l.kept("azp", l.Prior.Azp, l.claims.Azp) }

func (l *ladder) kept(claim, before, now string) finding {
	if before != now {
		return fail(cmp.Or(show(before), "none"), cmp.Or(show(now), "none"), fmt.Errorf("%q was %q at the login and is %q now", claim, show(before), show(now)))
	}
	return pass(cmp.Or(show(before), "none"), cmp.Or(show(now), "none"))
}

// checkRefreshIat allows for several machines behind one provider.
func checkRefreshIat(l *ladder) finding {
	before, now := l.Prior.IssuedAt, l.claims.IssuedAt
	if !l.has("iat") || l.wrong["iat"] != nil {
		return skip("there is no iat to compare")
	}
	expected := "not before " + before.Format(time.RFC3339)
	if now.Add(l.Skew).Before(before) {
		return fail(expected, l.when(now), fmt.Errorf("%q is older than at the login", "iat"))
	}
	return pass(expected, l.when(now))
}

func checkRefreshAuthTime(l *ladder) finding {
	before, now := l.Prior.AuthTime, l.claims.AuthTime
	if before.IsZero() || !l.has("auth_time") {
		return skip("not in both tokens")
	}
	if f, bad := l.bad("auth_time", l.when(before)); bad {
		return f
	}
	if !before.Equal(now) {
		return fail(l.when(before), l.when(now), fmt.Errorf("%q is not that of the login", "auth_time"))
	}
	return pass(l.when(before), l.when(now))
}

func checkRefreshNonce(l *ladder) finding {
	if !l.has("nonce") {
		return skip("not sent, as it should be")
	}
	expected := secret.Fingerprint(l.Prior.Nonce)
	if err := l.wrong["nonce"]; err != nil {
		return fail(expected, "not a string", err)
	}
	if !same(l.Prior.Nonce, l.claims.Nonce) {
		return fail(expected, secret.Fingerprint(l.claims.Nonce), fmt.Errorf("%q is not that of the login", "nonce"))
	}
	return pass(expected, secret.Fingerprint(l.claims.Nonce))
}
