// Package account is the embedded provider's people: two users with what is
// known of them, the scopes they can grant, and the rules for a password. It
// knows no protocol messages and stores nothing.
package account

import (
	"slices"
	"strings"
	"unicode/utf8"

	"rely/internal/demoop/shelf"
)

// A User is one of the two people the provider knows. The password is a part
// of the demonstration, shown on the sign-in page, and so kept as it is.
type User struct {
	Name     string
	Password string
	Changed  bool           // the password is no longer the one that everybody knows
	Claims   map[string]any // all there is, by name (OIDC Core 5.1)
}

// All makes both anew for every server: passwords can be changed.
func All() Directory {
	return Directory{
		{Name: "alice", Password: "wonderland-1865", Claims: map[string]any{
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
		{Name: "bob", Password: "builder-1999", Claims: map[string]any{
			"name": "Bob", "preferred_username": "bob", "email": "bob@demo.example", "email_verified": false,
		}},
	}
}

// Claims lists the members of each scope (OIDC Core 5.4).
func Claims(scope string) []string {
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

// About is what the scopes let a client know of the user.
func (u *User) About(scopes []string) map[string]any {
	out := map[string]any{"sub": u.Name}
	for _, s := range scopes {
		for _, c := range Claims(s) {
			if v, ok := u.Claims[c]; ok {
				out[c] = v
			}
		}
	}
	return out
}

// UserScopes lists what a signed-in user can grant, ServiceScopes what a
// client can have for itself.
func UserScopes() []string {
	return []string{"openid", "profile", "email", "phone", "address", "offline_access", "api:read", "api:write",
		"p1:read:userPassword", "p1:reset:userPassword"}
}

func ServiceScopes() []string { return []string{"api:read", "api:write"} }

// InWords is what the consent page says of a scope.
func InWords(scope string) string {
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

// Unmet lists the requirements of the password policy that a new password
// does not meet, with a sentence each.
func (u *User) Unmet(password string) map[string]string {
	out := map[string]string{}
	if n := utf8.RuneCountInString(password); n < 8 || n > 255 {
		out["length"] = "The provided password does not have between 8 and 255 characters."
	}
	if !strings.ContainsAny(password, "0123456789") {
		out["minCharacters"] = "The provided password does not contain enough characters: at least 1 of 0123456789."
	}
	if strings.Contains(strings.ToLower(password), u.Name) {
		out["excludesProfileData"] = "The provided password contains the user name."
	}
	return out
}

// Within keeps the scopes that are also allowed, in order, once each.
func Within(scopes, allowed []string) []string {
	var out []string
	for _, s := range scopes {
		if slices.Contains(allowed, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// A Directory is everybody whom a provider knows.
type Directory []*User

// Find is the user of that name; nil where there is none.
func (d Directory) Find(name string) *User {
	for _, u := range d {
		if u.Name == name {
			return u
		}
	}
	return nil
}

// SignIn gives the user whose password this is. An unknown name costs the
// same comparison.
func (d Directory) SignIn(name, password string) *User {
	u := d.Find(name)
	want := shelf.Fresh()
	if u != nil {
		want = u.Password
	}
	if !shelf.Same(password, want) {
		return nil
	}
	return u
}
