package quirk

import "time"

// signedUserInfos lists lies to a client that registered to have UserInfo
// signed.
func signedUserInfos() []Fault {
	const spec, key, alg = "OIDC Core 5.3.2", "OIDC Core 3.1.3.7 (6)", "OIDC Core 3.1.3.7 (7)"
	lies := group("userinfo", "userinfo", 6,
		Fault{Name: "userinfo-signed-not", Help: "UserInfo is not signed", Rule: spec, UserInfoSigned: func(string, *Token) (string, error) { return `{"sub":"alice"}`, nil }},
		Fault{Name: "userinfo-signed-badly", Help: "a byte of the signature of UserInfo is changed", Rule: key, UserInfoSigned: lastPart(flip)},
		Fault{Name: "userinfo-signed-by-another", Help: "another key signed UserInfo, under the name of the published one", Rule: key, UserInfoToken: stranger},
		Fault{Name: "userinfo-signed-by-nobody", Help: "alg is none, and nobody signed UserInfo", Rule: alg, UserInfoToken: header("alg", "none"), UserInfoSigned: lastPart(func(string) string { return "" })},
		Fault{Name: "userinfo-signed-wrong-alg", Help: "UserInfo is signed with another algorithm than the registered one", Rule: alg, UserInfoToken: otherAlg("EdDSA")},
		Fault{Name: "userinfo-signed-wrong-iss", Help: "the signed UserInfo is another issuer's", Rule: spec, UserInfoToken: set("iss", "https://evil.example")},
		Fault{Name: "userinfo-signed-wrong-aud", Help: "the signed UserInfo is for another client", Rule: spec, UserInfoToken: set("aud", "somebody-else")},
		Fault{Name: "userinfo-signed-wrong-sub", Help: "the signed UserInfo is about somebody else", Rule: spec, UserInfoToken: set("sub", "mallory")},
		Fault{Name: "userinfo-signed-wrong-typ", Help: "the typ of the signed UserInfo is that of an access token", Rule: "RFC 8725 3.11", UserInfoToken: header("typ", "at+jwt")},
		Fault{Name: "userinfo-signed-expired", Help: "the signed UserInfo is over since an hour", Rule: "RFC 7519 4.1.4", UserInfoToken: bend(func(t *Token) { t.Claims["exp"] = t.Now.Add(-time.Hour).Unix() })},
	)
	lies = append(lies, group("good", "userinfo", 0,
		Fault{Name: "good-userinfo-signed-bare", Help: "the signed UserInfo has neither iss nor aud", UserInfoToken: bend(func(t *Token) { delete(t.Claims, "iss"); delete(t.Claims, "aud") })},
		Fault{Name: "good-userinfo-signed-typ", Help: "the typ of the signed UserInfo is the provider's own word for UserInfo", UserInfoToken: header("typ", "token-userinfo+jwt")},
		Fault{Name: "good-userinfo-signed-aud-list", Help: "the audience of the signed UserInfo is a list", UserInfoToken: bend(func(t *Token) { t.Claims["aud"] = []any{"another", t.Claims["aud"]} })},
	)...)
	for n := range lies {
		lies[n].Needs = "signed"
	}
	return lies
}
