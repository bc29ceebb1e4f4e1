package device

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDesk(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	d := New[string](5*time.Second, time.Minute)
	poll := func(w *Waiting[string], client string, wait time.Duration, want string) {
		t.Helper()
		now = now.Add(wait)
		if got, id, _ := d.Poll(w.Code, client, now); id != want && got != want {
			t.Errorf("got %q %q, want %q", got, id, want)
		}
	}
	w := d.Open("me", nil, now)
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(w.UserCode) {
		t.Errorf("got the code %q", w.UserCode)
	}
	poll(w, "me", 0, "authorization_pending")
	poll(w, "me", 5*time.Second, "authorization_pending")
	poll(w, "me", 4*time.Second, "slow_down")
	poll(w, "me", 9*time.Second, "slow_down") // now every ten, and then every fifteen
	poll(w, "me", 15*time.Second, "authorization_pending")
	poll(w, "other", 15*time.Second, "invalid_grant")
	if d.Find(strings.ToLower(strings.Replace(w.UserCode, "-", " ", 1)), now) != w {
		t.Error("the code is not found as a person types it")
	}
	w.Allow("yes")
	if d.Find(w.UserCode, now) != nil {
		t.Error("a code that was decided is still open")
	}
	poll(w, "me", 0, "yes")
	poll(w, "me", time.Minute, "invalid_grant")

	w = d.Open("me", nil, now)
	w.Deny()
	poll(w, "me", 0, "access_denied")
	w = d.Open("me", nil, now)
	poll(w, "me", time.Minute, "expired_token")
	if d.Find(w.UserCode, now) != nil {
		t.Error("an old code is still open")
	}
}
