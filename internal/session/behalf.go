package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"rely/internal/config"
	"rely/internal/flows"
	"rely/internal/idtoken"
	"rely/internal/secret"
)

// Two settings say in two ways which token is redeemed: by where it comes from,
// and by the token itself.
func rivals() map[string]string {
	return map[string]string{"subject": "subject_token", "assertion": "assertion_token"}
}

// yields reports whether a setting's rival was given closer to the person: by a
// flag where this one is a variable's or the profile's, and so on.
func (k *Keeper) yields(name string) bool {
	for a, b := range rivals() {
		if a == name && k.from(b) > k.from(a) || b == name && k.from(a) > k.from(b) {
			return true
		}
	}
	return false
}

func (k *Keeper) from(name string) config.Source {
	if k.Fed(name) {
		return config.FromFlag
	}
	source := max(k.Settings.Source(name), config.FromDefault)
	if file, there := config.Find(name + "_file"); there {
		source = max(source, k.Settings.Source(file.Name))
	}
	return source
}

// text and given are settings as a flow sees them.
func (k *Keeper) text(name string) string {
	if k.yields(name) {
		return ""
	}
	return k.Settings.String(name)
}

func (k *Keeper) given(name, what string) (secret.String, error) {
	if k.yields(name) {
		return secret.String{}, nil
	}
	return k.Given(name, what)
}

// behalf tells apart on whose behalf a flow obtains its tokens, where it redeems
// a token of somebody's: a CI job's may be another one at each run. It is empty
// for the client itself, and for the profile's own person.
func (k *Keeper) behalf(ctx context.Context, entry flows.Entry) (string, error) {
	for from, given := range rivals() {
		if !slices.Contains(entry.Settings, given) {
			continue
		}
		token, err := k.given(given, "the token to redeem")
		if err == nil && token.Empty() && k.text(from) == "ci" {
			token, err = k.Job(ctx, k.Settings.String("ci_audience"))
		}
		if err != nil || token.Empty() {
			return "", err
		}
		who := token.Reveal()
		if c, err := idtoken.Decode(token); err == nil && c.Subject != "" {
			who = c.Issuer + "\n" + c.Subject // a JWT is another one each time
		}
		sum := sha256.Sum256([]byte(who))
		return hex.EncodeToString(sum[:16]), nil
	}
	return "", nil
}
