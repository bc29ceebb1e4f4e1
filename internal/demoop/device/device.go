// Package device is the embedded provider's counter for devices without a
// login page of their own (RFC 8628): it hands out the codes, remembers what
// the person decided, and tells who asks too often. It signs nobody in and
// issues no tokens: what was granted is its caller's.
package device

import (
	"crypto/rand"
	"strings"
	"time"

	"rely/internal/demoop/shelf"
)

// The registered grant types of a sign-in that goes on elsewhere: on a device
// that the person brings the code to (RFC 8628 3.4), and on one that asks them
// by itself (OpenID CIBA Core 5).
const (
	Grant       = "urn:ietf:params:oauth:grant-type:device_code"
	Backchannel = "urn:openid:params:grant-type:ciba"
)

// letters are those that nobody confuses and that make no words (RFC 8628 6.1).
const letters = "BCDFGHJKLMNPQRSTVWXZ"

// most is how many devices wait at a time.
const most = 1000

// A Desk is the counter. G is what a person grants.
type Desk[G any] struct {
	interval, life time.Duration
	byDevice       *shelf.Shelf[*Waiting[G]] // a minute longer than they live, to tell old from unknown
	byUser         *shelf.Shelf[*Waiting[G]]
}

// A Waiting is one device that waits for its person.
type Waiting[G any] struct {
	Client   string
	Scopes   []string
	Code     string // device_code
	UserCode string // as it is shown, with a dash
	Asked    string // who was asked to decide, where somebody was
	Message  string // what they are shown

	until    time.Time
	interval time.Duration
	polled   time.Time
	decided  bool
	granted  *G // nil once decided: refused
	no, why  string
}

// New is a counter that wants to be asked no more often than interval, and
// whose codes live for life.
func New[G any](interval, life time.Duration) *Desk[G] {
	return &Desk[G]{interval, life, shelf.New[*Waiting[G]](most), shelf.New[*Waiting[G]](most)}
}

// Open begins a sign-in.
func (d *Desk[G]) Open(client string, scopes []string, now time.Time) *Waiting[G] {
	w := &Waiting[G]{Client: client, Scopes: scopes, Code: shelf.Fresh(), until: now.Add(d.life), interval: d.interval}
	word := userCode()
	w.UserCode = word[:4] + "-" + word[4:]
	d.byDevice.Put(w.Code, w, now, w.until.Add(time.Minute))
	d.byUser.Put(word, w, now, w.until)
	return w
}

// userCode is eight letters, 34 bits. Bytes that would favour some letters are
// thrown away.
func userCode() string {
	var out []byte
	for len(out) < 8 {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails, it would end the process (crypto/rand)
		for _, c := range b {
			if int(c) < 256/len(letters)*len(letters) {
				out = append(out, letters[int(c)%len(letters)])
			}
		}
	}
	return string(out[:8])
}

// Find is the sign-in that a person typed the code of, in whatever case and
// however divided (RFC 8628 6.1); nil where none waits for its person.
func (d *Desk[G]) Find(typed string, now time.Time) *Waiting[G] {
	word := strings.Map(func(r rune) rune {
		if strings.ContainsRune(letters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
	w, _, ok := d.byUser.Get(word, now)
	if !ok || w.decided {
		return nil
	}
	return w
}

// Allow and Deny are the person's decision.
func (w *Waiting[G]) Allow(g G) { w.decided, w.granted = true, &g }

// Deny says no.
func (w *Waiting[G]) Deny() { w.Refuse("access_denied", "the person said no") }

// Refuse ends it with an error code and a sentence.
func (w *Waiting[G]) Refuse(id, why string) { w.decided, w.granted, w.no, w.why = true, nil, id, why }

// Held is the sign-in that waits under this code and nobody has decided; nil
// where there is none. It is for those who are asked without typing anything.
func (d *Desk[G]) Held(code string, now time.Time) *Waiting[G] {
	w, _, ok := d.byDevice.Get(code, now)
	if !ok || w.decided {
		return nil
	}
	return w
}

// Poll is a client asking. Without a grant it answers an error code of RFC
// 8628 3.5 and a sentence; a decision is told once.
func (d *Desk[G]) Poll(code, client string, now time.Time) (granted G, id, why string) {
	w, _, ok := d.byDevice.Get(code, now)
	if !ok || w.Client != client {
		return granted, "invalid_grant", "the device code is unknown, used or another client's"
	}
	early := !w.polled.IsZero() && now.Sub(w.polled) < w.interval
	w.polled = now
	switch {
	case !now.Before(w.until):
		return granted, "expired_token", "the code is too old"
	case early:
		w.interval += 5 * time.Second
		return granted, "slow_down", "asked too soon; wait five seconds longer from now on"
	case !w.decided:
		return granted, "authorization_pending", "nobody has decided yet"
	}
	d.byDevice.Drop(code)
	if w.granted == nil {
		return granted, w.no, w.why
	}
	return *w.granted, "", ""
}
