package page

import (
	"net/url"
	"strings"
)

// Encode is url.Values.Encode in the order of the page.
func Encode(list []Pair) string {
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.Name) + "=" + url.QueryEscape(p.Value))
	}
	return b.String()
}

// Relay is what a page at u posts to itself to hand the fragment of its own
// address over, as its script would; nil where there is nothing to hand over.
func Relay(u *url.URL, status int, body []byte) []byte {
	if u.Fragment == "" {
		return nil
	}
	for _, f := range Read(u, status, "text/html", body).Forms {
		if c := f.Field("fragment"); c != nil && f.Method == "post" && f.Action != nil && f.Action.Host == u.Host && f.Action.Path == u.Path {
			return []byte(Encode(f.Fields(nil, map[*Control]string{c: u.EscapedFragment()})))
		}
	}
	return nil
}
