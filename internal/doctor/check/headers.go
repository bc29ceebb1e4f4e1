package check

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"rely/internal/doctor/evidence"
	"rely/internal/wire"
)

func headers() []*Check {
	return []*Check{
		{ID: "P65", Name: "hsts", Title: "the host of the sign-in page says that it is https for good (HSTS)",
			Stage: "reachable", Severity: Warning, Section: "RFC 6797 6.1, 7.2",
			Why:     "Somebody who types the address without https can be led to a copy of the page first.",
			Fix:     "send Strict-Transport-Security: max-age=31536000 with every https answer of that host",
			Unknown: "Whether browsers have the host in their preload list.", Run: hsts},
		{ID: "P66", Name: "plain-http", Title: "over http there is a redirect to https, or nothing",
			Stage: "reachable", Severity: Warning, Section: "RFC 9700 2.6; RFC 6797 7.2",
			Why:     "What is served over http is read and changed on the way, and clients with a misspelt address never notice.",
			Fix:     "close port 80, or let it redirect to https and answer nothing else",
			Unknown: "It asks with GET alone; what a POST would get is not tried.", Run: plainHTTP},
		{ID: "P70", Name: "clock", Title: "the provider's clock agrees with this machine's",
			Stage: "reachable", Severity: Warning, Section: "OIDC Core 3.1.3.7 (9), (10); RFC 9110 6.6.1",
			Why:     "ID tokens live for minutes: with clocks apart they are refused as expired, or as issued in the future.",
			Fix:     "keep both clocks right with NTP",
			Unknown: "Which of the two clocks is wrong; a cache in between may send an old Date.", Run: clock},
		{ID: "P71", Name: "latency", Title: "discovery, keys and the sign-in page answer within a second",
			Stage: "reachable", Severity: Info, Section: "rely's own limit: 1 s",
			Why:     "Every sign-in waits for these, and many clients give up after a few seconds.",
			Fix:     "look at the provider's load, and at the way to it",
			Unknown: "It is one look from one place, connection and all.", Run: latency},
	}
}

func hsts(c *Case) {
	d := c.Front
	if d == nil || d.Answer == nil {
		c.skip("the authorization endpoint did not answer")
		return
	}
	u, err := url.Parse(d.Address)
	switch {
	case err != nil || u.Scheme != "https":
		c.skip("the authorization endpoint is not https")
	case wire.Loopback(u.Hostname()) || net.ParseIP(u.Hostname()) != nil:
		c.skip("browsers take it for names alone, and %s is none (RFC 6797 8.1.1)", u.Hostname())
	default:
		said := d.Header("Strict-Transport-Security")
		if said == "" {
			c.found(u.Hostname(), "no Strict-Transport-Security", "Strict-Transport-Security with a max-age of a year")
		} else if age, there := maxAge(strings.ReplaceAll(said, ";", ",")); !there || age < 180*24*time.Hour {
			c.found(u.Hostname(), "Strict-Transport-Security: "+said, "a max-age of half a year at least")
		}
	}
}

func plainHTTP(c *Case) {
	if len(c.Plain) == 0 {
		c.skip("only an https provider on the standard port of another machine has a port 80 that is its own")
		return
	}
	for _, d := range c.Plain {
		if d.Answer == nil {
			continue // closed
		}
		to, err := url.Parse(d.Header("Location"))
		switch status := d.Answer.Status; {
		case status/100 == 3 && err == nil && to.Scheme == "https":
		case status/100 == 3:
			c.found(d.Address, fmt.Sprintf("status %d to %s", status, d.Header("Location")), "a redirect to https")
		case status/100 == 2, status == 400, status == 401, status == 405:
			c.found(d.Address, fmt.Sprintf("status %d: it answers", status), "a redirect to https, or nothing")
		}
	}
}

func clock(c *Case) {
	judged := false
	for _, d := range []evidence.Document{c.OIDC, c.JWKS} {
		if !d.Dated || d.Header("Age") != "" { // a cache's copy has an old date
			continue
		}
		judged = true
		off := d.Skew.Abs() - d.Took/2 - time.Second
		s := Warning
		if off > 5*time.Minute {
			s = Error
		}
		if off > 30*time.Second {
			ahead := "ahead of"
			if d.Skew < 0 {
				ahead = "behind"
			}
			c.foundAs(s, "Date", fmt.Sprintf("%s: the provider is %s %s this machine", d.Header("Date"), d.Skew.Abs().Round(time.Second), ahead), "within 30 s")
			return
		}
	}
	if !judged {
		c.skip("no answer had a Date of its own")
	}
}

func latency(c *Case) {
	all := []evidence.Document{c.OIDC, c.JWKS}
	if c.Front != nil {
		all = append(all, *c.Front)
	}
	judged := false
	for _, d := range all {
		if d.Answer == nil {
			continue
		}
		judged = true
		if d.Took > time.Second {
			c.found(d.Address, d.Took.Round(10*time.Millisecond).String(), "within a second")
		}
	}
	if !judged {
		c.skip("nothing answered")
	}
}
