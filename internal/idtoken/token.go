package idtoken

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/jose"
)

// id is the ID of a [fault.Error] in err.
func id(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.ID
	}
	return ""
}

func checkEncryption(l *ladder) finding {
	if !l.Encryption.None() {
		return checkDecryption(l)
	}
	if id(l.parseErr) == jose.IDEncrypted {
		return fail("not encrypted", "encrypted (five parts)", l.parseErr)
	}
	return pass("not encrypted", "not encrypted")
}

// checkDecryption wants the registered encryption once. A key that is missing
// here is no fault of the token.
func checkDecryption(l *ladder) finding {
	expected := "encrypted: " + l.Encryption.String()
	switch {
	case fault.Is(l.openErr, fault.Config):
		return finding{expected: expected, actual: cause(l.openErr), status: Failed, err: l.openErr, foreign: true}
	case l.openErr != nil:
		return fail(expected, cause(l.openErr), l.openErr)
	case id(l.parseErr) == jose.IDEncrypted:
		return fail(expected, "encrypted twice", &fault.Error{Err: errors.New("what was encrypted is encrypted once more"), Spec: "OIDC Core 10.2", Hint: hintBug})
	}
	return pass(expected, expected)
}

func checkForm(l *ladder) finding {
	const expected = "a compact JWS"
	switch {
	case l.openErr != nil:
		return skip("it could not be decrypted")
	case l.parseErr == nil:
		return pass(expected, "a compact JWS")
	case id(l.parseErr) == jose.IDEncrypted:
		return skip("it is encrypted")
	}
	return fail(expected, cause(l.parseErr), l.parseErr)
}

// cause is an error's text without what was being done.
func cause(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Err != nil {
		return f.Err.Error()
	}
	return err.Error()
}

// checkTyp lets through whatever does not claim to be another kind of JWT:
// at+jwt, logout+jwt, dpop+jwt and all that are still to come end alike.
func checkTyp(l *ladder) finding {
	const expected = "JWT, or none"
	typ := l.signed.Header.Typ
	if typ == "" {
		return pass(expected, "none")
	}
	if strings.HasSuffix(strings.ToLower(typ), "+jwt") {
		return fail(expected, show(typ), fmt.Errorf("the typ %q is that of another kind of token", show(typ)))
	}
	return pass(expected, show(typ))
}

func checkCrit(l *ladder) finding {
	const expected = "no crit, no b64"
	if err := l.signed.Understood(); err != nil {
		return fail(expected, strings.Join(l.signed.Header.Critical, ", "), err)
	}
	return pass(expected, "none")
}

func checkAlgorithm(l *ladder) finding {
	expected := strings.Join(l.Algs, " or ")
	actual := cmp.Or(show(l.signed.Header.Alg), "missing")
	if err := l.signed.Allowed(l.Algs); err != nil {
		return fail(expected, actual, err)
	}
	return pass(expected, actual)
}

// checkKey also verifies, because only a signature tells which of several
// keys is meant; checkSignature reports on that.
func checkKey(l *ladder) finding {
	if l.signed.Understood() != nil || l.signed.Allowed(l.Algs) != nil {
		return skip("the header was refused")
	}
	alg, kid := l.signed.Header.Alg, l.signed.Header.Kid
	expected := "a key for " + alg
	if strings.HasPrefix(alg, "HS") {
		expected = "the client secret"
	} else if kid != "" {
		expected += fmt.Sprintf(" with kid %q", show(kid))
	}
	info, foreign, err := l.verify()
	switch {
	case foreign:
		return finding{expected: expected, actual: "the keys could not be fetched", status: Failed, err: err, foreign: true}
	case err != nil && id(err) != jose.IDSignature:
		return fail(expected, cause(err), err)
	}
	l.keyFound, l.verifyErr = info.String(), err
	return pass(expected, l.keyFound)
}

// verify asks for the keys once more when they do not do: keys are rotated,
// sometimes just before signing (OIDC Core 10.1.1). A foreign error is one of
// fetching.
func (l *ladder) verify() (info jose.KeyInfo, foreign bool, err error) {
	if strings.HasPrefix(l.signed.Header.Alg, "HS") || l.Keys == nil {
		info, err = l.signed.Verify(jose.Set{}, l.Algs, l.ClientSecret)
		return info, false, err
	}
	for _, refetch := range []bool{false, true} {
		keys, fetchErr := l.Keys(l.ctx, refetch)
		if fetchErr != nil {
			return info, true, fetchErr
		}
		info, err = l.signed.Verify(keys, l.Algs, l.ClientSecret)
		if !jose.OtherKeys(err) {
			break
		}
	}
	return info, false, err
}

func checkSignature(l *ladder) finding {
	if l.keyFound == "" {
		return skip("there is no key to check it with")
	}
	expected := l.signed.Header.Alg + " by " + l.keyFound
	if l.verifyErr != nil {
		return fail(expected, "does not match", l.verifyErr)
	}
	return pass(expected, "matches")
}

func checkClaims(l *ladder) finding {
	const expected = "a JSON object"
	if l.claimsErr != nil {
		return fail(expected, l.claimsErr.Error(), l.claimsErr)
	}
	names := make([]string, 0, len(l.claims.All))
	for name := range l.claims.All {
		names = append(names, name)
	}
	slices.Sort(names)
	return pass(expected, show(strings.Join(names, ", ")))
}

// show cuts what would drown the rest.
func show(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
