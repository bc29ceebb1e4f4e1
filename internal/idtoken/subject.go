package idtoken

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rely/internal/jose"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

// missing words the absence of a claim.
func missing(claim, expected string) finding {
	return fail(expected, "missing", fmt.Errorf("%q is missing", claim))
}

// bad words a claim of a wrong type, and reports whether it is one.
func (l *ladder) bad(claim, expected string) (finding, bool) {
	err := l.wrong[claim]
	if err == nil {
		return finding{}, false
	}
	return fail(expected, show(string(l.claims.All[claim])), err), true
}

func checkIss(l *ladder) finding {
	if f, bad := l.bad("iss", l.Issuer); bad {
		return f
	}
	got := l.claims.Issuer
	switch {
	case !l.has("iss"):
		return missing("iss", l.Issuer)
	case got != l.Issuer:
		return fail(l.Issuer, show(got), fmt.Errorf("%q is %q, not the issuer %q", "iss", show(got), l.Issuer))
	}
	return pass(l.Issuer, got)
}

func checkSub(l *ladder) finding {
	const expected, most = "1 to 255 ASCII characters", 255
	if f, bad := l.bad("sub", expected); bad {
		return f
	}
	got := l.claims.Subject
	switch {
	case !l.has("sub"):
		return missing("sub", expected)
	case got == "":
		return fail(expected, "", fmt.Errorf("%q is empty", "sub"))
	case len(got) > most:
		return fail(expected, show(got), fmt.Errorf("%q has %d bytes, more than %d", "sub", len(got), most))
	case strings.IndexFunc(got, func(r rune) bool { return r > 0x7f }) >= 0:
		return fail(expected, got, fmt.Errorf("%q is not ASCII", "sub"))
	}
	return pass(expected, got)
}

func checkAud(l *ladder) finding {
	expected := "contains " + l.ClientID
	if f, bad := l.bad("aud", expected); bad {
		return f
	}
	got := show(strings.Join(l.claims.Audience, ", "))
	switch {
	case !l.has("aud"):
		return missing("aud", expected)
	case !slices.Contains(l.claims.Audience, l.ClientID):
		return fail(expected, got, fmt.Errorf("%q does not contain the client id %q", "aud", l.ClientID))
	}
	return pass(expected, got)
}

// checkAudOthers has no list of trusted audiences: a provider that names this
// client as azp says that the token was meant for it.
func checkAudOthers(l *ladder) finding {
	const expected = "nobody else, or azp"
	i := slices.IndexFunc(l.claims.Audience, func(a string) bool { return a != l.ClientID })
	switch {
	case !slices.Contains(l.claims.Audience, l.ClientID):
		return skip("aud does not contain the client id")
	case i < 0:
		return pass(expected, "nobody else")
	case l.claims.Azp != l.ClientID:
		other := show(l.claims.Audience[i])
		return fail(expected, other, fmt.Errorf("%q also names %q, and %q does not name this client", "aud", other, "azp"))
	}
	return pass(expected, "others, and azp "+l.claims.Azp)
}

func checkAzp(l *ladder) finding {
	if !l.has("azp") {
		return skip("not sent")
	}
	if f, bad := l.bad("azp", l.ClientID); bad {
		return f
	}
	if got := show(l.claims.Azp); got != l.ClientID {
		return fail(l.ClientID, got, fmt.Errorf("%q is %q, not the client id %q", "azp", got, l.ClientID))
	}
	return pass(l.ClientID, l.claims.Azp)
}

func checkNonce(l *ladder) finding {
	if l.Nonce == "" {
		return skip("none was sent")
	}
	expected := secret.Fingerprint(l.Nonce)
	if err := l.wrong["nonce"]; err != nil {
		return fail(expected, "not a string", err)
	}
	switch {
	case !l.has("nonce"):
		return missing("nonce", expected)
	case !same(l.claims.Nonce, l.Nonce):
		return fail(expected, secret.Fingerprint(l.claims.Nonce), fmt.Errorf("%q is not the one that was sent", "nonce"))
	}
	return pass(expected, secret.Fingerprint(l.claims.Nonce))
}

// same compares in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func checkAtHash(l *ladder) finding {
	return l.halfHash("at_hash", l.claims.AtHash, l.AccessToken, "access token")
}

func checkCHash(l *ladder) finding {
	return l.halfHash("c_hash", l.claims.CHash, l.Code, "code")
}

// checkSHash looks at a claim that few providers send; where it is there, it
// ties the token to the state.
func checkSHash(l *ladder) finding {
	var got string
	switch raw, sent := l.claims.All["s_hash"]; {
	case !sent:
		return skip("not sent")
	case l.State == "":
		return skip("no state was sent")
	case !strictjson.Read(raw, &got):
		return fail("the hash of the state", show(string(raw)), errors.New("\"s_hash\" is no text"))
	}
	return l.halfHash("s_hash", got, secret.New(l.State), "state")
}

// halfHash fails closed: an algorithm whose hash is unknown matches nothing.
func (l *ladder) halfHash(claim, got string, of secret.String, what string) finding {
	sent := l.has(claim)
	switch {
	case of.Empty():
		return skip("no " + what + " came with it")
	case !sent && !l.FrontChannel:
		return skip("not sent")
	}
	want, err := jose.HalfHash(l.signed.Header.Alg, of.Reveal())
	if err != nil {
		return fail("the hash of the "+what, show(got), errors.New(cause(err)))
	}
	if f, bad := l.bad(claim, want); bad {
		return f
	}
	switch {
	case !sent:
		return missing(claim, want)
	case !same(got, want):
		return fail(want, show(got), fmt.Errorf("%q is not the hash of the %s", claim, what))
	}
	return pass(want, got)
}
