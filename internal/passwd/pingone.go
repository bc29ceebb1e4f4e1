package passwd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"rely/internal/fault"
	"rely/internal/wire"
)

// pingOne is PingOne's self-service change, which wants a person's token: one
// of the code or implicit flow.
func pingOne() Entry {
	c := call{
		method: http.MethodPut, base: pingOneBase, path: "/users/{sub}/password",
		contentType: "application/vnd.pingidentity.password.reset+json",
		body:        pair("currentPassword", "newPassword"), refused: pingOneRefused,
		spec: "PingOne Platform API, Update Password (Self)",
	}
	return Entry{
		Name: "pingone", Help: "PingOne: the self-service call, its policy shown and checked first", Family: Bearer,
		Proof:  "tried against the embedded provider, which speaks this form; " + recorded,
		Scopes: []string{"p1:read:userPassword", "p1:reset:userPassword"}, After: untold,
		Fits:   func(a *Account) bool { return strings.HasPrefix(a.host(), "auth.pingone.") },
		Policy: pingOnePolicy, Change: c.change,
	}
}

// pingOneBase makes https://api.pingone.eu/v1/environments/ENV of the issuer
// https://auth.pingone.eu/ENV/as.
func pingOneBase(a *Account) string {
	environment, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(a.Issuer, a.origin()), "/"), "/")
	return strings.Replace(a.origin(), "://auth.", "://api.", 1) + "/v1/environments/" + environment
}

// pingOneRefused reads PingOne's error body. One document spells the member
// innererror, the answers innerError.
func pingOneRefused(answer *wire.Answer) refusal {
	var e struct {
		Code, Message string
		Details       []struct {
			Code, Target, Message string
			InnerError            map[string]json.RawMessage
		}
	}
	_ = json.Unmarshal(answer.Body, &e) // without a readable body there are no words
	r := refusal{code: e.Code, words: e.Message}
	for _, d := range e.Details {
		switch {
		case d.Code == "PASSWORD_TOO_YOUNG":
			r.what = early
		case d.Target == "currentPassword" || strings.Contains(strings.ToLower(d.Message), "did not match"):
			r.what = wrongOld
		case d.Target == "newPassword" || d.Target == "password":
			r.what = policy
		}
		if d.Message != "" && d.Message != e.Message {
			r.words = strings.TrimSpace(r.words + " " + d.Message)
		}
		var names []string
		_ = json.Unmarshal(d.InnerError["unsatisfiedRequirements"], &names)
		for _, name := range slices.Compact(names) {
			sentence := text(d.InnerError, name)
			if sentence == "" {
				sentence = "not told in words"
			}
			r.unmet = append(r.unmet, name+": "+sentence)
		}
	}
	return r
}

// A pingPolicy is PingOne's password policy. Any member may be absent.
type pingPolicy struct {
	Name, Description                                      string
	Default                                                bool
	ExcludesProfileData, NotSimilarToCurrent               bool
	ExcludesCommonlyUsed                                   bool
	MinAgeDays, MinUniqueCharacters, MaxRepeatedCharacters int
	History                                                struct{ Count, RetentionDays int }
	Length                                                 struct{ Min, Max int }
	MinCharacters                                          map[string]int
}

// pingOnePolicy asks for the environment's policies; the default one counts.
func pingOnePolicy(ctx context.Context, a *Account) (*Policy, error) {
	const what = "read the password policy"
	answer, err := a.send(ctx, what, sending{method: http.MethodGet, url: a.base(pingOneBase(a)) + "/passwordPolicies", bearer: true})
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		r := pingOneRefused(answer)
		if answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden {
			r.what = scope
		}
		return nil, r.fault("PingOne Platform API, Password Policies", answer.Status)
	}
	var list struct {
		Embedded struct{ PasswordPolicies []pingPolicy } `json:"_embedded"`
	}
	if err := json.Unmarshal(answer.Body, &list); err != nil || len(list.Embedded.PasswordPolicies) == 0 {
		return nil, &fault.Error{Kind: fault.Protocol, ID: "passwd.policy-answer", Op: what, Spec: "PingOne Platform API, Password Policies",
			Err: fmt.Errorf("the answer lists no password policy"), Hint: "check the environment in the issuer, or --via-url"}
	}
	policies := list.Embedded.PasswordPolicies
	at := max(0, slices.IndexFunc(policies, func(p pingPolicy) bool { return p.Default }))
	return policies[at].rules(), nil
}

// rules puts the policy into words and checks. What takes the provider's
// knowledge has no check.
func (p pingPolicy) rules() *Policy {
	out := &Policy{Name: p.Name, Text: p.Description}
	if p.Length.Min > 0 || p.Length.Max > 0 {
		out.length(p.Length.Min, p.Length.Max)
	}
	for _, set := range sorted(p.MinCharacters) {
		out.characters("minCharacters", set, p.MinCharacters[set])
	}
	rule := func(on bool, name, words string, unmet func(*Account, string) bool) {
		if on {
			out.Rules = append(out.Rules, Rule{name, words, unmet})
		}
	}
	rule(p.MinUniqueCharacters > 0, "minUniqueCharacters", fmt.Sprintf("at least %d different characters", p.MinUniqueCharacters),
		func(_ *Account, s string) bool { return different(s) < p.MinUniqueCharacters })
	rule(p.MaxRepeatedCharacters > 0, "maxRepeatedCharacters", fmt.Sprintf("no character more than %d times in a row", p.MaxRepeatedCharacters),
		func(_ *Account, s string) bool { return longestRun(s) > p.MaxRepeatedCharacters })
	rule(p.ExcludesProfileData, "excludesProfileData", "nothing of your profile, such as the user name",
		func(a *Account, s string) bool {
			return a.Username != "" && strings.Contains(strings.ToLower(s), strings.ToLower(a.Username))
		})
	rule(p.NotSimilarToCurrent, "notSimilarToCurrent", "not similar to the current one",
		func(a *Account, s string) bool { return !a.Old.Empty() && strings.EqualFold(s, a.Old.Reveal()) })
	rule(p.ExcludesCommonlyUsed, "excludesCommonlyUsed", "none of the commonly used ones", nil)
	rule(p.History.Count > 0, "history", fmt.Sprintf("none of the last %d", p.History.Count), nil)
	rule(p.MinAgeDays > 0, "minAgeDays", fmt.Sprintf("not within %d days of the last change", p.MinAgeDays), nil)
	return out
}
