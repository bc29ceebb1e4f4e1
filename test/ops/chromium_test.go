package ops

import (
	"bufio"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestChromium signs in with a real browser, which trusts the local authority
// and no more: the provider's pages, then the HTTPS listener's.
func TestChromium(t *testing.T) {
	need(t, "chromium google-chrome", "certutil")
	t.Parallel()
	p, h := shared(t), newHome(t)
	callback := callbacks()["ops-browser"]
	args := []string{"login", p.issuer, "-p", "browser", "--ca-cert", p.ca,
		"--client-id", "ops-browser", "--client-secret-file", h.file("secret", h.secret(secretOf("ops-browser"))),
		"--redirect-uri", callback, "--scope", "openid email", "--browser", "none"}
	page, ended := h.login(p, args...)

	// The page a stranger sees, in a browser that does not know the authority:
	// were the certificate taken from anywhere else, this would load.
	stranger := openBrowser(t)
	if err := chromedp.Do(stranger, chromedp.Navigate(strings.TrimSuffix(callback, "callback"))); err == nil || !strings.Contains(err.Error(), "ERR_CERT_AUTHORITY_INVALID") {
		t.Errorf("got %v from a browser that does not trust the authority, want ERR_CERT_AUTHORITY_INVALID", err)
	}

	b := openBrowser(t, p.ca, h.authority())
	b.approves(t, page, ended)
	b.do(t, chromedp.WaitNotPresent(chromedp.CSS(`form[action$="/confirm"]`)))
	if where := b.read(t, chromedp.Location()); !strings.HasPrefix(where, callback) {
		t.Errorf("got to %s, want the listener's %s", where, callback)
	}
	if text := b.read(t, chromedp.Text(chromedp.CSS("body"))); !strings.Contains(strings.ToLower(text), "signed in") {
		t.Errorf("got the page %q, want one that says signed in", text)
	}
	var who struct{ Sub string }
	h.result("userinfo/1", &who, "userinfo")
	if who.Sub != "alice" {
		t.Errorf("got sub %q, want alice", who.Sub)
	}
}

// approves signs alice in at oidc-provider's pages, from the first one to the end
// of the login that waits for her.
func (b browser) approves(t *testing.T, page string, ended <-chan result) result {
	t.Helper()
	b.do(t,
		chromedp.Navigate(page),
		chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), "alice"),
		chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), password),
		chromedp.Click(chromedp.CSS(`form[action$="/login"] button`)),
		chromedp.WaitVisible(chromedp.CSS(`form[action$="/confirm"] button`)),
		chromedp.Click(chromedp.CSS(`form[action$="/confirm"] button`)))
	r := <-ended
	if r.code != 0 || r.stdout != "" {
		t.Fatalf("got exit code %d and %q on stdout, want 0 and nothing\nstderr:\n%s", r.code, r.stdout, r.stderr)
	}
	return r
}

// login starts a login that waits for a person, and returns the page it asks
// the person to open. The result comes when it ends.
func (h *home) login(p *provider, args ...string) (string, <-chan result) {
	h.t.Helper()
	ctx, stop := context.WithTimeout(h.t.Context(), 5*time.Minute)
	h.t.Cleanup(stop)
	cmd := h.command(ctx, args...)
	var stdout strings.Builder
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	pages, ended := make(chan string, 1), make(chan result, 1)
	go func() {
		var words strings.Builder
		lines := bufio.NewScanner(io.TeeReader(stderr, &words))
		found := regexp.MustCompile(regexp.QuoteMeta(p.issuer) + `/auth(orize)?\?\S+`)
		for lines.Scan() {
			if page := found.FindString(lines.Text()); page != "" && len(pages) == 0 {
				pages <- page
			}
		}
		io.Copy(&words, stderr)
		close(pages)
		ended <- h.ended(args, cmd.Wait(), stdout.String(), words.String())
	}()
	page, ok := <-pages
	if !ok {
		h.t.Fatalf("got no page to open, want one on stderr:\n%s", (<-ended).stderr)
	}
	return page, ended
}
