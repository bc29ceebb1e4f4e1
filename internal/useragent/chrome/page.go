package chrome

import (
	"context"
	_ "embed" // page.js
	"errors"
	"strings"
	"time"
)

//go:embed page.js
var script string

// A Frame is what stands in one frame at one moment.
type Frame struct {
	URL    string // address of its document
	Origin string // as the browser has it (RFC 6454); "null" for an opaque one
	HTML   string // what is seen, rebuilt: fields with what is in them, and data-rely to name them
	Whole  string // the document as it stands
	Type   string // its media type
	Status int    // of the answer that brought it; 0 where there was none

	id    string
	world int64
}

// Deeds are what to do with a page. Elements are named by data-rely.
type Deeds struct {
	Fills   []Fill   `json:"fills"`
	Marks   []Mark   `json:"marks"`
	Choices []Choice `json:"choices"`
	Press   int      `json:"press"`  // a button; -1 is none, and the form goes as if Enter was hit in the last field
	Submit  int      `json:"submit"` // a control whose form goes where nothing is filled or pressed; -1 is none
}

// A Fill is a text to type.
type Fill struct {
	At   int    `json:"at"`
	Text string `json:"text"`
}

// A Mark is a checkbox or radio button to be on or off.
type Mark struct {
	At int  `json:"at"`
	On bool `json:"on"`
}

// A Choice is what is chosen in a select: values, or words.
type Choice struct {
	At     int      `json:"at"`
	Values []string `json:"values"`
}

// Frames reads the page and every frame of it that is of the same site, the
// page itself first. A frame that goes while it is read is left out.
func (b *Browser) Frames(ctx context.Context) ([]Frame, error) {
	there, err := call[frames](ctx, b, "Page.getFrameTree", none{})
	if err != nil {
		return nil, err
	}
	var out []Frame
	var visit func(t tree)
	visit = func(t tree) {
		const most = 20
		if len(out) == most {
			return
		}
		f := Frame{id: t.Frame.ID}
		if err := b.enter(ctx, &f); err == nil {
			if read, err := run[Frame](ctx, b, f, "read", nil); err == nil {
				read.id, read.world = f.id, f.world
				b.mu.Lock()
				read.Status = b.status[f.id]
				b.mu.Unlock()
				out = append(out, read)
			}
		}
		for _, c := range t.Children {
			visit(c)
		}
	}
	visit(there.Tree)
	if len(out) == 0 || out[0].id != b.main {
		return nil, errors.New("the page went away while it was read")
	}
	return out, nil
}

// enter makes the world that the page's own scripts do not share.
func (b *Browser) enter(ctx context.Context, f *Frame) error {
	made, err := call[isolated](ctx, b, "Page.createIsolatedWorld", isolate{f.id, "rely"})
	f.world = made.World
	return err
}

// run calls one function of page.js in a frame. What it is given goes through
// the pipe and is shown nowhere.
func run[T any](ctx context.Context, b *Browser, f Frame, what string, given any) (T, error) {
	r, err := call[returned[T]](ctx, b, "Runtime.callFunctionOn", function{
		Declaration: "function (what, a) { return (" + script + ")(what, a) }", Arguments: []argument{{what}, {given}}, World: f.world,
		Silent: true, ByValue: true, Await: true, Gesture: true,
	})
	var zero T
	switch {
	case err != nil:
		return zero, err
	case r.Exception != nil:
		return zero, errors.New("the page's script: " + r.Exception.Text)
	case r.Result.Value == nil:
		return zero, errors.New("the page's script gave no value")
	}
	return *r.Result.Value, nil
}

// Do carries deeds out in the frame, if it is still the document that was read
// and of its origin: done is false where it is another by now, and nothing was
// typed then.
func (b *Browser) Do(ctx context.Context, f Frame, d Deeds) (done bool, err error) {
	what, err := run[string](ctx, b, f, "act", struct {
		Origin string `json:"origin"`
		Deeds
	}{f.Origin, d})
	if lost(err) {
		return true, nil // it left for another page while it was at it
	}
	return what == "done", err
}

// lost reports an error that says that the document is gone.
func lost(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "context") && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "navigated"))
}

// How long a page has to be still, how long it is waited for where it never is,
// and how long for the network.
const (
	quiet      = 150 * time.Millisecond
	longQuiet  = 5 * time.Second
	longSettle = 15 * time.Second
	blink      = 20 * time.Millisecond // between two documents there is none to watch
)

// Settle waits until the page is whole, stands still and waits for nothing from
// the network, or until it is clear that it never does.
func (b *Browser) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, longSettle)
	defer cancel()
	for ctx.Err() == nil && b.ctx.Err() == nil {
		n, change := b.waiting()
		if n > 0 {
			b.until(ctx, change, longSettle)
			continue
		}
		f := Frame{id: b.main}
		err := b.enter(ctx, &f)
		if err == nil {
			_, err = run[bool](ctx, b, f, "settle", map[string]int64{"quiet": quiet.Milliseconds(), "limit": longQuiet.Milliseconds()})
		}
		if err != nil {
			b.until(ctx, change, blink)
			continue
		}
		if m, again := b.waiting(); m == 0 && again == change {
			return nil
		}
	}
	return b.ctx.Err()
}

// Change waits until the page changes or asks the network for something, for
// limit at most, and reports whether it did.
func (b *Browser) Change(ctx context.Context, limit time.Duration) bool {
	n, change := b.waiting()
	if n > 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	changed := make(chan bool, 1)
	go func() {
		f := Frame{id: b.main}
		err := b.enter(ctx, &f)
		did := err != nil // it is between two documents
		if err == nil {
			did, err = run[bool](ctx, b, f, "change", map[string]int64{"limit": limit.Milliseconds()})
		}
		changed <- did || err != nil
	}()
	select {
	case <-change:
		return true
	case <-ctx.Done():
		return false
	case did := <-changed:
		return did
	}
}

// until waits for a channel to be closed, for limit at most.
func (b *Browser) until(ctx context.Context, change <-chan struct{}, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-change:
	case <-ctx.Done():
	}
}

// Picture is what the page looks like, its fields emptied, its pictures hidden
// and its words put through redact. The page is spoilt by that.
func (b *Browser) Picture(ctx context.Context, redact func(string) string) ([]byte, error) {
	f := Frame{id: b.main}
	if err := b.enter(ctx, &f); err != nil {
		return nil, err
	}
	texts, err := run[[]string](ctx, b, f, "texts", nil)
	if err != nil {
		return nil, err
	}
	struck := []Fill{}
	for i, text := range texts {
		if r := redact(text); r != text {
			struck = append(struck, Fill{i, r})
		}
	}
	if _, err := run[bool](ctx, b, f, "mask", map[string]any{"texts": struck}); err != nil {
		return nil, err
	}
	shot, err := call[screenshot](ctx, b, "Page.captureScreenshot", none{})
	return shot.Data, err
}
