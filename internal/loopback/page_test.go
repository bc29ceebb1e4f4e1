package loopback

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPageKeepsTextAsText(t *testing.T) {
	t.Parallel()
	p := bad.page(Page{
		Title:   "<script>alert(1)</script>",
		Text:    "access_denied: </p><img src=x onerror=alert(1)>\n\x1b[31mred\u202e",
		Details: []string{`"><svg onload=alert(1)>`, "a & b"},
	})
	for _, want := range []string{
		"&lt;script&gt;alert(1)", "&lt;img src=x", `\x1b[31mred\u202e`, "&#34;&gt;&lt;svg", "a &amp; b",
		`lang="en"`, `role="alert"`, "You can close this tab.", "<details open>",
	} {
		if !strings.Contains(p, want) {
			t.Errorf("got %s, want %s in it", p, want)
		}
	}
	if got := strings.Count(p, "<h1"); got != 1 {
		t.Errorf("got %d headings, want 1", got)
	}
}

func TestPageHasATitleAlways(t *testing.T) {
	t.Parallel()
	for title, p := range map[string]string{"Signed in": good.page(Page{OK: true}), "Not signed in": bad.page(Page{})} {
		if !strings.Contains(p, "<title>"+title+"</title>") {
			t.Errorf("got %s, want the title %s", p, title)
		}
	}
}

func TestPageIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<", 1<<20)
	lines := make([]string, 10_000)
	for i := range lines {
		lines[i] = long
	}
	if got := len(bad.page(Page{Title: long, Text: long, Details: lines})); got > 300<<10 {
		t.Errorf("got %d bytes, want at most 300 KiB", got)
	}
}

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	outcome(w, Page{})
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) +
			"; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("got %s: %s, want %s", name, got, want)
		}
	}
	if !strings.Contains(w.Body.String(), "<style>"+style+"</style>") || !strings.Contains(w.Body.String(), "<script>"+script+"</script>") {
		t.Error("got a page whose style or script is not the hashed one")
	}
}

func FuzzPage(f *testing.F) {
	f.Add(true, "<b>", "a\nb", "&lt;")
	f.Add(false, "", "\x00\xff\u2028", `'"><script>`)
	empty := map[bool]string{true: good.page(Page{OK: true, Title: "x", Text: "x", Details: []string{"x"}}),
		false: bad.page(Page{Title: "x", Text: "x", Details: []string{"x"}})}
	f.Fuzz(func(t *testing.T, ok bool, title, text, detail string) {
		text = "x" + strings.ReplaceAll(text, "\n", " ") // one paragraph
		tone := bad
		if ok {
			tone = good
		}
		got := tone.page(Page{OK: ok, Title: "x" + title, Text: text, Details: []string{detail}})
		for _, mark := range []string{"<", ">", `"`} {
			if got, want := strings.Count(got, mark), strings.Count(empty[ok], mark); got != want {
				t.Errorf("got %d %s in the page, want %d: the input brought its own", got, mark, want)
			}
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == '\u202e' }) {
			t.Error("got a control character in the page")
		}
	})
}
