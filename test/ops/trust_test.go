package ops

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTrust: after "rely trust install" a browser takes the listener's
// authority without a word, and after "rely trust uninstall" it warns again.
func TestTrust(t *testing.T) {
	need(t, "chromium google-chrome", "certutil")
	t.Parallel()
	h := newHome(t)
	page := h.op() + "/.well-known/openid-configuration"
	h.exits(0, "trust", "install", "--only", "browsers")
	b := browserIn(t, h.dir)
	b.do(t, chromedp.Navigate(page))
	if text := b.read(t, chromedp.Text(chromedp.CSS("body"))); !strings.Contains(text, "authorization_endpoint") {
		t.Errorf("got the page %q, want the provider's metadata", text)
	}
	h.exits(0, "trust", "uninstall", "--only", "browsers")
	b = browserIn(t, h.dir)
	if err := chromedp.Do(b, chromedp.Navigate(page)); err == nil || !strings.Contains(err.Error(), "ERR_CERT_AUTHORITY_INVALID") {
		t.Errorf("got %v after uninstall, want ERR_CERT_AUTHORITY_INVALID", err)
	}
}

// TestTrustSystem does the same to the machine's own store, with curl for a
// witness, and so runs only where RELY_TEST_TRUST=1 says that it may.
func TestTrustSystem(t *testing.T) {
	need(t)
	if os.Getenv("RELY_TEST_TRUST") != "1" || os.Geteuid() != 0 && exec.Command("sudo", "-n", "true").Run() != nil {
		t.Skip("skipped: it changes the machine's store: needs RELY_TEST_TRUST=1, and root or sudo without a password")
	}
	h := newHome(t)
	page := h.op() + "/.well-known/openid-configuration"
	fetch := func(want bool) {
		t.Helper()
		out, err := exec.Command("curl", "-sS", page).CombinedOutput()
		if (err == nil) != want {
			t.Errorf("got %v from curl, want success: %t\n%s", err, want, out)
		}
	}
	fetch(false)
	t.Cleanup(func() { _ = h.command(t.Context(), "trust", "uninstall", "--only", "system").Run() })
	h.exits(0, "trust", "install", "--only", "system")
	fetch(true)
	h.exits(0, "trust", "uninstall", "--only", "system")
	fetch(false)
}

// op runs the embedded provider until the test ends, and returns its issuer.
func (h *home) op(args ...string) string {
	h.t.Helper()
	cmd := h.command(h.t.Context(), append([]string{"op", "--listen", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.TrimSpace(string(line[:n]))
}
