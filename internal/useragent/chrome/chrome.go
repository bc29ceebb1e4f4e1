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
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"
)

// Options are what a browser is started with.
type Options struct {
	Program string   // see [Find]
	Env     []string // of which the browser gets what it needs to start, and no more
	Root    bool     // this is root, whom the browser's sandbox refuses
	// Serve answers a request of the browser's; main says that the page itself
	// is asked for, not something on it. It is called by several goroutines at
	// once. An error fails the request.
	Serve func(r *http.Request, main bool) (*http.Response, error)
}

// A Browser is one that runs.
type Browser struct {
	ctx    context.Context // ends with the browser
	end    func()
	pipe   *pipe
	tab    string // empty until there is one
	serve  func(*http.Request, bool) (*http.Response, error)
	folder string
	main   string

	mu      sync.Mutex
	pending int            // requests under way
	change  chan struct{}  // closed and made anew when pending changes
	status  map[string]int // of the page in each frame
	serving sync.WaitGroup
}

// Open starts the program. The browser ends when ctx does, or with Close, which
// has to be called in any case: it takes the folder away.
func Open(ctx context.Context, o Options) (*Browser, error) {
	folder, err := os.MkdirTemp(base(os.TempDir()), "rely-chrome-")
	if err != nil {
		return nil, err
	}
	b := &Browser{serve: o.Serve, folder: folder, change: make(chan struct{}), status: map[string]int{}}
	b.ctx, b.end = context.WithCancel(ctx)
	b.pipe = newPipe(b.ctx, b.event)
	var output tail
	if err = b.start(o, &output); err == nil {
		err = b.prepare()
	}
	if err == nil {
		return b, nil
	}
	_ = b.Close()
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%s did not start within %s", o.Program, startLimit)
	} else if said := output.String(); said != "" {
		err = fmt.Errorf("%s did not start; it said: %s", o.Program, said)
	}
	return nil, err
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

// prepare takes over the one tab, and what it asks for.
func (b *Browser) prepare() error {
	ctx, started := context.WithTimeout(b.ctx, startLimit)
	defer started()
	id, err := b.blank(ctx)
	if err != nil {
		return err
	}
	in, err := call[attached](ctx, b, "Target.attachToTarget", attach{id, true})
	if err != nil {
		return err
	}
	b.tab = in.Session
	if _, err := call[none](ctx, b, "Page.enable", none{}); err != nil {
		return err
	}
	there, err := call[frames](ctx, b, "Page.getFrameTree", none{})
	if err != nil {
		return err
	}
	b.main = there.Tree.Frame.ID
	if _, err := call[none](ctx, b, "Emulation.setFocusEmulationEnabled", focus{true}); err != nil {
		return err
	}
	_, err = call[none](ctx, b, "Fetch.enable", none{})
	return err
}

// blank is the tab that the browser opens for itself, or one made here where
// it has not done so yet.
func (b *Browser) blank(ctx context.Context) (string, error) {
	there, err := call[targets](ctx, b, "Target.getTargets", none{})
	if err != nil {
		return "", err
	}
	for _, t := range there.Infos {
		if t.Type == "page" {
			return t.ID, nil
		}
	}
	made, err := call[created](ctx, b, "Target.createTarget", location{"about:blank"})
	return made.Target, err
}

// event is told what happens in the browser.
func (b *Browser) event(m *message) error {
	switch m.Method {
	case "Fetch.requestPaused":
		e := &paused{}
		if err := json.Unmarshal(m.Params, e); err != nil {
			return err
		}
		b.count(1)
		b.serving.Go(func() { b.answer(e) })
	case "Page.javascriptDialogOpening":
		e := &dialog{}
		if err := json.Unmarshal(m.Params, e); err != nil {
			return err
		}
		// A question is answered with no, as a person does who cannot read it.
		accept := e.Type == "alert" || e.Type == "beforeunload"
		b.serving.Go(func() {
			_, _ = call[none](b.ctx, b, "Page.handleJavaScriptDialog", dismissal{accept})
		})
	case "Inspector.targetCrashed", "Target.detachedFromTarget":
		return errEnded // there is one tab
	}
	return nil
}

// Limits of a browser that does not come up, or does not go.
const (
	startLimit = 60 * time.Second
	closeLimit = 20 * time.Second
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
	r, err := call[navigated](ctx, b, "Page.navigate", location{address})
	if err == nil && r.Error != "" {
		return errors.New(r.Error)
	}
	return err
}
