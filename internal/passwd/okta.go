package passwd

import (
	"encoding/json"
	"net/http"
	"strings"

	"rely/internal/wire"
)

// okta is Okta's MyAccount interface.
func okta() Entry {
	c := call{
		method: http.MethodPost, base: own(""), path: "/idp/myaccount/password/change-password",
		contentType: "application/json", accept: "application/json; okta-version=1.0.0",
		body: pair("oldPassword", "newPassword"), refused: oktaRefused, spec: "Okta MyAccount API, Update a Password",
	}
	return Entry{
		Name: "okta", Help: "Okta: the MyAccount interface", Family: Bearer, Proof: recorded,
		Scopes: []string{"okta.myAccount.password.manage"}, After: untold,
		Fits: atHost("okta.com", "oktapreview.com", "okta-emea.com"), Change: c.change,
	}
}

// oktaRefused reads Okta's error object.
func oktaRefused(answer *wire.Answer) refusal {
	var e struct {
		ErrorCode, ErrorSummary string
		ErrorCauses             []struct{ ErrorSummary string }
	}
	_ = json.Unmarshal(answer.Body, &e)
	r := refusal{code: e.ErrorCode, words: e.ErrorSummary}
	for _, c := range e.ErrorCauses {
		r.unmet = append(r.unmet, c.ErrorSummary)
	}
	all := strings.ToLower(r.words + " " + strings.Join(r.unmet, " "))
	switch {
	case strings.Contains(all, "old password"):
		r.what = wrongOld
	case strings.Contains(all, "requirement") || strings.Contains(all, "policy"):
		r.what = policy
	}
	return r
}
