package demoop

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rely/internal/demoop/page"
)

// A user is one of the two people the provider knows. The password is a part
// of the demonstration, shown on the sign-in page, and so kept as it is.
type user struct {
	name     string
	password string
	claims   map[string]any
}

// users makes both anew for every server: passwords can be changed.
func users() []*user {
	return []*user{
		{"alice", "wonderland-1865", map[string]any{
			"name": "Alice Lid\u00e9ll", "given_name": "Alice", "family_name": "Lid\u00e9ll", "middle_name": "Pleasance",
			"nickname": "Al", "preferred_username": "alice", "gender": "female", "birthdate": "1852-05-04",
			"profile": "https://demo.example/alice", "website": "https://alice.demo.example/", "picture": "https://demo.example/alice.png",
			"zoneinfo": "Europe/London", "locale": "en-GB", "updated_at": 1750000000,
			"email": "alice@demo.example", "email_verified": true,
			"phone_number": "+44 20 7946 0958", "phone_number_verified": true,
			"address": map[string]any{
				"formatted": "1 Deanery Garden\nOxford\nOX1 1DP\nUnited Kingdom", "street_address": "1 Deanery Garden",
				"locality": "Oxford", "postal_code": "OX1 1DP", "country": "GB"},
		}},
		{"bob", "builder-1999", map[string]any{
			"name": "Bob", "preferred_username": "bob", "email": "bob@demo.example", "email_verified": false,
		}},
	}
}

func (s *Server) user(name string) *user {
	for _, u := range s.users {
		if u.name == name {
			return u
		}
	}
	return nil
}

// signIn gives the user whose password this is. An unknown name costs the
// same comparison.
func (s *Server) signIn(name, password string) *user {
	u := s.user(name)
	want := fresh()
	if u != nil {
		want = u.password
	}
	if !same(password, want) {
		return nil
	}
	return u
}

// claimsOf lists the members of each scope (OIDC Core 5.4).
func claimsOf(scope string) []string {
	switch scope {
	case "profile":
		return []string{"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile",
			"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"}
	case "email":
		return []string{"email", "email_verified"}
	case "phone":
		return []string{"phone_number", "phone_number_verified"}
	case "address":
		return []string{"address"}
	}
	return nil
}

// about is what the scopes let a client know of the user.
func (u *user) about(scopes []string) map[string]any {
	out := map[string]any{"sub": u.name}
	for _, s := range scopes {
		for _, c := range claimsOf(s) {
			if v, ok := u.claims[c]; ok {
				out[c] = v
			}
		}
	}
	return out
}

// userScopes lists what a signed-in user can grant, serviceScopes what a
// client can have for itself.
func userScopes() []string {
	return []string{"openid", "profile", "email", "phone", "address", "offline_access", "api:read", "api:write",
		"p1:read:userPassword", "p1:reset:userPassword"}
}

func serviceScopes() []string { return []string{"api:read", "api:write"} }

// inWords is what the consent page says of a scope.
func inWords(scope string) string {
	switch scope {
	case "openid":
		return "Know which account this is"
	case "profile":
		return "See your profile: name, picture, birthday, language"
	case "email":
		return "See your email address"
	case "phone":
		return "See your telephone number"
	case "address":
		return "See your postal address"
	case "offline_access":
		return "Stay signed in while you are away"
	case "api:read":
		return "Read from the demo API"
	case "api:write":
		return "Change things in the demo API"
	case "p1:read:userPassword":
		return "See the rules for your password"
	case "p1:reset:userPassword":
		return "Change your password"
	}
	return scope
}

// broken lists the requirements of the password policy that a new password
// does not meet, with a sentence each.
func broken(u *user, password string) map[string]string {
	out := map[string]string{}
	if n := utf8.RuneCountInString(password); n < 8 || n > 255 {
		out["length"] = "The provided password does not have between 8 and 255 characters."
	}
	if !strings.ContainsFunc(password, unicode.IsDigit) {
		out["minCharacters"] = "The provided password does not contain enough characters: at least 1 of 0123456789."
	}
	if strings.Contains(strings.ToLower(password), u.name) {
		out["excludesProfileData"] = "The provided password contains the user name."
	}
	return out
}

// accounts is the list on the sign-in page.
func (s *Server) accounts() []page.Account {
	var out []page.Account
	for _, u := range s.users {
		out = append(out, page.Account{Name: u.name, Password: u.password})
	}
	return out
}

// within keeps the scopes that are also allowed, in order, once each.
func within(scopes, allowed []string) []string {
	var out []string
	for _, s := range scopes {
		if slices.Contains(allowed, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
