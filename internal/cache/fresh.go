package cache

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longest is how long a document is used again, whatever its provider says: a
// key that was withdrawn is believed for a day at most.
const longest = 24 * time.Hour

// fresh is how long an answer that just came may be used again; 0 where it may
// not. Nothing said is 0 too: RFC 9111 4.2.2 would allow a guess, and a guess
// that is wrong costs a person an hour.
func fresh(h http.Header, now time.Time) time.Duration {
	lifetime, said := maxAge(h)
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		date = now
	}
	if expires := h.Get("Expires"); !said && expires != "" { // max-age wins (5.3)
		at, err := http.ParseTime(expires)
		if err != nil {
			return 0 // "0" and its like have expired (5.3)
		}
		lifetime = at.Sub(date)
	}
	if strings.Contains(strings.Join(h.Values("Vary"), ","), "*") { // 4.1
		return 0
	}
	return max(0, min(lifetime-age(h, date, now), longest))
}

// age is how old an answer was when it came (4.2.3): what caches on its way
// say, and what the two clocks say.
func age(h http.Header, date, now time.Time) time.Duration {
	said := time.Duration(0)
	if text := h.Get("Age"); text != "" {
		var ok bool
		if said, ok = seconds(text); !ok {
			said = longest
		}
	}
	return max(said, now.Sub(date), 0)
}

// maxAge reads Cache-Control (5.2.2). This cache is one person's own: private
// is no hindrance, and s-maxage is for others. What must not be used without
// asking again is not kept.
func maxAge(h http.Header) (lifetime time.Duration, said bool) {
	for _, d := range strings.Split(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "no-store", "no-cache":
			return 0, true
		case "max-age":
			n, ok := seconds(strings.Trim(value, `"`))
			if !ok {
				return 0, true // not understood is stale (4.2.1)
			}
			if !said || n < lifetime {
				lifetime, said = n, true
			}
		}
	}
	return lifetime, said
}

// seconds reads delta-seconds (1.2.2). So many that they are no number are
// more than enough.
func seconds(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		n = 1 << 31
	}
	return time.Duration(n) * time.Second, true
}
