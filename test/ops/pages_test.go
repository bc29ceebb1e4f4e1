package ops

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPages walks a sign-in in a light and a dark browser: the embedded
// provider's pages and the listener's last one, of a sign-in that is good and
// of one that is refused. axe-core finds nothing against any of them. With
// RELY_UPDATE_PICTURES=1 the last pages are what docs/pictures shows.
func TestPages(t *testing.T) {
	need(t, "chromium google-chrome", "certutil")
	t.Parallel()
	for _, theme := range []string{"light", "dark"} {
		for name, args := range map[string][]string{"signed-in": nil, "refused": {"--fault", "wrong-nonce"}} {
			t.Run(name+" "+theme, func(t *testing.T) {
				t.Parallel()
				walkPages(t, theme, name, args)
			})
		}
	}
}

func walkPages(t *testing.T, theme, name string, args []string) {
	h := newHome(t)
	h.exits(0, "trust", "install", "--only", "browsers")
	p := &provider{issuer: h.op(args...)}
	page, ended := h.login(p, "login", p.issuer, "--client-id", "demo", "--browser", "none")
	b := browserIn(t, h.dir, chromedp.WindowSize(800, 700), chromedp.Flag("blink-settings", fmt.Sprint("preferredColorScheme=", map[string]int{"dark": 0, "light": 1}[theme])))
	b.do(t, chromedp.Navigate(page))
	if dark := b.read(t, chromedp.Evaluate[string](`String(matchMedia("(prefers-color-scheme: dark)").matches)`)); dark != fmt.Sprint(theme == "dark") {
		t.Fatalf("got a dark browser: %s, want the theme %s", dark, theme)
	}
	b.accessible(t, "the login page")
	b.do(t, chromedp.SendKeys(chromedp.CSS("#username"), "alice"), chromedp.SendKeys(chromedp.CSS("#password"), "not-hers-1"), chromedp.Click(chromedp.CSS(`button[value="login"]`)),
		chromedp.WaitVisible(chromedp.CSS(`[aria-invalid="true"]`)))
	b.accessible(t, "the login page after a wrong password")
	b.do(t, chromedp.SendKeys(chromedp.CSS("#password"), h.secret("wonderland-1865")), chromedp.Click(chromedp.CSS(`button[value="login"]`)),
		chromedp.WaitVisible(chromedp.CSS(`button[value="allow"]`)))
	b.accessible(t, "the consent page")
	b.do(t, chromedp.Click(chromedp.CSS(`button[value="allow"]`)), chromedp.WaitVisible(chromedp.CSS(".end")))
	b.accessible(t, "the listener's page")
	title := map[string]string{"signed-in": "Signed in", "refused": "Not signed in"}[name]
	if got := b.read(t, chromedp.Text(chromedp.CSS("h1"))); !strings.HasPrefix(got, title) {
		t.Errorf("got the heading %q, want %q", got, title)
	}
	if got := b.read(t, chromedp.Location()); strings.ContainsAny(got, "?#") {
		t.Errorf("got %s in the address bar, want no answer in it", got)
	}
	b.picture(t, name+"-"+theme+".png")
	b.read(t, chromedp.Evaluate[string](`document.querySelector("main").append(new Image()), "spoilt"`))
	if found := b.violations(t); len(found) != 1 || !strings.HasPrefix(found[0], "image-alt") {
		t.Errorf("got %q for a picture without a text, want image-alt: does axe-core look at all?", found)
	}
	if r := <-ended; (r.code == 0) != (name == "signed-in") {
		t.Errorf("got exit code %d\n%s", r.code, r.stderr)
	}
}

// picture writes what the browser shows to docs/pictures, where that was asked
// for.
func (b browser) picture(t *testing.T, name string) {
	t.Helper()
	if os.Getenv("RELY_UPDATE_PICTURES") != "1" {
		return
	}
	data, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "docs", "pictures")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// accessible has axe-core look at the page: WCAG 2.2 A and AA, and what its
// authors call good practice. Neither a violation nor a contrast that could not
// be computed may be left.
func (b browser) accessible(t *testing.T, what string) {
	t.Helper()
	if found := b.violations(t); len(found) > 0 {
		t.Errorf("%s: got the violations %q, want none", what, found)
	}
}

func (b browser) violations(t *testing.T) []string {
	t.Helper()
	script, err := axe()
	if err != nil {
		t.Fatal(err)
	}
	b.read(t, chromedp.Evaluate[string](script+`;"loaded"`))
	answer := b.read(t, chromedp.Evaluate[string](`axe.run().then(r => JSON.stringify({
		rules: r.passes.length,
		found: r.violations.concat(r.incomplete.filter(v => v.id === "color-contrast")).map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.target).join(" "))}))`, chromedp.EvalAwaitPromise))
	var r struct {
		Rules int
		Found []string
	}
	if err := json.Unmarshal([]byte(answer), &r); err != nil {
		t.Fatal(err)
	}
	if r.Rules < 10 {
		t.Errorf("got %d rules passed, want many", r.Rules)
	}
	return r.Found
}

// axe is the text of axe-core, fetched once for each cache, as the providers'
// packages are.
var axe = sync.OnceValues(func() (string, error) {
	cache := os.Getenv("OP_CACHE")
	if cache == "" {
		cache = filepath.Join(os.TempDir(), fmt.Sprint("ops-cache-", os.Getuid()))
	}
	cache = filepath.Join(cache, "axe")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("axe", name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(cache, name), text, 0o600); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error")
	cmd.Dir = cache
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(cache, "node_modules", "axe-core", "axe.min.js"))
	return string(text), err
})
