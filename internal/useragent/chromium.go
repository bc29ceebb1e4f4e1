package useragent

import (
	"context"
	"fmt"
	"sync"

	"rely/internal/fault"
	"rely/internal/useragent/chrome"
)

// chromium walks login pages with a headless Chrome, for pages that need
// scripts. What to do with a page is decided as for [forms]; a browser does it.
type chromium struct {
	o     Options
	stop  context.CancelFunc // ends every visit
	ended context.Context
	under *sync.WaitGroup // visits
}

func newChromium(o Options) Agent {
	ended, stop := context.WithCancel(context.Background())
	return chromium{o, stop, ended, &sync.WaitGroup{}}
}

func (chromium) Name() string { return "chrome" }

// Close ends the visits under way and waits until no browser and no folder of
// one is left.
func (c chromium) Close() {
	c.stop()
	c.under.Wait()
}

func chromiumPossible(o Options) error {
	if _, err := chrome.Find(o.os(), o.getenv); err != nil {
		return &fault.Error{Kind: fault.Config, ID: "useragent.impossible", Op: "start a headless browser", Err: err,
			Hint: "install Chromium, or set " + chrome.Variable + " to the program"}
	}
	return nil
}

// Visit walks as [forms] does, with these differences. The browser has a
// profile of its own, which is gone when Visit returns, and no network: every
// request of a page goes out through Options.HTTP, and is refused where its URL
// may not be requested or where it would carry the password to an origin that
// may not have it. The password is typed only after a look at the origin of the
// very frame that has the field. A page that is not understood is given five
// seconds to become another one.
//
// The IDs of errors are those of forms, and
//
//	Config  useragent.chrome  the browser did not start, or ended by itself
func (c chromium) Visit(ctx context.Context, v Visit) error {
	c.under.Add(1)
	defer c.under.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ended, cancel)()
	w, start, err := begin(c.Name(), c.o, v)
	if err != nil {
		return err
	}
	w.scripts = true
	program, err := chrome.Find(c.o.os(), c.o.getenv)
	if err != nil {
		return noBrowser(err)
	}
	over, stop := context.WithCancel(ctx)
	defer stop()
	t := &tab{walk: w, visit: ctx, over: over, stop: stop, aside: make(chan error, 1), sent: make(chan error, 1)}
	if t.b, err = chrome.Open(ctx, chrome.Options{Program: program, Env: c.o.Env, Root: c.o.Root, Serve: t.serve}); err != nil {
		if err := ended(ctx, walkOp); err != nil {
			return err
		}
		return noBrowser(err)
	}
	if c.o.Root && c.o.Stderr != nil {
		fmt.Fprintln(c.o.Stderr, "rely: note: the browser runs without its sandbox, which refuses root")
	}
	err = w.kept(t.run(start))
	// The answer is on its way, and the browser goes while it is.
	if closed := t.b.Close(); closed != nil && err == nil {
		err = noBrowser(closed)
	}
	if err == nil && t.answering.Load() {
		err = <-t.sent
	}
	return err
}

func noBrowser(err error) error {
	return &fault.Error{Kind: fault.Config, ID: "useragent.chrome", Op: "start a headless browser", Err: err,
		Hint: "start the browser once by hand and see what it says, or set " + chrome.Variable + " to another one"}
}
