package lifetime

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"rely/internal/idtoken"
	"rely/internal/secret"
)

// stated is all that the provider says of how long the tokens are good for.
func (r *run) stated(ctx context.Context, l *Login, t Tokens) []Stated {
	out := []Stated{}
	add := func(of, by string, life float64, never, exact bool) {
		d := time.Duration(min(life, 100*365*24*3600) * float64(time.Second)).Round(time.Second)
		out = append(out, Stated{Of: of, By: by, Life: d, Second: d.Seconds(), Never: never, Exact: exact})
	}
	for _, m := range members() {
		if life, ok := number(t.Members[m.name]); ok && life >= 0 {
			add(m.of, m.name, life, m.zero && life == 0, true)
		}
	}
	for _, k := range []struct {
		of    string
		token secret.String
	}{{"access_token", t.Access}, {"id_token", t.ID}, {"refresh_token", t.Refresh}} {
		if life, ok := inside(k.token); ok {
			add(k.of, "exp - iat", life, false, true)
		}
		if l.Ask == nil || k.token.Empty() || k.of == "id_token" {
			continue
		}
		if end, life, ok := r.introspected(ctx, l, k.token, k.of); ok {
			exact := life > 0
			if !exact {
				life = math.Ceil(end.Sub(r.Now()).Seconds()) // exp was cut to a second
			}
			add(k.of, "introspection's exp", life, false, exact)
		}
	}
	return out
}

// members are those of a token response that tell of lifetimes. A zero is
// Keycloak's word for an offline session, which has no end.
func members() []struct {
	of, name string
	zero     bool
} {
	return []struct {
		of, name string
		zero     bool
	}{
		{"access_token", "expires_in", false}, {"access_token", "ext_expires_in", false}, // Entra
		{"refresh_token", "refresh_expires_in", true},        // Keycloak
		{"refresh_token", "refresh_token_expires_in", false}, // Entra, GitHub, others
		{"id_token", "id_token_expires_in", false},           // Entra B2C
	}
}

// number reads a number, also where it comes as a string.
func number(raw json.RawMessage) (float64, bool) {
	v, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// inside is how long a token says that it lives, where it is a JWT.
func inside(token secret.String) (float64, bool) {
	if strings.Count(token.Reveal(), ".") != 2 {
		return 0, false
	}
	c, err := idtoken.Decode(token)
	if err != nil {
		return 0, false
	}
	exp, has := number(c.All["exp"])
	iat, also := number(c.All["iat"])
	return exp - iat, has && also && exp >= iat
}

// introspected is when introspection says that a token ends, and how long it
// lives in all, where that is said; else 0.
func (r *run) introspected(ctx context.Context, l *Login, token secret.String, hint string) (end time.Time, life float64, ok bool) {
	m, err := l.Ask(ctx, token, hint)
	if err != nil || string(m["active"]) != "true" {
		return time.Time{}, 0, false
	}
	exp, ok := number(m["exp"])
	if iat, has := number(m["iat"]); has && iat < exp {
		life = exp - iat
	}
	return time.Unix(int64(exp), 0), life, ok && exp > 0
}

// end is when the provider says that the refresh token ends, just issued.
func (r *run) end(ctx context.Context, l *Login, t Tokens) (time.Time, bool) {
	if l.Ask != nil {
		if end, _, ok := r.introspected(ctx, l, t.Refresh, "refresh_token"); ok {
			return end, true
		}
	}
	for _, m := range members() {
		if left, ok := number(t.Members[m.name]); ok && left > 0 && m.of == "refresh_token" {
			return r.Now().Add(time.Duration(min(left, 1e9) * float64(time.Second))), true
		}
	}
	if c, err := idtoken.Decode(t.Refresh); err == nil {
		if exp, ok := number(c.All["exp"]); ok && exp > 0 {
			return time.Unix(int64(exp), 0), true
		}
	}
	return time.Time{}, false
}

// compare notes where what was seen is not what was stated.
func (r *run) compare() {
	for _, s := range r.result.Spans {
		of := map[string]string{AccessToken: "access_token", Idle: "refresh_token"}[s.Name]
		stated := r.statedLife(of)
		switch {
		case stated == 0:
		case s.Alive > stated+2*time.Second:
			r.note(fmt.Sprintf("the %s outlived what the provider states (%s): it was alive after %s", s.What, Words(stated), Words(s.Alive)))
		case s.Dead > 0 && s.Dead < stated-2*time.Second:
			r.note(fmt.Sprintf("the %s ended before what the provider states (%s): it was dead after %s", s.What, Words(stated), Words(s.Dead)))
		}
	}
}

// Once signs in and renews once, and waits for nothing: what the provider
// states, and what a renewal changes. after is what the renewal brought.
func (l *Lab) Once(ctx context.Context) (login *Login, after *Tokens, res *Result, err error) {
	r := &run{Lab: l, began: l.Now(), result: &Result{}}
	if login, err = r.login(ctx); err != nil {
		return nil, nil, nil, err
	}
	r.result.Stated = r.stated(ctx, login, login.Tokens)
	if login.Refresh.Empty() {
		return login, nil, r.result, nil
	}
	fresh, err := r.firstRenewal(ctx, login)
	return login, &fresh, r.result, err
}
