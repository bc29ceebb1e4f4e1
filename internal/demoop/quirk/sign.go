package quirk

import "rely/internal/demoop/keys"

// A Kind of token says which hooks of a fault are about it.
type Kind func(Fault) (before func(*Token) error, after func(string, *Token) (string, error))

// The kinds of tokens that a provider signs.
func IDTokens(f Fault) (func(*Token) error, func(string, *Token) (string, error)) {
	return f.IDToken, f.Signed
}

func LogoutTokens(f Fault) (func(*Token) error, func(string, *Token) (string, error)) {
	return f.LogoutToken, f.LogoutSigned
}

func UserInfos(f Fault) (func(*Token) error, func(string, *Token) (string, error)) {
	return f.UserInfoToken, f.UserInfoSigned
}

func Responses(f Fault) (func(*Token) error, func(string, *Token) (string, error)) {
	return f.ResponseJWT, f.ResponseSigned
}

func Vouched(f Fault) (func(*Token) error, func(string, *Token) (string, error)) {
	return f.SourceToken, f.SourceSigned
}

// Head is a token's header for a key; typ may be empty.
func Head(alg, typ string, key keys.Key) map[string]any {
	h := map[string]any{"alg": alg}
	if typ != "" {
		h["typ"] = typ
	}
	if key.Kid != "" {
		h["kid"] = key.Kid
	}
	return h
}

// Sign makes the token, bent by the faults that are about its kind.
func (t *Token) Sign(kind Kind, faults []Fault) (string, error) {
	for _, f := range faults {
		if before, _ := kind(f); before != nil {
			if err := before(t); err != nil {
				return "", err
			}
		}
	}
	out, err := t.Key.Sign(t.Header, t.Claims)
	for _, f := range faults {
		if _, after := kind(f); after != nil && err == nil {
			out, err = after(out, t)
		}
	}
	return out, err
}
