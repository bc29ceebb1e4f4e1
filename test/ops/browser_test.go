package ops

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A browser is a headless Chromium with a home of its own, so that nothing of
// the person who runs the tests is read or changed. It trusts the usual roots
// and the authorities it is given, by the same certificate database that
// "rely trust install" would write to, and no flag switches a check off.
type browser struct{ context.Context }

func openBrowser(t *testing.T, authorities ...string) browser {
	t.Helper()
	home := t.TempDir()
	db := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(db, 0o700); err != nil {
		t.Fatal(err)
	}
	certutil(t, db, "-N", "--empty-password")
	for i, pem := range authorities {
		certutil(t, db, "-A", "-t", "C,,", "-n", fmt.Sprint("authority ", i), "-i", pem)
	}
	return browserIn(t, home)
}

// browserIn is a browser of the person whose home it is.
func browserIn(t *testing.T, home string, more ...chromedp.ExecAllocatorOption) browser {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoInheritEnv,
		chromedp.Env("HOME="+home, "PATH="+os.Getenv("PATH"), "TMPDIR="+home),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(5*time.Minute), // it comes up late on a busy machine
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true))
	opts = append(opts, more...)
	if os.Geteuid() == 0 {
		// Chromium's sandbox refuses root, which CI often is.
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	return browser{ctx}
}

// do runs steps in the browser's tab.
func (b browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b, steps...); err != nil {
		where, _ := chromedp.Run(b, chromedp.Location())
		t.Fatalf("in the browser, at %s: %v", where, err)
	}
}

// read runs one question in the browser's tab.
func (b browser) read(t *testing.T, question chromedp.Action[string]) string {
	t.Helper()
	answer, err := chromedp.Run(b, question)
	if err != nil {
		t.Fatalf("in the browser: %v", err)
	}
	return answer
}

func certutil(t *testing.T, db string, args ...string) {
	t.Helper()
	if out, err := exec.Command("certutil", append([]string{"-d", "sql:" + db}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("certutil %v: %v\n%s", args, err, out)
	}
}
