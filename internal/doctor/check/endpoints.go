package check

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rely/internal/wire"
)

func endpoints() []*Check {
	return []*Check{
		{ID: "P05", Name: "endpoint-form", Title: "every endpoint is an absolute https URL without fragment and user part",
			Stage: "discoverable", Severity: Error, Section: "OIDC Discovery 3; RFC 6749 3.1, 3.2; RFC 9700 2.6",
			Why: "Codes, tokens and passwords go there. Over http everybody on the way reads them; a user part hides where they go.",
			Fix: "publish the https address of the endpoint",
			Hints: []Hint{
				{"keycloak", "behind a proxy: set --proxy-headers and --hostname, and let the proxy pass X-Forwarded-Proto on"}},
			Run: endpointForm},
		{ID: "P30", Name: "logout-members", Title: "what the metadata says of logout fits together",
			Stage: "discoverable", Severity: Warning, Section: "OIDC Front-Channel Logout 3; OIDC Back-Channel Logout 2.1; OIDC Session Management 3.3",
			Why: "A session ID in logout messages is promised by one flag and delivered by the other; without the second the first says nothing.",
			Fix: "publish both flags, or neither", Run: logoutMembers},
		{ID: "P31", Name: "other-hosts", Title: "the endpoints are where the issuer is",
			Stage: "discoverable", Severity: Info, Section: "RFC 9700 4.4",
			Why:     "An endpoint on another domain is often meant so, and sometimes it is the one thing that an attacker changed.",
			Fix:     "check that these hosts belong to the provider",
			Unknown: "Which domains belong together: the last two labels of the name are compared, or three below well-known suffixes of two.", Run: otherHosts},
	}
}

func endpointForm(c *Case) {
	if !c.metadata() {
		return
	}
	judge := func(name, address string) {
		if _, err := wire.Endpoint(name, address, c.Issuer); err != nil {
			c.found(name, address, "an absolute https URL without user part and fragment")
		} else if strings.HasPrefix(address, "http:") {
			c.foundAs(Info, name, address+" is http; on this machine that is for tests alone", "https")
		}
	}
	for _, name := range sortedNames(c.Members) {
		if strings.HasSuffix(name, "_endpoint") || name == "jwks_uri" || name == "check_session_iframe" {
			if address, is := c.Text(name); is {
				judge(name, address)
			}
		}
	}
	var alias map[string]json.RawMessage
	if raw, there := c.Members["mtls_endpoint_aliases"]; there && unmarshal(raw, &alias) == nil {
		for _, name := range sortedNames(alias) {
			var address string
			if unmarshal(alias[name], &address) == nil {
				judge("mtls_endpoint_aliases."+name, address)
			}
		}
	}
}

func logoutMembers(c *Case) {
	if !c.metadata() {
		return
	}
	for _, way := range []string{"frontchannel", "backchannel"} {
		logout, session := way+"_logout_supported", way+"_logout_session_supported"
		on, _ := c.Flag(logout)
		if with, _ := c.Flag(session); with && !on {
			c.found(logout, "not true, while "+session+" is", "true")
		}
	}
	if c.Has("check_session_iframe") && !c.Has("end_session_endpoint") {
		c.found("end_session_endpoint", "it is missing, while check_session_iframe is there", "an address")
	}
}

func otherHosts(c *Case) {
	if !c.metadata() {
		return
	}
	home := domain(c.URL.Hostname())
	var hosts []string
	named := map[string][]string{}
	for _, name := range sortedNames(c.Members) {
		address, _ := c.Text(name)
		u, err := url.Parse(address)
		if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" || err != nil || u.Hostname() == "" || domain(u.Hostname()) == home {
			continue
		}
		if !slices.Contains(hosts, u.Hostname()) {
			hosts = append(hosts, u.Hostname())
		}
		named[u.Hostname()] = append(named[u.Hostname()], name)
	}
	for _, host := range hosts {
		c.found(host, fmt.Sprintf("%s: %s", host, strings.Join(named[host], ", ")), "the issuer's own domain, or one that you know")
	}
}

// domain is about the part of a name that somebody registered. Without the
// public suffix list it is a guess that is good enough for a note.
func domain(host string) string {
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(host), "."), ".")
	n := len(labels)
	if n <= 2 || wire.Loopback(host) || strings.Contains(host, ":") {
		return strings.ToLower(host)
	}
	keep := 2
	if len(labels[n-1]) == 2 && slices.Contains([]string{"co", "com", "org", "net", "ac", "gov", "edu", "or", "ne", "go"}, labels[n-2]) {
		keep = 3
	}
	return strings.Join(labels[n-keep:], ".")
}
