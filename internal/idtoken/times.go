package idtoken

import (
	"fmt"
	"time"
)

// when shows a time and how far it is from now.
func (l *ladder) when(t time.Time) string {
	far := t.Sub(l.Now).Round(time.Second)
	text := t.UTC().Format(time.RFC3339)
	switch {
	case far > 0:
		return fmt.Sprintf("%s (in %s)", text, far)
	case far < 0:
		return fmt.Sprintf("%s (%s ago)", text, far.Abs())
	}
	return text + " (now)"
}

func checkExp(l *ladder) finding {
	expected := fmt.Sprintf("not over, with %s of clock skew", l.Skew)
	if f, bad := l.bad("exp", expected); bad {
		return f
	}
	t := l.claims.Expiry
	switch {
	case !l.has("exp"):
		return missing("exp", expected)
	case l.Now.After(t.Add(l.Skew)):
		return fail(expected, l.when(t), fmt.Errorf("%q is over since %s, and it is %s", "exp", t.Format(time.RFC3339), l.Now.UTC().Format(time.RFC3339)))
	}
	return pass(expected, l.when(t))
}

// oldest is how long ago a token that was asked for just now may have been
// issued: a day is for clocks that are set by hand.
const oldest = 24 * time.Hour

// checkIat has a lower limit for what a sign-in brought alone: of any other
// token, and of a renewal's, the age is in the rung.
func checkIat(l *ladder) finding {
	if f, bad := l.bad("iat", l.notFuture()); bad {
		return f
	}
	t := l.claims.IssuedAt
	switch {
	case !l.has("iat"):
		return missing("iat", l.notFuture())
	case l.Fresh && l.Prior == nil && l.Now.Sub(t) > oldest:
		return fail("at most a day ago", l.when(t), fmt.Errorf("%q is %s: the token was issued long before this sign-in", "iat", l.when(t)))
	}
	return l.past("iat", t)
}

func checkNbf(l *ladder) finding {
	raw, ok := l.claims.All["nbf"]
	if !ok {
		return skip("not sent")
	}
	t, err := date(raw)
	if err != nil {
		return fail(l.notFuture(), show(string(raw)), fmt.Errorf("%q %w", "nbf", err))
	}
	return l.past("nbf", t)
}

func (l *ladder) notFuture() string {
	return fmt.Sprintf("not in the future, with %s of clock skew", l.Skew)
}

func (l *ladder) past(claim string, t time.Time) finding {
	if t.After(l.Now.Add(l.Skew)) {
		return fail(l.notFuture(), l.when(t), fmt.Errorf("%q is %s, and it is only %s", claim, t.Format(time.RFC3339), l.Now.UTC().Format(time.RFC3339)))
	}
	return pass(l.notFuture(), l.when(t))
}

// checkAuthTime leaves a refresh alone: the login grows older than max_age
// without anybody having promised otherwise.
func checkAuthTime(l *ladder) finding {
	switch {
	case l.MaxAge == nil:
		return skip("max_age was not sent")
	case l.Prior != nil:
		return skip("a refresh does not sign in again")
	}
	expected := fmt.Sprintf("at most %s ago, with %s of clock skew", *l.MaxAge, l.Skew)
	if f, bad := l.bad("auth_time", expected); bad {
		return f
	}
	t := l.claims.AuthTime
	if !l.has("auth_time") {
		return missing("auth_time", expected)
	}
	if f := l.past("auth_time", t); f.status == Failed {
		return f
	}
	if l.Now.Sub(t)-l.Skew > *l.MaxAge {
		return fail(expected, l.when(t), fmt.Errorf("%q is %s, longer ago than max_age allows", "auth_time", t.Format(time.RFC3339)))
	}
	return pass(expected, l.when(t))
}
