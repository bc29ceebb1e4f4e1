package loopback

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"

	"rely/internal/fault"
)

// A Page tells the person at the browser what came of the sign-in. Its texts
// may quote a provider: they are escaped, their control characters shown, and
// what is longer than a person reads is cut. They must hold no token, code or
// other secret.
type Page struct {
	OK      bool     // signed in
	Title   string   // "" means "Signed in" or "Not signed in"
	Text    string   // one paragraph for each line
	Details []string // the ladder of checks, one line each; may be empty
}

// A tone is the mood of a page: a colour, and a shape for those who do not
// see it.
type tone int

const (
	neutral tone = iota
	good
	bad
)

func (t tone) look() (class, role, icon string) {
	switch t {
	case good:
		return "good", "status", `<circle cx="24" cy="24" r="22"/><path d="m14.5 24.5 6.5 6.5L34 18"/>`
	case bad:
		return "bad", "alert", `<path d="M15 2h18l13 13v18L33 46H15L2 33V15z"/><path d="m17 17 14 14m0-14L17 31"/>`
	}
	return "neutral", "status", `<rect x="2" y="2" width="44" height="44" rx="13"/><path d="M24 21.5V35M24 13.5v.5"/>`
}

// style holds every rule of the page; each text colour has a contrast of at
// least 4.5 to what is behind it.
const style = `:root{color-scheme:light dark;--paper:#f3f5f4;--card:#fff;--line:#d9dedb;--ink:#19201c;--soft:#535e57;` +
	`--good:#17663b;--goodbg:#e6f4eb;--bad:#9b232b;--badbg:#fcebeb;--neutral:#38557a;--neutralbg:#e9eff7}` +
	`@media(prefers-color-scheme:dark){:root{--paper:#101412;--card:#191e1b;--line:#2f3732;--ink:#e8ede9;--soft:#a3afa7;` +
	`--good:#74d49b;--goodbg:#1a3325;--bad:#ff9d98;--badbg:#3b2021;--neutral:#a3c0e6;--neutralbg:#212d3c}}` +
	`*{box-sizing:border-box}` +
	`body{margin:0;min-height:100vh;padding:1.25rem;display:grid;align-items:center;justify-items:center;` +
	`grid-template-columns:minmax(0,1fr);background:var(--paper);color:var(--ink);` +
	`font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}` +
	`main{width:100%;max-width:36rem;padding:2.75rem 2.5rem 2.25rem;background:var(--card);border:1px solid var(--line);` +
	`border-radius:1.25rem;box-shadow:0 1px 2px #0000000a,0 12px 32px #0000000d;overflow-wrap:anywhere}` +
	`svg{display:block;width:3.25rem;height:3.25rem;margin:0 0 1.5rem;stroke-width:3;stroke-linecap:round;stroke-linejoin:round}` +
	`svg>:first-child{stroke-width:1.5}` +
	`.good svg{stroke:var(--good);fill:var(--goodbg)}.bad svg{stroke:var(--bad);fill:var(--badbg)}` +
	`.neutral svg{stroke:var(--neutral);fill:var(--neutralbg)}svg>:last-child{fill:none}` +
	`h1{margin:0 0 .5rem;font-size:1.75rem;line-height:1.25;font-weight:650;letter-spacing:-.015em;text-wrap:balance}` +
	`.good h1{color:var(--good)}.bad h1{color:var(--bad)}` +
	`p{margin:0 0 .5rem}` +
	`details{margin:1.5rem 0 0;border:1px solid var(--line);border-radius:.75rem}` +
	`summary{padding:.625rem 1rem;cursor:pointer;color:var(--soft);font-size:.9375rem;border-radius:.75rem}` +
	`summary:hover{color:var(--ink)}summary:focus-visible{outline:2px solid var(--neutral);outline-offset:2px}` +
	`ul{margin:0;padding:.25rem 1rem .75rem;list-style:none;font:.8125rem/1.5 ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}` +
	`li{padding:.3125rem 0 .3125rem 2ch;text-indent:-2ch;border-top:1px solid var(--line);white-space:pre-wrap}` +
	`.end{margin:1.75rem 0 0;color:var(--soft);font-size:.9375rem}` +
	`@media(max-width:30rem){body{padding:.75rem}main{padding:2rem 1.5rem 1.75rem}h1{font-size:1.5rem}}` +
	`@media(forced-colors:active){.good svg,.bad svg,.neutral svg{stroke:CanvasText;fill:none}}`

// script takes the code out of the address bar and the history (RFC 9700
// 4.3.1).
const script = `history.replaceState(null,"",location.pathname)`

// write sends a page with the headers that keep it harmless.
func write(w http.ResponseWriter, status int, t tone, p Page) {
	send(w, status, t.page(p), script, "'none'")
}

// send sends a whole document that runs one script and may post to form.
func send(w http.ResponseWriter, status int, page, script, form string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+hash(style)+"; script-src "+hash(script)+
		"; frame-ancestors 'none'; base-uri 'none'; form-action "+form)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Referrer-Policy") == "" {
		h.Set("Referrer-Policy", "no-referrer")
	}
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page is the whole HTML document: one heading, no external resource.
func (t tone) page(p Page) string {
	return t.document(p, `<p class="end">You can close this tab.</p>`, script)
}

// document is the page with what stands below its text, and its script.
func (t tone) document(p Page, below, script string) string {
	title := p.Title
	switch {
	case title != "":
	case p.OK:
		title = "Signed in"
	default:
		title = "Not signed in"
	}
	title = shown(title, 200)
	class, role, icon := t.look()
	var b strings.Builder
	b.Grow(2 * len(style))
	b.WriteString(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>` + title +
		`</title><meta name="viewport" content="width=device-width,initial-scale=1"><style>` + style + `</style></head>` +
		`<body><main class="` + class + `"><svg viewBox="0 0 48 48" aria-hidden="true">` + icon +
		`</svg><div role="` + role + `"><h1 dir="auto">` + title + `</h1>`)
	for line := range strings.SplitSeq(p.Text, "\n") {
		if strings.TrimSpace(line) != "" {
			b.WriteString(`<p dir="auto">` + shown(line, 1000) + `</p>`)
		}
	}
	b.WriteString(`</div>`)
	if len(p.Details) > 0 {
		open := ""
		if !p.OK {
			open = " open"
		}
		b.WriteString(`<details` + open + `><summary>What was checked</summary><ul>`)
		for _, line := range p.Details[:min(len(p.Details), 100)] {
			b.WriteString(`<li>` + shown(line, 500) + `</li>`)
		}
		b.WriteString(`</ul></details>`)
	}
	b.WriteString(below + `</main><script>` + script + `</script></body></html>`)
	return b.String()
}

// shown is text from outside made fit for the page.
func shown(text string, limit int) string { return html.EscapeString(fault.VisibleUpTo(text, limit)) }
