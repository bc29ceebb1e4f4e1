package page

import (
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var tag = regexp.MustCompile(`<(!?/?[a-z0-9]+)`)

// tags is the shape of a document: the names of its tags, in order.
func tags(doc string) string {
	var out []string
	for _, m := range tag.FindAllStringSubmatch(doc, -1) {
		out = append(out, m[1])
	}
	return strings.Join(out, " ")
}

func pages(s string) []Page {
	return []Page{
		SignIn{s, s, s, s, s, "x" + s, []Account{{s, s}}}.Page(Target(s)),
		Consent{s, s, s, s, s, s, []string{s}}.Page(Target(s)),
		SignOut{s, s, s, "x" + s, s}.Page(Target(s)),
		Notice(400, s, s, "x"+s),
		Code{s, s, "x" + s}.Page(),
		Post(s, url.Values{s: {s}}),
	}
}

// FuzzPages: no string from outside changes the shape of a page or gets into
// its policy.
func FuzzPages(f *testing.F) {
	f.Add(`"><script>alert(1)</script>`)
	f.Add("' onfocus='alert(1)")
	f.Add("https://a.example;script-src *//x/")
	f.Add("\x00\x1b]0;x\x07\u202e</title>")
	f.Add("javascript:alert(1)")
	plain := pages("word")
	f.Fuzz(func(t *testing.T, s string) {
		for i, p := range pages(s) {
			got, want := tags(p.HTML()), tags(plain[i].HTML())
			if s == "" { // a suggestion for the user name moves the cursor, no tag
				continue
			}
			if got != want {
				t.Errorf("page %d got the tags %s, want %s", i, got, want)
			}
			if strings.Count(p.Policy(), ";") != strings.Count(plain[i].Policy(), ";") || strings.ContainsAny(p.Policy(), "\r\n\x00*") {
				t.Errorf("page %d got the policy %q", i, p.Policy())
			}
			if strings.ContainsAny(text(s), "\x00\x1b<>\"'\u202e\n") {
				t.Errorf("got the text %q", text(s))
			}
		}
	})
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"https://127.0.0.1:8765/callback?x=y": "https://127.0.0.1:8765",
		"http://[::1]:1/":                     "http://[::1]:1",
		"com.example.app:/cb":                 "com.example.app:",
		"https://a.example;b/":                "",
		"/relative":                           "",
		"":                                    "",
	} {
		if got := Target(uri); got != want {
			t.Errorf("%s: got %q, want %q", uri, got, want)
		}
	}
}

func TestLongTextIsCut(t *testing.T) {
	t.Parallel()
	if got := len(text(strings.Repeat("a", 10000))); got != maxText {
		t.Errorf("got %d characters, want %d", got, maxText)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Notice(0, "t", "w").Write(w)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	if w.Code != 200 {
		t.Errorf("got %d, want 200", w.Code)
	}
}
