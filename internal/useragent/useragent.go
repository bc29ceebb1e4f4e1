// Package useragent walks the login page, or finds somebody who does: the
// system's browser, a command of the user's, nobody (the person opens the
// printed URL), plain HTTP that fills in HTML forms, or a headless Chrome.
//
// It refuses to start anything for a URL that is not https (or http on
// loopback), never uses a shell, never writes to stdout, types a password only
// into a form on an origin it was told of, and sends that password once. It
// reads no answer: the loopback listener judges what comes back.
package useragent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"rely/internal/fault"
	"rely/internal/recipe"
	"rely/internal/secret"
	"rely/internal/totp"
	"rely/internal/useragent/capture"
)

// A Visit is one page to be walked.
type Visit struct {
	// URL is where to start: the authorization request, a page to end the
	// session, a device's verification page. Every agent puts it through
	// [CheckURL] first.
	URL string
	// RedirectURI is where the walk ends. Empty means that it ends with the
	// page that follows the last form (a device login).
	RedirectURI string
	// Origins are the scheme://host[:port] where user name and password may be
	// typed. None means nowhere.
	Origins []string
	// SignOut says that a session is to end: the pages on the way ask whether to
	// sign out, and the answer is yes.
	SignOut bool
	// Begun, where it is not nil, is called once the first request has its
	// connection, by agents of which [Begins] is true.
	Begun func()
	// Came, where it is not nil, reports whether the answer arrived at
	// RedirectURI. An agent that carries it there itself sends it again where a
	// connection was lost on the way.
	Came func() bool
}

// An Agent walks login pages. It may be used for several visits at once.
type Agent interface {
	// Name is the agent's name in the table, or the command line it runs.
	Name() string
	// Visit returns when the agent has done what it can: nil means that the
	// answer is on its way to the redirect URI, or that a person has the URL.
	// It may take as long as the sign-in does, so call it beside the listener.
	// Every error is a [*fault.Error]; "useragent." begins its ID.
	Visit(ctx context.Context, v Visit) error
}

// Dismiss ends what an agent still has under way, and waits until nothing of it
// is left behind. An agent that started no program of its own has nothing.
func Dismiss(a Agent) {
	if c, ok := a.(interface{ Close() }); ok {
		c.Close()
	}
}

// Options are what agents need of the world around them. The zero value opens
// nothing on a machine without a display.
type Options struct {
	// Stderr takes what a command prints, on stdout too. nil throws it away.
	Stderr io.Writer
	// HTTP carries the requests of forms and chrome, which need it. It has to
	// trust the listener's certificate.
	HTTP http.RoundTripper
	// Timeout bounds each request of forms to the provider's pages; 0 does not.
	Timeout time.Duration
	// Username and Password are typed by forms and chrome.
	Username string
	Password secret.String
	// Env is the whole environment of the programs this package starts. It
	// must hold no secret; nil gives them none at all. What pkg/browser starts
	// inherits the process's own.
	Env []string
	// Open replaces pkg/browser. It may return when the browser ends.
	Open func(url string) error
	// TOTP makes the one-time codes that forms types; the zero value makes none.
	TOTP totp.Key
	// Origins are further ones where user name, password and code may be typed,
	// besides those of each visit.
	Origins []string
	// Recipe says what to do with pages that forms does not understand by itself.
	Recipe recipe.Recipe
	// Record, if set, is told of each form that was sent without a recipe.
	Record func(recipe.Step)
	// Pages keeps each page that could not be handled; nil keeps none. With
	// EveryPage it keeps every page.
	Pages     *capture.Folder
	EveryPage bool
	// Now is the clock for one-time codes, needed with TOTP.
	Now func() time.Time
	// Getenv looks a variable up: BROWSER, DISPLAY, SSH_CONNECTION and their
	// like. nil means that none is set.
	Getenv func(string) string
	// ReadFile reads the few files that tell WSL and containers. nil means
	// that none exists.
	ReadFile func(name string) ([]byte, error)
	// Root says that this is root, who runs a browser without its sandbox.
	Root bool
	// OS is a GOOS value. Empty means the one this was built for.
	OS string
}

// An Entry is one user agent of the table.
type Entry struct {
	Name string // the value of --browser
	Help string // one line, for help and completion
	New  func(Options) Agent
	// Possible says why the agent cannot work here, as a [*fault.Error] of
	// kind Config; nil means that it is worth trying.
	Possible func(Options) error
}

// All is the table of user agents, in the order help shows.
func All() []Entry {
	always := func(Options) error { return nil }
	return []Entry{
		{"system", "the system's browser", newSystem, systemPossible},
		{"none", "nobody; open the printed URL in any browser", newNone, always},
		{"forms", "plain HTTP that fills in HTML forms, for CI and test users", newForms, always},
		{"chrome", "a headless Chrome or Chromium, for pages that need scripts", newChromium, chromiumPossible},
	}
}

// Choose gives the agent that --browser names: an entry of the table, else a
// command line, split into words as a POSIX shell does but never given to one.
// The empty name means [Default].
//
//	Usage   useragent.unknown     neither an entry nor a program
//	Config  useragent.impossible  the entry cannot work here
func Choose(name string, o Options) (Agent, error) {
	if name == "" {
		name, _ = Default(o)
	}
	var names []string
	for _, e := range All() {
		names = append(names, e.Name)
		if e.Name != name {
			continue
		}
		if err := e.Possible(o); err != nil {
			return nil, err
		}
		return e.New(o), nil
	}
	unknown := &fault.Error{
		Kind: fault.Usage, ID: "useragent.unknown", Op: "choose who walks the login page",
		Hint: fault.Meant(name, names, "use --browser ", "use --browser with one of "+strings.Join(names, ", ")+", or with a command that takes a URL"),
	}
	argv, err := words(name, o.os() != "windows")
	switch {
	case err != nil:
		unknown.Err = fmt.Errorf("%s in %q", err, name)
		return nil, unknown
	case len(argv) == 0:
		unknown.Err = errors.New("the name is blank")
		return nil, unknown
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		unknown.Err = fmt.Errorf("%q is neither a name of the table nor a program on the PATH", argv[0])
		return nil, unknown
	}
	return command{o, name, argv}, nil
}

// none leaves the URL to the person, who has it on the screen.
type none struct{}

func newNone(Options) Agent { return none{} }

func (none) Name() string { return "none" }

func (none) Visit(context.Context, Visit) error { return nil }

// ended words the end of ctx, and is nil while ctx goes on.
func ended(ctx context.Context, op string) error {
	switch err := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &fault.Error{Kind: fault.Unfinished, ID: "useragent.unfinished", Op: op,
			Hint: "run it again with a longer time limit", Err: errors.New("the time limit passed")}
	default:
		return &fault.Error{Kind: fault.Cancelled, ID: "useragent.cancelled", Op: op, Err: err}
	}
}
