package check

import (
	"fmt"
	"slices"
	"time"

	"rely/internal/doctor/evidence"
	"rely/internal/fault"
)

// watch lists the checks that compare two looks.
func watch() []*Check {
	return []*Check{
		{ID: "P47", Name: "rotation-notice", Title: "a new key is published before it signs, and old ones stay a while",
			Stage: "keys", Severity: Info, Section: "OIDC Core 10.1.1",
			Why:     "Clients keep the key set for as long as its Cache-Control says. A key that signs at once is unknown to them, and one that goes at once leaves good tokens without a key.",
			Fix:     "publish the new key for longer than the set's max-age before it signs, and the old one for as long as tokens live that it signed",
			Unknown: "What happened between two looks: a key that was published and put to use in between looks like one without notice. Look more often with --every.", Run: rotationNotice},
		{ID: "L36", Name: "token-of-yesterday", Title: "a token of the last look still verifies",
			Stage: "tokens", Severity: Info, Section: "OIDC Core 10.1.1",
			Why:     "An API that gets a token which is good for hours finds no key for it.",
			Fix:     "keep a key in the set for as long as tokens live that it signed",
			Unknown: "Whether a token of then is still alive: the key is looked for, and no token is kept.", Run: tokenOfYesterday},
	}
}

// mostApart is how far two looks may be apart to say anything about a rotation.
const mostApart = 49 * time.Hour

// past is the look before, where there is one that can be compared with.
func (c *Case) past() *evidence.Past {
	switch {
	case c.Watch == nil:
		c.skip("it compares two looks: add --watch FILE")
	case c.Watch.Past == nil:
		c.skip("this is the first look that --watch keeps")
	case c.Now.Sub(c.Watch.Past.Taken) > mostApart:
		c.skip("the last look is of %s, too long ago to tell", c.Watch.Past.Taken.UTC().Format(time.RFC3339))
	case c.keySet():
		return c.Watch.Past
	}
	return nil
}

func rotationNotice(c *Case) {
	past := c.past()
	if past == nil {
		return
	}
	ago := "of the last look, " + c.Now.Sub(past.Taken).Round(time.Second).String() + " ago"
	now := c.Fingerprints()
	if n := len(past.Keys); n > 0 && !slices.ContainsFunc(past.Keys, func(k string) bool { return slices.Contains(now, k) }) {
		c.found("jwks_uri", fmt.Sprintf("nothing is left of the %s %s", fault.Count(n, "key", "keys"), ago), "the keys that signed, for as long as their tokens live")
	}
	signing := c.Signing()
	switch {
	case signing == "":
		c.skip("nobody signs in, so nobody sees which key signs: add --active and a robot. Old keys were looked for")
	case !slices.Contains(past.Keys, signing):
		c.found("kid "+orNone(c.Watch.Signed.Kid), "it signs, and is none "+ago, "a key that was in the set before it signs")
	}
}

func tokenOfYesterday(c *Case) {
	past := c.past()
	switch {
	case past == nil:
	case past.Signed == "":
		c.skip("nobody signed in at the last look: add --active and a robot")
	case !slices.Contains(c.Fingerprints(), past.Signed):
		c.found("jwks_uri", "the key that signed at "+past.Taken.UTC().Format(time.RFC3339)+" is gone", "that key, for as long as its tokens live")
	}
}
