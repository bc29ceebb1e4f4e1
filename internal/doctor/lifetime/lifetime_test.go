package lifetime

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"rely/internal/fault"
	"rely/internal/secret"
)

// An op is a provider of tokens, as far as lifetimes go. Its clock moves when
// somebody sleeps.
type op struct {
	now       time.Time
	access    time.Duration
	idle      time.Duration // of an unused refresh token
	whole     time.Duration // of a sign-in, however much in use; 0 for no end
	grace     time.Duration
	stays     bool // refresh tokens do not rotate
	noAsking  bool
	noRefresh bool
	ends      bool // a renewal ends the old access token
	n         int
	tokens    map[string]*issued
}

type issued struct {
	end   time.Time
	used  time.Time
	login *family
}

type family struct {
	began  time.Time
	dead   bool
	access string
}

func (o *op) Now() time.Time { return o.now }

func (o *op) Sleep(ctx context.Context, d time.Duration) error {
	o.now = o.now.Add(d)
	return ctx.Err()
}

func refused() error {
	return &fault.Error{Kind: fault.Denied, ID: "token.invalid_grant", Op: "renew", Err: errors.New("the provider answered invalid_grant")}
}

func (o *op) put(l *family, life time.Duration) secret.String {
	o.n++
	end := o.now.Add(life)
	if whole := l.began.Add(o.whole); o.whole > 0 && whole.Before(end) {
		end = whole
	}
	name := fmt.Sprint("token-", o.n)
	o.tokens[name] = &issued{end: end, login: l}
	return secret.New(name)
}

func (o *op) issue(l *family) Tokens {
	t := Tokens{Access: o.put(l, o.access), Members: map[string]json.RawMessage{"expires_in": json.RawMessage(fmt.Sprint(o.access.Seconds()))}}
	if o.ends && l.access != "" {
		o.tokens[l.access].end = o.now
	}
	l.access = t.Access.Reveal()
	if !o.noRefresh {
		t.Refresh = o.put(l, o.idle)
	}
	return t
}

func (o *op) signIn(context.Context) (*Login, error) {
	f := &family{began: o.now}
	l := &Login{Tokens: o.issue(f), Renew: o.renew}
	alive := func(token secret.String) bool {
		t := o.tokens[token.Reveal()]
		return t.end.After(o.now) && !t.login.dead && t.used.IsZero()
	}
	l.Use = func(_ context.Context, access secret.String) error {
		if !alive(access) {
			return refused()
		}
		return nil
	}
	if !o.noAsking {
		l.Ask = func(_ context.Context, token secret.String, _ string) (map[string]json.RawMessage, error) {
			return map[string]json.RawMessage{"active": json.RawMessage(fmt.Sprint(alive(token))), "exp": json.RawMessage(fmt.Sprint(o.tokens[token.Reveal()].end.Unix()))}, nil
		}
	}
	return l, nil
}

func (o *op) renew(_ context.Context, refresh secret.String) (Tokens, error) {
	t := o.tokens[refresh.Reveal()]
	switch {
	case !t.end.After(o.now) || t.login.dead:
		return Tokens{}, refused()
	case !t.used.IsZero() && o.now.Sub(t.used) >= o.grace:
		t.login.dead = true
		return Tokens{}, refused()
	}
	if o.stays {
		t.end = o.now.Add(o.idle)
		if whole := t.login.began.Add(o.whole); o.whole > 0 && whole.Before(t.end) {
			t.end = whole
		}
		fresh := o.issue(t.login)
		fresh.Refresh = secret.String{}
		return fresh, nil
	}
	if t.used.IsZero() {
		t.used = o.now
	}
	return o.issue(t.login), nil
}

// measure runs the lab at a provider.
func measure(t *testing.T, o *op, most time.Duration) *Result {
	t.Helper()
	o.now, o.tokens = time.Unix(1_800_000_000, 0), map[string]*issued{}
	l := &Lab{SignIn: o.signIn, Now: o.Now, Sleep: o.Sleep, Most: most}
	r, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if looked := r.Looked; looked > most+time.Second {
		t.Errorf("looked for %v, want at most %v", looked, most)
	}
	return r
}

// within wants the end of something to have been found where it is.
func within(t *testing.T, r *Result, name string, want time.Duration) {
	t.Helper()
	s := r.span(name)
	if s == nil || s.NotRun != "" {
		t.Fatalf("%s: got %+v", name, s)
	}
	if s.Dead == 0 || s.Alive > want || s.Dead < want || want > 3*time.Second && s.Dead > 2*want+time.Second {
		t.Errorf("%s: alive after %v, dead after %v, want %v in between", name, s.Alive, s.Dead, want)
	}
}

func TestEndsAreFound(t *testing.T) {
	t.Parallel()
	for what, o := range map[string]op{
		"with introspection":                {access: 10 * time.Second, idle: 20 * time.Second, whole: 50 * time.Second, grace: 7 * time.Second},
		"without introspection":             {access: 10 * time.Second, idle: 20 * time.Second, whole: 50 * time.Second, grace: 7 * time.Second, noAsking: true},
		"a renewal ends the access token":   {access: 10 * time.Second, idle: 20 * time.Second, whole: 50 * time.Second, grace: 7 * time.Second, noAsking: true, ends: true},
		"refresh tokens that do not rotate": {access: 10 * time.Second, idle: 20 * time.Second, whole: 50 * time.Second, stays: true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := measure(t, &o, 2*time.Minute)
			within(t, r, AccessToken, o.access)
			if s := r.span(AccessToken); s.Dead-s.Alive > 2*time.Second {
				t.Errorf("the stated end: alive after %v, dead after %v, want two seconds in between", s.Alive, s.Dead)
			}
			within(t, r, Idle, o.idle)
			within(t, r, Absolute, o.whole)
			if *r.Rotates == o.stays || *r.OldAccess == o.ends {
				t.Errorf("got rotates %v, the old access token lives %v", *r.Rotates, *r.OldAccess)
			}
			if o.stays {
				if s := r.span(Grace); s.NotRun == "" {
					t.Errorf("got %+v of an old refresh token that there is not", s)
				}
				return
			}
			within(t, r, Grace, o.grace)
			if r.FamilyEnds == nil || !*r.FamilyEnds {
				t.Error("the reuse ended the family, and nobody saw it")
			}
		})
	}
}

func TestNoGraceIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	r := measure(t, &op{access: time.Hour, idle: time.Hour}, 10*time.Second)
	if s := r.span(Grace); s.Alive != 0 || s.Dead == 0 || s.Words() != "refused at once" {
		t.Errorf("got %+v", s)
	}
}

// Where no end came, nothing is claimed but "at least".
func TestAtLeast(t *testing.T) {
	t.Parallel()
	r := measure(t, &op{access: time.Hour, idle: 14 * 24 * time.Hour, grace: time.Hour}, 30*time.Second)
	for _, name := range []string{AccessToken, Idle, Absolute, Grace} {
		s := r.span(name)
		if s.Dead != 0 || s.DeadSeconds != nil || s.Alive < 29*time.Second || !strings.HasPrefix(s.Words(), "at least ") {
			t.Errorf("%s: got %+v, want alive to the end", name, s)
		}
	}
	if r.Slides == nil || !*r.Slides {
		t.Errorf("got slides %v, want true: each refresh token has a life of its own", r.Slides)
	}
	if r := measure(t, &op{access: time.Hour, idle: time.Hour, whole: time.Hour}, 30*time.Second); r.Slides == nil || *r.Slides {
		t.Errorf("got slides %v, want false: the end stays where it was", r.Slides)
	}
}

// A network that is gone for a while ends nothing.
func TestNetworkGone(t *testing.T) {
	t.Parallel()
	o := &op{access: 20 * time.Second, noRefresh: true}
	o.now, o.tokens = time.Unix(1_800_000_000, 0), map[string]*issued{}
	began := o.now
	l := &Lab{Now: o.Now, Sleep: o.Sleep, Most: time.Minute, SignIn: func(ctx context.Context) (*Login, error) {
		l, err := o.signIn(ctx)
		ask := l.Ask
		l.Ask = func(ctx context.Context, token secret.String, hint string) (map[string]json.RawMessage, error) {
			if passed := o.now.Sub(began); passed > 4*time.Second && passed < 12*time.Second {
				return nil, &fault.Error{Kind: fault.Network, ID: "wire.network", Op: "ask", Err: errors.New("gone")}
			}
			return ask(ctx, token, hint)
		}
		return l, err
	}}
	r, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	within(t, r, AccessToken, o.access)
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "it was tried again") {
		t.Errorf("got %q", r.Notes)
	}
}

// A session that has to be renewed every second is not renewed for ever.
func TestRenewalsAreBounded(t *testing.T) {
	t.Parallel()
	r := measure(t, &op{access: time.Hour, idle: 4 * time.Second}, 10*time.Hour)
	if s := r.span(Absolute); s.Dead != 0 || s.Alive < 3*time.Minute || r.Renewals > mostRenewals+10 || len(r.Notes) == 0 || !strings.Contains(r.Notes[0], "renewed 100 times") {
		t.Errorf("got %+v after %d renewals, %q", s, r.Renewals, r.Notes)
	}
}

func TestWithoutRefreshTokens(t *testing.T) {
	t.Parallel()
	r := measure(t, &op{access: 5 * time.Second, noRefresh: true}, 30*time.Second)
	within(t, r, AccessToken, 5*time.Second)
	if r.SignIns != 1 || r.span(Idle).NotRun == "" || r.Rotates != nil {
		t.Errorf("got %+v", r)
	}
}

// jwt is a token in the form of one; nobody here looks at its signature.
func jwt(claims string) secret.String {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return secret.New(part(`{"alg":"RS256"}`) + "." + part(claims) + "." + part("signature"))
}

// What providers say of lifetimes, in their several ways.
func TestStated(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		tokens Tokens
		want   string
	}{
		"Keycloak": {Tokens{Access: jwt(`{"iat":100,"exp":400}`), Refresh: jwt(`{"iat":100,"exp":1900}`), ID: jwt(`{"iat":100,"exp":400}`),
			Members: map[string]json.RawMessage{"expires_in": json.RawMessage("300"), "refresh_expires_in": json.RawMessage("1800")}},
			"access_token expires_in 5 min, access_token exp - iat 5 min, refresh_token refresh_expires_in 30 min, refresh_token exp - iat 30 min, id_token exp - iat 5 min"},
		"Keycloak, an offline session": {Tokens{Access: secret.New("a"), Refresh: jwt(`{"iat":100}`), Members: map[string]json.RawMessage{"refresh_expires_in": json.RawMessage("0")}},
			"refresh_token refresh_expires_in never"},
		"Entra": {Tokens{Access: jwt(`{"iat":1,"exp":3600}`), Refresh: secret.New("0.AXoA"),
			Members: map[string]json.RawMessage{"expires_in": json.RawMessage(`"3599"`), "refresh_token_expires_in": json.RawMessage("86399")}},
			"access_token expires_in 59 min 59 s, access_token exp - iat 59 min 59 s, refresh_token refresh_token_expires_in 23 h 59 min"},
		"nothing": {Tokens{Access: secret.New("a.b.c"), Members: map[string]json.RawMessage{"expires_in": json.RawMessage(`"soon"`)}}, ""},
	} {
		r := &run{Lab: &Lab{Now: time.Now}, result: &Result{}}
		words := []string{}
		for _, s := range r.stated(t.Context(), &Login{Tokens: c.tokens}, c.tokens) {
			life := Words(s.Life)
			if s.Never {
				life = "never"
			}
			words = append(words, s.Of+" "+s.By+" "+life)
		}
		for _, want := range strings.Split(c.want, ", ") {
			if want != "" && !slices.Contains(words, want) {
				t.Errorf("%s: got %q, want %q among it", what, words, want)
			}
		}
		if len(words) != len(strings.Split(c.want, ", ")) && c.want != "" || c.want == "" && len(words) > 0 {
			t.Errorf("%s: got %q, want %s", what, words, c.want)
		}
	}
}

// A provider that says other than it does is told so.
func TestNotes(t *testing.T) {
	t.Parallel()
	o := &op{access: 20 * time.Second, noRefresh: true, noAsking: true}
	o.now, o.tokens = time.Unix(1_800_000_000, 0), map[string]*issued{}
	l := &Lab{Now: o.Now, Sleep: o.Sleep, Most: time.Minute, SignIn: func(ctx context.Context) (*Login, error) {
		l, err := o.signIn(ctx)
		l.Members["expires_in"] = json.RawMessage(`"5"`)
		return l, err
	}}
	r, err := l.Run(t.Context())
	if err != nil || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "outlived what the provider states (5 s)") {
		t.Errorf("got %v, %q", err, r.Notes)
	}
}

// Stopped in the middle: what was seen is there.
func TestStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	o := &op{access: time.Hour, idle: time.Hour}
	o.now, o.tokens = time.Unix(1_800_000_000, 0), map[string]*issued{}
	l := &Lab{SignIn: o.signIn, Now: o.Now, Sleep: o.Sleep, Most: time.Hour, Tell: func(passed, _ time.Duration) {
		if passed > 10*time.Second {
			cancel()
		}
	}}
	r, err := l.Run(ctx)
	if !errors.Is(err, context.Canceled) || !r.Interrupted || r.span(AccessToken).Alive < 5*time.Second {
		t.Errorf("got %v, %+v", err, r)
	}
}

func TestPictures(t *testing.T) {
	t.Parallel()
	r := measure(t, &op{access: 10 * time.Second, idle: 14 * 24 * time.Hour, grace: 7 * time.Second}, time.Minute)
	text := r.Text(80)
	for _, want := range []string{"access token             #", "alive after 9 s, dead after 11 s; expires_in 10 s", "at least 1 min; introspection's exp 14 d", ">-"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the picture:\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 120 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
	svg := r.SVG("Lifetimes at <https://op.example>")
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in:\n%s", err, svg)
		}
	}
	if !strings.Contains(svg, "&lt;https://op.example&gt;") {
		t.Error("the title is not escaped")
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{350 * time.Millisecond: "0.3 s", time.Second: "1 s", 90 * time.Second: "1 min 30 s", time.Hour: "1 h", 26 * time.Hour: "1 d 2 h", 14 * 24 * time.Hour: "14 d", 0: "0 s"} {
		if got := Words(d); got != want && got != strings.Replace(want, "0.3", "0.4", 1) {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
