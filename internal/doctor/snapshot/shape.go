package snapshot

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"rely/internal/doctor"
	"rely/internal/doctor/lifetime"
	"rely/internal/idtoken"
	"rely/internal/jose"
	"rely/internal/secret"
)

// A Signed is what one sign-in showed. Of claims only names and types are kept,
// never values.
type Signed struct {
	Login    *lifetime.Login
	After    *lifetime.Tokens // of a renewal; nil where there was none
	Lives    *lifetime.Result
	UserInfo map[string]json.RawMessage // nil where there is none
}

// Add puts what a sign-in showed beside the rest.
func (s *Snapshot) Add(x Signed) {
	s.Parts["token response"] = s.answer(x.Login.Members)
	if x.After != nil {
		s.Parts["renewal response"] = s.answer(x.After.Members)
	}
	s.Parts["id token"] = inside(x.Login.ID)
	s.Parts["access token"] = inside(x.Login.Access)
	if x.UserInfo != nil {
		s.Parts["userinfo"] = shapes(x.UserInfo)
	}
	lives := Values{}
	for _, stated := range x.Lives.Stated {
		if !stated.Exact {
			continue // it changes from second to second
		}
		lives[stated.Of+" "+stated.By] = lifetime.Words(stated.Life)
		if stated.Never {
			lives[stated.Of+" "+stated.By] = "no end"
		}
	}
	for name, value := range map[string]*bool{"refresh tokens rotate": x.Lives.Rotates, "a renewal leaves the old access token alive": x.Lives.OldAccess} {
		if value != nil {
			lives[name] = map[bool]string{true: "yes", false: "no"}[*value]
		}
	}
	s.Parts["lifetimes"] = lives
}

// answer is a token response: of the members that are no secret the value.
func (s *Snapshot) answer(m map[string]json.RawMessage) Values {
	out := shapes(m)
	for _, name := range []string{"token_type", "scope"} {
		var text string
		if json.Unmarshal(m[name], &text) == nil && text != "" {
			words := strings.Fields(text)
			slices.Sort(words)
			out[name] = strings.Join(words, " ")
		}
	}
	return out
}

// inside is what a token is made of, as far as that can be seen.
func inside(token secret.String) Values {
	switch dots := strings.Count(token.Reveal(), "."); {
	case token.Empty():
		return Values{"form": "none"}
	case dots == 4:
		return Values{"form": "encrypted"}
	case dots != 2:
		return Values{"form": "opaque"}
	}
	signed, err := jose.Parse(token.Reveal())
	if err != nil {
		return Values{"form": "opaque"}
	}
	out := Values{"form": "JWT", "header alg": signed.Header.Alg}
	if signed.Header.Typ != "" {
		out["header typ"] = signed.Header.Typ
	}
	if claims, err := idtoken.Decode(token); err == nil {
		for name, shape := range shapes(claims.All) {
			out["claim "+name] = shape
		}
	}
	return out
}

func shapes(m map[string]json.RawMessage) Values {
	out := Values{}
	for name, raw := range m {
		out[name] = shape(raw)
	}
	return out
}

// shape is the type of a JSON value, of a list those of its members.
func shape(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "not JSON"
	}
	switch x := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		kinds := map[string]bool{}
		for _, member := range x {
			data, _ := json.Marshal(member) // it was JSON just now
			kinds[shape(data)] = true
		}
		if len(kinds) == 0 {
			return "empty list"
		}
		return "list of " + strings.Join(slices.Sorted(maps.Keys(kinds)), " and ")
	}
	return "object"
}

// behaviour is how the active checks ended; one that was not run says nothing.
func behaviour(r *doctor.Report) Values {
	out := Values{}
	for _, k := range r.Passed {
		if k.Active {
			out[k.ID+" "+k.Name] = "passed"
		}
	}
	for _, f := range r.Findings {
		if f.Check.Active {
			out[f.Check.ID+" "+f.Check.Name] = f.Severity.String()
		}
	}
	return out
}
