package quirk

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// idTokens lists lies in the claims; the signature over them is good.
func idTokens() []Fault {
	const (
		nonce = "OIDC Core 3.1.3.7 (11)"
		iss   = "OIDC Core 3.1.3.7 (2)"
		aud   = "OIDC Core 3.1.3.7 (3)"
		azp   = "OIDC Core 3.1.3.7 (5)"
		exp   = "OIDC Core 3.1.3.7 (9)"
		iat   = "OIDC Core 3.1.3.7 (10)"
		auth  = "OIDC Core 3.1.3.7 (13)"
		sub   = "OIDC Core 2"
	)
	return group("id-token", "login", 6,
		Fault{Name: "wrong-nonce", Check: "L12", Help: "the nonce is not the one that was sent", Rule: nonce, IDToken: set("nonce", "not-the-one-you-sent")},
		Fault{Name: "missing-nonce", Help: "there is no nonce", Rule: nonce, IDToken: without("nonce")},
		Fault{Name: "malformed-nonce", Help: "the nonce is a number", Rule: nonce, IDToken: set("nonce", 12345)},
		Fault{Name: "wrong-iss", Help: "the issuer is somebody else", Rule: iss, IDToken: set("iss", "https://evil.example")},
		Fault{Name: "missing-iss", Help: "there is no issuer", Rule: iss, IDToken: without("iss")},
		Fault{Name: "malformed-iss", Help: "the issuer is a list", Rule: iss, IDToken: bend(func(t *Token) { t.Claims["iss"] = []any{t.Claims["iss"]} })},
		Fault{Name: "iss-slash", Help: "the issuer has a slash more at its end", Rule: iss,
			IDToken: bend(func(t *Token) { t.Claims["iss"] = fmt.Sprint(t.Claims["iss"], "/") })},
		Fault{Name: "wrong-aud", Check: "L15", Help: "the audience is another client", Rule: aud, IDToken: set("aud", "somebody-else")},
		Fault{Name: "missing-aud", Help: "there is no audience", Rule: aud, IDToken: without("aud")},
		Fault{Name: "malformed-aud", Help: "the audience is a number", Rule: aud, IDToken: set("aud", 1)},
		Fault{Name: "aud-extra-no-azp", Help: "the audience has another client, and there is no azp", Rule: aud,
			IDToken: bend(func(t *Token) { t.Claims["aud"] = []any{t.Claims["aud"], "somebody-else"} })},
		Fault{Name: "wrong-azp", Help: "the authorized party is another client", Rule: azp, IDToken: set("azp", "somebody-else")},
		Fault{Name: "malformed-azp", Help: "the authorized party is a list", Rule: azp, IDToken: bend(func(t *Token) { t.Claims["azp"] = []any{t.Claims["aud"]} })},
		Fault{Name: "missing-sub", Help: "there is no subject", Rule: sub, IDToken: without("sub")},
		Fault{Name: "empty-sub", Help: "the subject is empty", Rule: sub, IDToken: set("sub", "")},
		Fault{Name: "sub-number", Help: "the subject is a number", Rule: sub, IDToken: set("sub", 42)},
		Fault{Name: "sub-too-long", Help: "the subject has 256 characters", Rule: sub, IDToken: set("sub", strings.Repeat("a", 256))},
		Fault{Name: "sub-not-ascii", Help: "the subject is not ASCII", Rule: sub, IDToken: set("sub", "al\u00efce")},
		Fault{Name: "missing-exp", Help: "there is no expiry", Rule: exp, IDToken: without("exp")},
		Fault{Name: "expired", Help: "it expired an hour ago", Rule: exp, IDToken: at("exp", -time.Hour)},
		Fault{Name: "malformed-exp", Help: "the expiry is a string", Rule: exp, IDToken: set("exp", "tomorrow")},
		Fault{Name: "huge-exp", Help: "the expiry is 1e300", Rule: exp, IDToken: set("exp", json.RawMessage("1e300"))},
		Fault{Name: "negative-exp", Help: "the expiry is before 1970", Rule: exp, IDToken: set("exp", -1)},
		Fault{Name: "missing-iat", Help: "there is no time of issue", Rule: iat, IDToken: without("iat")},
		Fault{Name: "malformed-iat", Help: "the time of issue is a string", Rule: iat, IDToken: set("iat", "now")},
		Fault{Name: "iat-week-old", Help: "it was issued a week ago", Rule: iat, IDToken: at("iat", -7*24*time.Hour)},
		Fault{Name: "iat-future", Help: "it was issued an hour from now", Rule: iat, IDToken: at("iat", time.Hour)},
		Fault{Name: "nbf-future", Help: "it is not valid before an hour from now", Rule: "RFC 7519 4.1.5", IDToken: at("nbf", time.Hour)},
		Fault{Name: "missing-auth-time", Help: "max_age was asked for, and there is no auth_time", Rule: auth, Needs: "max_age", IDToken: without("auth_time")},
		Fault{Name: "old-auth-time", Help: "the sign-in is older than max_age allows", Rule: auth, Needs: "max_age",
			IDToken: bend(func(t *Token) { t.Claims["auth_time"] = t.Now.AddDate(-1, 0, 0).Unix() })},
		Fault{Name: "bad-at-hash", Help: "at_hash is of another access token", Rule: "OIDC Core 3.1.3.6", IDToken: set("at_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng")},
		Fault{Name: "bad-s-hash", Help: "s_hash is of another state", Rule: "FAPI 1.0 Advanced 5.1.1", IDToken: set("s_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng")},
		Fault{Name: "bad-c-hash", Help: "c_hash is of another code", Rule: "OIDC Core 3.3.2.11", IDToken: set("c_hash", "MTIzNDU2Nzg5MDEyMzQ1Ng")},
		Fault{Name: "no-id-token", Help: "openid was asked for, and no ID token comes", Rule: "OIDC Core 3.1.3.3",
			Answer: func(m map[string]any, refresh bool) {
				if !refresh {
					delete(m, "id_token")
				}
			}},
	)
}

// at puts a date that far from now into a claim.
func at(claim string, from time.Duration) func(*Token) error {
	return bend(func(t *Token) { t.Claims[claim] = t.Now.Add(from).Unix() })
}
