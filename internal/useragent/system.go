package useragent

import (
	"context"
	"os/exec"
	"strings"
	"sync"

	"github.com/pkg/browser"

	"rely/internal/fault"
)

// system opens the URL in the person's own browser.
type system struct{ o Options }

func newSystem(o Options) Agent { return system{o} }

func (system) Name() string { return "system" }

// Visit starts the opener in the background and waits for its exit status
// until ctx ends: most openers hand the URL over and return, but a browser
// that had to be started can live as long as its window. One that still runs
// when ctx ends counts as opened, and runs on. Give Visit a short deadline, or
// call it beside the listener.
//
//	Protocol  useragent.url     the URL may not be opened; nothing was started
//	Config    useragent.system  no opener was found, or it says it could not
func (s system) Visit(ctx context.Context, v Visit) error {
	target, err := CheckURL(v.URL)
	if err != nil {
		return err
	}
	if err := ended(ctx, "open the browser"); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- s.open(target) }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-done:
		if err == nil {
			return nil
		}
		return &fault.Error{Kind: fault.Config, ID: "useragent.system", Op: "open the browser",
			Hint: "open the printed URL in any browser, or set BROWSER to a program that takes a URL", Err: err}
	}
}

// hushed guards pkg/browser's streams, which are variables of that package.
var hushed sync.Once

// open tries $BROWSER's programs; without that variable, the Windows side on
// WSL, and then pkg/browser.
func (s system) open(target string) error {
	chosen := s.o.getenv("BROWSER") != ""
	err := error(exec.ErrNotFound)
	for _, argv := range s.openers() {
		if err = s.run(argv, target); err == nil {
			return nil
		}
	}
	if chosen {
		return err
	}
	if s.o.Open != nil {
		return s.o.Open(target)
	}
	// nil is the null device. A pipe would break under a browser that chats on
	// when this process is gone, and stdout is for tokens.
	hushed.Do(func() { browser.Stdout, browser.Stderr = nil, nil })
	return browser.OpenURL(target)
}

// openers lists the command lines to try before pkg/browser.
func (s system) openers() [][]string {
	var list [][]string
	if programs := s.o.getenv("BROWSER"); programs != "" {
		separator, unix := ":", s.o.os() != "windows"
		if !unix {
			separator = ";"
		}
		for _, line := range strings.Split(programs, separator) {
			if argv, err := words(line, unix); err == nil && len(argv) > 0 {
				list = append(list, argv)
			}
		}
		return list
	}
	if Look(s.o).WSL {
		return [][]string{
			{"wslview"},
			{"rundll32.exe", "url.dll,FileProtocolHandler"},
			{"/mnt/c/Windows/System32/rundll32.exe", "url.dll,FileProtocolHandler"},
		}
	}
	return nil
}

// run starts a program that is not tied to this sign-in: the browser stays
// when the answer has come.
func (s system) run(argv []string, target string) error {
	argv = withURL(argv, target)
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = append([]string{}, s.o.Env...) // never nil, which would mean our own
	return c.Run()
}
