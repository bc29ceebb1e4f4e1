package cause

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// redirectMayDiffer reports whether the redirect URI can be the cause: the
// provider says so, or the client's record has others.
func redirectMayDiffer(c *Case) bool {
	if strings.Contains(strings.ToLower(c.Text), "redirect") || holds(strings.ToLower(c.Text), []string{"aadsts50011", "aadsts500113", "callback url", "not registered"}) {
		return true
	}
	return c.Redirect != "" && len(c.Registered) > 0 && !slices.Contains(c.Registered, c.Redirect)
}

func sayRedirect(c *Case) Finding {
	sent, nearest := c.Redirect, nearest(c.Redirect, c.Registered)
	switch {
	case sent == "":
		return Finding{Likely: "the redirect URI is not one that is registered for " + c.client(), Change: "register the address that stands in the sign-in's redirect_uri (--trace shows it), or give the registered one with --redirect-uri"}
	case nearest == "":
		return Finding{Likely: fmt.Sprintf("%s is not, character by character, registered for %s", sent, c.client()),
			Change: "register exactly " + sent + ", or give the registered one with --redirect-uri"}
	case nearest == sent:
		return Finding{Likely: fmt.Sprintf("the provider does not know %s any more, though it was registered: the client was changed or replaced there", sent),
			Change: "run \"rely register show\" and compare; register exactly " + sent}
	}
	return Finding{Likely: "the redirect URI " + Difference(sent, nearest), Change: "use --redirect-uri " + nearest + ", or register exactly " + sent,
		Check: &Check{Name: "redirect-uri", Spec: "RFC 6749 3.1.2.3", Expected: nearest, Actual: sent}}
}

// nearest is the registered address that shares most with the one that was
// sent, counted from both ends.
func nearest(sent string, registered []string) string {
	best, most := "", -1
	for _, r := range registered {
		head, tail := common(sent, r)
		if n := head + tail; r == sent || n > most {
			best, most = r, n
		}
		if r == sent {
			return r
		}
	}
	return best
}

// common is how many bytes two texts share at their beginning, and then at
// their end.
func common(a, b string) (head, tail int) {
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return head, tail
}

// Difference says in what an address differs from the one that was meant: by
// one character, shown, or by one part.
func Difference(got, want string) string {
	if strings.EqualFold(got, want) && got != want {
		at, _ := common(got, want)
		return fmt.Sprintf("differs in upper and lower case: %q where %q is registered, at character %d", got[at:at+1], want[at:at+1], at+1)
	}
	head, tail := common(got, want)
	more, less := got[head:len(got)-tail], want[head:len(want)-tail]
	switch part := partOf(got, want); {
	case len(more) == 1 && less == "":
		return fmt.Sprintf("has one character more than the registered one: %q, character %d (%s)", more, head+1, part)
	case more == "" && len(less) == 1:
		return fmt.Sprintf("lacks one character of the registered one: %q, character %d (%s)", less, head+1, part)
	case len(more) == 1 && len(less) == 1:
		return fmt.Sprintf("differs in one character from the registered one: %q where %q is registered, character %d (%s)", more, less, head+1, part)
	default:
		g, w := pieces(got), pieces(want)
		return fmt.Sprintf("differs from the registered one in its %s: %q was sent, %q is registered", part, g[part], w[part])
	}
}

// parts are those of an address, in order.
func parts() []string { return []string{"scheme", "host", "port", "path", "query", "text"} }

func pieces(address string) map[string]string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return map[string]string{"text": address}
	}
	return map[string]string{"scheme": u.Scheme, "host": u.Hostname(), "port": u.Port(), "path": u.EscapedPath(), "query": u.RawQuery, "text": address}
}

// partOf is the first part in which two addresses differ.
func partOf(a, b string) string {
	x, y := pieces(a), pieces(b)
	for _, p := range parts() {
		if x[p] != y[p] {
			return p
		}
	}
	return "text"
}
