// Package chrome is a headless Chrome that lives for one walk: hands and eyes
// that decide nothing. It reads the live page as HTML, with what a person would
// see and no more, and types and presses what it is told to.
//
// The browser has no network of its own. Whatever it asks for is handed to the
// caller, who answers it; so there is one place that checks certificates, and
// no check of the browser's has to be switched off. Its home and its profile
// are a folder of their own, gone when it is closed, and it is steered through
// a pipe that nobody else can reach.
package chrome

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Options are what a browser is started with.
type Options struct {
	Program string   // see [Find]
	Env     []string // of which the browser gets what it needs to start, and no more
	// Serve answers a request of the browser's; main says that the page itself
	// is asked for, not something on it. It is called by several goroutines at
	// once. An error fails the request.
	Serve func(r *http.Request, main bool) (*http.Response, error)
}

// A Browser is one that runs.
type Browser struct {
	ctx    context.Context // ends with the browser
	target cdp.Session
	serve  func(*http.Request, bool) (*http.Response, error)
	folder string
	main   cdp.FrameID
	end    func()

	mu      sync.Mutex
	pending int                 // requests under way
	change  chan struct{}       // closed and made anew when pending changes
	status  map[cdp.FrameID]int // of the page in each frame
	serving sync.WaitGroup
}

// Open starts the program. The browser ends when ctx does, or with Close, which
// has to be called in any case: it takes the folder away.
func Open(ctx context.Context, o Options) (*Browser, error) {
	folder, err := os.MkdirTemp(base(os.TempDir()), "rely-chrome-")
	if err != nil {
		return nil, err
	}
	b := &Browser{serve: o.Serve, folder: folder, change: make(chan struct{}), status: map[cdp.FrameID]int{}}
	var output tail
	running, stop := chromedp.NewExecAllocator(ctx, b.flags(o, &output)...)
	tab, cancel := chromedp.NewContext(running, chromedp.WithErrorf(func(string, ...any) {}), chromedp.WithLogf(func(string, ...any) {}))
	b.ctx, b.end = tab, func() { cancel(); stop() }
	if err := b.prepare(); err != nil {
		b.Close()
		if said := output.String(); said != "" {
			err = fmt.Errorf("%s did not start; it said: %s", o.Program, said)
		}
		return nil, err
	}
	return b, nil
}

// base is where the browser's folder is made: its sockets are in it, whose
// names may have a hundred bytes.
func base(temporary string) string {
	const most = 30
	if runtime.GOOS != "windows" && len(temporary) > most {
		return "/tmp"
	}
	return temporary
}

// flags start the program with a profile of its own and without a network: what
// this package does not answer has no proxy to go to.
func (b *Browser) flags(o Options, output *tail) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(o.Program),
		chromedp.NoInheritEnv, chromedp.Env(environment(o.Env, b.folder)...),
		chromedp.UserDataDir(filepath.Join(b.folder, "profile")),
		chromedp.CombinedOutput(output),
		chromedp.ProxyServer("http://127.0.0.1:9"), chromedp.Flag("proxy-bypass-list", "<-loopback>"),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.Flag("no-pings", true),
		chromedp.Flag("disable-domain-reliability", true), chromedp.Flag("dns-prefetch-disable", true), chromedp.Flag("webrtc-ip-handling-policy", "disable_non_proxied_udp"),
		chromedp.DisableGPU, chromedp.Flag("lang", "en-US"), chromedp.WindowSize(1000, 900))
	// chromedp adds --no-sandbox where this is root, whom the sandbox refuses.
}

// environment is what a browser needs to start; home and temporary files are in
// folder. No other variable is passed on, whatever it holds.
func environment(env []string, folder string) []string {
	plain := []string{"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE"}
	out := []string{"HOME=" + folder, "TMPDIR=" + folder, "XDG_CONFIG_HOME=" + folder, "XDG_CACHE_HOME=" + folder, "XDG_DATA_HOME=" + folder, "XDG_RUNTIME_DIR=" + folder}
	if runtime.GOOS == "windows" {
		plain = []string{"PATH", "PATHEXT", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "PROGRAMDATA",
			"PROGRAMFILES", "PROGRAMFILES(X86)", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"}
		out = []string{"TEMP=" + folder, "TMP=" + folder}
	}
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		if slices.ContainsFunc(plain, func(p string) bool { return strings.EqualFold(p, name) }) {
			out = append(out, pair)
		}
	}
	return out
}

// prepare opens the one tab and takes over what it asks for.
func (b *Browser) prepare() error {
	// The first action starts the browser, and a start that hangs would hang us.
	starting, started := context.WithTimeout(context.Background(), startLimit)
	defer started()
	defer context.AfterFunc(starting, func() {
		if errors.Is(starting.Err(), context.DeadlineExceeded) {
			b.end()
		}
	})()
	err := chromedp.Do(b.ctx, func(_ context.Context, t *chromedp.Target) (chromedp.Void, error) {
		b.target = t
		return chromedp.Void{}, nil
	})
	if starting.Err() != nil {
		err = fmt.Errorf("it did not start within %s", startLimit)
	}
	if err != nil {
		return err
	}
	tree, err := cdp.Call(b.ctx, b.target, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return err
	}
	b.main = tree.FrameTree.Frame.ID
	paused := chromedp.Events(b.ctx, fetch.RequestPaused)
	b.serving.Go(func() {
		for e, err := range paused {
			if err != nil {
				return
			}
			b.count(1)
			b.serving.Go(func() { b.answer(&e) })
		}
	})
	dialogs := chromedp.Events(b.ctx, page.JavascriptDialogOpening)
	b.serving.Go(func() {
		for e, err := range dialogs {
			if err != nil {
				return
			}
			// A question is answered with no, as a person does who cannot read it.
			accept := e.Type == page.DialogTypeAlert || e.Type == page.DialogTypeBeforeunload
			_, _ = cdp.Call(b.ctx, b.target, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept})
		}
	})
	if _, err := cdp.Call(b.ctx, b.target, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		return err
	}
	_, err = cdp.Call(b.ctx, b.target, fetch.Enable, fetch.EnableParams{})
	return err
}

// Limits of a browser that does not come up, or does not go.
const (
	startLimit = 30 * time.Second
	closeLimit = 5 * time.Second
)

// Close ends the browser, waits until it is gone, and takes its folder away. It
// may be called more than once.
func (b *Browser) Close() error {
	b.end()
	b.serving.Wait()
	// Processes of the browser's may write on for a moment.
	closing, closed := context.WithTimeout(context.Background(), closeLimit)
	defer closed()
	err := os.RemoveAll(b.folder)
	for err != nil && closing.Err() == nil {
		b.until(closing, nil, blink)
		err = os.RemoveAll(b.folder)
	}
	return err
}

// Gone reports that the browser ended by itself.
func (b *Browser) Gone() bool { return b.ctx.Err() != nil }

// Go opens a page. It returns when the page has begun to come.
func (b *Browser) Go(ctx context.Context, address string) error {
	r, err := call(ctx, b, page.Navigate, page.NavigateParams{URL: address})
	if err == nil && r.ErrorText != "" {
		return errors.New(r.ErrorText)
	}
	return err
}

// call runs a command of the protocol as long as ctx and the browser live.
func call[P, R any](ctx context.Context, b *Browser, command cdp.Command[P, R], params P) (R, error) {
	both, cancel := context.WithCancel(b.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return cdp.Call(both, b.target, command, params)
}

// A tail keeps the end of what the program says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements [io.Writer].
func (t *tail) Write(p []byte) (int, error) {
	const most = 16 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(p), nil
}

// String is what it ended for, as far as it says so: the line that is marked
// as that, else the last one.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	said := ""
	for line := range strings.Lines(string(t.text)) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !strings.Contains(said, "FATAL") {
			said = line
		}
	}
	return said
}
