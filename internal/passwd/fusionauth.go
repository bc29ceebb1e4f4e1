package passwd

import (
	"encoding/json"
	"net/http"
	"strings"

	"rely/internal/wire"
)

// fusionAuth is FusionAuth's change-password call with the person's JWT.
func fusionAuth() Entry {
	c := call{
		method: http.MethodPost, base: own(""), path: "/api/user/change-password", contentType: "application/json",
		body: pair("currentPassword", "password"), refused: fusionAuthRefused, spec: "FusionAuth API, Change a User's Password",
	}
	return Entry{
		Name: "fusionauth", Help: "FusionAuth: the user interface", Family: Bearer, Proof: recorded,
		After: "FusionAuth answers with a one-time password to sign in again: refresh tokens may end",
		Fits:  atHost("fusionauth.io"), Change: c.change,
	}
}

// fusionAuthRefused reads the Errors object: by field, and in general.
func fusionAuthRefused(answer *wire.Answer) refusal {
	type item struct{ Code, Message string }
	var e struct {
		FieldErrors   map[string][]item
		GeneralErrors []item
	}
	_ = json.Unmarshal(answer.Body, &e)
	var r refusal
	for _, i := range e.GeneralErrors {
		r.code, r.words = i.Code, i.Message
	}
	for field, items := range e.FieldErrors {
		for _, i := range items {
			r.unmet = append(r.unmet, i.Code+": "+i.Message)
			if field == "currentPassword" {
				r.what = wrongOld
			} else if r.what == other && strings.Contains(strings.ToLower(field), "password") {
				r.what = policy
			}
		}
	}
	if r.words == "" && len(r.unmet) > 0 {
		r.words = "the request is not valid"
	}
	return r
}
