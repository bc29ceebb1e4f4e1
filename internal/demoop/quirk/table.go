package quirk

import "slices"

// All is the table, in the order help shows it.
func All() []Fault {
	return slices.Concat(discovery(), fingers(), registrations(), jwks(), idTokens(), signatures(), encryptions(), dpops(), certificates(), responses(),
		asked(), pushed(), tokens(), refreshes(), exchanges(), devices(), backchannels(), fronts(), jarms(), sealedResponses(), userInfos(), claimSources(), logouts(), words(), examined(), good())
}

// group fills in what the entries of a group have in common. An entry keeps
// what it says itself; exit 0 marks a group of tolerances.
func group(name, at string, exit int, entries ...Fault) []Fault {
	for i := range entries {
		f := &entries[i]
		if f.Group == "" {
			f.Group = name
		}
		if f.At == "" {
			f.At = at
		}
		if f.Exit == 0 {
			f.Exit = exit
		}
	}
	return entries
}

// set, without and bend are hooks that change one claim of the ID token.
func set(claim string, value any) func(*Token) error {
	return func(t *Token) error { t.Claims[claim] = value; return nil }
}

func without(claim string) func(*Token) error {
	return func(t *Token) error { delete(t.Claims, claim); return nil }
}

func bend(change func(t *Token)) func(*Token) error {
	return func(t *Token) error { change(t); return nil }
}

// metadata is a hook that changes one member of the discovery document.
func metadata(member string, value any) func(map[string]any) {
	return func(m map[string]any) { m[member] = value }
}

// member and drop are hooks for the token response and for userinfo.
func member(name string, value any) func(map[string]any, bool) {
	return func(m map[string]any, _ bool) { m[name] = value }
}

func drop(name string) func(map[string]any, bool) {
	return func(m map[string]any, _ bool) { delete(m, name) }
}
