package chrome

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// start starts the program with a pipe to it. Everything that belongs to it is
// over when b.serving is: the process, those that it started, and the pipe.
func (b *Browser) start(o Options, output *tail) error {
	theirs, ours, err := pipes()
	if err != nil {
		return err
	}
	// They have their own copies, or never will.
	defer closeAll(theirs)
	cmd := exec.CommandContext(b.ctx, o.Program, arguments(b.folder, o.Root)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(o.Env, b.folder), output, output
	cmd.WaitDelay = time.Second // for what a process that it left behind still says
	cmd.Cancel = func() error { return kill(cmd.Process) }
	if err = give(cmd, theirs, ours); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		closeAll(ours)
		return err
	}
	exited, exit := context.WithCancel(context.Background())
	b.serving.Go(func() {
		_ = cmd.Wait()
		exit()
		b.end()
		_ = kill(cmd.Process) // and what it left behind
		closeAll(ours)
	})
	b.serving.Go(func() { b.pipe.send(ours[1]) })
	b.serving.Go(func() {
		defer b.end()
		if b.pipe.receive(ours[0]) == nil {
			// It says no more. It may still say why, on its standard error.
			going, gone := context.WithTimeout(b.ctx, closeLimit)
			defer gone()
			defer context.AfterFunc(exited, gone)()
			<-going.Done()
		}
	})
	return nil
}

// pipes makes the two pipes: theirs and ours are the ends to read from and to
// write to.
func pipes() (theirs, ours [2]*os.File, err error) {
	if theirs[0], ours[1], err = os.Pipe(); err != nil {
		return theirs, ours, err
	}
	if ours[0], theirs[1], err = os.Pipe(); err != nil {
		closeAll(theirs)
		closeAll(ours)
	}
	return theirs, ours, err
}

func closeAll(files [2]*os.File) {
	for _, f := range files {
		_ = f.Close() // nil has an error for that
	}
}

// arguments start a browser that nobody sees, with a profile of its own and
// without a network: what this package does not answer has no proxy to go to.
// Most of them are what Puppeteer and chromedp start it with.
func arguments(folder string, root bool) []string {
	list := []string{
		"--headless", "--hide-scrollbars", "--mute-audio", "--disable-gpu", "--enable-unsafe-swiftshader", "--window-size=1000,900", "--lang=en-US",
		"--user-data-dir=" + filepath.Join(folder, "profile"), "--no-first-run", "--no-default-browser-check",
		"--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>", "--disable-quic", "--no-pings", "--disable-domain-reliability",
		"--dns-prefetch-disable", "--webrtc-ip-handling-policy=disable_non_proxied_udp",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--safebrowsing-disable-auto-update",
		"--disable-client-side-phishing-detection", "--disable-breakpad", "--metrics-recording-only",
		"--disable-default-apps", "--disable-extensions", "--disable-features=Translate,BlinkGenPropertyTrees", "--enable-features=NetworkService,NetworkServiceInProcess",
		"--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
		"--disable-hang-monitor", "--disable-ipc-flooding-protection", "--disable-popup-blocking", "--disable-prompt-on-repost",
		"--disable-dev-shm-usage", "--force-color-profile=srgb", "--enable-automation", "--password-store=basic", "--use-mock-keychain",
		"--remote-debugging-pipe",
	}
	if root {
		list = append(list, "--no-sandbox") // which refuses root
	}
	return append(list, "about:blank")
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
