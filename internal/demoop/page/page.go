// Package page draws the embedded provider's few pages: sign in, consent, sign
// out, an answer that posts itself, and a refusal. It knows no protocol, loads
// nothing from anywhere, and lets no string from outside become markup.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

//go:embed style.css
var style string

// maxText is how much of one string from outside a page shows, in runes.
const maxText = 200

// A Page is ready to be sent.
type Page struct {
	Status int    // 0 means 200
	Target string // where its form leads beside this provider, an origin or a scheme
	title  string
	body   string
	script string

	frames  string // origins that may be shown in frames
	refresh string // where it goes by itself, once the frames had a second
}

// text makes a string from outside harmless: markup is escaped, and characters
// that do not print or that turn the reading direction are replaced.
func text(s string) string {
	n := 0
	s = strings.Map(func(r rune) rune {
		switch n++; {
		case n > maxText:
			return -1
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
	return html.EscapeString(s)
}

// field is a hidden input; its value goes out whole.
func field(name, value string) string {
	return `<input type="hidden" name="` + html.EscapeString(name) + `" value="` + html.EscapeString(value) + `">`
}

// HTML is the whole document.
func (p Page) HTML() string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>")
	b.WriteString(text(p.title))
	b.WriteString(" - demo provider</title>\n<style>")
	b.WriteString(style)
	b.WriteString("</style>\n")
	if p.refresh != "" {
		b.WriteString(`<meta http-equiv="refresh" content="1;url=` + html.EscapeString(p.refresh) + `">` + "\n")
	}
	b.WriteString("</head>\n<body>\n<main>\n<p class=\"brand\"><span class=\"mark\" aria-hidden=\"true\"></span>Demo provider</p>\n")
	b.WriteString(p.body)
	b.WriteString("</main>\n<footer>An OpenID Provider for trying things out. It runs on this machine, " +
		"and forgets everything at the end.<br>Never type a real password here.</footer>\n")
	if p.script != "" {
		b.WriteString("<script>" + p.script + "</script>\n")
	}
	b.WriteString("</body>\n</html>\n")
	return b.String()
}

// Policy is the page's Content-Security-Policy: its own style, its own script,
// its own form, and no frame around it.
func (p Page) Policy() string {
	policy := "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src " + hash(style)
	if p.script != "" {
		policy += "; script-src " + hash(p.script)
	}
	if p.frames != "" {
		policy += "; frame-src " + p.frames
	}
	// Browsers hold a redirect that follows a form to this list as well.
	return policy + "; form-action " + strings.TrimSpace("'self' "+p.Target)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Write sends the page, never to be kept, framed or told on.
func (p Page) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.Policy())
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if p.Status == 0 {
		p.Status = http.StatusOK
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write([]byte(p.HTML()))
}

// hostChars is all that the host of an address may be made of here, so that
// it cannot be more than one word of a policy.
const hostChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]"

// Target says where a form that ends at uri leads, for [Page].Target: an
// origin, or the scheme of a native application. It is empty for an address
// that leads nowhere.
func Target(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme == "":
		return ""
	case u.Scheme != "http" && u.Scheme != "https":
		return u.Scheme + ":"
	case u.Hostname() == "" || strings.Trim(u.Host, hostChars) != "":
		return ""
	}
	return u.Scheme + "://" + u.Host
}
