package passwd

import (
	"net/http"
	"strings"

	"rely/internal/wire"
)

// zitadel is ZITADEL's auth interface, where the person's own token changes
// the person's own password.
func zitadel() Entry {
	c := call{
		method: http.MethodPut, base: own("/auth/v1"), path: "/users/me/password", contentType: "application/json",
		body: pair("oldPassword", "newPassword"), refused: zitadelRefused, spec: "ZITADEL Auth API, UpdateMyPassword",
	}
	return Entry{
		Name: "zitadel", Help: "ZITADEL: the auth interface", Family: Bearer, Proof: recorded,
		Scopes: []string{"urn:zitadel:iam:org:project:id:zitadel:aud"}, After: untold,
		Fits: atHost("zitadel.cloud"), Change: c.change,
	}
}

// zitadelRefused reads the gRPC gateway's error.
func zitadelRefused(answer *wire.Answer) refusal {
	m := members(answer)
	r := refusal{code: strings.Trim(string(m["code"]), `"`), words: text(m, "message")}
	all := strings.ToLower(r.words)
	switch {
	case strings.Contains(all, "password is invalid") || strings.Contains(all, "invalid password"):
		r.what = wrongOld
	case strings.Contains(all, "complexity") || strings.Contains(all, "policy") || strings.Contains(all, "too short"):
		r.what = policy
	}
	return r
}
