package check

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rely/internal/doctor/evidence"
	"rely/internal/fault"
	"rely/internal/wire"
)

func documents() []*Check {
	return []*Check{
		{ID: "P01", Name: "discovery-answer", Title: "the discovery document comes with status 200, as application/json, without a redirect",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 4.2; RFC 8414 3.2",
			Why:     "Relying parties stop at the first answer that is anything else; many of them follow no redirect, and one to another origin hands the choice of the provider to that origin.",
			Fix:     "serve the document itself at the well-known address, and let proxies in front of it through",
			Unknown: "It sees the answer that this machine gets: a proxy, a firewall or a CDN may give others something else.",
			Hints:   []Hint{{"keycloak", "the issuer is BASE-URL/realms/REALM; since version 17 there is no /auth before it unless --http-relative-path says so"}},
			Run:     discoveryAnswer},
		{ID: "P02", Name: "issuer-exact", Title: "the issuer in the metadata is the one that was asked for, character by character",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 4.3; RFC 8414 3.3",
			Why:     "Another issuer means that somebody else's metadata was read. Relying parties have to refuse it, and every ID token with it.",
			Fix:     "use the issuer that the metadata names, or set the provider's public address to the one that clients use",
			Unknown: "It cannot know which of the two is meant to be right.",
			Hints: []Hint{
				{"keycloak", "set --hostname (the public address of the server), or the realm's Frontend URL"},
				{"entra", "take the issuer of one tenant: https://login.microsoftonline.com/TENANT-ID/v2.0; common and organizations are no issuers"},
				{"auth0", "the issuer ends with a slash"},
				{"okta", "a custom authorization server's issuer ends with /oauth2/ID; \"Issuer URI\" of the server chooses the domain"}},
			Run: issuerExact},
		{ID: "P03", Name: "issuer-form", Title: "the issuer is an https URL without query, fragment, user part and odd port",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 3; RFC 8414 2",
			Why: "The issuer is compared as text and trusted because of its certificate: http has none, and a query or a fragment breaks the well-known address.",
			Fix: "give the provider an https address of its own as its issuer", Run: issuerForm},
		{ID: "P26", Name: "oauth-metadata-agrees", Title: "the metadata of RFC 8414 says the same as that of OpenID Connect",
			Stage: "discoverable", Severity: Warning, Section: "RFC 8414 3, 5",
			Why:     "Which of the two a client reads depends on its library: with two truths some clients work and some do not, and nobody sees why.",
			Fix:     "serve one document at both addresses",
			Unknown: "A provider need not have the second document; that it is missing is no finding.", Run: oauthAgrees},
		{ID: "P27", Name: "caching", Title: "discovery and keys say how long they may be cached, up to a day",
			Stage: "discoverable", Severity: Info, Section: "OIDC Core 10.1.1; RFC 9111 5.2",
			Why:     "Without max-age every client guesses: some ask for each token, some keep a key for days after it was withdrawn.",
			Fix:     "send Cache-Control: max-age of some minutes to some hours with both documents",
			Unknown: "Clients may ignore it.", Run: caching},
		{ID: "P32", Name: "cors-public", Title: "browsers may read discovery and keys from any page, without credentials",
			Stage: "discoverable", Severity: Info, Section: "OIDC Discovery 4; Fetch (CORS protocol)",
			Why:     "An application that runs in a browser cannot sign anybody in without these two documents. With credentials allowed besides, a page can read what the provider says to somebody who is signed in.",
			Fix:     "send Access-Control-Allow-Origin: * with both, and no Access-Control-Allow-Credentials",
			Unknown: "A provider may allow the registered origins alone, which the made-up origin of this request is not.", Run: corsPublic},
	}
}

func discoveryAnswer(c *Case) {
	d := c.OIDC
	a := d.Answer
	const want = "200 with a JSON object as application/json"
	switch {
	case a == nil && fault.Is(d.Err, fault.Protocol):
		c.found(d.Address, d.Err.Error(), "at most 1 MiB")
		return
	case a == nil:
		c.skip("the provider was not reached: %v", d.Err)
		return
	case a.Status/100 == 3:
		c.redirected(d)
		return
	case a.Status == 404 && c.Members != nil:
		c.foundAs(Warning, d.Address, "404; the metadata is only at "+c.Source, "the metadata at both places, so that clients of OpenID Connect find it")
		return
	case a.Status != 200:
		c.found(d.Address, fmt.Sprintf("status %d", a.Status), want)
		return
	case d.Members == nil:
		c.found(d.Address, fmt.Sprintf("%s that cannot be read as a JSON object: %v", orNone(d.Type()), d.Trouble), want)
		return
	}
	if d.Type() != "application/json" {
		c.found(d.Address, "Content-Type: "+orNone(d.Header("Content-Type")), "Content-Type: application/json")
	}
}

func (c *Case) redirected(d evidence.Document) {
	to, err := c.URL.Parse(d.Header("Location"))
	seen := fmt.Sprintf("status %d, Location: %s", d.Answer.Status, d.Header("Location"))
	if err == nil && to.Scheme == c.URL.Scheme && to.Host == c.URL.Host {
		c.found(d.Address, seen+" (the same origin)", "the document itself: OIDC Discovery 4.2 demands status 200")
		return
	}
	c.found(d.Address, seen+" (another origin)", "the document itself, from the issuer's own origin")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func issuerExact(c *Case) {
	if !c.metadata() {
		return
	}
	said, is := c.Text("issuer")
	switch {
	case !is:
		c.found("issuer", "no issuer in the metadata", c.Issuer)
	case said == c.Issuer:
	case strings.TrimSuffix(said, "/") == strings.TrimSuffix(c.Issuer, "/"):
		c.found("issuer", said+" (they differ in the slash at the end)", c.Issuer)
	case strings.EqualFold(said, c.Issuer):
		c.found("issuer", said+" (they differ in upper and lower case)", c.Issuer)
	default:
		c.found("issuer", said, c.Issuer)
	}
}

func issuerForm(c *Case) {
	said, is := c.Text("issuer")
	if !is {
		said = c.Issuer
	}
	u, err := url.Parse(said)
	const want = "an https URL with a host, a path at most, and nothing else"
	switch {
	case err != nil:
		c.found("issuer", said+" is no URL", want)
	case u.Scheme == "http" && wire.Loopback(u.Hostname()):
		c.foundAs(Info, "issuer", said+" is http; on this machine that is for tests alone", "https")
	case u.Scheme != "https" || u.Host == "":
		c.found("issuer", said+" is not https", want)
	case u.User != nil || strings.ContainsAny(said, "?#"):
		c.found("issuer", said+" has a user part, a query or a fragment", want)
	case u.Port() != "" && !wire.Loopback(u.Hostname()):
		c.foundAs(Info, "issuer", said+" names the port "+u.Port(), "the standard port: some networks let no other through, and a port that is spelt out is part of the name")
	}
}

func oauthAgrees(c *Case) {
	if !c.OIDC.OK() || c.OIDC.Members == nil {
		c.skip("there is no document of OpenID Connect to compare with")
		return
	}
	compared := false
	for _, d := range c.OAuth {
		if !d.OK() || d.Members == nil {
			continue
		}
		compared = true
		var differ []string
		for name, value := range d.Members {
			if other, both := c.OIDC.Members[name]; both && !sameJSON(value, other) {
				differ = append(differ, name)
			}
		}
		slices.Sort(differ)
		for _, name := range differ {
			c.found(name, fmt.Sprintf("%.200s at %s", d.Members[name], d.Address), fmt.Sprintf("%.200s, as at %s", c.OIDC.Members[name], c.OIDC.Address))
		}
	}
	if !compared {
		c.skip("there is no document of RFC 8414")
	}
}

// sameJSON compares without minding the order of a list, which means nothing
// in metadata.
func sameJSON(a, b []byte) bool {
	var one, other []string
	if bytes.Equal(a, b) {
		return true
	}
	if unmarshal(a, &one) != nil || unmarshal(b, &other) != nil {
		return false
	}
	slices.Sort(one)
	slices.Sort(other)
	return slices.Equal(one, other)
}

func caching(c *Case) {
	judged := false
	for _, d := range []evidence.Document{c.OIDC, c.JWKS} {
		if !d.OK() {
			continue
		}
		judged = true
		control := d.Header("Cache-Control")
		age, there := maxAge(control)
		switch {
		case strings.Contains(strings.ToLower(control), "no-store"), strings.Contains(strings.ToLower(control), "no-cache"):
			c.found(d.Address, "Cache-Control: "+control, "max-age: these documents are public and asked for often")
		case !there && d.Header("Expires") == "":
			c.found(d.Address, "Cache-Control: "+orNone(control), "Cache-Control with max-age")
		case age > 24*time.Hour:
			c.found(d.Address, fmt.Sprintf("max-age=%d: %s", int(age.Seconds()), age), "at most a day, or a withdrawn key stays in use")
		}
	}
	if !judged {
		c.skip("neither document came")
	}
}

func maxAge(control string) (time.Duration, bool) {
	for part := range strings.SplitSeq(control, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if seconds, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil && strings.EqualFold(name, "max-age") {
			return time.Duration(min(seconds, 1<<30)) * time.Second, true
		}
	}
	return 0, false
}

func corsPublic(c *Case) {
	judged := false
	for _, d := range []evidence.Document{c.OIDC, c.JWKS} {
		if !d.OK() {
			continue
		}
		judged = true
		allowed := d.Header("Access-Control-Allow-Origin")
		switch {
		case allowed == evidence.Origin && strings.EqualFold(d.Header("Access-Control-Allow-Credentials"), "true"):
			c.foundAs(Warning, d.Address, "any origin is repeated, and credentials are allowed", "Access-Control-Allow-Origin: * and no credentials")
		case allowed == "":
			c.found(d.Address, "no Access-Control-Allow-Origin", "Access-Control-Allow-Origin: *")
		}
	}
	if !judged {
		c.skip("neither document came")
	}
}
