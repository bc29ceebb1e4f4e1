package quirk

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"rely/internal/demoop/sealing"
)

// encryptions lists lies to a client that registered to have its ID tokens and
// UserInfo encrypted. The client's key is an EC one.
func encryptions() []Fault {
	const form, alg, core = "OIDC Core 3.1.3.7 (1)", "RFC 8725 3.1", "OIDC Core 10.2"
	lies := group("encryption", "login", 6,
		Fault{Name: "encrypted-not", Help: "the ID token is signed and not encrypted", Rule: form, Sealed: nested(func(l *sealing.Letter) { l.Open = true })},
		Fault{Name: "encrypted-wrong-key", Help: "the ID token is encrypted to somebody else", Rule: "RFC 7516 5.2", Sealed: toStranger("JWT")},
		Fault{Name: "encrypted-wrong-alg", Help: "the ID token is encrypted with another key algorithm", Rule: alg, Sealed: nested(func(l *sealing.Letter) { l.Alg = "ECDH-ES" })},
		Fault{Name: "encrypted-wrong-enc", Help: "the ID token is encrypted with another content algorithm", Rule: alg, Sealed: nested(func(l *sealing.Letter) { l.Enc = "A128CBC-HS256" })},
		Fault{Name: "encrypted-rsa1-5", Help: "the ID token is encrypted with RSA1_5", Rule: alg, Sealed: rsa15},
		Fault{Name: "encrypted-zip-bomb", Help: "the ID token is compressed, and has a megabyte of zeros", Rule: "RFC 8725 3.6",
			Sealed: nested(func(l *sealing.Letter) { l.Zip, l.Payload = true, l.Payload+strings.Repeat("0", 1<<20) })},
		Fault{Name: "encrypted-unsigned", Help: "inside are claims that nobody signed", Rule: core, Sealed: nested(func(l *sealing.Letter) { l.Payload, l.Cty = claimsOf(l.Payload), "" })},
		Fault{Name: "encrypted-alg-none", Help: "inside is a token with alg none", Rule: "OIDC Core 3.1.3.7 (7)", Sealed: nested(func(l *sealing.Letter) { l.Payload = unsigned(l.Payload) })},
		Fault{Name: "encrypted-twice", Help: "inside is another encrypted token", Rule: form, Sealed: nested(func(l *sealing.Letter) { l.Payload = "e30.AAAA.AAAA.AAAA.AAAA" })},
		Fault{Name: "encrypted-empty-key", Help: "the wrapped key is empty, on which libraries have fallen over", Rule: "RFC 7516 5.2", Sealed: nested(func(l *sealing.Letter) {
			head, _ := json.Marshal(map[string]string{"alg": l.Alg, "enc": l.Enc}) // two texts
			l.Open, l.Payload = true, base64.RawURLEncoding.EncodeToString(head)+"..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
		})},
		Fault{Name: "encrypted-not-asked", Help: "the ID token is encrypted, and nobody asked for that", Rule: form, Needs: "nothing",
			Signed: func(string, *Token) (string, error) { return "e30.AAAA.AAAA.AAAA.AAAA", nil }},
	)
	lies = append(lies, group("encryption", "userinfo", 6,
		Fault{Name: "userinfo-encrypted-not", Help: "UserInfo is not encrypted", Rule: "OIDC Core 5.3.2", Sealed: flat(func(l *sealing.Letter) { l.Open = true })},
		Fault{Name: "userinfo-encrypted-wrong-key", Help: "UserInfo is encrypted to somebody else", Rule: "RFC 7516 5.2", Sealed: toStranger("")},
		Fault{Name: "userinfo-encrypted-wrong-enc", Help: "UserInfo is encrypted with another content algorithm", Rule: alg, Sealed: flat(func(l *sealing.Letter) { l.Enc = "A128CBC-HS256" })},
		Fault{Name: "userinfo-encrypted-zip-bomb", Help: "UserInfo is compressed, and has a megabyte of spaces", Rule: "RFC 8725 3.6",
			Sealed: flat(func(l *sealing.Letter) { l.Zip, l.Payload = true, l.Payload+strings.Repeat(" ", 1<<20) })},
		Fault{Name: "userinfo-encrypted-list", Help: "inside the encrypted UserInfo is a list", Rule: "OIDC Core 5.3.2", Sealed: flat(func(l *sealing.Letter) { l.Payload = "[]" })},
	)...)
	for n := range lies {
		if lies[n].Needs == "" {
			lies[n].Needs = "encryption"
		} else {
			lies[n].Needs = ""
		}
	}
	return append(lies, group("good", "login", 0,
		Fault{Name: "good-encrypted-no-kid", Help: "the encrypted ID token does not say to which key", Needs: "encryption", Sealed: nested(nameless)},
	)...)
}

// nested is a lie in an encrypted token, flat one in encrypted claims.
func nested(lie func(*sealing.Letter)) func(*sealing.Letter) error {
	return func(l *sealing.Letter) error {
		if l.Cty == "JWT" {
			lie(l)
		}
		return nil
	}
}

func flat(lie func(*sealing.Letter)) func(*sealing.Letter) error {
	return func(l *sealing.Letter) error {
		if l.Cty == "" {
			lie(l)
		}
		return nil
	}
}

// toStranger encrypts to a key that is not the client's, under its name.
func toStranger(cty string) func(*sealing.Letter) error {
	return func(l *sealing.Letter) error {
		if l.Cty != cty {
			return nil
		}
		raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		return l.Readdress(raw.Public())
	}
}

func rsa15(l *sealing.Letter) error {
	if l.Cty != "JWT" {
		return nil
	}
	raw, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	l.Alg = "RSA1_5"
	return l.Readdress(raw.Public())
}

// sealedResponses lists lies to a client that registered to have its response
// JWTs encrypted. Where the client cannot read the state, it cannot say whose
// answer that is, and goes on waiting as for any other of a stranger's.
func sealedResponses() []Fault {
	const form, alg = "JARM 2.4 (1)", "RFC 8725 3.1"
	lie := func(name, help, rule string, hook func(*sealing.Letter)) Fault {
		return Fault{Name: name, Help: help, Rule: rule, ResponseSealed: nested(hook)}
	}
	return needs("jarm-encryption", append(group("jarm", "login", 6,
		lie("jarm-encrypted-not", "the response JWT is signed and not encrypted", form, func(l *sealing.Letter) { l.Open = true }),
		Fault{Name: "jarm-encrypted-wrong-key", Help: "the response JWT is encrypted to somebody else", Rule: "RFC 7516 5.2", ResponseSealed: toStranger("JWT")},
		lie("jarm-encrypted-wrong-alg", "the response JWT is encrypted with another key algorithm", alg, func(l *sealing.Letter) { l.Alg = "ECDH-ES" }),
		lie("jarm-encrypted-wrong-enc", "the response JWT is encrypted with another content algorithm", alg, func(l *sealing.Letter) { l.Enc = "A128CBC-HS256" }),
		Fault{Name: "jarm-encrypted-rsa1-5", Help: "the response JWT is encrypted with RSA1_5", Rule: alg, ResponseSealed: rsa15},
		lie("jarm-encrypted-zip-bomb", "the response JWT is compressed, and has a megabyte of zeros", "RFC 8725 3.6", func(l *sealing.Letter) { l.Zip, l.Payload = true, l.Payload+strings.Repeat("0", 1<<20) }),
		lie("jarm-encrypted-unsigned", "inside the encrypted response are claims that nobody signed", "JARM 2.2", func(l *sealing.Letter) { l.Payload, l.Cty = claimsOf(l.Payload), "" }),
		lie("jarm-encrypted-alg-none", "inside the encrypted response is a JWT with alg none", "JARM 2.4 (5), 3", func(l *sealing.Letter) { l.Payload = unsigned(l.Payload) }),
		lie("jarm-encrypted-twice", "inside the encrypted response is another encrypted JWT", form, func(l *sealing.Letter) { l.Payload = "e30.AAAA.AAAA.AAAA.AAAA" }),
	), group("good", "login", 0,
		Fault{Name: "good-jarm-encrypted-no-kid", Help: "the encrypted response JWT does not say to which key", ResponseSealed: nested(nameless)},
	)...)...)
}

// unsigned is a token's claims under alg none.
func unsigned(token string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(token, ".")[1] + "."
}

// nameless takes the name of the key away.
func nameless(l *sealing.Letter) {
	if k, public := l.Key.(jwk.Key); public {
		if without, err := k.Clone(); err == nil && without.Remove(jwk.KeyIDKey) == nil {
			l.Key = without
		}
	}
}

func claimsOf(token string) string {
	b, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	return string(b)
}
