package ask

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/idtoken"
	"rely/internal/secret"
	"rely/internal/strictjson"
)

// untold is a finding where the ID token would have to say it, and none came:
// with the response type token, or without the scope openid.
func untold(expected string) finding {
	return finding{expected: expected, actual: "no ID token came, and nothing else says it", status: idtoken.Noted}
}

func checkAge(a *Ask, got Answer) finding {
	if a.MaxAge == nil || got.Claims != nil {
		return finding{}
	}
	return untold(fmt.Sprintf("an authentication at most %s ago", *a.MaxAge))
}

// First compares the ID token that came through the browser beside a code, before
// that is redeemed. Who it is about has to be the same in both tokens; what it
// says of the authentication should be, so that acr counts where it is there;
// other claims a provider may keep for the second one (OIDC Core 3.3.3.6).
func (a *Ask) First(c *idtoken.Claims) ([]idtoken.Rung, error) {
	first := &Ask{Subject: a.Subject}
	for _, one := range a.IDToken {
		if one.Name == "sub" || one.Name == "acr" && c.Acr != "" {
			first.IDToken = append(first.IDToken, one)
		}
	}
	return first.Compare(Answer{Claims: c})
}

// An Answer is what came back and passed every check of its own.
type Answer struct {
	Claims  *idtoken.Claims // of the ID token; nil where none was asked for
	Access  secret.String
	Members map[string]json.RawMessage // of the token response; nil where there was none
	Proven  Proven
}

// A Check compares what was asked for with the answer.
type Check struct {
	Name, Spec, Demand string
	look               func(a *Ask, got Answer) finding
}

type finding struct {
	expected, actual string
	status           idtoken.Status
	err              error
}

// Checks is the table of them, in order.
func Checks() []Check {
	return []Check{
		{"asked-subject", "OIDC Core 3.1.2.1, 5.5.1", "sub is the one that id_token_hint or the claims parameter asked for", checkSubject},
		{"asked-auth-time", "OIDC Core 3.1.2.1", "the ID token's own check holds auth_time against max_age; that there is no ID token to say it is told", checkAge},
		{"asked-acr", "OIDC Core 5.5.1.1", "acr is one of those asked for as essential; that one of acr_values was not met is told", checkACR},
		{"asked-claims", "OIDC Core 5.5.1", "the essential claims are in the ID token; a missing one is told, since a provider may lack it", checkClaims},
		{"asked-resource", "RFC 8707 2.2", "an access token that can be read is for the resource; another audience is told", checkResource},
		{"asked-details", "RFC 9396 7", "the token response has authorization_details, of no type that was not asked for", checkDetails},
		{"bound-certificate", "RFC 8705 3.1", "an access token that can be read names in cnf the certificate that was shown, and no other; that it names none is told", checkCertificate},
		{"bound-key", "RFC 9449 6.1", "an access token that can be read names in cnf the key of the proof, and no other; that it names none is told", checkKey},
	}
}

// Compare is what was asked for against the answer: the rungs, and the first
// failure as a Protocol fault. What was not asked for has no rung.
func (a *Ask) Compare(got Answer) ([]idtoken.Rung, error) {
	var rungs []idtoken.Rung
	var first error
	for _, c := range Checks() {
		f := c.look(a, got)
		if f.status == "" {
			continue
		}
		rungs = append(rungs, idtoken.Rung{Name: c.Name, Spec: c.Spec, Expected: f.expected, Actual: f.actual, Status: f.status})
		if f.status == idtoken.Failed && first == nil {
			first = c.failed(f)
		}
	}
	return rungs, first
}

// Renewed compares a renewal: what it is bound to, and the authorization details
// with those that were asked for. A provider need not repeat them, and grants no
// more by then (RFC 9396 6.2).
func (a *Ask) Renewed(got Answer) error {
	_, details := got.Members["authorization_details"]
	for _, c := range Checks() {
		if !strings.HasPrefix(c.Name, "bound-") && (c.Name != "asked-details" || !details) {
			continue
		}
		if f := c.look(a, got); f.status == idtoken.Failed {
			return c.failed(f)
		}
	}
	return nil
}

func (c Check) failed(f finding) error {
	return &fault.Error{Kind: fault.Protocol, ID: "login." + c.Name, Op: "compare the answer with what was asked for", Spec: c.Spec, Err: f.err,
		Hint: "do not go on with this answer: it is not what was asked for"}
}

func checkSubject(a *Ask, got Answer) finding {
	var want []string
	if a.Subject != "" {
		want = []string{a.Subject}
	}
	for _, c := range a.IDToken {
		for _, v := range c.Values {
			var sub string
			if c.Name == "sub" && json.Unmarshal([]byte(v), &sub) == nil {
				want = append(want, sub)
			}
		}
	}
	switch {
	case len(want) == 0:
		return finding{}
	case got.Claims == nil:
		return untold(strings.Join(want, " or "))
	}
	f := finding{expected: strings.Join(want, " or "), actual: got.Claims.Subject, status: idtoken.Passed}
	if !slices.Contains(want, got.Claims.Subject) {
		f.status, f.err = idtoken.Failed, fmt.Errorf("\"sub\" is %q, and the person asked for is %q: somebody else signed in", got.Claims.Subject, f.expected)
	}
	return f
}

func checkACR(a *Ask, got Answer) finding {
	want, essential := a.ACR, false
	for _, c := range a.IDToken {
		if c.Name != "acr" || len(c.Values) == 0 {
			continue
		}
		essential, want = c.Essential, nil
		for _, v := range c.Values {
			var acr string
			if json.Unmarshal([]byte(v), &acr) == nil {
				want = append(want, acr)
			}
		}
	}
	switch {
	case len(want) == 0:
		return finding{}
	case got.Claims == nil:
		return untold(strings.Join(want, " or "))
	}
	f := finding{expected: strings.Join(want, " or "), actual: cmp.Or(got.Claims.Acr, "none"), status: idtoken.Passed}
	switch {
	case slices.Contains(want, got.Claims.Acr):
	case essential:
		f.status, f.err = idtoken.Failed, fmt.Errorf("\"acr\" is %q, and asked for as essential was %s", f.actual, f.expected)
	default:
		f.status = idtoken.Noted
	}
	return f
}

func checkClaims(a *Ask, got Answer) finding {
	var want, missing []string
	for _, c := range a.IDToken {
		if !c.Essential || c.Name == "acr" {
			continue
		}
		want = append(want, c.Name)
		if got.Claims == nil {
			continue
		}
		if raw, there := got.Claims.All[c.Name]; !there {
			missing = append(missing, c.Name)
		} else if c.Name != "sub" && len(c.Values) > 0 && !slices.ContainsFunc(c.Values, func(v string) bool { return same(v, raw) }) {
			missing = append(missing, c.Name+" with the value asked for")
		}
	}
	switch {
	case len(want) == 0:
		return finding{}
	case got.Claims == nil:
		return untold(strings.Join(want, ", "))
	case len(missing) > 0:
		return finding{expected: strings.Join(want, ", "), actual: "not there: " + strings.Join(missing, ", "), status: idtoken.Noted}
	}
	return finding{expected: strings.Join(want, ", "), actual: "all there", status: idtoken.Passed}
}

// same compares two JSON values; an array has the value as one of its elements.
func same(want string, got json.RawMessage) bool {
	canonical := func(raw []byte) string {
		var v any
		if json.Unmarshal(raw, &v) != nil {
			return string(raw)
		}
		js, _ := json.Marshal(v) // what was just decoded
		return string(js)
	}
	if canonical([]byte(want)) == canonical(got) {
		return true
	}
	list, err := strictjson.Array(got, 1000)
	return err == nil && slices.ContainsFunc(list, func(one json.RawMessage) bool { return canonical(one) == canonical([]byte(want)) })
}

// checkResource can look into a JWT alone, and a provider may have another name
// for the resource there (RFC 9068 3).
func checkResource(a *Ask, got Answer) finding {
	if len(a.Resources) == 0 {
		return finding{}
	}
	f := finding{expected: strings.Join(a.Resources, " or "), status: idtoken.Skipped, actual: "the access token cannot be read"}
	c, err := idtoken.Decode(got.Access)
	if err != nil {
		return f
	}
	f.actual, f.status = cmp.Or(strings.Join(c.Audience, ", "), "none"), idtoken.Noted
	if slices.ContainsFunc(c.Audience, func(aud string) bool { return slices.Contains(a.Resources, aud) }) {
		f.status = idtoken.Passed
	}
	return f
}

func checkDetails(a *Ask, got Answer) finding {
	if len(a.Details) == 0 || got.Members == nil {
		return finding{}
	}
	f := finding{expected: strings.Join(a.Details, ", "), status: idtoken.Failed}
	raw, there := got.Members["authorization_details"]
	if !there {
		f.actual, f.err = "none", errors.New("the token response has no authorization_details, though they were asked for")
		return f
	}
	types, err := detailTypes(raw)
	if err != nil {
		f.actual, f.err = "not readable", fmt.Errorf("authorization_details in the token response: %w", err)
		return f
	}
	f.actual = strings.Join(types, ", ")
	for _, name := range types {
		if !slices.Contains(a.Details, name) {
			f.err = fmt.Errorf("authorization_details in the token response has the type %q, which was not asked for", name)
			return f
		}
	}
	f.status = idtoken.Passed
	return f
}
